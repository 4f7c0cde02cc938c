// SPDX-License-Identifier: Apache-2.0

#include "host/hooks/registrar.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <utility>

#include "host/core/webhook_plan.hpp"
#include "host/hooks/registration_job.hpp"

namespace koppel::hooks {
namespace {

namespace job_error = messages::job_error;
using ledger::transaction;
using runtime::awaitable;
using state = ledger::webhook_address::state;

constexpr std::size_t at_once = 8;
constexpr std::chrono::seconds look_limit{60};

core::registration_facts facts_of(const ledger::webhook_address& a, const std::string& public_url) {
  using facts = core::registration_facts;
  facts f;
  f.now = a.now == state::registered ? facts::state::registered
          : a.now == state::refused  ? facts::state::refused
          : a.now == state::failing  ? facts::state::failing
                                     : facts::state::none;
  f.elsewhere = !a.places.current.empty() && a.places.current != public_url;
  f.left_behind = !a.places.former.empty();
  f.registered_at = a.registered_at;
  f.ends_at = a.ends_at;
  f.tried_at = a.tried_at;
  f.failures = a.failures;
  return f;
}

}  // namespace

registrar::registrar(runtime::supervisor& supervisor, ledger::ledger& l, plugins::plugin_host& plugins,
                     auth::provider_client& provider, hint_service& hints, const runtime::clock& clock,
                     std::string public_url, limits at_most)
    : supervisor_(supervisor),
      ledger_(l),
      plugins_(plugins),
      provider_(provider),
      hints_(hints),
      clock_(clock),
      public_url_(std::move(public_url)),
      limits_(at_most) {}

void registrar::wake() {
  news_ = true;
  changed_.notify_all();
}

void registrar::stop() {
  stopping_ = true;
  changed_.notify_all();
}

// ---- what is known

awaitable<result<>> registrar::start() {
  std::vector<ledger::webhook_address> stored;
  std::vector<ledger::connection> there;
  const std::function<result<void>(transaction&)> load = [&](transaction& tx) -> result<> {
    auto found = tx.webhook_addresses();
    if (!found) return found.error();
    stored = std::move(*found);
    there = tx.connections();
    return {};
  };
  auto loading = ledger_.write(load);
  if (auto loaded = co_await std::move(loading); !loaded) co_return loaded;
  for (auto& c : there) known_[c.id].connection = std::move(c);
  for (auto& a : stored) {
    const auto at = known_.find(a.connection_id);
    if (at != known_.end()) at->second.address = std::make_shared<ledger::webhook_address>(std::move(a));
  }
  co_return result<>{};
}

void registrar::connection_changed(const ledger::connection& c) {
  if (c.auth.status == core::auth_status::removed) {
    const auto at = known_.find(c.id);
    if (at == known_.end()) return;
    if (at->second.check != 0) supervisor_.end(at->second.check);
    known_.erase(at);
    return;
  }
  auto& e = known_[c.id];
  const bool seen_before = !e.connection.id.empty();
  const bool granted = seen_before && c.auth.status == core::auth_status::authorized &&
                       e.connection.auth.status != core::auth_status::authorized;
  const bool other_settings = seen_before && c.settings != e.connection.settings;
  e.connection = c;
  // Another grant may have other rights; with other settings it may be another system that is asked.
  const bool wanting = e.address && (e.address->now == state::refused || e.address->now == state::failing ||
                                     !e.address->places.former.empty());
  if (other_settings || (granted && wanting)) e.hurry = true;
  wake();
}

bool registrar::rests(const std::string& id) const {
  const auto at = known_.find(id);
  return at == known_.end() || runtime::steady_clock::now() < at->second.rests_until;
}

// ---- checks

awaitable<void> registrar::keep_registered() {
  auto settled = plugins_.settled();
  co_await std::move(settled);
  while (!stopping_) {
    news_ = false;
    const auto again = start_what_is_due();
    if (news_) continue;
    const auto wait =
        std::clamp<std::chrono::milliseconds>(again - clock_.now(), std::chrono::milliseconds{1}, look_limit);
    const auto limit = runtime::steady_clock::now() + wait;
    const bool goes_on = co_await changed_.wait_or_stop(limit);
    if (!goes_on) co_return;
  }
}

core::instant registrar::start_what_is_due() {
  const auto now = clock_.now();
  auto look_again = now + look_limit;
  for (auto& [id, e] : known_) {
    if (busy_ >= at_once) break;  // whoever ends wakes us
    if (e.busy || e.connection.auth.status != core::auth_status::authorized || rests(id)) continue;
    const auto m = plugins_.find(e.connection.provider);
    if (!m || !m->webhook) continue;
    if (e.address) {
      if (!m->webhook->registered || (public_url_.empty() && !e.address->places.any())) continue;
      const auto due = e.hurry ? now : core::registration_due(facts_of(*e.address, public_url_), now);
      if (due > now) {
        look_again = std::min(look_again, due);
        continue;
      }
      e.hurry = false;
    }
    e.busy = true;
    ++busy_;
    e.check = supervisor_.run("webhook address of " + e.connection.provider + "/" + e.connection.name, look_after(id));
  }
  return look_again;
}

void registrar::release(const std::string& id) {
  --busy_;
  if (const auto at = known_.find(id); at != known_.end()) {
    at->second.busy = false;
    at->second.check = 0;
  }
  wake();
}

awaitable<void> registrar::look_after(std::string id) {
  // Ended in the midst of it, it still writes down what was done.
  co_await runtime::asio::this_coro::throw_if_cancelled(false);
  const auto at = known_.find(id);
  if (at != known_.end() && at->second.address) {
    auto checking = check(id);
    co_await std::move(checking);
  } else {
    auto making = make_address(id);
    if (const auto made = co_await std::move(making); !made) {
      spdlog::warn("a webhook address could not be made: {}", made.error().detail);
      auto pause = runtime::sleep_for(look_limit);
      co_await std::move(pause);
    }
  }
  release(id);
}

awaitable<result<>> registrar::make_address(std::string id) {
  auto made = std::make_shared<ledger::webhook_address>();
  const std::function<result<void>(transaction&)> make = [&](transaction& tx) -> result<> {
    auto found = tx.webhook_address_of(id);
    if (!found) return found.error();
    *made = std::move(*found);
    return {};
  };
  auto making = ledger_.write(make);
  if (auto done = co_await std::move(making); !done) co_return done;
  const auto at = known_.find(id);
  if (at == known_.end()) co_return result<>{};
  hints_.know(*made);
  at->second.address = std::move(made);
  co_return result<>{};
}

awaitable<void> registrar::check(std::string id) {
  const auto address = known_.at(id).address;
  const auto name = known_.at(id).connection.provider + "/" + known_.at(id).connection.name;
  messages::done outcome;
  std::string left;
  auto noting = note_place(*address);
  if (const auto noted = co_await std::move(noting); noted) {
    // First: what removes an address may not know it from the one that took its place.
    auto leaving = remove_at(id, address->places.former);
    left = co_await std::move(leaving);
    if (public_url_.empty() && left.empty()) co_return;
    if (public_url_.empty()) {
      outcome = not_done(job_error::try_again, "No public URL is configured any more.");
    } else {
      auto asking = ask(id, registering, public_url_);
      outcome = co_await std::move(asking);
    }
  } else {
    outcome =
        not_done(job_error::try_again, "where they are to be registered could not be stored: " + noted.error().detail);
  }
  if (!known_.contains(id)) {
    spdlog::warn("{}: it was removed while its webhooks were being registered at {}; what comes there is refused", name,
                 public_url_);
    co_return;
  }
  auto settling = settle(id, std::move(outcome), std::move(left));
  co_await std::move(settling);
}

awaitable<result<>> registrar::note_place(ledger::webhook_address& a) {
  if (a.places.current == public_url_) co_return result<>{};
  const auto before = a.places;
  a.places.move_to(public_url_);
  auto storing = store(a);
  auto stored = co_await std::move(storing);
  if (!stored) a.places = before;
  co_return stored;
}

awaitable<void> registrar::settle(std::string id, messages::done outcome, std::string left) {
  const auto at = known_.find(id);
  if (at == known_.end() || stopping_ || outcome.error == job_error::cancelled) co_return;
  const auto address = at->second.address;
  auto& a = *address;
  const auto now = clock_.now();
  const auto before = a.now;
  a.tried_at = now;
  a.reason.clear();
  if (outcome.error.empty()) {
    a.now = state::registered;
    a.registered_at = now;
    a.ends_at.reset();
    if (outcome.registered_until > 0) a.ends_at = core::instant(std::chrono::milliseconds{outcome.registered_until});
  } else {
    const bool refused = outcome.error == job_error::scope_missing || outcome.error == job_error::permanent ||
                         outcome.error == job_error::bad_settings;
    a.now = refused ? state::refused : state::failing;
    a.reason = reason_of(outcome);
  }
  if (a.now == state::registered && left.empty())
    a.failures = 0;
  else if (a.now != state::refused)
    ++a.failures;
  const auto& c = at->second.connection;
  if (a.now != before)
    spdlog::info("{}/{}: webhooks are {}{}{}", c.provider, c.name, to_string(a.now), a.reason.empty() ? "" : ": ",
                 a.reason);
  if (!left.empty()) {
    spdlog::warn("{}/{}: webhooks at a former address could not be removed yet: {}", c.provider, c.name, left);
    a.reason += (a.reason.empty() ? "" : " ") + ("Those at a former address could not be removed yet: " + left + ".");
  }
  auto storing = store(a);
  if (const auto done = co_await std::move(storing); !done)
    spdlog::warn("the state of webhooks could not be stored: {}", done.error().detail);
}

}  // namespace koppel::hooks
