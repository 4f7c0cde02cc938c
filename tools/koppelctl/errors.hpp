// SPDX-License-Identifier: Apache-2.0
// How a command ends: the exit codes, and the failures behind them.
#pragma once

#include <koppel/result.hpp>
#include <string>
#include <type_traits>

namespace koppel::koppelctl {

enum class exit_code { ok = 0, refused = 1, usage = 2, unreachable = 3 };

enum class errc {
  refused = 1,     ///< the daemon said no, or the thing asked for failed
  bad_input,       ///< the daemon refuses what was handed over; another try with better input may succeed
  usage,           ///< the arguments make no sense together
  unreachable,     ///< no daemon at the socket, or no permission
  not_understood,  ///< the daemon's answer has another shape than this version knows
};
const boost::system::error_category& koppelctl_category();
inline boost::system::error_code make_error_code(errc e) { return {static_cast<int>(e), koppelctl_category()}; }

inline failure fail(errc e, std::string sentence) { return {make_error_code(e), std::move(sentence)}; }

/// What the program returns for a failure.
exit_code exit_of(const failure& f);

}  // namespace koppel::koppelctl

template <>
struct boost::system::is_error_code_enum<koppel::koppelctl::errc> : std::true_type {};
