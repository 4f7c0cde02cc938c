// SPDX-License-Identifier: Apache-2.0
// What a plugin found out about a connection (an API domain, a division) and gets back in later jobs. A plugin's word,
// so it is bounded, and never hides what an operator set.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "host/core/manifest.hpp"

namespace koppel::core {

inline constexpr std::size_t most_learned = 32;             ///< names of one connection
inline constexpr std::size_t longest_learned_name = 64;     ///< bytes
inline constexpr std::size_t longest_learned_value = 4096;  ///< bytes

/// Keeps the value among `known`, in place of an older one of its name. False, and nothing is kept, if the name or the
/// value is too long or not plain text, or the name would be one too many or begins with "@",
/// as the host's own do.
bool learn(std::map<std::string, std::string>& known, const std::string& name, const std::string& value);

/// The settings of a job: what the operator set; else what was learned; else the manifest's default. Where the provider
/// has regions, `region` is the connection's, and `region.<value>` what the manifest says of it.
std::map<std::string, std::string> job_settings(const manifest& m, std::map<std::string, std::string> settings,
                                                const std::map<std::string, std::string>& learned);

}  // namespace koppel::core
