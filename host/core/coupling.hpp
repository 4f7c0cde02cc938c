// SPDX-License-Identifier: Apache-2.0
// Keys that come by webhook: the activation link that asks for one, the message that brings, replaces or withdraws one,
// and what it means for a connection. Pure. The message is a hint from whoever knows the address: a key that it brings
// is proven like a pasted one, and one that it withdraws is asked about first.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "host/core/connection_auth.hpp"
#include "host/core/manifest.hpp"
#include "host/core/secret.hpp"

namespace koppel::core {

/// The address to open. `success_url` empty: the provider's own page is the end.
std::string activation_link(const auth_rules& rules, std::string_view client_id, std::string_view reference,
                            std::string_view success_url);

struct coupling_message {
  enum class kind { create, regenerate, removal } what = kind::create;
  secret key;  ///< may be empty for a removal
  std::string reference;
};

/// A body as a message, or a sentence that says what is wrong with it and repeats nothing of it.
std::variant<coupling_message, std::string> read_coupling(const coupling_rules& rules, std::string_view body);

/// What is known when a message's turn has come.
struct coupling_facts {
  enum class link {
    none,  ///< no link has this reference (any more): it was never made, or has served
    open,
    over,    ///< its time was over when the message came
    closed,  ///< the connect link that made it was withdrawn, or has served by another flow
  } attempt = link::none;
  bool bound = false;  ///< the connection's key came with this reference
  auth_status status = auth_status::unconfigured;
  bool has_key = false;       ///< there is a stored key
  bool names_stored = false;  ///< ... and the message has the same one
};

struct coupling_step {
  enum class act {
    exchange,      ///< prove the key as if it had been pasted, with the link's own confirmation
    replace,       ///< prove the key; it has to open the account that the connection is bound to
    ask,           ///< present the stored key: only a provider that refuses it ends the connection
    ignore,        ///< nothing to do: `why`
    refuse,        ///< not to be done: `why`
    unattributed,  ///< nobody's: `why`
  } what = act::unattributed;
  std::string why;
};

coupling_step decide(const coupling_message& m, const coupling_facts& f);

}  // namespace koppel::core
