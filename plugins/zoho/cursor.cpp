// SPDX-License-Identifier: Apache-2.0
#include "cursor.hpp"

#include <algorithm>

namespace koppel::zoho {
namespace {

using namespace koppel::sdk;
using std::chrono::seconds;

constexpr std::string_view no_time = "none", no_token = "-";

std::string text_of(std::optional<time_point> when) { return when ? wire_time(*when) : std::string(no_time); }

}  // namespace

std::string wire_time(time_point when) {
  auto text = format_time(std::chrono::floor<seconds>(when));
  return text.substr(0, text.size() - 1) + "+00:00";
}

std::string to_cursor(const position& at) {
  return text_of(at.since) + ' ' + text_of(at.walked) + ' ' + (at.token.empty() ? std::string(no_token) : at.token);
}

std::optional<position> from_cursor(std::string_view cursor) {
  const auto next = [&cursor] {
    const auto word = cursor.substr(0, cursor.find(' '));
    cursor.remove_prefix(std::min(word.size() + 1, cursor.size()));
    return word;
  };
  const auto since = next(), walked = next();
  const position out{parse_time(since), parse_time(walked), cursor == no_token ? "" : std::string(cursor)};
  const bool sound = (out.since || since == no_time) && (out.walked || walked == no_time) && !cursor.empty();
  return sound ? std::optional(out) : std::nullopt;
}

position first_position(const sync& run, const std::optional<position>& stored) {
  if (!stored || (run.full() && !run.resumed())) return {};
  if (run.resumed()) return *stored;
  auto out = *stored;
  // A cursor in the future is of a clock that was wrong.
  if (out.since) out.since = std::min(*out.since, run.now()) - overlap;
  out.token.clear();
  return out;
}

std::optional<time_point> newest_of(const json_items& rows, time_point now) {
  std::optional<time_point> newest;
  for (const auto& row : rows)
    if (const auto when = parse_time(row["Modified_Time"].text().value_or("")); when && *when <= now)
      newest = std::max(newest, when);
  if (newest) newest = std::chrono::floor<seconds>(*newest);
  return newest;
}

position after(const position& at, std::optional<time_point> newest, std::string_view next_token) {
  if (newest && (!at.since || *newest - seconds(1) > *at.since)) return {*newest - seconds(1), at.walked, {}};
  return {at.since, at.walked, std::string(next_token)};
}

}  // namespace koppel::zoho
