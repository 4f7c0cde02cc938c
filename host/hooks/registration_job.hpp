// SPDX-License-Identifier: Apache-2.0
// What a job that registers or removes webhooks may do: requests, which go out with the connection's true address and
// token in place of the words that stand for them, and come back with the words. What the plugin remembers is kept
// before its next request leaves: it may be all that leads back to what that one makes. Main strand only.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "host/auth/provider_client.hpp"
#include "host/plugins/job.hpp"

namespace koppel::hooks {

inline constexpr const char *registering = "register_webhooks", *removing = "remove_webhooks";  ///< kinds of job

/// How one ends that was not begun.
messages::done not_done(std::string_view error, std::string detail);
/// Why a job ended as it did, for people.
std::string reason_of(const messages::done& outcome);

// Without a slash: JSON has two ways to write one.
inline constexpr const char* address_word = "koppel-webhook-address";
inline constexpr const char* token_word = "koppel-webhook-token";

class registration_job final : public plugins::job_effects {
 public:
  /// Makes what was learned about the connection durable.
  using keeper = std::function<runtime::awaitable<result<>>(std::map<std::string, std::string> learned)>;

  /// `public_url`: under which the address is registered, or was. `keep` is asked as long as the connection is not
  /// `removed`; from then on requests bear `parting_token`, and where that is empty they cannot leave.
  registration_job(auth::provider_client& provider, auth::provider_client::context context, keeper keep,
                   std::function<bool()> removed, core::secret parting_token, std::string public_url,
                   const ledger::webhook_address& a);
  ~registration_job() override;

  runtime::awaitable<messages::reply> http(messages::http request) override;
  runtime::awaitable<result<>> page(messages::page page) override;
  void learned(messages::learned value) override;

  /// What is not kept yet.
  runtime::awaitable<result<>> keep_learned();

 private:
  runtime::awaitable<messages::reply> send(messages::http request);
  void fill(std::string& text) const;
  void blot(std::string& text) const;

  auth::provider_client& provider_;
  const auth::provider_client::context context_;
  const keeper keep_;
  const std::function<bool()> removed_;
  const core::secret parting_token_;
  std::map<std::string, std::string> learned_;
  std::string url_, secret_, token_;
};

}  // namespace koppel::hooks
