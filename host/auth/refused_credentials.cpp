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
awaitable<void> auth_service::impl::ask_by_renewing(const subject& about, const stored_secrets& secrets,
                                                    const std::string& detail) {
  // Whoever met the refusal has renewed the token before, and was refused again.
  renewal became{renewal::outcome::renewed, {}, "it was renewed a moment ago"};
  if (clock_.now() - secrets.pair->obtained_at > fresh_for) {
    auto work = renew_pair(about, secrets, renewal_cause::refused);
    became = co_await std::move(work);
  }
  if (became.what != renewal::outcome::impossible)
    spdlog::warn("{}/{}: a request was refused ({}), but not the renewal of the token ({}): nothing changes",
                 about.connection.provider, about.connection.name, detail, became.detail);
}

/// Whoever met the refusal has not renewed the token, where a provider says that it is over in words of its own.
/// Returns the HTTP status that a newer token is refused with as well; nothing where it is not, or there is none.
awaitable<std::optional<int>> auth_service::impl::refused_when_renewed(const subject& about,
                                                                       const stored_secrets& secrets,
                                                                       const std::string& detail) {
  auto work = renew_pair(about, secrets, renewal_cause::refused);
  const auto became = co_await std::move(work);
  if (became.what != renewal::outcome::renewed) {
    // Where it is impossible, that has been concluded from already.
    if (became.what == renewal::outcome::later)
      spdlog::warn("{}/{}: a request was refused ({}), and the token cannot be renewed yet: {}",
                   about.connection.provider, about.connection.name, detail, became.detail);
    co_return std::nullopt;
  }
  auto reading = read_secrets(about);
  const auto newer = co_await std::move(reading);
  if (!newer || !newer->pair) co_return std::nullopt;
  auto asking = probe(about, newer->pair->access_token);
  const auto probed = co_await std::move(asking);
  if (probed.done.error == job_error::authorise_again) co_return probed.done.http_status;
  spdlog::warn("{}/{}: a request was refused ({}), and the token was renewed for it", about.connection.provider,
               about.connection.name, detail);
  co_return std::nullopt;
}

awaitable<void> auth_service::impl::credentials_refused(std::string connection_id, int http_status,
                                                        std::string detail) {
  const auto pass = co_await gate_.enter(connection_id);
  auto loaded = co_await load(connection_id);
  if (!loaded || loaded->connection.auth.status != core::auth_status::authorized) co_return;
  auto reading = read_secrets(*loaded);
  const auto secrets = co_await std::move(reading);
  if (!secrets) {
    spdlog::error("{}/{}: {}", loaded->connection.provider, loaded->connection.name, secrets.error().detail);
    co_return;
  }

  bool expired = false;
  if (secrets->pair) {
    const auto& pair = *secrets->pair;
    const bool renewable = !pair.refresh_token.empty();
    expired = pair.expires_at && *pair.expires_at <= clock_.now();
    if (!expired) {
      // The pair may have changed since the refusal, and providers err: one harmless question decides.
      provider_.forget(connection_id);
      auto asking_them = probe(*loaded, pair.access_token);
      const auto second = co_await std::move(asking_them);
      const bool says_nothing = !second.asked && second.done.error.empty();
      if (says_nothing && renewable) {
        auto asking = ask_by_renewing(*loaded, *secrets, detail);
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
    if (renewable && (expired || clock_.now() - pair.obtained_at > fresh_for)) {
      auto asking = refused_when_renewed(*loaded, *secrets, detail);
      const auto status = co_await std::move(asking);
      if (!status) co_return;
      if (*status > 0) http_status = *status;
      expired = false;
    }
  }
  const auto decide = [=](const core::auth_subject& s, transaction&, core::instant now) {
    return core::credentials_dead(s, http_status, expired, now);
  };
  auto settled = co_await settle(*loaded, decide, nullptr);
  if (!settled) spdlog::error("{}: {}", connection_id, settled.error().detail);
}

}  // namespace koppel::auth
