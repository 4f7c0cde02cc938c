// SPDX-License-Identifier: Apache-2.0
// The harmless question whose account a token opens, asked through the plugin, once or patiently.

#include <spdlog/spdlog.h>

#include <algorithm>

#include "host/auth/auth_impl.hpp"
#include "host/auth/error.hpp"
#include "host/core/connection_manifest.hpp"
#include "host/core/learned.hpp"

namespace koppel::auth {
namespace {

using runtime::awaitable;
namespace job_error = messages::job_error;

constexpr int probe_tries = 5;
constexpr std::chrono::seconds probe_limit{30};    ///< for one try
constexpr std::chrono::seconds probe_pause{2};     ///< between two, where the plugin names no other
constexpr std::chrono::seconds longest_pause{10};  ///< somebody waits before a browser

}  // namespace

bool is_passing(const messages::done& done) {
  return done.error == job_error::try_again || done.error == job_error::crashed;
}

/// A probe may ask for requests and learn values; it has no records to hand over.
class auth_service::impl::probe_effects final : public plugins::job_effects {
 public:
  probe_effects(provider_client& provider, provider_client::context c) : provider_(provider), context_(std::move(c)) {}
  awaitable<messages::reply> http(messages::http request) override {
    asked = true;
    co_return co_await provider_.send(context_, std::move(request));
  }
  awaitable<result<>> page(messages::page) override {
    co_return failure{make_error_code(errc::not_possible), "a probe hands over no records"};
  }
  void learned(messages::learned value) override { core::learn(values, value.name, value.value); }

  std::map<std::string, std::string> values;
  bool asked = false;

 private:
  provider_client& provider_;
  provider_client::context context_;
};

awaitable<auth_service::impl::probe_outcome> auth_service::impl::probe(const subject& about,
                                                                       const core::secret& access) {
  provider_client::context context;
  context.manifest = about.manifest;
  context.connection_id = about.connection.id;
  context.client_id = about.app.client_id;
  context.account_id = about.connection.pinned ? about.connection.pinned->id : "";
  context.not_yet_stored = &access;
  context.deadline = clock_.now() + probe_limit;
  context.attempts = 1;  // every probe is repeated by whoever needs to know

  messages::start start;
  start.kind = "probe";
  start.settings = core::job_settings(*about.manifest, about.connection.settings, about.connection.learned);
  start.deadline = context.deadline.time_since_epoch().count();
  start.now = clock_.now().time_since_epoch().count();

  app_key_refusals_.erase(about.connection.id);
  probe_effects effects(provider_, context);
  probe_outcome outcome;
  outcome.done = co_await plugins_.run(about.connection.provider, std::move(start), effects);
  outcome.learned = std::move(effects.values);
  outcome.asked = effects.asked;
  co_return outcome;
}

awaitable<auth_service::impl::probe_outcome> auth_service::impl::probe_patiently(const subject& about,
                                                                                 const core::secret& access) {
  for (int number = 1;; ++number) {
    auto outcome = co_await probe(about, access);
    if (!is_passing(outcome.done) || number == probe_tries) co_return outcome;
    spdlog::info("{}/{}: the probe is tried again: {}", about.connection.provider, about.connection.name,
                 outcome.done.detail);
    std::chrono::milliseconds pause{outcome.done.retry_after};
    if (pause <= std::chrono::milliseconds{0}) pause = probe_pause;
    co_await runtime::sleep_for(std::min<std::chrono::milliseconds>(pause, longest_pause));
  }
}

bool auth_service::impl::may_be_over(const ledger::credentials& pair, const messages::done& done) const {
  return done.error == job_error::authorise_again && !pair.refresh_token.empty() &&
         clock_.now() - pair.obtained_at > fresh_for;
}

}  // namespace koppel::auth
