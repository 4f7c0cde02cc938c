// SPDX-License-Identifier: Apache-2.0
// koppeld as the simulation runs it: the same services as in host/wiring.cpp over a simulated disk, network, spawner
// and bus lines. One object lives for many lives of the process: it is booted, and it dies, in all the ways there are.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>

#include "bus/src/follow_hub.hpp"
#include "host/auth/auth_service.hpp"
#include "host/sync/sync_service.hpp"
#include "tests/simulation/bus_lines.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/runners.hpp"
#include "tests/simulation/simulated_ledger.hpp"
#include "tests/support/simulated_disk.hpp"

namespace koppel::simulation {

/// What the daemon's configuration would say, and how the machine behaves.
struct host_settings {
  sync::sync_options sync;
  std::chrono::milliseconds heartbeat{10'000};
  runner_manners manners;
  std::string plugin_folder, key_file;
};

class simulated_host {
 public:
  /// What the host tells the checker; all of it is durable by then.
  struct observer {
    virtual ~observer() = default;
    /// After each start and each commit with events.
    virtual void history(bus::event_source& events, std::uint64_t head) = 0;
    /// The process is no more.
    virtual void host_died() = 0;
    /// A runner is no more, by its own doing.
    virtual void runner_died() = 0;
  };
  enum class end { kill, power_loss };

  simulated_host(world& w, provider& p, request_watch& watch, bus_lines& lines, observer& o, host_settings settings);
  ~simulated_host();

  /// Begins a life of the process. Fails where the ledger cannot be opened.
  result<> boot();
  bool up() const { return process_ != nullptr; }
  std::uint64_t boots() const { return boots_; }

  /// Ends the process now; what its disk keeps is up to the disk.
  void die(end how, std::string_view why);
  /// Lets it die at the n-th operation on its disk from now.
  void die_at_disk_operation(std::uint64_t n, end how);
  /// The next sync of the disk says that it failed.
  void fail_next_sync();
  /// Not a byte is free any more; and there is room again.
  void fill_disk();
  void make_room();
  /// SIGTERM: the process ends by itself.
  void stop();
  /// No fault that was prepared happens any more.
  void calm();
  /// It gets no processor time until then.
  void freeze_until(runtime::steady_time t) { frozen_until_ = t; }
  runtime::steady_time frozen_until() const { return frozen_until_; }

  /// Runs one thing that is ready; false if nothing is. A process that has to end ends here.
  bool poll_one();

  /// Runs `work` within the process, as a request of an operator would.
  void run(std::string name, runtime::awaitable<void> work);
  ledger::ledger& ledger();
  auth::auth_service& auth();
  sync::sync_service& sync();
  void kill_runner();
  tests::simulated_disk& disk() { return disk_; }

  static std::string database_path() { return "/host/ledger.db"; }

 private:
  struct process;
  tests::simulated_disk::fault at_operation(const tests::simulated_disk::operation& o);

  world& world_;
  provider& provider_;
  request_watch& watch_;
  bus_lines& lines_;
  observer& observer_;
  const host_settings settings_;
  tests::simulated_disk disk_;
  std::unique_ptr<process> process_;
  std::uint64_t boots_ = 0;
  runtime::steady_time frozen_until_{};

  std::uint64_t operations_left_ = 0;  ///< until it dies; 0: it does not
  end dies_by_ = end::kill;
  bool next_sync_fails_ = false, full_ = false;
};

/// A database as a new host makes it, sealed with the key of `key_file`; made once, and copied for each life.
std::string new_database(const std::string& key_file);

/// SQLite uses this disk for what is opened from now on.
void mount(const tests::simulated_disk& disk);

}  // namespace koppel::simulation
