// SPDX-License-Identifier: Apache-2.0

#include "host/core/retry.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <koppel/messages.hpp>
#include <string>

namespace koppel::core {
namespace {

using std::chrono::milliseconds;
namespace job_error = koppel::messages::job_error;

constexpr milliseconds longest_wait = std::chrono::hours{1};

/// What a job is told when this fault is final.
std::string_view verdict_of(exchange_fault fault) {
  switch (fault) {
    case exchange_fault::none:
    case exchange_fault::resolve:
    case exchange_fault::connect:
    case exchange_fault::tls:
    case exchange_fault::cut:
    case exchange_fault::timeout:
    case exchange_fault::malformed:
      return job_error::try_again;
    case exchange_fault::too_large:
      return job_error::too_large;
    case exchange_fault::bad_request:
      return job_error::bug;
    case exchange_fault::address_refused:
      return job_error::bad_settings;
    case exchange_fault::cancelled:
      return job_error::cancelled;
  }
  return job_error::bug;
}

bool worth_repeating(const attempt& a) {
  switch (a.fault) {
    case exchange_fault::resolve:
    case exchange_fault::connect:
      return true;
    case exchange_fault::cut:
    case exchange_fault::timeout:
      return a.repeatable;
    case exchange_fault::none:
      break;
    default:
      return false;
  }
  // 429 and 408 say that the request was not carried out; a 5xx may come from behind the part that did it.
  if (a.status == 429 || a.status == 408) return true;
  return a.status >= 500 && a.status != 501 && a.status != 505 && a.repeatable;
}

milliseconds wait_before_next(const attempt& a, double random, const retry_policy& policy) {
  milliseconds bound = policy.base;
  for (int i = 1; i < a.number && bound < policy.cap; ++i) bound *= 2;
  bound = std::min(bound, policy.cap);
  const milliseconds jitter{
      static_cast<milliseconds::rep>(std::clamp(random, 0.0, 1.0) * static_cast<double>(bound.count()))};
  // On top of what was asked for: else everyone who was told the same second comes back in it together.
  return a.retry_after ? *a.retry_after + jitter : jitter;
}

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty() || text[0] == '-') return std::nullopt;
  return value;
}

}  // namespace

retry_decision decide_retry(const attempt& a, double random, const retry_policy& policy) {
  retry_decision last{};
  if (a.fault != exchange_fault::none) {
    last.what = retry_decision::act::give_up;
    last.job_error = verdict_of(a.fault);
  }
  if (!worth_repeating(a) || a.number >= policy.attempts) return last;
  const milliseconds after = wait_before_next(a, random, policy);
  if (a.elapsed + after > policy.budget) return last;
  retry_decision again{};
  again.what = retry_decision::act::again;
  again.after = after;
  return again;
}

std::optional<instant> from_http_date(std::string_view text) {
  constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  // 0         1         2
  // 01234567890123456789012345678
  // Sun, 06 Nov 1994 08:49:37 GMT
  if (text.size() != 29 || text.substr(3, 2) != ", " || text[7] != ' ' || text[11] != ' ' || text[16] != ' ' ||
      text[19] != ':' || text[22] != ':' || text.substr(25) != " GMT") {
    return std::nullopt;
  }
  const auto month = std::find(months.begin(), months.end(), text.substr(8, 3));
  const auto day = number(text.substr(5, 2)), year = number(text.substr(12, 4)), hour = number(text.substr(17, 2)),
             minute = number(text.substr(20, 2)), second = number(text.substr(23, 2));
  if (month == months.end() || !day || !year || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year},
                                         std::chrono::month{static_cast<unsigned>(month - months.begin()) + 1},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return instant{std::chrono::sys_days{date}} + std::chrono::hours{*hour} + std::chrono::minutes{*minute} +
         std::chrono::seconds{*second};
}

std::optional<milliseconds> read_retry_after(std::string_view value, std::string_view date, instant now) {
  if (const auto at = from_http_date(value)) {
    const auto wait = *at - from_http_date(date).value_or(now);
    return std::clamp<milliseconds>(wait, milliseconds{0}, longest_wait);
  }
  if (value.empty() || value.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  // More digits than an hour has: no need to know how many seconds they are.
  if (value.size() > 4) return longest_wait;
  return std::min<milliseconds>(std::chrono::seconds{*number(value)}, longest_wait);
}

}  // namespace koppel::core
