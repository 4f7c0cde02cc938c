// SPDX-License-Identifier: Apache-2.0
// Links and codes: a link with the attempt behind it, the next one where access has to be given again, which codes were
// seen and sent; and the word ahead of an app's secret that ends.

#include <spdlog/spdlog.h>

#include <functional>
#include <utility>
#include <vector>

#include "host/auth/auth_impl.hpp"
#include "host/auth/error.hpp"
#include "host/core/auth_texts.hpp"
#include "host/core/connect_link.hpp"
#include "host/core/connection_manifest.hpp"
#include "host/core/secret_end.hpp"

namespace koppel::auth {
namespace {

using ledger::transaction;
using runtime::awaitable;

constexpr std::chrono::hours link_life{1};

bool wants_another_code(const core::auth_state& s) {
  using status = core::auth_status;
  const auto* row = core::find_row(s.reason);
  // One that is over before the provider may be asked again would lead nowhere.
  if (s.throttled) return !s.throttled->same_code && s.throttled->wait < link_life;
  return s.status != status::authorized && s.status != status::awaiting_confirmation && row &&
         row->action == "reauthorise" && !core::is_to_be_mended_first(s);
}

}  // namespace

bool link_serves(transaction& tx, const ledger::attempt& a) {
  if (a.link.empty()) return true;
  const auto of = tx.find_connect_link(a.link);
  return of && (of->state == core::link_state::open || of->state == core::link_state::given);
}

failure unknown_link() {
  return {make_error_code(errc::unknown_state),
          "This address belongs to no open link of this connection: it was used before, or is older than an hour. Make "
          "a new link, and paste what comes back from that one."};
}

bool gave_access(const core::auth_state& outcome) {
  using status = core::auth_status;
  const bool unproven = outcome.status == status::waiting && outcome.reason == core::auth_reason::none;
  return unproven || outcome.status == status::authorized || outcome.status == status::awaiting_confirmation;
}

result<void> auth_service::look_at_pasted(transaction& tx, const ledger::connection& c, const ledger::app& app,
                                          const std::shared_ptr<const core::manifest>& of_provider,
                                          const core::secret& pasted) {
  if (auto why = core::attempt_refusal({c.auth, c.pinned}); !why.empty())
    return failure{make_error_code(errc::not_possible), why};
  const auto m = core::manifest_for(of_provider, c.settings, c.learned);
  const auto servers = core::servers_of(of_provider, c.settings, c.learned);
  const auto answer = core::read_pasted(m->auth, pasted.reveal(), app.client_id, servers);
  if (answer.problem != core::answer_problem::none)
    return failure{make_error_code(errc::bad_answer), core::sentence_of(answer.problem)};
  if (answer.state.empty() || m->auth.kind == core::auth_rules::grant::client_key) return {};
  const auto attempt = tx.find_attempt(fingerprint(answer.state));
  if (!attempt || attempt->connection_id != c.id || attempt->expires_at <= tx.now() || !link_serves(tx, *attempt))
    return unknown_link();
  return {};
}

awaitable<result<started_attempt>> auth_service::impl::mint_link(const subject& about, confirmation c,
                                                                 std::string redirect_uri, origin from) {
  const auto& id = about.connection.id;
  const auto own = own_callback(about.connection.provider);
  if (redirect_uri.empty()) redirect_uri = about.app.redirect_uri.empty() ? own : about.app.redirect_uri;
  const core::secret state(random_word());
  const core::secret verifier(about.manifest->auth.pkce ? random_word() : std::string());
  core::link_parameters parameters{about.app.client_id, redirect_uri, std::string(state.reveal()), verifier.reveal()};
  started_attempt started;
  started.link = core::authorization_link(about.manifest->auth, parameters);
  if (started.link.empty())
    co_return failure{make_error_code(errc::bad_manifest), "The manifest's authorize_url is not an https address."};
  started.redirect_uri = redirect_uri;
  started.own_callback = redirect_uri == own;

  const auto hash = fingerprint(state.reveal());
  const auto insert = [&](transaction& tx) -> result<> {
    ledger::attempt a;
    a.state_hash = hash;
    a.connection_id = id;
    a.redirect_uri = redirect_uri;
    a.verifier = verifier.clone();
    a.confirmation = text_of(c);
    a.created_at = tx.now();
    a.expires_at = started.expires_at = a.created_at + link_life;
    a.link = from.link;
    a.browser = from.browser;
    return tx.insert_attempt(std::move(a));
  };
  auto inserting = ledger_.write(insert);
  if (auto done = co_await std::move(inserting); !done) co_return done.error();
  std::erase_if(open_links_, [&](const auto& one) { return one.second.link.expires_at <= clock_.now(); });
  // One that a connect link made is its visitor's.
  if (from.link.empty()) open_links_[id] = {started, hash};
  co_return started;
}

awaitable<std::string> auth_service::impl::offer_next_try(const arrival& a, const ledger::connection& after) {
  const auto& id = after.id;
  const bool by_code = a.about.manifest->auth.kind == core::auth_rules::grant::authorization_code;
  if (!by_code || !wants_another_code(after.auth)) {
    open_links_.erase(id);
    co_return "";
  }
  // A bare code did not use its link up; a second link beside it would take the next bare code for its own.
  if (const auto known = open_links_.find(id); known != open_links_.end()) {
    bool good = false;
    const auto hash = known->second.state_hash;
    const auto look = [&](transaction& tx) -> result<> {
      const auto found = tx.find_attempt(hash);
      good = found && found->expires_at > tx.now();
      return {};
    };
    auto looking = ledger_.write(look);
    const auto looked = co_await std::move(looking);
    const auto still = open_links_.find(id);
    if (looked && good && still != open_links_.end() && still->second.state_hash == hash)
      co_return still->second.link.link;
  }
  auto minting = mint_link(a.about, a.how, a.redirect_uri, {});
  auto minted = co_await std::move(minting);
  if (minted) co_return minted->link;
  spdlog::warn("{}/{}: no link for the next try: {}", after.provider, after.name, minted.error().detail);
  co_return "";
}

std::optional<started_attempt> auth_service::impl::open_link(const std::string& connection_id) const {
  const auto known = open_links_.find(connection_id);
  if (known == open_links_.end() || known->second.link.expires_at <= clock_.now()) return std::nullopt;
  return known->second.link;
}

awaitable<void> auth_service::impl::warn_of_secrets_that_end() {
  for (bool in_time = true; in_time;) {
    std::vector<std::string> warnings;
    const std::function<result<void>(transaction&)> look = [&](transaction& tx) -> result<> {
      for (const auto& a : tx.apps())
        if (auto one = core::warning_of_end(a.provider + "/" + a.name, a.secret_ends_at, tx.now()); !one.empty())
          warnings.push_back(std::move(one));
      return {};
    };
    auto looking = ledger_.write(look);
    const auto looked = co_await std::move(looking);
    if (!looked) spdlog::error("which secrets end could not be read: {}", looked.error().detail);
    for (const auto& one : warnings) spdlog::warn("{}", one);
    in_time = co_await runtime::sleep_for(std::chrono::hours{24});
  }
}

bool auth_service::impl::first_use(const core::secret& code, core::instant seen_at) {
  constexpr std::size_t remembered = 4096;
  auto hash = fingerprint(code.reveal());
  const auto [known, is_new] = codes_.try_emplace(hash, seen_code{seen_at, false});
  const bool first = !std::exchange(known->second.sent, true);
  if (is_new) codes_in_order_.push_back(std::move(hash));
  if (codes_in_order_.size() > remembered) {
    codes_.erase(codes_in_order_.front());
    codes_in_order_.pop_front();
  }
  return first;
}

core::instant auth_service::impl::first_seen(const core::secret& code, core::instant otherwise) const {
  const auto known = codes_.find(fingerprint(code.reveal()));
  return known == codes_.end() ? otherwise : known->second.first;
}

void auth_service::impl::forget_use(const core::secret& code) {
  if (const auto known = codes_.find(fingerprint(code.reveal())); known != codes_.end()) known->second.sent = false;
}

}  // namespace koppel::auth
