// SPDX-License-Identifier: Apache-2.0

#include "host/core/code_age.hpp"

#include <algorithm>

namespace koppel::core {

namespace ch = std::chrono;

code_age age_of_code(instant sent_at, instant first_seen, const std::optional<instant>& link_made) {
  // The wall clock may have been set back meanwhile: then nothing is known, and no age is negative.
  code_age age;
  age.at_least = std::max(ch::seconds{0}, ch::floor<ch::seconds>(sent_at - first_seen));
  if (link_made && *link_made <= first_seen && first_seen <= sent_at)
    age.at_most = ch::ceil<ch::seconds>(sent_at - *link_made);
  return age;
}

auth_reason refused_for_age(auth_reason said, const code_age& age, ch::seconds life) {
  return said == auth_reason::code_refused && age.at_least >= life ? auth_reason::code_expired : said;
}

bool may_outlive(const code_age& age, ch::seconds wait, ch::seconds life) { return age.at_least + wait < life; }

std::string shown_age(ch::seconds age) {
  const auto all = std::max<ch::seconds::rep>(0, age.count());
  const auto hours = all / 3600, minutes = all / 60 % 60, seconds = all % 60;
  std::string text;
  const auto add = [&text](ch::seconds::rep number, const char* unit) {
    if (number == 0) return;
    if (!text.empty()) text += ' ';
    text += std::to_string(number) + ' ' + unit;
  };
  add(hours, "h");
  add(minutes, "min");
  if (hours == 0) add(seconds, "s");
  return text.empty() ? "0 s" : text;
}

}  // namespace koppel::core
