// SPDX-License-Identifier: Apache-2.0
// Routing by host, faults and delays around it, webhooks out of it.
#include "simulator.hpp"

#include <utility>

#include "api_errors.hpp"

namespace koppel::provider_sim {

simulator::simulator(const simulator_options& options, hex_source random)
    : start_(options.start),
      settings_(options.settings),
      records_(options.size, options.seed, options.start),
      oauth_(settings_, random),
      api_(records_, oauth_, hooks_, settings_),
      disorder_(options.seed),
      random_(std::move(random)) {
  if (options.answer_delay.count() > 0) delays_[""] = options.answer_delay;
  // A client for a first try by hand; its names do not depend on the seed.
  oauth_.put_client({"5e1f7ac09b3d4c2e8f60a7b1c9d2e3f4",
                     "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
                     "Testo Pro+ Sync",
                     {"companies", "contacts", "departments", "users"},
                     {},
                     {"5c9b1b6e-0e7d-0a34-b871-ac3e00000001", "Acme BVBA"}});
}

reply simulator::serve(const request& asked, instant now) {
  const auto ordered = faults_.due(asked.path);
  auto answer = ordered && !ordered->process ? reply{} : proper_answer(asked, now);
  if (ordered) answer = faults::spoil(*ordered, std::move(answer));
  for (const auto& [path, delay] : delays_)
    if (asked.path.find(path) != std::string::npos) answer.delay += delay;
  return answer;
}

reply simulator::proper_answer(const request& asked, instant now) {
  if (asked.host == api_host) return api_.handle(asked, now);
  if (asked.host == oauth_host && asked.path == "/oauth2/authorize") return oauth_.authorize(asked, now);
  if (asked.host == oauth_host && asked.path == "/oauth2/access_token") return oauth_.token(asked, now);
  return api_error(404, "Not Found");
}

void simulator::announce(entity kind, const std::string& what, const std::vector<std::string>& ids) {
  const std::string subject = kind == entity::company ? "company" : "contact";
  auto fresh = hooks_.on_change(subject + "." + what, subject, ids);
  for (auto& one : fresh) one.attempts_left = 1 + settings_.webhook_retries;
  if (settings_.webhook_disorder) {
    for (std::size_t at = 0, count = fresh.size(); at < count; at += 10) fresh.push_back(fresh[at]);
    for (std::size_t at = fresh.size(); at > 1; --at) std::swap(fresh[at - 1], fresh[disorder_.below(at)]);
  }
  undelivered_.insert(undelivered_.end(), std::make_move_iterator(fresh.begin()), std::make_move_iterator(fresh.end()));
}

std::vector<delivery> simulator::take_deliveries() { return std::exchange(undelivered_, {}); }

}  // namespace koppel::provider_sim
