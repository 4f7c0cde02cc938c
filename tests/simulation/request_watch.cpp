// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/request_watch.hpp"

#include "host/core/retry.hpp"

namespace koppel::simulation {
namespace {

constexpr std::chrono::seconds longest_on_the_way{30};
/// The schedule comes back after a minute, a probe after a second.
constexpr milliseconds closely{20'000}, closely_for_probes{900};
constexpr int most_attempts = 5;
/// A death so soon after an answer may have come before its pair was durable.
constexpr std::chrono::seconds to_become_durable{10};

}  // namespace

std::uint64_t request_watch::began(std::uint64_t boot, const net::request& r) {
  const auto id = next_++;
  const auto token = parameter(r.body, "refresh_token");
  if (!token.empty()) {
    present(id, boot, token);
  } else if (r.method == "GET") {
    key_of_[id] = r.url + " " + std::string(net::find_header(r.headers, "authorization"));
    attempt(key_of_[id]);
  }
  return id;
}

void request_watch::present(std::uint64_t request, std::uint64_t boot, const std::string& token) {
  ++presentations_;
  const auto now = virtual_time::now();
  for (const auto& [other, list] : by_token_)
    for (const auto& p : list)
      if (p.became == fate::under_way && p.boot == boot && provider_.owner_of(other) == provider_.owner_of(token))
        world_.violation("two refreshes of one connection are under way at once");
  auto& earlier = by_token_[token];
  if (!earlier.empty()) {
    const auto& last = earlier.back();
    const auto death = died_.find(last.boot);
    const bool may_be_lost = death != died_.end() && death->second - last.ended < to_become_durable;
    if (last.became == fate::definite && !may_be_lost)
      world_.violation("the refresh token " + token + " is presented again, though the provider's answer is known");
    const bool on_the_way = last.became == fate::unknown || last.became == fate::under_way;
    if (on_the_way && now - last.began < longest_on_the_way)
      world_.violation("the refresh token " + token +
                       " is presented again, while its first presentation may still be on its way");
  }
  earlier.push_back({request, boot, now, {}, fate::under_way});
  token_of_[request] = token;
}

bool request_watch::any_on_the_way() const {
  for (const auto& [token, list] : by_token_)
    if (list.back().became != fate::definite && virtual_time::now() - list.back().began < longest_on_the_way)
      return true;
  return false;
}

void request_watch::attempt(const std::string& key) {
  auto& g = groups_[key];
  if (virtual_time::now() > g.again_after || virtual_time::now() < world_.full_until) g.failures = 0;
  if (g.failures >= most_attempts)
    world_.violation("a request is attempted for the " + std::to_string(g.failures + 1) +
                     "th time in a row: more than one layer repeats it");
}

void request_watch::ended(std::uint64_t request, const result<net::response>& outcome) {
  const int status = outcome ? outcome->status : 0;
  const auto fault = outcome ? core::exchange_fault::none : net::fault_of(outcome.error().code);
  if (const auto known = token_of_.find(request); known != token_of_.end()) {
    auto& p = by_token_[known->second].back();
    p.ended = virtual_time::now();
    const auto has = [&](std::string_view word) { return outcome->body.find(word) != std::string::npos; };
    if (fault == core::exchange_fault::connect || status == 429)
      p.became = fate::not_sent;
    else if (status == 200 && has("access_token"))
      p.became = has("refresh_token") ? fate::definite : fate::kept;
    else
      p.became = status == 400 ? fate::definite : fate::unknown;
    token_of_.erase(known);
  }
  if (fault == core::exchange_fault::cancelled) return abandoned(request);
  if (const auto known = key_of_.find(request); known != key_of_.end()) {
    auto& g = groups_[known->second];
    const bool failed = !outcome || status == 429 || status >= 500;
    if (failed) {
      ++g.failures;
      const bool probe = known->second.find("/me ") != std::string::npos;
      auto pause = probe ? closely_for_probes : closely;
      if (outcome) {
        const auto asked = core::read_retry_after(outcome->header("retry-after"), "", world::now());
        pause = std::max(pause, asked.value_or(milliseconds{0}));  // longer, and it is the schedule that comes back
      }
      g.again_after = virtual_time::now() + pause;
    } else {
      g.failures = 0;
    }
    key_of_.erase(known);
  }
}

void request_watch::abandoned(std::uint64_t request) {
  if (const auto known = token_of_.find(request); known != token_of_.end()) {
    auto& p = by_token_[known->second].back();
    p.ended = virtual_time::now();
    p.became = fate::unknown;
    token_of_.erase(known);
  }
  key_of_.erase(request);
}

void request_watch::host_died(std::uint64_t boot) {
  died_[boot] = virtual_time::now();
  groups_.clear();
}

}  // namespace koppel::simulation
