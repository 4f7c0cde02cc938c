// SPDX-License-Identifier: Apache-2.0
// Why a connection could not even be asked about. What a provider refuses is not an error but a status (docs/auth.md).
#pragma once

#include <koppel/result.hpp>

namespace koppel::auth {

enum class errc {
  no_plugin = 1,         ///< no running plugin speaks for this provider: see koppelctl plugin list
  not_possible,          ///< the connection is disabled or removed, or nothing waits for this
  bad_answer,            ///< what was pasted holds no code; the detail says what to paste
  unknown_state,         ///< the link was used before, is too old, or is another connection's: make a new one
  code_used,             ///< this very code was sent to the provider before: make a new one
  provider_unreachable,  ///< nothing was sent: the code still lives, try again
  bad_manifest,          ///< the manifest's authorize URL cannot be used
};
const boost::system::error_category& auth_category();
inline boost::system::error_code make_error_code(errc e) { return {static_cast<int>(e), auth_category()}; }

}  // namespace koppel::auth

template <>
struct boost::system::is_error_code_enum<koppel::auth::errc> : std::true_type {};
