// SPDX-License-Identifier: Apache-2.0
// The daemon's log: written by a thread of its own, so that a pipe which nobody reads holds up nothing. What does not
// fit into its queue displaces the oldest lines.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

namespace koppel::runtime {

/// Makes spdlog's default logger; an empty `file` is stderr. Starts a thread: not before the spawner is forked.
void start_log(const std::string& level, const std::filesystem::path& file);

/// Writes what is queued and ends the thread. False where that took longer than `limit`: the thread then hangs in a
/// write, and the process can only end by std::_Exit.
bool end_log(std::chrono::milliseconds limit);

}  // namespace koppel::runtime
