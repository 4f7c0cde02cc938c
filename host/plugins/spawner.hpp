// SPDX-License-Identifier: Apache-2.0
// The daemon's side of the spawner: a child process, forked before the daemon has threads, keys or a database, that
// starts and watches every runner. Main strand only, but for `fork_before_threads`, which runs before there is one.
#pragma once

#include <sys/types.h>

#include <functional>
#include <koppel/result.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "host/plugins/descriptor.hpp"
#include "host/runtime/asio.hpp"
#include "host/runtime/condition.hpp"

namespace koppel::plugins {

/// How a child ended; `status` is waitpid's. Shared by the spawner, which fills it, and whoever has the child.
struct child_end {
  std::optional<int> status;
  runtime::condition changed;
};

struct child {
  pid_t pid = 0;
  descriptor socket;  ///< our end of its stream socket
  descriptor output;  ///< what its stdout and stderr say
  std::shared_ptr<child_end> end;
};

/// What a runner may use up; beyond it the runner ends, and no other.
struct runner_limits {
  std::uint64_t memory = std::uint64_t{256} << 20;  ///< bytes of its own that it can write to
  unsigned call_s = 60;                             ///< that its plugin may take for one message
};

/// "SIGSEGV", or "exit status 3".
std::string describe_end(int status);

/// Gives birth to runners and tells of their ends. The host has the forked one; the simulation acts it.
class spawner {
 public:
  /// Call it first thing in main. Fails if the process has threads already, or the runner is no program.
  static result<std::unique_ptr<spawner>> fork_before_threads(std::string runner_path,
                                                              const runner_limits& limits = {});
  spawner(const spawner&) = delete;
  /// Ends the spawner; runners that still live die with it.
  virtual ~spawner() = default;

  /// Reads what the spawner tells, until it ends or this is cancelled. Whoever spawns keeps this running (plugin_host
  /// does).
  virtual runtime::awaitable<void> serve() = 0;

  /// Starts a runner for the library at this path.
  virtual runtime::awaitable<result<child>> spawn(std::string plugin_path) = 0;

  /// Signals a child of this spawner; any other number, or a child that has ended, is left alone.
  virtual void kill(pid_t pid, int signal) = 0;

  /// Called once when the spawner itself has ended, by whatever: nothing can be done here, the daemon has to end. Set
  /// before `serve`.
  std::function<void()> on_lost;

  /// False once the spawner itself has ended: no runner can be started any more, and none lives.
  virtual bool alive() const = 0;
  virtual pid_t pid() const = 0;
  const runner_limits& limits() const { return limits_; }

 protected:
  explicit spawner(const runner_limits& limits) : limits_(limits) {}

 private:
  const runner_limits limits_;
};

}  // namespace koppel::plugins
