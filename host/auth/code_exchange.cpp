// SPDX-License-Identifier: Apache-2.0
// From a code to a status: the exchange, at once and on a connection of its own; the pair into the ledger before
// anything uses it; the probe that names the account; the decision with its event.

#include <spdlog/spdlog.h>
#include <koppel/fault_point.hpp>

#include <algorithm>

#include "host/auth/auth_impl.hpp"
#include "host/auth/error.hpp"
#include "host/core/auth_texts.hpp"
#include "host/core/code_age.hpp"
#include "host/core/connection_manifest.hpp"
#include "host/core/learned.hpp"

#include <koppel/bus/event_types.hpp>

namespace koppel::auth {
namespace {

using ledger::transaction;
using runtime::awaitable;
namespace job_error = messages::job_error;

bool nothing_was_sent(const boost::system::error_code& code) {
  return code == net::errc::bad_url || code == net::errc::resolve || code == net::errc::connect ||
         code == net::errc::tls || code == net::errc::bad_request || code == net::errc::address_refused;
}

}  // namespace

awaitable<void> auth_service::impl::put_back(arrival& a) {
  if (!a.attempt) co_return;
  const auto insert = [&](transaction& tx) { return tx.insert_attempt(std::move(*a.attempt)); };
  if (auto done = co_await ledger_.write(insert); !done)
    spdlog::warn("{}/{}: the link could not be kept open: {}", a.about.connection.provider, a.about.connection.name,
                 done.error().detail);
  a.attempt.reset();
}

awaitable<result<ledger::connection>> auth_service::impl::refuse(const subject& about, core::refusal why) {
  const decider decide = [&why](const core::auth_subject& s, transaction&, core::instant now) {
    return core::exchange_refused(s, why, now);
  };
  co_return co_await settle(about, decide, nullptr);
}

awaitable<result<ledger::connection>> auth_service::impl::act_on(arrival& a) {
  auto& about = a.about;
  const auto place = core::place_of(about.manifest->auth, a.answer.place, about.connection.settings);
  core::refusal why;
  if (!a.answer.error.empty()) {
    why.reason = core::reason_of_callback_error(a.answer.error);
    why.provider_error = a.answer.error;
    auto refusing = refuse(about, std::move(why));
    co_return co_await std::move(refusing);
  }
  if (place.elsewhere) {
    // Another customer's system, or a place that the manifest does not know: nobody is asked, no secret goes there.
    spdlog::warn("{}/{}: what came back is of another place than the connection's settings say",
                 about.connection.provider, about.connection.name);
    why.reason = core::auth_reason::wrong_data_centre;
    auto refusing = refuse(about, std::move(why));
    co_return co_await std::move(refusing);
  }
  // What the redirect says is the provider's word; what the operator says stands in for it.
  if (const auto& region = place.region.empty() ? a.region : place.region; !region.empty())
    move_to(about, {region, {}});
  co_return co_await exchange(a);
}

void auth_service::impl::move_to(subject& about, const core::account_place& where) {
  core::remember_place(about.connection.learned, where);
  about.manifest = core::manifest_for(about.of_provider, about.connection.settings, about.connection.learned);
}

awaitable<result<ledger::connection>> auth_service::impl::unreachable(arrival& a, failure why) {
  const auto& rules = a.about.manifest->auth;
  const auto said = a.about.manifest->title + " cannot be reached: " + why.detail;
  // A key is good for as often as it is sent.
  if (rules.kind == core::auth_rules::grant::client_key)
    co_return failure{make_error_code(errc::provider_unreachable), said + " Try again with the same key."};
  forget_use(a.answer.code);
  co_await put_back(a);
  const auto minutes = std::chrono::ceil<std::chrono::minutes>(rules.code_lifetime).count();
  co_return failure{make_error_code(errc::provider_unreachable),
                    said + " The code was not sent: try again with the same one while it lives (" +
                        std::to_string(minutes) + " minutes from when it was made)."};
}

auth_service::impl::grant auth_service::impl::grant_of(const arrival& a, core::token_pair pair, core::instant sent_at) {
  grant g;
  g.credentials.access_token = std::move(pair.access);
  g.credentials.refresh_token = std::move(pair.refresh);
  g.credentials.obtained_at = sent_at;
  // From the sending: the answer may have taken its time.
  if (pair.expires_in) g.credentials.expires_at = sent_at + *pair.expires_in;
  g.credentials.unproven = text_of(a.how);
  g.reference = a.reference;
  g.link = a.link;
  g.gap = core::missing_scopes(*a.about.manifest, pair.scopes);
  g.lives = core::known_place(a.about.manifest->auth, a.about.connection.learned);
  return g;
}

awaitable<result<ledger::connection>> auth_service::impl::exchange(arrival& a) {
  const auto of_this_exchange = a.about.manifest;
  const auto& rules = of_this_exchange->auth;
  const bool by_key = rules.kind == core::auth_rules::grant::client_key;
  if (!by_key && !first_use(a.answer.code, a.seen_at)) {
    co_await put_back(a);
    co_return failure{make_error_code(errc::code_used),
                      "This code was sent to the provider before, and a code serves once: make a new one."};
  }
  core::secret client_secret;
  const std::function<result<void>(transaction&)> read = [&](transaction& tx) -> result<> {
    // A code serves once: it is not sent where what comes back may find no room.
    if (auto room = tx.room(); !room) return room;
    auto found = tx.client_secret(a.about.app.id, core::region_name(rules, a.about.connection.learned));
    if (!found) return found.error();
    client_secret = std::move(*found);
    return {};
  };
  if (auto done = co_await ledger_.write(read); !done) {
    if (!by_key) forget_use(a.answer.code);
    co_await put_back(a);
    co_return done.error();
  }

  const auto until_settled = asking_;
  core::exchange_parameters parameters{a.about.app.client_id, client_secret.reveal(), a.answer.code.reveal(),
                                       a.redirect_uri, a.verifier.reveal()};
  auto prepared = core::code_exchange(rules, parameters);
  auto sent_at = clock_.now();
  KOPPEL_FAULT_POINT("auth.code.before_send");
  auto asking = ask_for_tokens(*of_this_exchange, std::move(prepared), sent_at);
  auto answer = co_await std::move(asking);
  KOPPEL_FAULT_POINT("auth.code.answered");
  if (!answer && (by_key || nothing_was_sent(answer.error().code))) co_return co_await unreachable(a, answer.error());

  core::refusal why;
  if (answer) {
    auto read_answer =
        core::read_token_answer(rules, "authorization_code", answer->status, answer->body, a.answer.code.reveal());
    auto* pair = std::get_if<core::token_pair>(&read_answer);
    if (pair && !pair->lives.unknown) {
      auto taking = take_pair(a, std::move(*pair), sent_at);
      co_return co_await std::move(taking);
    }
    if (pair) {
      // Any other host would be shown a token that is not for it.
      spdlog::warn("{}/{}: access was given at {}, which is none of the hosts in the manifest of {}",
                   a.about.connection.provider, a.about.connection.name, pair->lives.host, a.about.manifest->title);
      why.reason = core::auth_reason::wrong_data_centre;
    } else {
      why = std::get<core::refusal>(read_answer);
    }
    if (!by_key) {
      why.code = core::age_of_code(sent_at, first_seen(a.answer.code, a.seen_at), a.link_made);
      why.reason = core::refused_for_age(why.reason, *why.code, rules.code_lifetime);
      why.code_outlives = why.throttled && core::may_outlive(*why.code, *why.throttled, rules.code_lifetime);
    }
    const bool in_trouble = why.throttled || answer->status >= 500 || answer->status == 429;
    if (by_key && in_trouble) {
      failure trouble{make_error_code(errc::provider_unreachable),
                      "it answered " + std::to_string(answer->status) + "."};
      auto telling = unreachable(a, std::move(trouble));
      co_return co_await std::move(telling);
    }
  } else {
    spdlog::warn("{}/{}: the token request was sent, but no usable answer came: {}", a.about.connection.provider,
                 a.about.connection.name, answer.error().detail);
  }
  // Nobody looked at it: it may be sent once more.
  if (why.code_outlives) forget_use(a.answer.code);
  // A bare code did not show the link's state: the link stays good for the next code.
  if (a.answer.state.empty() || why.code_outlives) co_await put_back(a);
  auto refusing = refuse(a.about, std::move(why));
  co_return co_await std::move(refusing);
}

awaitable<result<ledger::connection>> auth_service::impl::take_pair(arrival& a, core::token_pair pair,
                                                                    core::instant sent_at) {
  if (!pair.lives.where.region.empty()) move_to(a.about, pair.lives.where);
  auto g = grant_of(a, std::move(pair), sent_at);
  auto storing = store_if_first(a.about.connection.id, g);
  if (auto stored = co_await std::move(storing); !stored) co_return stored.error();
  KOPPEL_FAULT_POINT("auth.code.stored");
  auto probed = co_await probe_patiently(a.about, g.credentials.access_token);
  const bool by_key = a.about.manifest->auth.kind == core::auth_rules::grant::client_key;
  if (by_key && !g.stored && is_passing(probed.done)) {
    // The key that is stored may be a good one: it is not replaced by one that nobody has looked at.
    failure trouble{make_error_code(errc::provider_unreachable), probed.done.detail + "."};
    auto telling = unreachable(a, std::move(trouble));
    co_return co_await std::move(telling);
  }
  auto conclusion = conclude(a.about, g, a.how, std::move(probed));
  co_return co_await std::move(conclusion);
}

awaitable<result<net::response>> auth_service::impl::ask_for_tokens(const core::manifest& of,
                                                                    core::token_request prepared,
                                                                    core::instant& sent_at) {
  net::request request;
  request.method = "POST";
  request.url = std::move(prepared.url);
  request.headers = std::move(prepared.headers);
  request.body = std::string(prepared.body.reveal());
  net::exchange_limits limits;
  limits.deadline = net::limits::token_deadline;
  limits.body = net::limits::token_body;
  limits.fresh_connection = true;
  limits.private_addresses = core::may_be_private(of, request.url);
  limits.on_sending = [this, &sent_at] { sent_at = clock_.now(); };
  // The client follows no redirect: one that is answered is not a grant (core/token_answer calls it unclear).
  co_return co_await http_.send(std::move(request), limits);
}

awaitable<result<void>> auth_service::impl::store_if_first(const std::string& connection_id, grant& g) {
  // Nothing to lose: durable before its first use. Something to lose: the older pair stays until the new one is proven.
  const auto store = [&](transaction& tx) -> result<> {
    const auto c = tx.find_connection(connection_id);
    if (!c || c->auth.status == core::auth_status::removed)
      return failure{make_error_code(ledger::errc::not_found), "The connection was removed meanwhile."};
    auto known = tx.find_credentials(connection_id);
    if (!known) return known.error();
    if (*known) return {};
    g.stored = true;
    auto stored = tx.store_credentials(connection_id, g.credentials, 0);
    g.credentials.generation = 1;
    if (!stored || g.lives.region.empty()) return stored;
    // A renewal has to find where the pair lives.
    auto living_there = *c;
    core::remember_place(living_there.learned, g.lives);
    return tx.update_connection(living_there);
  };
  co_return co_await ledger_.write(store, ledger::urgency::cannot_wait);
}

awaitable<result<ledger::connection>> auth_service::impl::conclude(const subject& about, grant& g,
                                                                   const confirmation& how, probe_outcome probed) {
  const auto& done = probed.done;
  const auto who = core::fit_account({done.account_id, done.account_name, done.account_environment});
  if (is_passing(done) || (g.stored && may_be_over(g.credentials, done))) {
    spdlog::warn("{}/{}: access was given, but nobody can say yet whose account it is ({}); asking again later",
                 about.connection.provider, about.connection.name, done.detail);
    const decider decide = [](const core::auth_subject& s, transaction&, core::instant now) {
      return core::grant_unproven(s, now);
    };
    auto settled = co_await settle(about, decide, &g);
    if (g.stored) prove({about.connection.id, g.credentials.generation}, first_proof_pause);
    co_return settled;
  }
  if (const auto refused = app_key_refusals_.find(about.connection.id);
      refused != app_key_refusals_.end() && done.error == job_error::bad_settings) {
    const int http_status = refused->second;
    const decider decide = [http_status](const core::auth_subject& s, transaction&, core::instant now) {
      return core::app_key_refused(s, http_status, now);
    };
    co_return co_await settle(about, decide, &g);
  }
  if (!done.error.empty() || !who) {
    spdlog::warn("{}/{}: access was given, but the probe could not name the account ({}): {}",
                 about.connection.provider, about.connection.name, done.error.empty() ? "no account" : done.error,
                 done.detail);
    const int http_status = done.http_status;
    const auto decide = [http_status](const core::auth_subject& s, transaction&, core::instant now) {
      return core::grant_unverified(s, http_status, now);
    };
    co_return co_await settle(about, decide, &g);
  }

  core::verified_grant verified;
  verified.who = *who;
  verified.needs_answer = how.how == confirmation::mode::ask;
  verified.expected = how.account_id;
  verified.elsewhere = verified.needs_answer && !how.account_id.empty();
  verified.scopes_missing = g.gap.scopes;
  verified.streams_affected = g.gap.streams;
  for (const auto& refused : done.streams_refused) {
    const auto* rule = about.manifest->find_stream(refused);
    if (!rule) continue;
    const auto add = [](std::vector<std::string>& all, const std::string& one) {
      if (!one.empty() && std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
    };
    add(verified.streams_affected, refused);
    add(verified.scopes_missing, rule->scope);
  }
  const auto decide = [&](const core::auth_subject& s, transaction& tx, core::instant now) {
    verified.taken = taken_by_another(tx, about.connection, *about.of_provider, verified.who.id);
    return core::grant_verified(s, verified, now);
  };
  co_return co_await settle(about, decide, &g, std::move(probed.learned));
}

awaitable<result<ledger::connection>> auth_service::impl::settle(const subject& about, decider decide, grant* g,
                                                                 std::map<std::string, std::string> learned) {
  ledger::connection after;
  core::auth_decision decision;
  std::optional<core::token_age> age;
  std::uint64_t now_stored = 0;  // its generation
  const auto work = [&](transaction& tx) -> result<> {
    auto row = tx.find_connection(about.connection.id);
    if (!row || row->auth.status == core::auth_status::removed)
      return failure{make_error_code(ledger::errc::not_found), "The connection was removed meanwhile."};
    after = std::move(*row);
    decision = decide({after.auth, after.pinned}, tx, tx.now());
    const bool kept = decision.credentials == core::credentials_fate::keep;
    if (g && kept && !g->stored) {
      auto known = tx.find_credentials(after.id);
      if (!known) return known.error();
      auto stored = tx.store_credentials(after.id, g->credentials, *known ? (*known)->generation : 0);
      if (!stored) return stored;
      now_stored = *known ? (*known)->generation + 1 : 1;
    }
    if (g && g->stored && decision.credentials == core::credentials_fate::discard) {
      if (auto gone = tx.delete_credentials(after.id); !gone) return gone;
      after.learned.clear();  // of an account that this connection does not get
      after.reference.clear();
    }
    using status = core::auth_status;
    if (decision.next.status == status::authorized || decision.next.status == status::awaiting_confirmation)
      tx.mark_credentials(after.id, "");
    after.auth = decision.next;
    after.pinned = decision.pinned;
    if (g && kept) core::remember_place(after.learned, g->lives);
    if (g && kept && !g->reference.empty()) {
      // The link has served. What is said of the key later on comes with the same reference.
      after.reference = g->reference;
      tx.delete_attempt(g->reference);
    }
    if (g && kept && !g->link.empty()) tx.mark_connect_link(g->link, core::after_grant(decision.next.status));
    if (kept && core::after_grant(decision.next.status) == core::link_state::used) tx.settle_given_links(after.id);
    if (kept)
      for (const auto& [name, value] : learned) core::learn(after.learned, name, value);
    if (auto updated = tx.update_connection(after); !updated) return updated;
    age = tx.find_token_age(after.id);
    if (!decision.changed) return {};
    ledger::event_draft event;
    event.type = bus::event_types::auth_status;
    event.about = &after;
    event.data = core::status_data(after.auth, about.manifest.get());
    return tx.append(event);
  };
  if (auto done = co_await ledger_.write(work, ledger::urgency::cannot_wait); !done) co_return done.error();
  if (g && now_stored) {
    g->stored = true;
    g->credentials.generation = now_stored;
  }
  provider_.forget(after.id);
  watch(after, age);
  const auto& told = decision.outcome;
  spdlog::info("{}/{}: {}{}{}{}", after.provider, after.name, core::to_string(decision.next.status),
               told.reason == core::auth_reason::none ? "" : ", ", core::to_string(told.reason),
               told.http_status ? " (HTTP " + std::to_string(*told.http_status) + ")" : "");
  if ((decision.changed || !learned.empty()) && self_.on_change) self_.on_change(after);
  const bool refused =
      decision.credentials == core::credentials_fate::discard || decision.credentials == core::credentials_fate::spare;
  const bool in_vain = !decision.changed && refused;
  after.auth = decision.outcome;
  if (in_vain && self_.on_refusal) self_.on_refusal(after);
  co_return after;
}

}  // namespace koppel::auth
