// SPDX-License-Identifier: Apache-2.0
// The connector of providers without code: it reads the streams that a manifest describes. One library beside
// koppel-runner serves every such manifest, each in a process of its own.
#include <koppel/sdk/plugin.hpp>

#include <algorithm>

#include "description.hpp"
#include "position.hpp"

namespace koppel::declarative {

using namespace koppel::sdk;

class declarative : public connector {
 public:
  void manifest(std::string_view text) override;
  std::string base_url(const job& run) const override;
  task<> probe(probe_run& run) override;

 private:
  task<> read(sync& run);
  task<record> one(job& run, std::string id);
  const described_stream& described(const job& run) const;

  description what_;
};

namespace {

/// A text, or a whole number as text; empty where neither is there.
std::string text_at(const json& row, const std::string& path) {
  const auto place = row.at(path);
  if (const auto text = place.text()) return std::string(*text);
  const auto number = place.integer();
  return number ? std::to_string(*number) : std::string();
}

/// RFC 3339, a date, or seconds or milliseconds since 1970.
std::optional<time_point> time_at(const json& row, const std::string& path) {
  constexpr std::int64_t no_more_seconds = 100'000'000'000;  // the year 5138
  const auto place = row.at(path);
  if (const auto text = place.text()) {
    const auto when = parse_time(*text);
    return when ? when : parse_time(std::string(*text) + "T00:00:00Z");
  }
  const auto number = place.integer();
  if (!number || *number <= 0) return std::nullopt;
  return *number < no_more_seconds ? time_point(std::chrono::seconds(*number))
                                   : time_point(std::chrono::milliseconds(*number));
}

record to_record(const described_stream& s, const json& row) {
  const auto id = text_at(row, s.id);
  if (id.empty()) throw unmappable("a row without a text or a whole number at " + s.id);
  if (s.updated_at.empty()) return s.fields->map(row, id, std::nullopt);
  const auto when = time_at(row, s.updated_at);
  auto out = s.fields->map(row, id, when);
  const auto value = row.at(s.updated_at);
  if (!when && value && !value.is_null()) out.left_out.push_back(field_value::unreadable(s.updated_at).why_left_out);
  return out;
}

/// The rows of an answer. A list that is missing is not an empty one; "204 No Content" says that there is nothing.
json_items rows_of(const described_stream& s, const response& answer) {
  if (answer.status == 204) return {};
  const auto list = answer.json().at(s.records);
  if (!list.is_array())
    throw job_failure(verdict::bug, "an answer without a list at " + (s.records.empty() ? "its top" : s.records));
  return list.items();
}

request list_request(const job& run, const description& what, const described_stream& s, const position& at) {
  const auto find = placeholders(s, at);
  if (s.pages.how == paging::style::link && !at.at.empty()) return build_to(run, s.request, what.headers, find, at.at);
  return build(run, s.request, what.headers, find);
}

void take_rows(const described_stream& s, const json_items& rows, page& into, position& at) {
  for (const auto& row : rows) {
    into.add_row(row, [&s](const json& each) { return to_record(s, each); });
    if (s.updated_at.empty()) continue;
    if (const auto when = time_at(row, s.updated_at)) at.newest = at.newest ? std::max(*at.newest, *when) : *when;
  }
}

std::optional<placed> nothing(std::string_view) { return std::nullopt; }

}  // namespace

void declarative::manifest(std::string_view text) {
  what_ = read_description(text);
  cursor_version(what_.cursor_version);
  for (const auto& each : what_.streams) stream(each.name, each.entity, &declarative::read, &declarative::one);
}

std::string declarative::base_url(const job& run) const {
  const auto url = what_.base_url.fill(with_settings(run, nothing));
  if (!url) throw job_failure(verdict::bad_settings, "a setting that api.base_url needs is not set");
  return *url;
}

const described_stream& declarative::described(const job& run) const {
  for (const auto& each : what_.streams)
    if (each.name == run.stream()) return each;
  throw job_failure(verdict::permanent, "the manifest has no such stream");
}

task<> declarative::read(sync& run) {
  const auto& s = described(run);
  auto at = first_position(s, run);
  for (bool more = true; more;) {
    auto request = list_request(run, what_, s, at);
    const std::string url = request.url;
    const auto answer = co_await run.http(std::move(request));
    const auto rows = rows_of(s, answer);
    auto page = run.page();
    take_rows(s, rows, page, at);
    const page_seen seen{answer, url, rows};
    more = go_on(s, at, seen);
    auto cursor = more ? cursor_within(s, at) : cursor_at_the_end(s, at);
    co_await page.commit(std::move(cursor));
  }
}

// "Not there" is the proof that leads to a deletion: 404 and 410 say it of this id, nothing else does.
task<record> declarative::one(job& run, std::string id) {
  const auto& s = described(run);
  if (!s.one) throw job_failure(verdict::permanent, "the manifest describes no read of one record for this stream");
  const finder find = [&id](std::string_view name) {
    return name == "id" ? std::optional(placed{id, false}) : std::nullopt;
  };
  auto request = build(run, s.one->request, what_.headers, find);
  const auto answer = co_await run.http_any(request);
  const int status = answer.status;
  if ((status == 404 || status == 410) && !answer.is_page()) co_return record::not_there(s.entity, id);
  // The list was read in the same run: it is this one record that is not shown.
  if (status == 204 || status == 400 || status == 403 || status == 422) throw unmappable("a record that is not shown");
  if (!answer.ok()) throw http_error(request, answer);
  auto row = answer.json().at(s.one->record);
  if (row.is_array() && row.size() == 1) row = row.items()[0];
  if (!row.is_object()) throw unmappable("an answer without one record");
  auto found = to_record(s, row);
  if (found.id != id) throw unmappable("another record than was asked for");
  co_return found;
}

// A stream that this grant may not read is known by 403 to its first request.
task<> declarative::probe(probe_run& run) {
  const finder find = nothing;
  auto request = build(run, what_.probe.request, what_.headers, find);
  const auto answer = co_await run.http(std::move(request));
  const auto account = text_at(answer.json(), what_.probe.account);
  if (account.empty())
    throw job_failure(verdict::bug, "the probe's answer has no text or whole number at " + what_.probe.account);
  for (const auto& s : what_.streams) {
    const auto one_row = [&s](std::string_view name) -> std::optional<placed> {
      if (name == "size") return placed{"1", true};
      return placeholders(s, {})(name);
    };
    auto first = build(run, s.request, what_.headers, one_row);
    const auto shown = co_await run.http_any(first);
    if (shown.status == 403)
      run.stream_refused(s.name);
    else if (!shown.ok())
      throw http_error(first, shown);
  }
  run.account(account, what_.probe.name.empty() ? "" : text_at(answer.json(), what_.probe.name));
}

}  // namespace koppel::declarative

KOPPEL_PLUGIN(koppel::declarative::declarative)
