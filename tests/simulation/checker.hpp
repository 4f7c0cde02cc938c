// SPDX-License-Identifier: Apache-2.0
// What must hold in every life, whatever happened in it. Some of it is watched all the time, the rest is looked at when
// all is calm again.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/simulation/consumer.hpp"
#include "tests/simulation/host.hpp"

namespace koppel::simulation {

class checker final : public simulated_host::observer {
 public:
  checker(world& w, provider& p) : world_(w), provider_(p) {}

  /// Connection ids and the accounts that they were made for.
  void connection(const std::string& id, std::size_t account) { account_of_[id] = account; }

  // ---- all the time

  /// What was announced to consumers stays as it was; what the events say is true at that moment.
  void history(bus::event_source& events, std::uint64_t head) override;
  void host_died() override;
  void runner_died() override;

  // ---- in the end

  /// Every consumer has applied what its filter lets through, each event once.
  void applied_once(simulated_consumer& c);
  /// What the consumer holds of an account is what the provider has. `deletions`: also what is gone must be gone.
  void equal(simulated_consumer& c, const std::string& connection_id, bool deletions);
  /// The ledger's and the consumer's word for a connection are the provider's truth.
  void status_is_true(simulated_consumer& c, const std::string& connection_id, core::auth_status stored);

  /// How often a stream was read to its end; `complete`: in one go, from its beginning.
  std::uint64_t readings(const std::string& connection_id, const std::string& entity, bool complete) const;

  std::uint64_t head() const { return seen_.empty() ? 0 : seen_.back().seq; }

 private:
  struct seen {
    std::uint64_t seq = 0;
    std::string id, type, provider, connection_id, connection, subject;
  };
  void look_at(const bus::event& e);
  void deletion(const bus::event& e);
  void completion(const bus::event& e);
  const account* account_of(const std::string& connection_id) const;

  world& world_;
  provider& provider_;
  std::map<std::string, std::size_t> account_of_;
  std::vector<seen> seen_;                         ///< seen_[n] has seq n + 1
  std::vector<runtime::steady_time> deaths_;       ///< of hosts and runners
  std::map<std::string, std::uint64_t> readings_;  ///< by connection id and entity; with a "!" those that were complete
  bool after_death_ = false;
};

}  // namespace koppel::simulation
