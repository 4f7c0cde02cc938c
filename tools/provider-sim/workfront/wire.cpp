// SPDX-License-Identifier: Apache-2.0
// A date without a colon before the milliseconds is read by the common parser; the rest is put into that form.
#include "workfront/wire.hpp"

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <cstdio>
#include <cstdlib>

#include "timestamps.hpp"

namespace koppel::provider_sim::workfront {
namespace {

using namespace std::chrono;
namespace json = boost::json;

/// "-7d" -> minus seven days; nothing if it is something else.
std::optional<milliseconds> parse_shift(std::string_view text) {
  if (text.empty()) return milliseconds{0};
  if (text.size() < 3 || (text.front() != '+' && text.front() != '-')) return std::nullopt;
  std::int64_t count = 0;
  const auto digits = text.substr(1, text.size() - 2);
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (failed != std::errc{} || end != digits.data() + digits.size() || count < 0 || count > 100'000)
    return std::nullopt;
  const auto sign = text.front() == '-' ? -1 : 1;
  if (text.back() == 'h') return hours{sign * count};
  if (text.back() == 'd') return days{sign * count};
  if (text.back() == 'w') return weeks{sign * count};
  return std::nullopt;
}

std::optional<instant> parse_wildcard(std::string_view text, const date_form& form, instant now) {
  constexpr std::string_view today = "$$TODAY", present = "$$NOW";
  if (text.starts_with(today)) {
    const auto shift = parse_shift(text.substr(today.size()));
    if (shift) return instant{floor<days>(now + form.offset)} - form.offset + *shift;
  } else if (text.starts_with(present)) {
    const auto shift = parse_shift(text.substr(present.size()));
    if (shift) return now + *shift;
  }
  return std::nullopt;
}

}  // namespace

reply api_error(int status, std::string_view kind, std::string_view message) {
  const json::object body{{"error", json::object{{"class", kind}, {"message", message}}}};
  return json_reply(status, json::serialize(body));
}

reply data_reply(const json::value& data) { return json_reply(200, "{\"data\":" + json::serialize(data) + "}"); }

std::string date_text(instant at, const date_form& form) {
  const auto local = at + form.offset;
  const auto whole = floor<seconds>(local);
  const auto minutes_off = static_cast<int>(form.offset.count());
  std::array<char, 48> rest;
  std::snprintf(rest.data(), rest.size(), "%c%03d%c%02d%02d", form.mark, static_cast<int>((local - whole).count()),
                minutes_off < 0 ? '-' : '+', std::abs(minutes_off) / 60, std::abs(minutes_off) % 60);
  return record_time(whole).substr(0, 19) + rest.data();
}

std::optional<instant> parse_date(std::string_view text, const date_form& form, instant now) {
  if (text.starts_with("$$")) return parse_wildcard(text, form, now);
  std::string plain(text);
  if (plain.size() == 10) {
    const auto midnight = parse_time(plain + "T00:00:00Z");
    return midnight ? std::optional(midnight->at - form.offset) : std::nullopt;
  }
  if (plain.size() > 19 && plain[19] == ':') plain[19] = '.';
  const auto time = parse_time(plain);
  return time ? std::optional(time->at) : std::nullopt;
}

std::optional<instant> parse_filter_date(std::string_view text, const date_form& form, instant now) {
  constexpr std::size_t point = std::string_view("2020-05-13T18:18:37").size(), end = point + 4;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool to_the_millisecond = text.size() > end && text[point] == '.' && !is_digit(text[end]) &&
                                  std::all_of(&text[point + 1], &text[end], is_digit);
  if (!text.starts_with("$$") && text.size() != 10 && !to_the_millisecond) return std::nullopt;
  return parse_date(text, form, now);
}

std::string id_text(const uuid& id) {
  auto text = id.text();
  std::erase(text, '-');
  return text;
}

std::optional<uuid> parse_id(std::string_view text) {
  if (text.size() != 32) return std::nullopt;
  std::string dashed(text);
  for (const std::size_t at : {20, 16, 12, 8}) dashed.insert(at, 1, '-');
  return uuid::parse(dashed);
}

}  // namespace koppel::provider_sim::workfront
