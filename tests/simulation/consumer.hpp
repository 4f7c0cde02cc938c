// SPDX-License-Identifier: Apache-2.0
// koppel-proplus as the simulation runs it: the same store and the same follow_client, over a simulated disk and a bus
// line. Follows, applies, acknowledges; dies and comes back.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "bus/src/follow_client.hpp"
#include "tests/simulation/bus_lines.hpp"
#include "tests/support/simulated_disk.hpp"
#include "tools/proplus/store.hpp"

namespace koppel::simulation {

class simulated_consumer {
 public:
  enum class end { kill, power_loss };

  simulated_consumer(world& w, bus_lines& lines, std::string name, bus::filters filter,
                     std::chrono::milliseconds heartbeat);
  ~simulated_consumer();

  result<> boot();
  bool up() const { return process_ != nullptr; }
  void die(end how);
  void die_at_disk_operation(std::uint64_t n, end how);
  /// No fault that was prepared happens any more.
  void calm() { operations_left_ = 0; }
  /// It gets no processor time until then.
  void freeze_until(runtime::steady_time t) { frozen_until_ = t; }

  const std::string& name() const { return name_; }
  const bus::filters& filter() const { return filter_; }
  tests::simulated_disk& disk() { return disk_; }
  static std::string database_path() { return "/consumer/proplus.db"; }
  /// Where its store stands; nothing while it is down.
  std::uint64_t at() const;
  std::uint64_t walks() const { return walks_; }

 private:
  struct process;
  void settle_disk();
  void begin_to_follow();
  void look_soon(milliseconds delay);
  /// One turn of the loop in tools/proplus/run.cpp: connects, hears, says what is due.
  void look();
  void work_on(bus::delivery d);
  void apply(const bus::delivery& d);
  void refused(const failure& why);

  world& world_;
  bus_lines& lines_;
  const std::string name_;
  const bus::filters filter_;
  const std::chrono::milliseconds heartbeat_;
  tests::simulated_disk disk_;
  std::unique_ptr<process> process_;
  std::uint64_t life_ = 0, walks_ = 1, operations_left_ = 0;
  end dies_by_ = end::kill;
  runtime::steady_time frozen_until_{};
  std::optional<runtime::steady_time> wake_;  ///< of the next look that nothing else asks for
};

}  // namespace koppel::simulation
