// SPDX-License-Identifier: Apache-2.0
// The doors: a link is asked for, something comes back by callback or paste, a confirmation is given.

#include "host/auth/auth_service.hpp"

#include <sodium/randombytes.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>

#include "host/auth/auth_impl.hpp"
#include "host/auth/error.hpp"
#include "host/core/auth_texts.hpp"
#include "host/core/connection_manifest.hpp"

namespace koppel::auth {
namespace {

using ledger::transaction;
using runtime::awaitable;

failure not_found_here() {
  return {make_error_code(ledger::errc::not_found), "There is no such connection: it may have been removed meanwhile."};
}

core::auth_subject view_of(const ledger::connection& c) { return {c.auth, c.pinned}; }

}  // namespace

std::string random_word() {
  std::array<char, 32> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  return core::base64url({bytes.data(), bytes.size()});
}

bool taken_by_another(transaction& tx, const ledger::connection& c, const core::manifest& of_provider,
                      const std::string& account_id) {
  const auto issuer = core::issuer_setting(of_provider, c.settings);
  const auto comparable = [&](const ledger::connection& other) {
    return issuer.empty() || (other.app_id == c.app_id && core::issuer_setting(of_provider, other.settings) == issuer);
  };
  for (const auto& other : tx.connections())
    if (other.id != c.id && other.provider == c.provider && other.auth.status != core::auth_status::removed &&
        other.pinned && other.pinned->id == account_id && comparable(other))
      return true;
  return false;
}

std::string region_refusal(const core::manifest& m, const std::string& region) {
  std::string known;
  for (const auto& one : m.auth.regions) {
    if (region.empty() || one.name == region) return {};
    known += (known.empty() ? "" : ", ") + one.name;
  }
  if (region.empty()) return {};
  return known.empty() ? m.title + " has no data centres to choose from."
                       : m.title + " has no data centre of this name; it has: " + known + ".";
}

std::string text_of(const confirmation& c) {
  switch (c.how) {
    case confirmation::mode::yes:
      return "yes";
    case confirmation::mode::expect:
      return "expect:" + c.account_id;
    case confirmation::mode::ask:
      break;
  }
  return c.account_id.empty() ? "ask" : "ask:" + c.account_id;
}

confirmation confirmation_from(const std::string& text) {
  confirmation c;
  if (text == "yes") c.how = confirmation::mode::yes;
  if (text.starts_with("expect:")) {
    c.how = confirmation::mode::expect;
    c.account_id = text.substr(7);
  }
  if (text.starts_with("ask:")) c.account_id = text.substr(4);
  return c;
}

std::string auth_service::impl::own_callback(const std::string& provider) const {
  return public_base() + "/callback/" + provider;
}

awaitable<result<auth_service::impl::subject>> auth_service::impl::load(std::string connection_id) {
  subject s;
  const auto read = [&](transaction& tx) -> result<> {
    auto found = tx.find_connection(connection_id);
    if (!found || found->auth.status == core::auth_status::removed) return not_found_here();
    s.connection = std::move(*found);
    auto app = tx.find_app(s.connection.app_id);
    if (!app) return failure{make_error_code(ledger::errc::not_found), "The app of this connection is gone."};
    s.app = std::move(*app);
    return {};
  };
  auto done = co_await ledger_.write(read);
  if (!done) co_return done.error();
  s.of_provider = plugins_.find(s.connection.provider);
  if (!s.of_provider)
    co_return failure{make_error_code(errc::no_plugin),
                      "No plugin of provider \"" + s.connection.provider + "\" is running: see koppelctl plugin list."};
  s.manifest = core::manifest_for(s.of_provider, s.connection.settings, s.connection.learned);
  if (const auto missing = core::unfilled(*s.manifest); !missing.empty())
    co_return failure{make_error_code(errc::not_possible),
                      s.manifest->title + " needs the setting \"" + missing +
                          "\", which this connection does not have: remove it, and add it again with the setting."};
  co_return s;
}

awaitable<result<started_attempt>> auth_service::impl::begin(std::string connection_id, confirmation c,
                                                             std::string redirect_uri, origin from) {
  auto loaded = co_await load(connection_id);
  if (!loaded) co_return loaded.error();
  const subject& about = *loaded;
  if (auto why = core::attempt_refusal(view_of(about.connection)); !why.empty())
    co_return failure{make_error_code(errc::not_possible), why};
  if (!about.manifest->auth.activation.url.empty()) {
    auto beginning = begin_activation(about, c, std::move(redirect_uri), std::move(from));
    co_return co_await std::move(beginning);
  }
  if (about.manifest->auth.kind == core::auth_rules::grant::client_key)
    co_return failure{make_error_code(errc::not_possible),
                      about.manifest->title + " gives access by a key, not by a link: paste the key."};

  auto minting = mint_link(about, std::move(c), std::move(redirect_uri), std::move(from));
  auto started = co_await std::move(minting);
  if (!started) co_return started;
  const auto decide = [](const core::auth_subject& s, transaction&, core::instant now) {
    return core::attempt_started(s, now);
  };
  auto settled = co_await settle(about, decide, nullptr);
  if (!settled) co_return settled.error();
  co_return started;
}

awaitable<result<void>> auth_service::impl::find_attempt(arrival& a) {
  // A key needs none, and a link that is open waits for the key that comes by webhook.
  if (a.about.manifest->auth.kind == core::auth_rules::grant::client_key) co_return result<>{};
  const std::string state = a.answer.state;
  const auto take = [&](transaction& tx) -> result<> {
    auto found =
        state.empty() ? tx.consume_newest_attempt(a.about.connection.id) : tx.consume_attempt(fingerprint(state));
    if (!found) {
      if (found.error().code != ledger::errc::not_found) return found.error();
      if (!state.empty()) return unknown_link();
      return {};  // a bare code of a hand-made link: accepted for the connection that was named
    }
    // Failing rolls back: another connection's link stays usable.
    if (found->connection_id != a.about.connection.id || !link_serves(tx, *found)) return unknown_link();
    if (found->expires_at > tx.now()) a.attempt = std::move(*found);
    return {};
  };
  if (auto done = co_await ledger_.write(take); !done) co_return done.error();
  if (!state.empty() && !a.attempt)
    co_return failure{make_error_code(errc::unknown_state), "This link is older than an hour: make a new one."};
  if (a.attempt) {
    a.redirect_uri = a.attempt->redirect_uri;
    a.verifier = a.attempt->verifier.clone();
    if (!state.empty()) a.link_made = a.attempt->created_at;
    a.link = a.attempt->link;
    co_return result<>{};
  }
  const auto& of_manifest = a.about.manifest->auth.default_redirect_uri;
  a.redirect_uri = !a.about.app.redirect_uri.empty() ? a.about.app.redirect_uri
                   : !of_manifest.empty()            ? of_manifest
                                                     : own_callback(a.about.connection.provider);
  co_return result<>{};
}

awaitable<result<ledger::connection>> auth_service::impl::paste(std::string connection_id, core::secret pasted,
                                                                confirmation c, trial t, std::string region) {
  const auto seen_at = clock_.now();
  const auto pass = co_await gate_.enter(connection_id);
  // Nor does a request that finds the settings of the trial take the former grant's token there.
  const auto kept = t.store ? provider_.keep_to(connection_id, t.former) : nullptr;
  if (t.store) {
    auto storing = ledger_.write(t.store);
    if (auto stored = co_await std::move(storing); !stored) co_return stored.error();
    provider_.forget(connection_id);
  }
  auto acting = act_on_pasted(connection_id, pasted, std::move(c), seen_at, !t.undo, std::move(region));
  auto done = co_await std::move(acting);
  if (t.undo && !(done && gave_access(done->auth))) {
    auto undoing = undo(connection_id, t);
    co_await std::move(undoing);
  }
  co_return done;
}

awaitable<void> auth_service::impl::undo(const std::string& connection_id, const trial& t) {
  auto undoing = ledger_.write(t.undo, ledger::urgency::cannot_wait);
  const auto undone = co_await std::move(undoing);
  if (!undone)
    spdlog::error("{}: what a code was tried with cannot be put back: {}", connection_id, undone.error().detail);
  provider_.forget(connection_id);
  app_key_refusals_.erase(connection_id);
}

awaitable<result<ledger::connection>> auth_service::impl::act_on_pasted(std::string connection_id,
                                                                        const core::secret& pasted, confirmation c,
                                                                        core::instant seen_at, bool may_offer,
                                                                        std::string region, std::string link) {
  auto loaded = co_await load(connection_id);
  if (!loaded) co_return loaded.error();
  arrival a;
  a.about = std::move(*loaded);
  if (auto why = core::attempt_refusal(view_of(a.about.connection)); !why.empty())
    co_return failure{make_error_code(errc::not_possible), why};
  if (auto why = region_refusal(*a.about.manifest, region); !why.empty())
    co_return failure{make_error_code(errc::bad_answer), why};
  const auto servers = core::servers_of(a.about.of_provider, a.about.connection.settings, a.about.connection.learned);
  a.answer = core::read_pasted(a.about.manifest->auth, pasted.reveal(), a.about.app.client_id, servers);
  if (a.answer.problem != core::answer_problem::none)
    co_return failure{make_error_code(errc::bad_answer), core::sentence_of(a.answer.problem)};
  if (auto found = co_await find_attempt(a); !found) co_return found.error();
  a.how = c;
  a.seen_at = seen_at;
  a.region = std::move(region);
  if (!link.empty()) a.link = std::move(link);
  auto acting = act_on(a);
  auto done = co_await std::move(acting);
  // Settings that are undone have no use for a link.
  if (!done || !may_offer) co_return done;
  auto offering = offer_next_try(a, *done);
  co_await std::move(offering);
  co_return done;
}

awaitable<landing> auth_service::impl::callback(std::string provider, core::query_list query,
                                                std::string accept_language, std::string cookies) {
  auto work = answer_callback(std::move(provider), std::move(query), language_of(accept_language), std::move(cookies));
  co_return co_await shielded(std::move(work));
}

awaitable<std::vector<std::string>> auth_service::impl::servers_asked(std::shared_ptr<const core::manifest> m,
                                                                      core::query_list query) {
  std::optional<ledger::connection> asked;
  const auto named = [&query](std::string_view name) {
    return std::find_if(query.begin(), query.end(), [name](const auto& p) { return p.first == name; });
  };
  const auto state = named("state");
  const std::function<result<void>(transaction&)> look = [&](transaction& tx) -> result<> {
    const auto attempt = tx.find_attempt(fingerprint(state->second));
    if (attempt) asked = tx.find_connection(attempt->connection_id);
    return {};
  };
  if (state != query.end() && named("iss") != query.end()) {
    auto looking = ledger_.write(look);
    // Where nothing can be read, nothing is taken either: whoever asks next says so.
    if (auto done = co_await std::move(looking); !done) co_return std::vector<std::string>{};
  }
  if (!asked || asked->provider != m->name) co_return std::vector<std::string>{};
  auto servers = core::servers_of(m, asked->settings, asked->learned);
  co_return servers;
}

awaitable<landing> auth_service::impl::answer_callback(std::string provider, core::query_list query, language l,
                                                       std::string cookies) {
  const auto seen_at = clock_.now();
  arrival a;
  const auto m = plugins_.find(provider);
  std::string again;
  const auto page = [&](int status, page_kind kind, const core::auth_state& state = {}) {
    const auto* of = a.about.manifest ? a.about.manifest.get() : m.get();
    landing shown;
    shown.status = status;
    shown.html = landing_html(kind, l, state, of, {}, again);
    return shown;
  };
  if (!m || m->auth.kind != core::auth_rules::grant::authorization_code) co_return page(404, page_kind::stale_link);
  auto offering = link_to_try_again(cookies, "");
  again = co_await std::move(offering);
  auto finding = servers_asked(m, query);
  const auto servers = co_await std::move(finding);
  a.answer = core::read_callback(m->auth, query, servers);
  if (a.answer.problem != core::answer_problem::none) co_return page(400, page_kind::no_code);
  if (a.answer.state.empty()) co_return page(400, a.answer.error.empty() ? page_kind::stale_link : page_kind::denied);

  std::string connection_id;
  const auto take = [&](transaction& tx) -> result<> {
    auto found = tx.consume_attempt(fingerprint(a.answer.state));
    if (!found) return found.error();
    const auto c = tx.find_connection(found->connection_id);
    // A state that was seen at another provider's callback is burnt: two flows are being mixed up (docs/auth.md).
    if (!c || c->provider != provider || found->expires_at <= tx.now() || !link_serves(tx, *found)) return {};
    connection_id = found->connection_id;
    a.attempt = std::move(*found);
    return {};
  };
  auto taken = co_await ledger_.write(take);
  if (!taken && taken.error().code != ledger::errc::not_found) {
    spdlog::error("callback of {}: {}", provider, taken.error().detail);
    co_return page(503, page_kind::own_trouble);
  }
  if (connection_id.empty()) {
    spdlog::warn("callback of {}: a state that is unknown, used, too old or of another provider", provider);
    co_return page(400, page_kind::stale_link);
  }

  const auto pass = co_await gate_.enter(connection_id);
  auto loaded = co_await load(connection_id);
  if (!loaded) co_return page(400, page_kind::stale_link);
  a.about = std::move(*loaded);
  if (!core::attempt_refusal(view_of(a.about.connection)).empty()) co_return page(400, page_kind::stale_link);
  a.redirect_uri = a.attempt->redirect_uri;
  a.verifier = a.attempt->verifier.clone();
  a.how = confirmation_from(a.attempt->confirmation);
  a.seen_at = seen_at;
  a.link_made = a.attempt->created_at;
  a.link = a.attempt->link;
  if (a.link.empty()) again.clear();  // the link that this browser once came from is of another attempt
  a.elsewhere = !a.link.empty() && !is_same_browser(*a.attempt, cookies);
  if (a.elsewhere) a.how.how = confirmation::mode::ask;
  auto acting = act_on(a);
  auto done = co_await std::move(acting);
  if (!a.link.empty()) {
    if (done && done->auth.reason != core::auth_reason::none) {
      auto noting = note_outcome(a.link, done->auth);
      co_await std::move(noting);
    }
    auto offering_it = link_to_try_again(cookies, a.link);
    again = co_await std::move(offering_it);
  } else if (done) {
    auto offering_next = offer_next_try(a, *done);
    again = co_await std::move(offering_next);
  }
  if (done && is_in_question(done->auth)) {
    // Kept, and asked about without anybody: another try would be one too many.
    again.clear();
    co_return page(200, page_kind::given);
  }
  if (done) co_return page(200, page_kind::outcome, done->auth);
  if (done.error().code == errc::provider_unreachable) co_return page(503, page_kind::unreachable);
  spdlog::error("{}/{}: callback: {}", provider, a.about.connection.name, done.error().detail);
  co_return done.error().code == errc::code_used ? page(400, page_kind::stale_link) : page(503, page_kind::own_trouble);
}

awaitable<result<ledger::connection>> auth_service::impl::confirm(std::string connection_id, bool accept,
                                                                  std::string account_id) {
  const auto pass = co_await gate_.enter(connection_id);
  auto loaded = co_await load(connection_id);
  if (!loaded) co_return loaded.error();
  if (loaded->connection.auth.status != core::auth_status::awaiting_confirmation)
    co_return failure{make_error_code(errc::not_possible), "This connection does not wait for a confirmation."};
  const auto& waiting = loaded->connection.auth.who;
  if (!account_id.empty() && waiting && waiting->id != account_id)
    co_return failure{make_error_code(errc::not_possible),
                      "Meanwhile another account waits for the confirmation: " + waiting->id + ", not " + account_id +
                          ". Look at it before you confirm it."};
  grant stored;
  stored.stored = true;
  const decider decide = [&](const core::auth_subject& s, transaction& tx, core::instant now) {
    const bool taken = s.state.who && taken_by_another(tx, loaded->connection, *loaded->of_provider, s.state.who->id);
    return core::account_confirmed(s, accept, taken, now);
  };
  co_return co_await settle(*loaded, decide, &stored);
}

auth_service::impl::impl(auth_service& self, runtime::supervisor& supervisor, ledger::ledger& l,
                         net::http_transport& http, plugins::plugin_host& p, provider_client& provider,
                         const runtime::clock& clock, options o)
    : self_(self),
      supervisor_(supervisor),
      ledger_(l),
      http_(http),
      plugins_(p),
      provider_(provider),
      clock_(clock),
      options_(std::move(o)),
      renewal_timer_(supervisor.executor()) {
  provider_.renew = [this](std::string id, std::uint64_t generation, renewal_cause cause) {
    return renew(std::move(id), generation, cause);
  };
  provider_.app_key_refused = [this](std::string id, int http_status) { note_app_key_refused(id, http_status); };
}

auth_service::auth_service(runtime::supervisor& supervisor, ledger::ledger& ledger, net::http_transport& http,
                           plugins::plugin_host& plugins, provider_client& provider, const runtime::clock& clock,
                           options o)
    : impl_(std::make_unique<impl>(*this, supervisor, ledger, http, plugins, provider, clock, std::move(o))) {}

auth_service::~auth_service() = default;

std::string auth_service::own_callback(const std::string& provider) const { return impl_->own_callback(provider); }

awaitable<result<started_attempt>> auth_service::begin(std::string connection_id, confirmation c,
                                                       std::string redirect_uri) {
  return impl_->begin(std::move(connection_id), std::move(c), std::move(redirect_uri), {});
}

awaitable<result<ledger::connection>> auth_service::paste(std::string connection_id, core::secret pasted,
                                                          confirmation c, trial t, std::string region) {
  return shielded(
      impl_->paste(std::move(connection_id), std::move(pasted), std::move(c), std::move(t), std::move(region)));
}

awaitable<landing> auth_service::callback(std::string provider, std::vector<std::pair<std::string, std::string>> query,
                                          std::string accept_language, std::string cookies) {
  return impl_->callback(std::move(provider), std::move(query), std::move(accept_language), std::move(cookies));
}

awaitable<result<made_link>> auth_service::make_link(std::string connection_id, confirmation c, std::chrono::days life,
                                                     std::string made_by) {
  return impl_->make_link(std::move(connection_id), std::move(c), life, std::move(made_by));
}

awaitable<landing> auth_service::show_link(std::string secret, std::string accept_language) {
  return impl_->show_link(std::move(secret), language_of(accept_language));
}

awaitable<landing> auth_service::follow_link(std::string secret, click how, std::string accept_language) {
  return impl_->follow_link(std::move(secret), std::move(how), language_of(accept_language));
}

awaitable<landing> auth_service::activated(std::string provider, std::vector<std::pair<std::string, std::string>> query,
                                           std::string accept_language) {
  return impl_->activated(std::move(provider), std::move(query), language_of(accept_language));
}

awaitable<auth_service::webhook_outcome> auth_service::take_webhook(ledger::webhook w, core::secret body) {
  return shielded(impl_->take_webhook(std::move(w), std::move(body)));
}

awaitable<result<ledger::connection>> auth_service::confirm(std::string connection_id, bool accept,
                                                            std::string account_id) {
  return shielded(impl_->confirm(std::move(connection_id), accept, std::move(account_id)));
}

std::optional<started_attempt> auth_service::open_link(const std::string& connection_id) const {
  return impl_->open_link(connection_id);
}

awaitable<void> auth_service::credentials_refused(std::string connection_id, int http_status, std::string detail) {
  return impl_->credentials_refused(std::move(connection_id), http_status, std::move(detail));
}

awaitable<void> auth_service::resume() { return impl_->resume(); }

awaitable<void> auth_service::app_changed(std::string app_id) { return impl_->app_changed(std::move(app_id)); }

awaitable<void> auth_service::warn_of_secrets_that_end() { return impl_->warn_of_secrets_that_end(); }

awaitable<void> auth_service::keep_tokens_fresh() { return impl_->keep_tokens_fresh(); }

void auth_service::stop_renewing() { impl_->stop_renewing(); }

bool auth_service::asking() const { return impl_->asking(); }

}  // namespace koppel::auth
