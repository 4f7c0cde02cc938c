// SPDX-License-Identifier: Apache-2.0
#include "cursor.hpp"

namespace koppel::zoho {

using namespace koppel::sdk;

std::string to_cursor(const position& at) {
  return cursor_word(at.since, format_seconds) + ' ' + cursor_word(at.walked, format_seconds) + ' ' +
         (at.token.empty() ? "-" : at.token);
}

std::optional<position> from_cursor(std::string_view cursor) {
  cursor_words words(cursor);
  position out;
  out.since = words.time();
  out.walked = words.time();
  out.token = words.rest() == "-" ? "" : words.rest();
  return words.sound() && !words.rest().empty() ? std::optional(out) : std::nullopt;
}

position first_position(const sync& run, const std::optional<position>& stored) {
  if (!stored || (run.full() && !run.resumed())) return {};
  if (run.resumed()) return *stored;
  auto out = *stored;
  if (out.since) out.since = with_overlap(run, *out.since, overlap);
  out.token.clear();
  return out;
}

position after(const position& at, std::optional<time_point> newest, std::string_view next_token) {
  if (const auto since = next_since(at.since, newest)) return {since, at.walked, {}};
  return {at.since, at.walked, std::string(next_token)};
}

}  // namespace koppel::zoho
