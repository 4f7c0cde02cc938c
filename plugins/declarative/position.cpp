// SPDX-License-Identifier: Apache-2.0
#include "position.hpp"

#include <algorithm>
#include <charconv>

#include "links.hpp"

namespace koppel::declarative {
namespace {

using namespace koppel::sdk;
using std::chrono::milliseconds;

constexpr std::size_t longest_place = 8192;  // as the host's URLs

std::optional<time_point> time_in(const json& place) {
  const auto number = place.integer();
  return number ? std::optional(time_point(milliseconds(*number))) : std::nullopt;
}

void add_time(json_object& to, std::string_view name, std::optional<time_point> when) {
  if (when) to.add(name, std::int64_t{when->time_since_epoch().count()});
}

/// Nothing for a cursor of another description, or none of ours.
std::optional<position> within(const described_stream& s, const json& cursor) {
  if (cursor["paging"].text() != to_text(s.pages.how)) return std::nullopt;
  position out;
  out.at = cursor["at"].text().value_or("");
  out.pages = cursor["pages"].integer().value_or(0);
  out.shown = cursor["shown"].text().value_or("");
  out.from = time_in(cursor["from"]);
  out.newest = time_in(cursor["newest"]);
  const auto begun = time_in(cursor["begun"]);
  if (out.at.empty() || !begun) return std::nullopt;
  out.begun = *begun;
  return out;
}

json read_cursor(std::string_view text) {
  try {
    return json::parse(text);
  } catch (const job_failure&) {
    return {};
  }
}

std::string wire_time(const incremental& changes, time_point when) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(when);
  switch (changes.as) {
    case incremental::time_format::date:
      // A day earlier: in whose time zone the provider's days begin, nobody knows.
      return format_time(seconds - std::chrono::days(1)).substr(0, 10);
    case incremental::time_format::epoch_s:
      return std::to_string(seconds.time_since_epoch().count());
    case incremental::time_format::epoch_ms:
      return std::to_string(when.time_since_epoch().count());
    case incremental::time_format::rfc3339:
      break;
  }
  return format_time(seconds);
}

/// FNV-1a over the ids of a page, or over its rows where they have none.
std::string digest_of(const described_stream& s, const json_items& rows) {
  std::uint64_t hash = 14695981039346656037u;
  for (const auto& row : rows) {
    const auto id = row.at(s.id);
    for (const char c : (id ? id : row).dump() + "\n") hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }
  return rows.empty() ? std::string() : std::to_string(hash);
}

std::int64_t number_of(const position& at, std::int64_t otherwise) {
  std::int64_t out = otherwise;
  std::from_chars(at.at.data(), at.at.data() + at.at.size(), out);
  return out;
}

job_failure stuck(const std::string& what) { return {verdict::bug, "the provider " + what}; }

/// What the answer says about more pages; nothing where it has no word for that.
std::optional<bool> says_more(const described_stream& s, const page_seen& seen) {
  if (seen.answer.status == 204) return false;
  if (s.pages.more.empty()) return std::nullopt;
  const auto more = seen.answer.json().at(s.pages.more).boolean();
  if (!more) throw stuck("does not say at " + s.pages.more + " whether there are more pages");
  if (*more && seen.rows.empty()) throw stuck("says that there are more pages, and shows an empty one");
  return more;
}

/// The next page's cursor or link; empty: there is none.
std::string named_next(const described_stream& s, const page_seen& seen) {
  if (s.pages.how == paging::style::link && s.pages.next.empty()) {
    const auto link = next_of_link_header(seen.answer.headers);
    return link.empty() ? link : on_the_same_host(link, seen.url);
  }
  const auto place = seen.answer.json().at(s.pages.next);
  if (place.is_absent() || place.is_null()) return {};
  const auto number = place.integer();
  if (!place.text() && !number) throw stuck("has at " + s.pages.next + " neither a text nor a number");
  const std::string next = place.text() ? std::string(*place.text()) : std::to_string(*number);
  if (next.empty() || s.pages.how == paging::style::cursor) return next;
  return on_the_same_host(next, seen.url);
}

/// Moves `at` to the next page. False: there is none.
bool move_on(const described_stream& s, position& at, const page_seen& seen) {
  using style = paging::style;
  const auto more = says_more(s, seen);
  if (s.pages.how == style::none || more == false) return false;
  if (s.pages.how == style::cursor || s.pages.how == style::link) {
    auto next = named_next(s, seen);
    if (next.empty() && more == true) throw stuck("says that there are more pages, and not where");
    if (next.empty()) return false;
    if (next == at.at || next == seen.url) throw stuck("names as the next page the one that it has just shown");
    if (next.size() > longest_place) throw stuck("names a next page in more than 8192 bytes");
    at.at = std::move(next);
    return true;
  }
  const auto rows = static_cast<std::int64_t>(seen.rows.size());
  if (!more && (rows == 0 || (s.pages.short_page_ends && rows < s.pages.size))) return false;
  at.at = std::to_string(number_of(at, s.pages.first) + (s.pages.how == style::page ? 1 : rows));
  return true;
}

}  // namespace

position first_position(const described_stream& s, const sync& run) {
  position out;
  out.begun = run.now();
  if (run.cursor().empty() || (run.full() && !run.resumed())) return out;
  const auto cursor = read_cursor(run.cursor());
  if (run.resumed())
    if (const auto there = within(s, cursor)) return *there;
  // The end of a run, or a cursor that says nothing to this description: what changed since, or else everything.
  if (const auto next = time_in(cursor["next"]); next && s.changes) out.from = std::min(*next, run.now());
  return out;
}

std::string cursor_within(const described_stream& s, const position& at) {
  auto out = json_object().add("paging", to_text(s.pages.how)).add("at", at.at).add("pages", at.pages);
  out.add("shown", at.shown);
  add_time(out, "from", at.from);
  add_time(out, "newest", at.newest);
  add_time(out, "begun", at.begun);
  return out.text();
}

// What changes while the list is read may be missing in the pages that were read before: so the next run begins no
// later than this one did. And the provider's clock counts, not ours, as far as its rows tell it.
std::string cursor_at_the_end(const described_stream& s, const position& at) {
  json_object out;
  if (!s.changes) return out.text();
  std::optional<time_point> next = at.from;
  if (s.updated_at.empty() || !at.from) next = at.begun;
  if (at.newest) next = std::min(*at.newest, at.begun);
  if (at.from && next) next = std::max(*next, *at.from);
  add_time(out, "next", next);
  return out.text();
}

finder placeholders(const described_stream& s, const position& at) {
  return [&s, &at](std::string_view name) -> std::optional<placed> {
    if (name == "page" || name == "offset") return placed{std::to_string(number_of(at, s.pages.first)), true};
    if (name == "size") return placed{std::to_string(s.pages.size), true};
    if (name == "cursor" && !at.at.empty()) return placed{at.at, false};
    if (name != "since" || !s.changes || !at.from) return std::nullopt;
    using format = incremental::time_format;
    const bool number = s.changes->as == format::epoch_s || s.changes->as == format::epoch_ms;
    return placed{wire_time(*s.changes, *at.from - s.changes->overlap), number};
  };
}

bool go_on(const described_stream& s, position& at, const page_seen& seen) {
  ++at.pages;
  auto shown = digest_of(s, seen.rows);
  const bool counted = s.pages.how == paging::style::page || s.pages.how == paging::style::offset;
  if (!shown.empty() && shown == at.shown)
    throw stuck(counted ? "shows the same page again; does it know the parameter that should turn it?"
                        : "shows the same page again");
  at.shown = std::move(shown);
  if (!move_on(s, at, seen)) return false;
  if (at.pages >= s.pages.most_pages)
    throw stuck("has more than " + std::to_string(s.pages.most_pages) +
                " pages; raise paging.most_pages if that is so");
  return true;
}

}  // namespace koppel::declarative
