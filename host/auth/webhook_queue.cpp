// SPDX-License-Identifier: Apache-2.0

#include "host/auth/webhook_queue.hpp"

#include <sodium/utils.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <functional>

#include "host/core/coupling.hpp"
#include "host/core/fingerprint.hpp"

namespace koppel::auth {
namespace {

using ledger::transaction;
using runtime::awaitable;
using state = ledger::webhook::state;

constexpr std::chrono::seconds look_limit{30};

}  // namespace

webhook_queue::webhook_queue(runtime::supervisor& supervisor, ledger::ledger& l, plugins::plugin_host& plugins,
                             auth_service& auth, const runtime::clock& clock, limits at_most)
    : supervisor_(supervisor), ledger_(l), plugins_(plugins), auth_(auth), clock_(clock), limits_(at_most) {}

awaitable<int> webhook_queue::receive(std::string provider, std::string secret, std::string body) {
  // The digest is looked up, so that no comparison of the secret itself takes a time that tells of it.
  const auto digest = core::fingerprint(secret);
  std::optional<ledger::app> app;
  const std::function<result<void>(transaction&)> look = [&](transaction& tx) -> result<> {
    app = tx.find_app_by_webhook(digest);
    return {};
  };
  auto looking = ledger_.write(look);
  if (auto done = co_await std::move(looking); !done) co_return 503;
  if (!app || app->provider != provider) co_return 404;

  ledger::webhook w;
  w.provider = provider;
  w.app_id = app->id;
  // Without its plugin nobody can read it yet: it waits unread.
  if (const auto m = plugins_.find(provider)) {
    const auto read = core::read_coupling(m->auth.coupling, body);
    if (const auto* complaint = std::get_if<std::string>(&read)) {
      w.now = state::refused;
      w.reason = *complaint;
    } else {
      w.reference = core::fingerprint(std::get<core::coupling_message>(read).reference);
    }
  }
  const bool readable = w.now == state::pending;
  core::secret kept(readable ? std::move(body) : std::string());
  bool full = false;
  const std::function<result<void>(transaction&)> store = [&](transaction& tx) -> result<> {
    full = readable && tx.pending_webhooks(app->id) >= limits_.pending;
    if (full) return {};
    if (auto stored = tx.insert_webhook(w, kept); !stored) return stored.error();
    tx.trim_webhooks(app->id, limits_.kept, tx.now() - limits_.kept_for);
    return {};
  };
  auto storing = ledger_.write(store);
  const auto done = co_await std::move(storing);
  if (!done || full) {
    spdlog::warn("a webhook of {} was not taken: {}", provider,
                 full ? "too many of its app are waiting" : done.error().detail);
    co_return 503;
  }
  news_ = true;
  changed_.notify_all();
  co_return readable ? 200 : 400;
}

core::instant webhook_queue::start_what_is_due(std::vector<ledger::webhook> next) {
  const auto now = clock_.now();
  auto look_again = now + look_limit;
  for (auto& w : next) {
    if (busy_.size() >= limits_.at_once) break;
    const lane its{w.app_id, w.reference};
    if (busy_.contains(its)) continue;
    if (const auto paused = pauses_.find(its); paused != pauses_.end() && paused->second.until > now) {
      look_again = std::min(look_again, paused->second.until);
      continue;
    }
    busy_.insert(its);
    const auto name = "webhook " + w.id;
    supervisor_.run(name, work_one(std::move(w)));
  }
  return look_again;
}

awaitable<void> webhook_queue::work_off() {
  std::vector<ledger::webhook> next;
  const std::function<result<void>(transaction&)> look = [&next](transaction& tx) -> result<> {
    next = tx.next_webhooks();
    return {};
  };
  while (!stopping_) {
    news_ = false;
    auto looking = ledger_.write(look);
    const auto done = co_await std::move(looking);
    if (!done) spdlog::error("what came by webhook cannot be read: {}", done.error().detail);
    const auto again = start_what_is_due(std::move(next));
    next.clear();
    if (news_ || stopping_) continue;
    const auto wait =
        std::clamp<std::chrono::milliseconds>(again - clock_.now(), std::chrono::milliseconds{1}, look_limit);
    const auto limit = std::chrono::steady_clock::now() + wait;
    const bool goes_on = co_await changed_.wait_or_stop(limit);
    if (!goes_on) co_return;
  }
}

void webhook_queue::stop() {
  stopping_ = true;
  changed_.notify_all();
}

awaitable<result<>> webhook_queue::settle(const ledger::webhook& w, auth_service::webhook_outcome became) {
  const lane its{w.app_id, w.reference};
  auto& p = pauses_[its];
  // From the first try: we may have been down, and nobody brings a key twice.
  if (p.failures == 0) p.since = clock_.now();
  if (became.again && clock_.now() - p.since < limits_.patience) {
    const auto usual = std::min<std::chrono::milliseconds>(limits_.first_pause * (1 << std::min(p.failures, 10)),
                                                           limits_.longest_pause);
    ++p.failures;
    p.until = std::max(*became.again, clock_.now() + usual);
    spdlog::warn("webhook {} of {} waits until {}: {}", w.id, w.provider, core::to_rfc3339(p.until),
                 became.about.reason);
    co_return result<>{};
  }
  auto& about = became.about;
  if (became.again) about.now = state::refused;
  pauses_.erase(its);
  const std::function<result<void>(transaction&)> conclude = [&about](transaction& tx) -> result<> {
    tx.conclude_webhook(about);
    return {};
  };
  auto storing = ledger_.write(conclude, ledger::urgency::cannot_wait);
  co_return co_await std::move(storing);
}

auth_service::webhook_outcome webhook_queue::read_late(const ledger::webhook& w, const core::secret& body) const {
  auth_service::webhook_outcome became;
  became.about = w;
  const auto m = plugins_.find(w.provider);
  if (!m) {
    became.about.reason = "No plugin of this provider is running.";
    became.again = clock_.now();
    return became;
  }
  const auto read = core::read_coupling(m->auth.coupling, body.reveal());
  if (const auto* complaint = std::get_if<std::string>(&read)) {
    became.about.now = state::refused;
    became.about.reason = *complaint;
  } else {
    became.about.reference = core::fingerprint(std::get<core::coupling_message>(read).reference);
  }
  return became;
}

awaitable<void> webhook_queue::work_one(ledger::webhook w) {
  const lane its{w.app_id, w.reference};
  core::secret body;
  const std::function<result<void>(transaction&)> open = [&](transaction& tx) -> result<> {
    auto found = tx.webhook_body(w.id);
    if (!found) return found.error();
    body = std::move(*found);
    return {};
  };
  auto opening = ledger_.write(open);
  auto opened = co_await std::move(opening);
  const auto damaged =
      !opened && (opened.error().code == ledger::errc::wrong_key || opened.error().code == ledger::errc::corrupt);
  if (damaged) {  // it will not be readable later either, and holds up those behind it
    auth_service::webhook_outcome lost;
    lost.about = w;
    lost.about.now = state::refused;
    lost.about.reason = "What was kept of it cannot be read any more: " + opened.error().detail;
    auto settling = settle(w, std::move(lost));
    opened = co_await std::move(settling);
  } else if (opened && w.reference.empty()) {
    auto late = read_late(w, body);
    auto settling = settle(w, std::move(late));
    opened = co_await std::move(settling);
  } else if (opened) {
    auto work = auth_.take_webhook(w, std::move(body));
    auto became = co_await std::move(work);
    auto settling = settle(w, std::move(became));
    opened = co_await std::move(settling);
  }
  if (!opened) {
    spdlog::error("webhook {} of {}: {}", w.id, w.provider, opened.error().detail);
    pauses_[its].until = clock_.now() + look_limit;
  }
  busy_.erase(its);
  news_ = true;
  changed_.notify_all();
}

}  // namespace koppel::auth
