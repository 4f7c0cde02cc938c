// SPDX-License-Identifier: Apache-2.0
// Acts the process that starts runners, and the runners: the plugin's code runs here, in this process, behind the same
// stream socket and the same frames as in koppel-runner. They crash, hang and speak nonsense.
#pragma once

#include <list>
#include <memory>

#include "host/plugins/spawner.hpp"
#include "tests/simulation/world.hpp"

namespace koppel::simulation {

struct runner_manners {
  double crash = 0;    ///< the share of messages in whose midst it ends
  double hang = 0;     ///< the share of messages that it never finishes: its alarm ends it
  double garbage = 0;  ///< the share of messages to which it answers with what is no message
};

class simulated_spawner final : public plugins::spawner {
 public:
  /// `on_death` is told of each runner that ends by itself.
  simulated_spawner(world& w, const runtime::asio::any_io_executor& executor, const runner_manners& manners,
                    std::function<void()> on_death);
  ~simulated_spawner() override;

  runtime::awaitable<void> serve() override;
  runtime::awaitable<result<plugins::child>> spawn(std::string plugin_path) override;
  void kill(pid_t pid, int signal) override;
  bool alive() const override { return true; }
  pid_t pid() const override { return 1; }

  /// Ends a runner, as if its process was killed; nothing if there is none.
  void kill_one();

 private:
  class runner;
  std::shared_ptr<runner> find(pid_t pid) const;

  world& world_;
  runtime::asio::any_io_executor executor_;
  const runner_manners manners_;
  const std::function<void()> on_death_;
  std::list<std::shared_ptr<runner>> runners_;
  pid_t next_pid_ = 100;
};

}  // namespace koppel::simulation
