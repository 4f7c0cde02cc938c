// SPDX-License-Identifier: Apache-2.0
// What the daemon and its spawner say to each other over a SOCK_SEQPACKET pair. Both are the same program (the spawner
// is a fork of it), so the layout is the compiler's. One packet is one of these; a spawn request is followed by the
// plugin's path.
#pragma once

#include <cstdint>
#include <string>

#include "host/plugins/spawner.hpp"

namespace koppel::plugins::spawner_wire {

inline constexpr std::size_t longest_path = 4096;

struct request {
  enum : std::uint32_t { spawn = 1, kill = 2 } what = spawn;
  std::int32_t pid = 0;     ///< kill
  std::int32_t signal = 0;  ///< kill
  std::uint64_t token = 0;  ///< spawn: comes back in the answer
};

struct answer {
  enum : std::uint32_t {
    spawned = 1,  ///< with the host's ends of the runner's socket and of its output as SCM_RIGHTS
    refused = 2,  ///< `number` is an errno, `step` what failed
    exited = 3    ///< `number` is a status of waitpid; of a stop, where it was killed for that
  } what = spawned;
  enum : std::uint32_t { socket = 1, fork = 2, exec = 3 } step = socket;
  std::int32_t pid = 0;
  std::int32_t number = 0;
  std::uint64_t token = 0;
};

}  // namespace koppel::plugins::spawner_wire

namespace koppel::plugins {

/// The spawner's whole life, in the forked child: serves requests on `channel` until its other end closes. Never
/// returns.
[[noreturn]] void run_spawner(int channel, const std::string& runner_path, const runner_limits& limits);

}  // namespace koppel::plugins
