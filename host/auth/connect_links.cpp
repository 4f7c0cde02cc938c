// SPDX-License-Identifier: Apache-2.0
// Connect links: made for a customer, looked at as often as anybody likes, followed until one flow has served. What
// holds of one is decided in core/connect_link.

#include <spdlog/spdlog.h>

#include "host/auth/auth_impl.hpp"
#include "host/auth/connect_page.hpp"
#include "host/auth/error.hpp"
#include "host/core/connect_link.hpp"
#include "host/core/connection_manifest.hpp"
#include "host/core/setting_value.hpp"

namespace koppel::auth {
namespace {

using core::link_standing;
using ledger::transaction;
using runtime::awaitable;

constexpr std::size_t secret_size = 43;  ///< 256 bits in base64url

/// One key of a link at a time.
struct key_in_trial {
  key_in_trial(std::shared_ptr<std::set<std::string>> among, std::string link)
      : all(std::move(among)), id(std::move(link)), first(all->insert(id).second) {}
  key_in_trial(const key_in_trial&) = delete;
  ~key_in_trial() {
    if (first) all->erase(id);
  }
  const std::shared_ptr<std::set<std::string>> all;
  const std::string id;
  const bool first;
};

}  // namespace

/// A link as it is found by its secret; without a connection it is none.
struct auth_service::impl::found_link {
  ledger::connect_link link;
  std::optional<ledger::connection> connection;
  link_standing standing = link_standing::expired;
};

std::string auth_service::impl::public_base() const {
  auto base = options_.callback_base;
  while (base.ends_with('/')) base.pop_back();
  return base;
}

awaitable<result<made_link>> auth_service::impl::make_link(std::string connection_id, confirmation c,
                                                           std::chrono::days life, std::string made_by) {
  auto loading = load(connection_id);
  auto loaded = co_await std::move(loading);
  if (!loaded) co_return loaded.error();
  const core::auth_subject subject_of_it{loaded->connection.auth, loaded->connection.pinned};
  if (auto why = core::attempt_refusal(subject_of_it); !why.empty())
    co_return failure{make_error_code(errc::not_possible), why};
  const core::secret word(random_word());
  ledger::connect_link made;
  const std::function<result<void>(transaction&)> insert = [&](transaction& tx) -> result<> {
    ledger::connect_link l;
    l.hash = fingerprint(word.reveal());
    l.connection_id = connection_id;
    l.confirmation = text_of(c);
    l.made_by = made_by;
    l.expires_at = tx.now() + life;
    auto inserted = tx.insert_connect_link(std::move(l));
    if (!inserted) return inserted.error();
    made = std::move(*inserted);
    return {};
  };
  auto inserting = ledger_.write(insert);
  if (auto done = co_await std::move(inserting); !done) co_return done.error();
  spdlog::info("{}/{}: the connect link {} was made", loaded->connection.provider, loaded->connection.name, made.id);
  made_link out;
  out.id = made.id;
  out.url = public_base() + "/connect/" + std::string(word.reveal());
  out.expires_at = made.expires_at;
  co_return out;
}

awaitable<result<auth_service::impl::found_link>> auth_service::impl::find_link(std::string secret) {
  found_link found;
  if (secret.size() != secret_size) co_return found;
  const std::function<result<void>(transaction&)> look = [&](transaction& tx) -> result<> {
    auto link = tx.find_connect_link(fingerprint(secret));
    if (!link) return {};
    auto c = tx.find_connection(link->connection_id);
    if (!c || c->auth.status == core::auth_status::removed) return {};
    found.standing = core::standing_of(link->state, link->expires_at, tx.now());
    found.link = std::move(*link);
    found.connection = std::move(*c);
    return {};
  };
  auto looking = ledger_.write(look);
  if (auto done = co_await std::move(looking); !done) co_return done.error();
  co_return found;
}

landing auth_service::impl::link_page(const found_link& found, language l, bool no_key) const {
  const auto of_provider = found.connection ? plugins_.find(found.connection->provider) : nullptr;
  const auto m =
      of_provider ? core::manifest_for(of_provider, found.connection->settings, found.connection->learned) : nullptr;
  const auto page = [&](int status, page_kind kind, const core::auth_state& state = {}) {
    landing shown;
    shown.status = status;
    shown.html = landing_html(kind, l, state, m.get());
    return shown;
  };
  // One answer for an address that never was and for one whose connection is gone.
  if (!found.connection) return page(404, page_kind::stale_link);
  if (found.standing == link_standing::used) return page(200, page_kind::outcome, found.connection->auth);
  if (found.standing != link_standing::usable) return page(410, page_kind::stale_link);
  if (!m) return page(503, page_kind::own_trouble);
  const core::auth_subject about{found.connection->auth, found.connection->pinned};
  if (!core::attempt_refusal(about).empty()) return page(410, page_kind::stale_link);
  connect_page shown;
  shown.provider = m.get();
  if (!m->title_setting.empty()) shown.leads_to = core::host_in(m->auth.authorize_url);
  shown.customer = found.connection->customer;
  if (found.link.outcome) shown.last = &*found.link.outcome;
  shown.no_key = no_key;
  landing open;
  open.html = connect_html(shown, l);
  return open;
}

landing auth_service::impl::trouble_with_link(const failure& why, language l) {
  spdlog::error("a connect link cannot be looked up: {}", why.detail);
  landing trouble;
  trouble.status = 503;
  trouble.html = landing_html(page_kind::own_trouble, l, {}, nullptr);
  return trouble;
}

awaitable<landing> auth_service::impl::show_link(std::string secret, language l) {
  auto finding = find_link(std::move(secret));
  const auto found = co_await std::move(finding);
  co_return found ? link_page(*found, l) : trouble_with_link(found.error(), l);
}

awaitable<landing> auth_service::impl::follow_link(std::string secret, click how, language l) {
  landing out;
  if (!core::is_own_click(how.origin, how.fetch_site, options_.callback_base)) {
    out.status = 403;
    out.html = landing_html(page_kind::foreign_click, l, {}, nullptr);
    co_return out;
  }
  auto finding = find_link(secret);
  const auto found = co_await std::move(finding);
  if (found && (!found->connection || found->standing != link_standing::usable)) co_return link_page(*found, l);
  const auto m = found ? plugins_.find(found->connection->provider) : nullptr;
  if (m && m->auth.kind == core::auth_rules::grant::client_key) {
    if (!how.key.empty()) {
      // To its end, though the browser may leave: what the provider says of a key is to be known.
      auto work = take_key_of_link(std::move(secret), std::move(how.key), l);
      co_return co_await shielded(std::move(work));
    }
    if (m->auth.activation.url.empty()) co_return link_page(*found, l, true);
  }
  core::browser_mark mark;
  mark.link = std::move(secret);
  mark.word = random_word();
  result<started_attempt> started = found ? result<started_attempt>(started_attempt{}) : found.error();
  if (found) {
    origin from;
    from.link = found->link.id;
    from.browser = fingerprint(mark.word);
    auto beginning = begin(found->connection->id, confirmation_from(found->link.confirmation), "", std::move(from));
    started = co_await std::move(beginning);
  }
  if (!started) {
    spdlog::warn("a connect link cannot be followed: {}", started.error().detail);
    // A page that says what to do is there for a provider whose customers give a key.
    if (found && started.error().code == errc::not_possible) co_return link_page(*found, l);
    out.status = 503;
    out.html = landing_html(page_kind::own_trouble, l, {}, nullptr);
    co_return out;
  }
  out.status = 303;
  out.location = started->link;
  out.cookie = core::cookie_of(mark, options_.callback_base.starts_with("https://"));
  co_return out;
}

awaitable<landing> auth_service::impl::take_key_of_link(std::string secret, core::secret key, language l) {
  const auto seen_at = clock_.now();
  auto finding = find_link(secret);
  const auto found = co_await std::move(finding);
  if (!found) co_return trouble_with_link(found.error(), l);
  if (!found->connection) co_return link_page(*found, l);
  const auto id = found->connection->id;
  // Whoever presses again does not stand in line behind himself: each try may take minutes, and a renewal waits too.
  const key_in_trial trial(keys_tried_, found->link.id);
  if (!trial.first) {
    landing again;
    again.html = landing_html(page_kind::arrived, l, {}, nullptr);
    co_return again;
  }
  const auto pass = co_await gate_.enter(id);
  // Another flow of this link may have served while this one stood at the gate.
  auto looking_again = find_link(secret);
  const auto now = co_await std::move(looking_again);
  if (!now) co_return trouble_with_link(now.error(), l);
  if (!now->connection || now->standing != link_standing::usable) co_return link_page(*now, l);
  auto acting =
      act_on_pasted(id, key, confirmation_from(now->link.confirmation), seen_at, false, std::string(), now->link.id);
  const auto done = co_await std::move(acting);
  landing out;
  const auto m = plugins_.find(now->connection->provider);
  if (!done) {
    if (done.error().code == errc::bad_answer) co_return link_page(*now, l, true);
    spdlog::warn("a key that came by a connect link could not be tried: {}", done.error().detail);
    const bool unreachable = done.error().code == errc::provider_unreachable;
    out.status = 503;
    out.html = landing_html(unreachable ? page_kind::unreachable : page_kind::own_trouble, l, {}, m.get());
    co_return out;
  }
  std::string again;
  if (done->auth.reason != core::auth_reason::none) {
    auto noting = note_outcome(now->link.id, done->auth);
    co_await std::move(noting);
    again = public_base() + "/connect/" + secret;
  }
  // Stored, and the provider could not be asked whose it is: that goes on without anybody.
  out.html = landing_html(is_in_question(done->auth) ? page_kind::arrived : page_kind::outcome, l, done->auth, m.get(),
                          {}, again);
  co_return out;
}

awaitable<std::string> auth_service::impl::link_to_try_again(std::string cookies, std::string link_id) {
  const auto mark = core::mark_in(cookies);
  if (!mark) co_return std::string();
  auto finding = find_link(mark->link);
  const auto found = co_await std::move(finding);
  const bool fits = found && found->connection && found->standing == link_standing::usable &&
                    (link_id.empty() || found->link.id == link_id);
  co_return fits ? public_base() + "/connect/" + mark->link : std::string();
}

bool auth_service::impl::is_same_browser(const ledger::attempt& a, const std::string& cookies) {
  const auto mark = core::mark_in(cookies);
  return mark && fingerprint(mark->word) == a.browser;
}

awaitable<void> auth_service::impl::note_outcome(std::string link_id, core::auth_state outcome) {
  const std::function<result<void>(transaction&)> note = [&](transaction& tx) -> result<> {
    tx.note_link_outcome(link_id, outcome);
    return {};
  };
  auto noting = ledger_.write(note);
  // The page says it too; the next look at the link is without it.
  if (auto done = co_await std::move(noting); !done)
    spdlog::warn("connect link {}: what came of it could not be stored: {}", link_id, done.error().detail);
}

}  // namespace koppel::auth
