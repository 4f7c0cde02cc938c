// SPDX-License-Identifier: Apache-2.0
// A request that a provider refused for its token or for the app's key: asked about before anything is concluded.

#include <spdlog/spdlog.h>

#include "host/auth/auth_impl.hpp"

namespace koppel::auth {
namespace {

using ledger::transaction;
using runtime::awaitable;
namespace job_error = messages::job_error;

}  // namespace

void auth_service::impl::note_app_key_refused(const std::string& connection_id, int http_status) {
  // Each connection of the app meets it at its own next request; of many requests the first one tells.
  if (!app_key_refusals_.insert_or_assign(connection_id, http_status).second) return;
  supervisor_.run("refused key of the app of " + connection_id, tell_app_key_refused(connection_id, http_status));
}

awaitable<void> auth_service::impl::tell_app_key_refused(std::string connection_id, int http_status) {
  const auto pass = co_await gate_.enter(connection_id);
  // Mended, or probed anew, meanwhile.
  if (!app_key_refusals_.contains(connection_id)) co_return;
  auto loading = load(connection_id);
  auto loaded = co_await std::move(loading);
  // Before it is authorized, whoever asked for the probe concludes.
  bool told = false;
  if (loaded && loaded->connection.auth.status == core::auth_status::authorized) {
    const decider decide = [http_status](const core::auth_subject& s, transaction&, core::instant now) {
      return core::app_key_refused(s, http_status, now);
    };
    auto settling = settle(*loaded, decide, nullptr);
    const auto settled = co_await std::move(settling);
    if (!settled) spdlog::error("{}: {}", connection_id, settled.error().detail);
    told = static_cast<bool>(settled);
  }
  // The next request that meets it tells again.
  if (!told) app_key_refusals_.erase(connection_id);
}

/// Where the probe asks nobody, the renewal is the question, and a refusal of it the answer.
awaitable<void> auth_service::impl::ask_by_renewing(const subject& about, const ledger::credentials& pair,
                                                    const std::string& detail) {
  // Whoever met the refusal has renewed the token before, and was refused again.
  renewal became{renewal::outcome::renewed, {}, "it was renewed a moment ago"};
  if (clock_.now() - pair.obtained_at > fresh_for) {
    auto reading = read_secrets(about);
    const auto secrets = co_await std::move(reading);
    if (!secrets || !secrets->pair) co_return;
    auto work = renew_pair(about, *secrets, renewal_cause::refused);
    became = co_await std::move(work);
  }
  if (became.what != renewal::outcome::impossible)
    spdlog::warn("{}/{}: a request was refused ({}), but not the renewal of the token ({}): nothing changes",
                 about.connection.provider, about.connection.name, detail, became.detail);
}

awaitable<void> auth_service::impl::credentials_refused(std::string connection_id, int http_status,
                                                        std::string detail) {
  const auto pass = co_await gate_.enter(connection_id);
  auto loaded = co_await load(connection_id);
  if (!loaded || loaded->connection.auth.status != core::auth_status::authorized) co_return;
  std::optional<ledger::credentials> credentials;
  const auto read = [&](transaction& tx) -> result<> {
    auto found = tx.find_credentials(connection_id);
    if (!found) return found.error();
    credentials = std::move(*found);
    return {};
  };
  if (auto done = co_await ledger_.write(read); !done) {
    spdlog::error("{}/{}: {}", loaded->connection.provider, loaded->connection.name, done.error().detail);
    co_return;
  }

  const bool expired = credentials && credentials->expires_at && *credentials->expires_at <= clock_.now();
  if (credentials && !expired) {
    // The pair may have changed since the refusal, and providers err: one harmless question decides.
    provider_.forget(connection_id);
    auto second = co_await probe(*loaded, credentials->access_token);
    const bool says_nothing = !second.asked && second.done.error.empty();
    if (says_nothing && !credentials->refresh_token.empty()) {
      auto asking = ask_by_renewing(*loaded, *credentials, detail);
      co_await std::move(asking);
      co_return;
    }
    // Of a token that cannot be renewed, a refusal is all that will ever be known.
    if (!says_nothing && second.done.error != job_error::authorise_again) {
      spdlog::warn("{}/{}: a request was refused ({}), but the probe was not ({}): nothing changes",
                   loaded->connection.provider, loaded->connection.name, detail, second.done.error);
      co_return;
    }
    if (second.done.http_status > 0) http_status = second.done.http_status;
  }
  const auto decide = [=](const core::auth_subject& s, transaction&, core::instant now) {
    return core::credentials_dead(s, http_status, expired, now);
  };
  auto settled = co_await settle(*loaded, decide, nullptr);
  if (!settled) spdlog::error("{}: {}", connection_id, settled.error().detail);
}

}  // namespace koppel::auth
