// SPDX-License-Identifier: Apache-2.0
// Keys that come by webhook: the link that asks for one, the message that brings one, the page that waits for it. What
// a message means is decided in core/coupling; a key is proven on the way of one that is pasted (code_exchange.cpp).

#include <sodium/utils.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>

#include "host/auth/auth_impl.hpp"
#include "host/auth/error.hpp"
#include "host/core/coupling.hpp"

namespace koppel::auth {
namespace {

using ledger::transaction;
using runtime::awaitable;
using state = ledger::webhook::state;
using act = core::coupling_step::act;

/// A key that comes later is not taken (reliability: the window of a forged one is short).
constexpr std::chrono::minutes activation_life{30};
constexpr int short_waits = 30;  ///< looks of the page that waits, two seconds apart
constexpr int pause_s = 2, long_pause_s = 10;

bool same(const core::secret& a, const core::secret& b) {
  return a.reveal().size() == b.reveal().size() &&
         sodium_memcmp(a.reveal().data(), b.reveal().data(), a.reveal().size()) == 0;
}

/// Trouble that passes: of a provider that cannot be asked, or of our own.
bool may_pass(const failure& f) {
  return f.code == errc::provider_unreachable || f.code == errc::no_plugin ||
         (f.code.category() == ledger::ledger_category() && f.code != ledger::errc::not_found);
}

/// Nobody sends the key again: what is no fault of its own does not settle it.
bool is_settled(const core::auth_state& outcome) {
  if (outcome.reason == core::auth_reason::partner_key_invalid) return false;
  return outcome.reason != core::auth_reason::unclear || outcome.http_status.has_value();
}

std::string_view parameter(const core::query_list& query, std::string_view name) {
  for (const auto& [known, value] : query)
    if (known == name) return value;
  return {};
}

}  // namespace

/// What the ledger knows of a message.
struct auth_service::impl::coupled {
  std::string connection_id;  ///< empty: nobody's
  std::optional<ledger::attempt> attempt;
  core::coupling_facts facts;
  std::string expected;  ///< the account that a new key has to open
};

awaitable<result<started_attempt>> auth_service::impl::begin_activation(const subject& about, confirmation c,
                                                                        std::string success_url, origin from) {
  const core::secret reference(random_word());
  const auto digest = fingerprint(reference.reveal());
  if (success_url.empty()) success_url = about.app.redirect_uri;
  if (success_url.empty()) success_url = own_activated(about.connection.provider) + "?ref=" + digest;
  started_attempt started;
  started.link = core::activation_link(about.manifest->auth, about.app.client_id, reference.reveal(), success_url);
  started.redirect_uri = success_url;
  started.own_callback = true;
  const std::function<result<void>(transaction&)> insert = [&](transaction& tx) -> result<> {
    ledger::attempt a;
    a.state_hash = digest;
    a.connection_id = about.connection.id;
    a.redirect_uri = success_url;
    a.confirmation = text_of(c);
    a.created_at = tx.now();
    a.expires_at = started.expires_at = a.created_at + activation_life;
    a.link = from.link;
    a.browser = from.browser;
    return tx.insert_attempt(std::move(a));
  };
  auto inserting = ledger_.write(insert);
  if (auto done = co_await std::move(inserting); !done) co_return done.error();
  const decider decide = [](const core::auth_subject& s, transaction&, core::instant now) {
    return core::attempt_started(s, now);
  };
  auto settling = settle(about, decide, nullptr);
  if (auto settled = co_await std::move(settling); !settled) co_return settled.error();
  co_return started;
}

result<auth_service::impl::coupled> auth_service::impl::find_coupled(transaction& tx, const ledger::webhook& w,
                                                                     const core::coupling_message& m) {
  coupled out;
  out.attempt = tx.find_attempt(w.reference);
  auto c = out.attempt ? tx.find_connection(out.attempt->connection_id) : tx.find_connection_by_reference(w.reference);
  // An address is one app's: what comes there is about its connections alone.
  if (!c || c->app_id != w.app_id || c->auth.status == core::auth_status::removed) return coupled{};
  out.connection_id = c->id;
  out.facts.bound = c->reference == w.reference;
  out.facts.status = c->auth.status;
  using link = core::coupling_facts::link;
  // What counts is when it came: we may have been down since.
  if (out.attempt) out.facts.attempt = out.attempt->expires_at > w.received_at ? link::open : link::over;
  if (out.attempt && !link_serves(tx, *out.attempt)) out.facts.attempt = link::closed;
  // An account that nobody has confirmed is none that a new key may be measured by.
  if (c->pinned) out.expected = c->pinned->id;
  auto stored = tx.find_credentials(c->id);
  if (!stored) return stored.error();
  out.facts.has_key = stored->has_value();
  out.facts.names_stored = out.facts.has_key && same((*stored)->refresh_token, m.key);
  return out;
}

awaitable<auth_service::webhook_outcome> auth_service::impl::take_webhook(ledger::webhook w, core::secret body) {
  webhook_outcome out;
  out.about = std::move(w);
  const auto later = [&out, this](std::string why) {
    out.about.reason = std::move(why);
    out.again = clock_.now();
  };
  const auto conclude = [&out](state s, std::string why) {
    out.about.now = s;
    out.about.reason = std::move(why);
  };
  const auto m = plugins_.find(out.about.provider);
  if (!m) {
    later("No plugin of this provider is running.");
    co_return out;
  }
  auto read = core::read_coupling(m->auth.coupling, body.reveal());
  if (const auto* complaint = std::get_if<std::string>(&read)) {
    conclude(state::refused, *complaint);
    co_return out;
  }
  auto& message = std::get<core::coupling_message>(read);
  out.about.reference = fingerprint(message.reference);

  coupled found;
  const std::function<result<void>(transaction&)> look = [&](transaction& tx) -> result<> {
    auto one = find_coupled(tx, out.about, message);
    if (!one) return one.error();
    found = std::move(*one);
    return {};
  };
  auto looking = ledger_.write(look);
  auto looked = co_await std::move(looking);
  // Who is inside is alone with the connection; what was true outside need not be so any more.
  std::optional<connection_gate::pass> pass;
  if (looked && !found.connection_id.empty()) {
    auto entering = gate_.enter(found.connection_id);
    auto inside = co_await std::move(entering);
    pass.emplace(std::move(inside));
    auto looking_again = ledger_.write(look);
    looked = co_await std::move(looking_again);
  }
  if (!looked) {
    later(looked.error().detail);
    co_return out;
  }
  out.about.connection_id = found.connection_id;
  const auto step = core::decide(message, found.facts);
  switch (step.what) {
    case act::ignore:
      conclude(state::done, step.why);
      break;
    case act::refuse:
      conclude(state::refused, step.why);
      break;
    case act::unattributed:
      conclude(state::unattributed, step.why);
      break;
    case act::exchange:
    case act::replace: {
      auto work = take_key(out, message, found, step.what == act::replace);
      co_await std::move(work);
      break;
    }
    case act::ask: {
      auto work = ask_about_key(out);
      co_await std::move(work);
      break;
    }
  }
  if (!out.again && out.about.now != state::done)
    spdlog::warn("webhook {} of {}: {}: {}", out.about.id, out.about.provider, ledger::to_string(out.about.now),
                 out.about.reason);
  co_return out;
}

awaitable<void> auth_service::impl::take_key(webhook_outcome& out, core::coupling_message& m, const coupled& found,
                                             bool replace) {
  auto loading = load(found.connection_id);
  auto loaded = co_await std::move(loading);
  result<ledger::connection> after = ledger::connection{};
  if (loaded) {
    arrival a;
    a.about = std::move(*loaded);
    a.answer.code = std::move(m.key);
    a.reference = out.about.reference;
    if (found.attempt) a.how = confirmation_from(found.attempt->confirmation), a.link = found.attempt->link;
    if (replace && !found.expected.empty()) a.how = {confirmation::mode::expect, found.expected};
    auto work = exchange(a);
    after = co_await std::move(work);
  } else {
    after = loaded.error();
  }
  if (!after) {
    out.about.reason = after.error().detail;
    if (may_pass(after.error()))
      out.again = clock_.now();
    else
      out.about.now = state::refused;
    co_return;
  }
  using status = core::auth_status;
  const auto& outcome = after->auth;
  if (!is_settled(outcome)) {
    out.about.reason = "Nobody can say yet whose account the key opens.";
    out.again = clock_.now();
  } else if (outcome.status == status::authorized || outcome.status == status::awaiting_confirmation ||
             outcome.status == status::waiting) {
    out.about.now = state::done;
    out.about.reason = replace ? "The key was replaced." : "The key was taken.";
  } else {
    out.about.now = state::refused;
    out.about.reason = "The key was refused: " + std::string(core::to_string(outcome.reason)) + ".";
    out.about.outcome = outcome;
  }
}

awaitable<void> auth_service::impl::ask_about_key(webhook_outcome& out) {
  auto loading = load(out.about.connection_id);
  const auto loaded = co_await std::move(loading);
  if (!loaded) {
    out.about.reason = loaded.error().detail;
    out.again = clock_.now();
    co_return;
  }
  auto reading = read_secrets(*loaded);
  const auto secrets = co_await std::move(reading);
  if (!secrets || !secrets->pair) {
    out.about.reason = secrets ? "There is no key that could be withdrawn." : secrets.error().detail;
    if (secrets)
      out.about.now = state::done;
    else
      out.again = clock_.now();
    co_return;
  }
  // The question is a renewal with this key: what it brings is of use, and a refusal is told as any other.
  auto work = renew_pair(*loaded, *secrets, renewal_cause::refused);
  const auto became = co_await std::move(work);
  out.about.reason = became.detail;
  switch (became.what) {
    case renewal::outcome::renewed:
      spdlog::warn("{}/{}: a webhook withdraws a key that still works: nothing changes", loaded->connection.provider,
                   loaded->connection.name);
      out.about.now = state::done;
      out.about.reason = "The provider still takes the key: nothing was changed.";
      break;
    case renewal::outcome::later:
      out.again = became.not_before;
      break;
    case renewal::outcome::impossible:
      out.about.now = state::done;
      out.about.reason = "The provider takes the key no longer: the connection needs a new one.";
      break;
  }
}

std::string auth_service::impl::own_activated(const std::string& provider) const {
  return public_base() + "/activated/" + provider;
}

awaitable<landing> auth_service::impl::activated(std::string provider, core::query_list query, language l) {
  const auto m = plugins_.find(provider);
  const auto page = [&](int status, page_kind kind, const core::auth_state& shown = {}, const next_look& next = {}) {
    return landing{status, landing_html(kind, l, shown, m.get(), next)};
  };
  const std::string reference(parameter(query, "ref"));
  int looks = 0;
  const auto given = parameter(query, "n");
  std::from_chars(given.data(), given.data() + given.size(), looks);
  looks = std::clamp(looks, 0, short_waits);

  std::optional<ledger::attempt> attempt;
  std::optional<ledger::webhook> came;
  std::optional<ledger::connection> c;
  bool open = false;
  const std::function<result<void>(transaction&)> look = [&](transaction& tx) -> result<> {
    attempt = tx.find_attempt(reference);
    open = attempt && attempt->expires_at > tx.now() && link_serves(tx, *attempt);
    came = tx.find_webhook(reference);
    c = attempt ? tx.find_connection(attempt->connection_id) : tx.find_connection_by_reference(reference);
    return {};
  };
  if (m && !reference.empty()) {
    auto looking = ledger_.write(look);
    if (auto done = co_await std::move(looking); !done) co_return page(503, page_kind::own_trouble);
  }
  if (!c || c->provider != provider) co_return page(404, page_kind::stale_link);

  const bool pending = came && came->now == state::pending;
  if (!pending && c->reference == reference) co_return page(200, page_kind::outcome, c->auth);
  if (!pending && came && came->outcome) co_return page(200, page_kind::outcome, *came->outcome);
  if (!pending && !open) co_return page(400, page_kind::stale_link);
  const bool patient = looks < short_waits;
  const auto kind = patient ? page_kind::waiting : pending ? page_kind::arrived : page_kind::nothing_arrived;
  const next_look next{patient ? pause_s : long_pause_s, "?ref=" + reference + "&n=" + std::to_string(looks + 1)};
  co_return page(200, kind, {}, next);
}

}  // namespace koppel::auth
