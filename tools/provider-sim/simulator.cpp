// SPDX-License-Identifier: Apache-2.0
// Faults and delays around what the provider answers.
#include "simulator.hpp"

namespace koppel::provider_sim {

simulator::simulator(std::unique_ptr<provider> played, const beginning& with, std::chrono::milliseconds answer_delay)
    : provider_(std::move(played)), start_(with.at), outbox_(with.seed), random_(with.random) {
  if (answer_delay.count() > 0) delays_[""] = answer_delay;
}

reply simulator::serve(const request& asked, instant now) {
  const auto ordered = faults_.due(asked.path);
  auto answer = ordered && !ordered->process ? reply{} : provider_->serve(asked, now);
  outbox_.accept(provider_->take_deliveries(), now);
  if (ordered) answer = faults::spoil(*ordered, std::move(answer));
  for (const auto& [path, delay] : delays_)
    if (asked.path.find(path) != std::string::npos) answer.delay += delay;
  return answer;
}

void simulator::delivered(parcel one, const attempt& result, instant now) {
  --one.what.attempts_left;
  provider_->delivered(one.what, result);
  outbox_.finished(std::move(one), result, now);
}

}  // namespace koppel::provider_sim
