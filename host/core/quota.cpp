// SPDX-License-Identifier: Apache-2.0

#include "host/core/quota.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "host/core/retry.hpp"
#include "host/core/text.hpp"

namespace koppel::core {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds longest_wait = std::chrono::hours{1};
constexpr milliseconds shortest_block{1'000};
constexpr milliseconds longest_back_off{60'000};
constexpr std::int64_t largest_limit = 1'000'000;

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::string_view find(const std::vector<std::pair<std::string, std::string>>& headers, std::string_view name) {
  if (name.empty()) return {};
  for (const auto& [given, value] : headers) {
    if (equal_ignoring_case(given, name)) return value;
  }
  return {};
}

}  // namespace

quota::quota(limit_rule rule) : rule_(std::move(rule)), limit_(rule_.requests) {}

milliseconds quota::pace() const {
  if (limit_ == 0) return shortest_block;
  return std::max<milliseconds>(milliseconds{rule_.window} / limit_, milliseconds{1});
}

void quota::forget_past(instant now) {
  // A clock that was set back must not make anything last longer than it may.
  blocked_until_ = std::min(blocked_until_, now + longest_wait);
  if (!window_.empty() && window_.back() > now) {
    for (instant& at : window_) at = std::min(at, now);
  }
  while (!window_.empty() && window_.front() + rule_.window <= now) window_.pop_front();
  if (!announced_) return;
  announced_->reset = std::min(announced_->reset, now + longest_wait);
  if (now < announced_->reset) return;
  if (announced_->left > 0) {
    announced_.reset();
  } else {
    // Others may have used the bucket too: what the window holds now is not known. One place has become free; who is
    // under way may need it, else one request finds out. So it goes on at the limit's pace, until an answer says what
    // is left.
    announced_ = announcement{under_way_ == 0 ? 1 : announced_->left + 1, now + pace(), true};
  }
}

std::optional<instant> quota::ask(instant now) {
  forget_past(now);
  if (blocked_until_ > now) return blocked_until_;
  if (announced_ && announced_->left <= 0) return announced_->reset;
  // Whoever is answered next makes room, and wakes who waits.
  if (rule_.at_once > 0 && under_way_ >= rule_.at_once) return now + shortest_block;
  // Asked even where the provider says that there is room: answers overtake each other, our own count does not.
  const std::size_t counted = window_.size() + under_way_;
  if (limit_ == 0 || counted < limit_) return std::nullopt;
  const std::size_t too_many = counted - limit_;
  return too_many < window_.size() ? window_[too_many] + rule_.window : now + pace();
}

void quota::sent(instant now) {
  forget_past(now);
  ++under_way_;
  if (announced_) --announced_->left;
}

void quota::answered(instant now) {
  forget_past(now);
  if (under_way_ == 0) return;
  --under_way_;
  // The provider's window began to count it when it arrived there, which was at the latest now.
  window_.push_back(now);
}

void quota::unanswered(instant now) { answered(now); }

milliseconds quota::until_reset(instant now, std::string_view reset, std::string_view date) const {
  // Instants are the provider's: measured against its own clock where the answer shows it.
  const instant theirs = from_http_date(date).value_or(now);
  milliseconds wait{0};
  switch (rule_.reset) {
    case limit_rule::reset_format::iso8601:
      if (const auto at = from_iso8601(reset)) wait = *at - theirs;
      break;
    case limit_rule::reset_format::epoch_s:
      if (const auto at = number(reset)) {
        // Beyond any sane year the arithmetic would overflow; the cap is the same.
        wait = *at > 100'000'000'000 ? longest_wait : instant{std::chrono::seconds{*at}} - theirs;
      }
      break;
    case limit_rule::reset_format::delta_s:
      if (const auto seconds = number(reset)) wait = std::chrono::seconds{std::min<std::int64_t>(*seconds, 3600)};
      break;
  }
  // In the past, or not readable: as if it were soon.
  return std::clamp(wait, pace(), longest_wait);
}

bool quota::take_announcement(instant now, std::string_view remaining, std::string_view reset, std::string_view date) {
  const auto left = number(remaining);
  if (!left || *left > largest_limit) return false;
  if (rule_.header_limit.empty() && *left > limit_ && limit_ != 0) limit_ = static_cast<std::uint32_t>(*left);
  // What is under way may have been counted by the provider or not: as if it had not been.
  announcement said{*left - static_cast<std::int64_t>(under_way_), now + until_reset(now, reset, date), false};
  // Answers overtake each other. Until the reset nothing is added, so an older answer that says more is out of date;
  // one fewer is under way than when the last one was taken.
  if (announced_ && !announced_->guessed && now < announced_->reset) {
    said.left = std::min(said.left, announced_->left + 1);
  }
  announced_ = said;
  return true;
}

void quota::observe(instant now, int status, const std::vector<std::pair<std::string, std::string>>& headers) {
  answered(now);
  const std::string_view date = find(headers, "date");
  const std::string_view reset = find(headers, rule_.header_reset);
  if (const auto limit = number(find(headers, rule_.header_limit)); limit && *limit > 0 && *limit <= largest_limit) {
    limit_ = static_cast<std::uint32_t>(*limit);
  }
  const bool said = take_announcement(now, find(headers, rule_.header_remaining), reset, date);

  const auto asked = read_retry_after(find(headers, "retry-after"), date, now);
  if (status != 429 && !(status == 503 && asked)) {
    refusals_in_a_row_ = 0;
    if (!said && announced_ && announced_->guessed) announced_.reset();
    return;
  }
  refusals_in_a_row_ = std::min(refusals_in_a_row_ + 1, 10);
  const milliseconds back_off = std::min(shortest_block * (1 << (refusals_in_a_row_ - 1)), longest_back_off);
  milliseconds wait = back_off;
  if (asked) {
    wait = *asked;
  } else if (!reset.empty()) {
    wait = until_reset(now, reset, date);
  }
  // "Retry-After: 0" from a provider that refuses again and again is no advice.
  if (refusals_in_a_row_ > 1) wait = std::max(wait, back_off);
  blocked_until_ = std::max(blocked_until_, now + std::clamp(wait, shortest_block, longest_wait));
  if (!said) announced_ = announcement{0, blocked_until_, true};
}

bool quota::idle(instant now) {
  forget_past(now);
  return window_.empty() && under_way_ == 0 && !announced_ && blocked_until_ <= now;
}

quota& bucket_table::of(const limit_rule& rule, const bucket_scope& scope) {
  // Lengths before the parts: no name can be made to look like another bucket's.
  std::string key;
  const auto add = [&key](std::string_view part) { key += std::to_string(part.size()) + ':' + std::string{part}; };
  add(scope.plugin);
  add(rule.name);
  for (const std::string& part : rule.bucket) {
    add(part);
    if (part == "client") add(scope.client);
    if (part == "account") add(scope.account.empty() ? "?" + scope.connection : scope.account);
    if (part == "connection") add(scope.connection);
  }
  const auto found = buckets_.find(key);
  if (found == buckets_.end()) return buckets_.emplace(std::move(key), quota{rule}).first->second;
  const limit_rule& known = found->second.rule();
  const bool changed = known.requests != rule.requests || known.window != rule.window ||
                       known.header_limit != rule.header_limit || known.header_remaining != rule.header_remaining ||
                       known.header_reset != rule.header_reset || known.reset != rule.reset ||
                       known.at_once != rule.at_once;
  // In place: references to the bucket stay good.
  if (changed) found->second = quota{rule};
  return found->second;
}

void bucket_table::forget_idle(instant now) {
  for (auto bucket = buckets_.begin(); bucket != buckets_.end();) {
    bucket = bucket->second.idle(now) ? buckets_.erase(bucket) : std::next(bucket);
  }
}

}  // namespace koppel::core
