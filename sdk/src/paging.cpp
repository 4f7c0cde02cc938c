// SPDX-License-Identifier: Apache-2.0
#include <koppel/sdk/paging.hpp>

#include <algorithm>
#include <charconv>

namespace koppel::sdk {
namespace {

using std::chrono::seconds;
constexpr std::string_view no_time = "none";

job_failure broken(std::string_view who, const std::string& what) {
  return {verdict::bug, std::string(who) + ' ' + what};
}

}  // namespace

std::string format_seconds(time_point when) {
  auto text = format_time(std::chrono::floor<seconds>(when));
  text.pop_back();
  return text + "+00:00";
}

std::string format_milliseconds(time_point when) {
  auto text = format_time(when);
  if (text.find('.') == std::string::npos) text.insert(text.size() - 1, ".000");
  return text;
}

std::string cursor_word(std::optional<time_point> when, std::string (*format)(time_point)) {
  return when ? format(*when) : std::string(no_time);
}

std::string_view cursor_words::word() {
  const auto out = rest_.substr(0, rest_.find(' '));
  rest_.remove_prefix(std::min(out.size() + 1, rest_.size()));
  return out;
}

std::optional<time_point> cursor_words::time(std::optional<time_point> (*parse)(std::string_view)) {
  const auto text = word();
  const auto out = text == no_time ? std::nullopt : parse(text);
  sound_ = sound_ && (out || text == no_time);
  return out;
}

std::int64_t cursor_words::number(std::int64_t least) {
  const auto text = word();
  std::int64_t out = least;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), out);
  sound_ = sound_ && fault == std::errc() && end == text.data() + text.size() && out >= least;
  return out;
}

list_page page_of(const response& answer, const list_paths& at, std::string_view who) {
  if (answer.status == 204 || answer.status == 304) return {};
  const auto more = answer.json().at(at.more).boolean();
  if (!more) throw broken(who, "does not say whether the list goes on");
  return {answer.array(at.rows), *more, std::string(answer.json().at(at.next).text().value_or(""))};
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string out;
  for (const auto& word : words) out.append(out.empty() ? "" : between).append(word);
  return out;
}

std::vector<record> records_of(const json_items& rows, const std::function<record(const json&)>& map) {
  std::vector<record> out;
  for (const auto& row : rows) {
    try {
      out.push_back(map(row));
    } catch (const unmappable&) {
      continue;
    }
  }
  return out;
}

time_point with_overlap(const job& run, time_point since, std::chrono::milliseconds overlap) {
  return std::min(since, run.now()) - overlap;
}

std::vector<time_point> times_of(const json_items& rows, std::string_view path) {
  std::vector<time_point> out;
  for (const auto& row : rows)
    if (const auto when = parse_time(row.at(path).text().value_or(""))) out.push_back(*when);
  return out;
}

std::optional<time_point> newest_of(const std::vector<time_point>& times, time_point now) {
  std::optional<time_point> newest;
  for (const auto& when : times)
    if (when <= now) newest = std::max(newest, std::optional(when));
  return newest;
}

std::optional<time_point> newest_second(const json_items& rows, std::string_view path, time_point now) {
  const auto newest = newest_of(times_of(rows, path), now);
  return newest ? std::optional<time_point>(std::chrono::floor<seconds>(*newest)) : std::nullopt;
}

std::optional<time_point> next_since(std::optional<time_point> since, std::optional<time_point> newest) {
  const bool moves = newest && (!since || *newest - seconds(1) > *since);
  return moves ? std::optional<time_point>(*newest - seconds(1)) : std::nullopt;
}

std::string timed_position::cursor() const {
  return cursor_word(since, format_seconds) + ' ' + cursor_word(walked, format_seconds) + ' ' +
         (token.empty() ? "-" : token);
}

timed_position timed_position::after(std::optional<time_point> newest, std::string_view next_token) const {
  if (const auto next = next_since(since, newest)) return {next, walked, {}};
  return {since, walked, std::string(next_token)};
}

std::optional<timed_position> read_timed_position(std::string_view cursor) {
  cursor_words words(cursor);
  timed_position out;
  out.since = words.time();
  out.walked = words.time();
  out.token = words.rest() == "-" ? "" : words.rest();
  return words.sound() && !words.rest().empty() ? std::optional(out) : std::nullopt;
}

timed_position first_timed_position(const sync& run, const std::optional<timed_position>& stored,
                                    std::chrono::milliseconds overlap) {
  if (!stored || (run.full() && !run.resumed())) return {};
  if (run.resumed()) return *stored;
  auto out = *stored;
  if (out.since) out.since = with_overlap(run, *out.since, overlap);
  out.token.clear();
  return out;
}

void demand_sorted(const json_items& rows, std::string_view path, std::string_view who) {
  const auto times = times_of(rows, path);
  if (!std::is_sorted(times.begin(), times.end()))
    throw broken(who, "listed rows that are not sorted by " + std::string(path.substr(1)) +
                          ", as it was asked to: some would be skipped");
}

void demand_since(const json_items& rows, std::string_view path, std::optional<time_point> since,
                  std::string_view filter, std::string_view who) {
  const auto newest = newest_second(rows, path, time_point::max());
  if (since && newest && *newest < *since) throw broken(who, "ignored " + std::string(filter));
}

void demand_sorted_since(const json_items& rows, std::string_view path, std::optional<time_point> since,
                         std::string_view filter, std::string_view who) {
  demand_since(rows, path, since, filter, who);
  demand_sorted(rows, path, who);
}

void page_memory::take(const json_items& rows, bool may_repeat) {
  auto shown = rows.empty() ? "" : rows[0].at(id_path_).dump() + rows[rows.size() - 1].at(id_path_).dump();
  if (!may_repeat && shown == before_) throw broken(who_, "repeated a page");
  before_ = std::move(shown);
}

}  // namespace koppel::sdk
