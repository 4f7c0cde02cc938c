// SPDX-License-Identifier: Apache-2.0
// The people around a host: an operator who makes a connection for each account of the provider, and the accounts'
// administrators, who look once in a while whether theirs works, and give access where it does not.
#pragma once

#include <string>
#include <vector>

#include "tests/simulation/checker.hpp"
#include "tests/simulation/host.hpp"

namespace koppel::simulation {

class people {
 public:
  struct connection {
    std::string id;
    std::size_t account = 0;
    core::auth_status status = core::auth_status::unconfigured;  ///< when somebody looked last
  };

  people(world& w, simulated_host& host, provider& p, checker& c) : world_(w), host_(host), provider_(p), checker_(c) {}

  /// They come now, and again and again.
  void come();
  const std::vector<connection>& connections() const { return connections_; }
  /// Every account has a connection that works, as far as anybody has seen.
  bool are_content() const;

 private:
  runtime::awaitable<void> insert(std::size_t account);
  runtime::awaitable<void> tend(std::size_t n);
  runtime::awaitable<void> look();
  runtime::awaitable<void> authorise(connection& c);

  world& world_;
  simulated_host& host_;
  provider& provider_;
  checker& checker_;
  std::vector<connection> connections_;
};

}  // namespace koppel::simulation
