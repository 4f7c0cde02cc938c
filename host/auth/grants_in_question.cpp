// SPDX-License-Identifier: Apache-2.0
// Stored grants of which nobody has said yet whose account they open: a host that ended too soon, a provider that was
// in trouble, settings that were wrong. They are asked about until somebody has said.

#include <spdlog/spdlog.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "host/auth/auth_impl.hpp"

namespace koppel::auth {
namespace {

using ledger::transaction;
using runtime::awaitable;

constexpr std::chrono::milliseconds longest_pause{300'000};

/// A connection of which a stored pair may still become one that works.
bool may_be_proven(core::auth_status status) {
  using s = core::auth_status;
  return status == s::unconfigured || status == s::waiting || status == s::needs_reauth || status == s::misconfigured;
}

/// Not the grant was at fault, but what we said of ourselves.
bool refused_for_settings(const core::auth_state& of) {
  using r = core::auth_reason;
  return of.status == core::auth_status::misconfigured &&
         (of.reason == r::secret_wrong || of.reason == r::client_unknown || of.reason == r::partner_key_invalid);
}

}  // namespace

awaitable<void> auth_service::impl::resume() {
  std::vector<unproven_pair> unfinished;
  const std::function<result<void>(transaction&)> read = [&](transaction& tx) -> result<> {
    for (const auto& c : tx.connections())
      if (const auto age = tx.find_token_age(c.id); age && age->unproven) unfinished.push_back({c.id, age->generation});
    return {};
  };
  auto done = co_await ledger_.write(read);
  if (!done) spdlog::error("connections that were interrupted could not be read: {}", done.error().detail);
  for (auto& one : unfinished) prove(std::move(one), std::chrono::milliseconds{0});
}

awaitable<void> auth_service::impl::app_changed(std::string app_id) {
  std::vector<std::string> of_it;
  const std::function<result<void>(transaction&)> read = [&](transaction& tx) -> result<> {
    for (const auto& c : tx.connections())
      if (c.app_id == app_id) of_it.push_back(c.id);
    return {};
  };
  auto done = co_await ledger_.write(read);
  if (!done) spdlog::error("the connections of a changed app could not be read: {}", done.error().detail);
  for (const auto& id : of_it) {
    provider_.forget(id);
    app_key_refusals_.erase(id);
  }
  co_await resume();
}

void auth_service::impl::prove(unproven_pair which, std::chrono::milliseconds pause) {
  if (!proving_.insert(which).second) return;
  supervisor_.run("probe of " + which.connection_id, prove_until_settled(which, pause));
}

awaitable<void> auth_service::impl::prove_until_settled(unproven_pair which, std::chrono::milliseconds pause) {
  for (auto usual = first_proof_pause;; usual = std::min(usual * 2, longest_pause)) {
    const bool in_time = co_await runtime::sleep_for(pause);
    if (!in_time) co_return;
    auto attempt = prove_once(which);
    const auto again = co_await std::move(attempt);
    if (!again) break;
    pause = std::max<std::chrono::milliseconds>(usual, *again - clock_.now());
  }
  proving_.erase(which);
}

awaitable<std::optional<core::instant>> auth_service::impl::prove_once(unproven_pair which) {
  const auto pass = co_await gate_.enter(which.connection_id);
  auto loaded = co_await load(which.connection_id);
  if (!loaded && loaded.error().code == ledger::errc::not_found) co_return std::nullopt;
  if (!loaded) co_return clock_.now();  // a plugin that is gone may come back
  const subject& about = *loaded;
  auto secrets = co_await read_secrets(about);
  if (!secrets) {
    spdlog::error("{}/{}: {}", about.connection.provider, about.connection.name, secrets.error().detail);
    co_return clock_.now();
  }
  const bool in_question = secrets->pair && secrets->pair->generation == which.generation &&
                           !secrets->pair->unproven.empty() && may_be_proven(about.connection.auth.status);
  if (!in_question) co_return std::nullopt;

  const auto& pair = *secrets->pair;
  const bool over = pair.expires_at && *pair.expires_at <= clock_.now() && !pair.refresh_token.empty();
  if (!over) {
    auto probed = co_await probe(about, pair.access_token);
    if (is_passing(probed.done)) co_return clock_.now() + std::chrono::milliseconds{probed.done.retry_after};
    if (!may_be_over(pair, probed.done)) {
      grant g;
      g.stored = true;
      const auto how = confirmation_from(pair.unproven);
      g.credentials = std::move(*secrets->pair);
      auto conclusion = conclude(about, g, how, std::move(probed));
      const auto done = co_await std::move(conclusion);
      if (done || done.error().code == ledger::errc::not_found) co_return std::nullopt;
      spdlog::error("{}/{}: {}", about.connection.provider, about.connection.name, done.error().detail);
      co_return clock_.now();
    }
  }
  auto renewal_of_it = renew_pair(about, *secrets, over ? renewal_cause::expired : renewal_cause::refused);
  const auto became = co_await std::move(renewal_of_it);
  if (became.what == renewal::outcome::renewed)
    prove({which.connection_id, which.generation + 1}, std::chrono::milliseconds{0});
  else
    fresh_.erase(which.connection_id);  // nobody uses it yet: not to be kept fresh
  if (became.what == renewal::outcome::later) co_return became.not_before;
  co_return std::nullopt;
}

void auth_service::question_refused_grants(transaction& tx, const std::string& app_id) {
  for (const auto& c : tx.connections())
    if (c.app_id == app_id) question_refused_grant(tx, c);
}

void auth_service::question_refused_grant(transaction& tx, const ledger::connection& c) {
  if (!refused_for_settings(c.auth)) return;
  // One that is in question already keeps how it is to be confirmed.
  if (const auto age = tx.find_token_age(c.id); age && !age->unproven)
    tx.mark_credentials(c.id, text_of(confirmation{}));
}

bool auth_service::may_come_back(transaction& tx, const ledger::connection& c) {
  const auto age = tx.find_token_age(c.id);
  return age && (age->unproven || refused_for_settings(c.auth));
}

}  // namespace koppel::auth
