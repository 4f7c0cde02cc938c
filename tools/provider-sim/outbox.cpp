// SPDX-License-Identifier: Apache-2.0
// The queue is a map by due time, so a delayed or repeated delivery needs no timer of its own: the courier asks for the
// first one and sleeps until it is due.
#include "outbox.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <utility>

namespace koppel::provider_sim {

namespace json = boost::json;

knob_list outbox::scalars(rule_set& of) {
  constexpr std::int64_t any = 1'000'000'000;
  knob_list out;
  out.add("paused", of.paused, "nothing is sent")
      .add("shuffle", of.shuffle, "the deliveries of one change go in any order")
      .add("delay_ms", of.delay, 0, any, "before each delivery")
      .add("jitter_ms", of.jitter, 0, any, "up to so much on top, which changes the order")
      .add("twice_every", of.twice_every, 0, any, "every so-many-th goes twice; 0: none")
      .add("drop_every", of.drop_every, 0, any, "every so-many-th is never sent; 0: none")
      .add("at_once", of.at_once, 1, 1024, "deliveries under way at a time");
  return out;
}

void outbox::put(parcel one) {
  if (waiting_.size() >= capacity) {
    ++overflowed_;
    return;
  }
  const std::pair key{one.due, ++arrivals_};
  waiting_.emplace(key, std::move(one));
}

void outbox::accept(std::vector<delivery> fresh, instant now) {
  if (rules_.shuffle)
    for (auto at = fresh.size(); at > 1; --at) std::swap(fresh[at - 1], fresh[dice_.below(at)]);
  for (auto& what : fresh) {
    parcel one;
    one.number = one.of = next_number_++;
    one.cause = "change";
    one.made = now;
    one.due = now + rules_.delay;
    one.what = std::move(what);
    ++made_;
    past_.push_back(one);
    if (past_.size() > remembered) past_.pop_front();
    const auto ordinal = ++rules_.seen;
    if (rules_.drop.contains(ordinal) || (rules_.drop_every != 0 && ordinal % rules_.drop_every == 0)) {
      ++dropped_;
      continue;
    }
    const bool twice = rules_.twice_every != 0 && ordinal % rules_.twice_every == 0;
    for (int copy = 0; copy < (twice ? 2 : 1); ++copy) {
      auto sent = one;
      if (copy > 0) sent.number = next_number_++;
      const auto most = static_cast<std::uint64_t>(rules_.jitter.count());
      if (most > 0) sent.due += std::chrono::milliseconds(dice_.below(most + 1));
      put(std::move(sent));
    }
  }
}

void outbox::accept_ordered(std::vector<delivery> fresh, const std::string& cause, std::size_t per_second,
                            instant now) {
  for (std::size_t place = 0; place < fresh.size(); ++place) {
    parcel one;
    one.number = one.of = next_number_++;
    one.cause = cause;
    one.made = now;
    one.due = now + std::chrono::milliseconds(per_second == 0 ? 0 : place * 1000 / per_second);
    one.what = std::move(fresh[place]);
    put(std::move(one));
  }
}

std::size_t outbox::repeat(std::size_t count, const std::vector<std::uint64_t>& numbers, instant now) {
  std::vector<parcel> chosen;
  if (numbers.empty()) {
    const auto first = past_.size() - std::min(count, past_.size());
    chosen.assign(past_.begin() + static_cast<std::ptrdiff_t>(first), past_.end());
  } else {
    for (const auto number : numbers)
      for (const auto& one : past_)
        if (one.number == number) chosen.push_back(one);
  }
  for (auto& one : chosen) {
    one.number = next_number_++;
    one.cause = "again";
    one.made = one.due = now;
    put(one);
  }
  return chosen.size();
}

std::optional<parcel> outbox::next(instant now) {
  if (rules_.paused || under_way_ >= rules_.at_once || waiting_.empty()) return std::nullopt;
  const auto first = waiting_.begin();
  if (first->first.first > now) return std::nullopt;
  auto one = std::move(first->second);
  waiting_.erase(first);
  ++under_way_;
  return one;
}

std::optional<instant> outbox::wake_at() const {
  if (rules_.paused || under_way_ >= rules_.at_once || waiting_.empty()) return std::nullopt;
  return waiting_.begin()->first.first;
}

void outbox::finished(parcel one, const attempt& result, instant now) {
  --under_way_;
  ++sent_;
  ++by_status_[result.status];
  ended entry;
  entry.seq = next_seq_++;
  entry.result = result;
  entry.at = now;
  entry.one = one;
  entry.one.what.body.clear();
  entry.one.what.headers.clear();
  log_.push_back(std::move(entry));
  if (log_.size() > logged) log_.pop_front();
  if (result.taken()) {
    ++taken_;
  } else if (one.what.attempts_left > 0) {
    ++one.attempt;
    one.due = now + one.what.pause;
    put(std::move(one));
  } else {
    ++given_up_;
  }
}

const delivery* outbox::latest(const std::string& url) const {
  for (auto at = past_.rbegin(); at != past_.rend(); ++at)
    if (url.empty() || at->what.url == url) return &at->what;
  return nullptr;
}

std::optional<std::string> outbox::set_rules(const json::object& orders) {
  auto wanted = rules_;
  wanted.seen = 0;
  auto numbers = orders;
  if (const auto* drop = orders.if_contains("drop")) {
    if (!drop->is_array()) return "drop is a list of numbers, 1 for the next delivery";
    wanted.drop.clear();
    for (const auto& one : drop->get_array()) {
      if (!one.is_int64() || one.get_int64() < 1) return "drop is a list of numbers, 1 for the next delivery";
      wanted.drop.insert(static_cast<std::uint64_t>(one.get_int64()));
    }
    numbers.erase("drop");
  }
  if (const auto problem = scalars(wanted).apply(numbers)) return problem;
  rules_ = std::move(wanted);
  return std::nullopt;
}

json::object outbox::rules() {
  auto out = scalars(rules_).to_json();
  out["drop"] = json::array(rules_.drop.begin(), rules_.drop.end());
  return out;
}

json::object outbox::counts() const {
  json::object by_status;
  for (const auto& [status, count] : by_status_) by_status[std::to_string(status)] = count;
  return {{"made", made_},
          {"dropped", dropped_},
          {"overflowed", overflowed_},
          {"waiting", waiting_.size()},
          {"under_way", under_way_},
          {"attempts", sent_},
          {"taken", taken_},
          {"given_up", given_up_},
          {"by_status", std::move(by_status)}};
}

std::string outbox::attempts_since(std::uint64_t since, std::size_t limit) const {
  json::array list;
  auto last = since;
  const auto oldest = next_seq_ - log_.size();
  for (auto at = since + 1 > oldest ? since + 1 - oldest : 0; at < log_.size() && list.size() < limit; ++at) {
    const auto& [seq, one, result, ended_at] = log_[at];
    last = seq;
    list.push_back({{"seq", seq},
                    {"number", one.number},
                    {"of", one.of},
                    {"cause", one.cause},
                    {"attempt", one.attempt},
                    {"registration", one.what.registration},
                    {"url", one.what.url},
                    {"event", one.what.event},
                    {"ids", json::array(one.what.ids.begin(), one.what.ids.end())},
                    {"made_ms", one.made.time_since_epoch().count()},
                    {"ended_ms", ended_at.time_since_epoch().count()},
                    {"sent_us", result.sent_us},
                    {"answered_us", result.answered_us},
                    {"status", result.status},
                    {"problem", result.problem}});
  }
  return json::serialize(json::object{{"next", last}, {"attempts", std::move(list)}});
}

}  // namespace koppel::provider_sim
