// SPDX-License-Identifier: Apache-2.0
// A plugin's request on its way out: declared host, method and path only; the connection's credentials attached here,
// where no plugin sees them; limits by bucket key; a token that is renewed where it has to be; retries (the one layer
// that does); credentials and cookies taken out of what goes back. Main strand only.
#pragma once

#include <koppel/messages.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "host/core/egress.hpp"
#include "host/core/manifest.hpp"
#include "host/core/retry.hpp"
#include "host/ledger/ledger.hpp"
#include "host/net/http_transport.hpp"
#include "host/runtime/clock.hpp"

namespace koppel::auth {

/// Why a newer token is wanted.
enum class renewal_cause {
  ahead,    ///< it will expire soon
  expired,  ///< its time is over
  refused,  ///< the provider answered 401 to it
};

/// What became of the wish for a newer token.
struct renewal {
  enum class outcome {
    renewed,     ///< a newer pair is stored
    later,       ///< not now; ask again at `not_before`
    impossible,  ///< this pair cannot be renewed
  } what = outcome::impossible;
  core::instant not_before{};
  std::string detail;  ///< a sentence for whoever wished
};

class provider_client {
 public:
  /// `random` in [0, 1) spreads retries; the system's where it is empty.
  provider_client(net::http_transport& http, ledger::ledger& ledger, const runtime::clock& clock,
                  std::function<double()> random = {});
  ~provider_client();

  /// Whose credentials a request bears and which bucket pays. `not_yet_stored` serves the probe of a fresh grant.
  struct context {
    std::shared_ptr<const core::manifest> manifest;
    std::string connection_id;
    std::string client_id;
    std::string account_id;                        ///< for the bucket; empty before it is known
    const core::secret* not_yet_stored = nullptr;  ///< an access token that is not in the ledger (yet)
    core::instant deadline{};
    /// Where a limit is used up for longer than this, the request is refused at once: whoever asks has other things to
    /// do meanwhile, and asks again.
    std::chrono::milliseconds limit_patience = std::chrono::hours{1};
    std::function<void(core::instant)> limited_until;  ///< told when a request was refused so
    int attempts = core::retry_policy{}.attempts;      ///< at one exchange; 1 where whoever asks repeats it himself
    core::egress_purpose purpose = core::egress_purpose::reading;
  };

  /// Performs one request with limits and retries. Never throws; a reply with `error` set means that the job should end
  /// so. An access token that has expired is renewed first; one that is answered with 401 is renewed once, and the
  /// request sent again. A 401 that remains comes back as a reply with status 401 and error "authorise_again".
  runtime::awaitable<messages::reply> send(context c, messages::http request);

  /// Until what is returned goes, other settings are tried, and the stored token belongs to the former ones: a request
  /// that was made with the addresses of others does not bear it.
  using settings_map = std::map<std::string, std::string>;
  std::shared_ptr<void> keep_to(std::string connection_id, settings_map former);

  /// Forgets what is cached of a connection's secrets (after a change of its credentials, or of its app's).
  void forget(const std::string& connection_id);

  /// Asked for a pair newer than `generation` when a token has expired or was refused; set by whoever keeps tokens
  /// fresh. Without it no token is renewed.
  std::function<runtime::awaitable<renewal>(std::string connection_id, std::uint64_t generation, renewal_cause cause)>
      renew;

  /// Called where the provider refuses what the app adds to every request; the reply has error "bad_settings".
  std::function<void(std::string connection_id, int http_status)> app_key_refused;

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace koppel::auth
