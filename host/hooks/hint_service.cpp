// SPDX-License-Identifier: Apache-2.0

#include "host/hooks/hint_service.hpp"

#include <spdlog/spdlog.h>
#include <koppel/fault_point.hpp>

#include <algorithm>
#include <functional>
#include <utility>

#include "host/core/fingerprint.hpp"

namespace koppel::hooks {
namespace {

namespace job_error = messages::job_error;
using ledger::transaction;
using runtime::awaitable;
using state = ledger::webhook::state;

constexpr std::chrono::seconds look_limit{30};
constexpr std::chrono::minutes mark_every{1};
constexpr std::size_t rows_per_look = 500, rows_per_trim = 64;
constexpr int most_crashes = 3;

bool is_temporary(std::string_view error) {
  return error == job_error::try_again || error == job_error::cancelled || error == job_error::authorise_again;
}

}  // namespace

hint_service::hint_service(runtime::supervisor& supervisor, ledger::ledger& l, plugins::plugin_host& plugins,
                           sync::sync_service& sync, const runtime::clock& clock, limits at_most)
    : supervisor_(supervisor), ledger_(l), plugins_(plugins), sync_(sync), clock_(clock), limits_(at_most) {}

// ---- what is known

awaitable<result<>> hint_service::start() {
  std::vector<ledger::webhook_address> stored;
  std::vector<ledger::connection> there;
  row newest = 0;
  const std::function<result<void>(transaction&)> load = [&](transaction& tx) -> result<> {
    auto found = tx.webhook_addresses();
    if (!found) return found.error();
    stored = std::move(*found);
    there = tx.connections();
    newest = tx.newest_webhook();
    return {};
  };
  auto loading = ledger_.write(load);
  if (auto loaded = co_await std::move(loading); !loaded) co_return loaded;
  for (const auto& c : there) connection_changed(c);
  for (const auto& a : stored) know(a);
  newest_at_start_ = newest;
  ready_ = true;
  plugins_changed();
  co_return result<>{};
}

void hint_service::know(const ledger::webhook_address& a) {
  auto& known = addresses_[core::fingerprint(a.secret.reveal())];
  known.connection_id = a.connection_id;
  known.token = a.token.clone();
}

void hint_service::connection_changed(const ledger::connection& c) {
  if (c.auth.status == core::auth_status::removed) {
    connections_.erase(c.id);
    std::erase_if(addresses_, [&](const auto& entry) { return entry.second.connection_id == c.id; });
    std::erase_if(wholes_, [&](const auto& entry) { return entry.first.connection == c.id; });
    board_.forget(c.id);
    return;
  }
  auto& known = connections_[c.id];
  const bool authorized = c.auth.status == core::auth_status::authorized;
  if (authorized && !known.authorized) board_.hurry(c.id);
  known = {c.provider, c.name, authorized};
  wake();
}

void hint_service::plugins_changed() {
  recover_again_ = true;  // rows that were passed over for want of a plugin
  if (ready_ && !stopping_ && !std::exchange(recovering_, true)) supervisor_.run("webhooks of before", recover());
  wake();
}

void hint_service::wake() {
  news_ = true;
  changed_.notify_all();
}

void hint_service::stop() {
  stopping_ = true;
  changed_.notify_all();
}

// ---- receiving

awaitable<std::optional<int>> hint_service::receive(std::string provider, std::string secret, net::inbound_request r) {
  if (!ready_) co_return 503;
  // The digest is looked up, so that no comparison of the secret itself takes a time that tells of it.
  const auto digest = core::fingerprint(secret);
  const auto at = addresses_.find(digest);
  if (at == addresses_.end()) co_return std::nullopt;
  const auto c = connections_.find(at->second.connection_id);
  if (c == connections_.end() || c->second.provider != provider) co_return 404;
  const auto m = plugins_.find(provider);
  if (!m || !m->webhook) co_return 503;  // nobody can tell whether it bears its token
  const auto& rules = *m->webhook;
  const bool genuine = core::bears_token(rules, r.body, rules.token_header.empty() ? "" : r.header(rules.token_header),
                                         at->second.token);
  core::webhook_reading said{{}, "It does not bear the token that was registered.", false};
  core::secret body;
  if (genuine) {
    body = core::secret(core::without_token(rules, std::move(r.body)));
    said = core::read_webhook(rules, body.reveal());
  }
  const auto connection_id = c->first;
  KOPPEL_FAULT_POINT("webhook.before_journal");
  auto keeping = keep(at->second, c->second, said, std::move(body));
  const auto kept = co_await std::move(keeping);
  KOPPEL_FAULT_POINT("webhook.journalled");
  if (!kept && kept.error().code == ledger::errc::not_found) co_return 404;
  if (!kept) {
    spdlog::warn("a webhook of {} was not taken: {}", provider, kept.error().detail);
    co_return 503;
  }
  if (!genuine) co_return 404;
  // It may have been removed meanwhile, and its rows with it.
  if (!said.hints.empty() && connections_.contains(connection_id)) take_in(*kept, connection_id, said.hints);
  co_return 200;
}

awaitable<result<hint_service::row>> hint_service::keep(address& to, const known_connection& c,
                                                        const core::webhook_reading& read, core::secret body) {
  ledger::webhook w;
  w.provider = c.provider;
  w.connection_id = to.connection_id;
  w.reason = read.reason;
  w.now = !read.hints.empty() ? state::waiting : read.understood ? state::done : state::refused;
  if (w.now != state::waiting) body = {};
  const auto now = clock_.now();
  const bool mark = now - to.marked >= mark_every;
  if (mark) to.marked = now;
  const bool trim = ++to.since_trim >= rows_per_trim;
  if (trim) to.since_trim = 0;
  row number = 0;
  const std::function<result<void>(transaction&)> store = [&](transaction& tx) -> result<> {
    // It may have been removed since its address was found.
    if (!tx.find_webhook_state(w.connection_id))
      return failure{make_error_code(ledger::errc::not_found), "the connection was removed"};
    const auto stored = tx.insert_webhook(w, body);
    if (!stored) return stored.error();
    number = stored->number;
    if (mark) tx.mark_webhook_received(w.connection_id, tx.now());
    if (trim) tx.trim_webhooks_of(w.connection_id, limits_.kept, tx.now() - limits_.kept_for);
    return {};
  };
  auto storing = ledger_.write(store);
  if (const auto done = co_await std::move(storing); !done) co_return done.error();
  co_return number;
}

void hint_service::take_in(row r, const std::string& connection_id, const std::vector<core::webhook_hint>& hints) {
  std::vector<core::hint_board::hint> wanted;
  std::set<lane> lanes;
  for (const auto& h : hints) {
    wanted.push_back({{connection_id, h.stream}, h.id});
    lanes.insert(wanted.back().of);
  }
  board_.add(r, wanted);
  for (const auto& of : lanes)
    if (board_.crowded(of, limits_.waiting) && collapsing_.insert(of).second)
      supervisor_.run("webhooks of " + of.stream, collapse(of));
  wake();
}

// Where one row stands for all that waits, each of the others may go.
awaitable<void> hint_service::collapse(lane of) {
  auto crowd = board_.collapse(of);
  if (crowd.keeper != 0) {
    const std::function<result<void>(transaction&)> store = [&](transaction& tx) -> result<> {
      tx.widen_webhook(crowd.keeper, of.stream);
      tx.settle_webhooks(crowd.settled, "So many came that the stream is read instead.");
      return {};
    };
    auto storing = ledger_.write(store);
    if (const auto done = co_await std::move(storing); !done)
      // They wait in the journal, and are worked off again after the next start.
      spdlog::error("webhooks that became one could not be settled: {}", done.error().detail);
  }
  collapsing_.erase(of);
}

// ---- what waited when the host started

awaitable<void> hint_service::recover() {
  auto settled = plugins_.settled();
  co_await std::move(settled);
  while (std::exchange(recover_again_, false)) {
    std::optional<row> after = 0;
    while (after && !stopping_) {
      auto some = recover_some(*after);
      const auto seen = co_await std::move(some);
      if (seen) {
        after = *seen;
        continue;
      }
      spdlog::warn("webhooks that wait could not be looked up: {}", seen.error().detail);
      if (!co_await runtime::sleep_for(look_limit)) co_return;
    }
  }
  recovering_ = false;
  wake();
}

awaitable<result<std::optional<hint_service::row>>> hint_service::recover_some(row after) {
  std::optional<row> none;
  std::vector<ledger::waiting_webhook> found;
  const std::function<result<void>(transaction&)> look = [&](transaction& tx) -> result<> {
    found = tx.waiting_webhooks(after, rows_per_look);
    return {};
  };
  auto looking = ledger_.write(look);
  if (const auto done = co_await std::move(looking); !done) co_return done.error();
  if (found.empty()) co_return none;
  std::vector<ledger::webhook> unreadable;
  for (auto& w : found) {
    after = w.about.number;
    if (after > newest_at_start_) co_return none;  // of this host's own time: on the board already
    if (board_.knows(after) || !connections_.contains(w.about.connection_id)) continue;
    const auto m = plugins_.find(w.about.provider);
    if (!m || !m->webhook) continue;  // until its plugin is there
    core::webhook_reading said;
    for (const auto& stream : w.streams) said.hints.push_back({stream, ""});
    if (w.damage.empty()) {
      auto read = core::read_webhook(*m->webhook, w.body.reveal());
      said.hints.insert(said.hints.end(), read.hints.begin(), read.hints.end());
      said.reason = std::move(read.reason);
    } else {
      said.reason = w.damage;
    }
    if (said.hints.empty()) {
      w.about.now = state::refused;
      w.about.reason = said.reason;
      unreadable.push_back(std::move(w.about));
    } else {
      take_in(after, w.about.connection_id, said.hints);
    }
  }
  const std::function<result<void>(transaction&)> conclude = [&](transaction& tx) -> result<> {
    for (const auto& w : unreadable) tx.conclude_webhook(w);
    return {};
  };
  if (!unreadable.empty()) {
    auto concluding = ledger_.write(conclude);
    if (const auto done = co_await std::move(concluding); !done) co_return done.error();
  }
  co_return std::optional<row>(after);
}

// ---- reading

awaitable<void> hint_service::work_off() {
  while (!stopping_) {
    news_ = false;
    start_reads();
    if (news_) continue;
    const auto now = clock_.now();
    const auto again = std::min(board_.next(now).value_or(now + look_limit), now + look_limit);
    const auto wait = std::clamp<std::chrono::milliseconds>(again - now, std::chrono::milliseconds{1}, look_limit);
    const auto limit = runtime::steady_clock::now() + wait;
    const bool goes_on = co_await changed_.wait_or_stop(limit);
    if (!goes_on) co_return;
  }
}

void hint_service::start_reads() {
  const auto usable = [this](const std::string& connection) {
    const auto c = connections_.find(connection);
    if (c == connections_.end() || !c->second.authorized || !plugins_.find(c->second.provider)) return false;
    const auto busy = reads_.find(c->second.provider);
    return busy == reads_.end() || busy->second < limits_.at_once - limits_.at_once / 4;
  };
  while (reads_in_all_ < limits_.at_once && !stopping_) {
    auto batch = board_.take(clock_.now(), limits_.ids_at_once, usable);
    if (!batch) return;
    if (batch->whole) {
      read_whole(*batch);
      continue;
    }
    ++reads_in_all_;
    const auto& c = connections_.at(batch->of.connection);
    ++reads_[c.provider];
    const auto name = "webhooks of " + c.provider + "/" + c.name + " " + batch->of.stream;
    supervisor_.run(name, read(std::move(*batch)));
  }
}

awaitable<void> hint_service::read(core::hint_board::batch b) {
  const auto provider = connections_.at(b.of.connection).provider;
  const bool beside_a_run = sync_.reading(b.of.connection, b.of.stream);
  auto reading = sync_.read_records(b.of.connection, b.of.stream, b.ids, b.first);
  const auto outcome = co_await std::move(reading);
  --reads_in_all_;
  if (--reads_[provider] == 0) reads_.erase(provider);
  ended(b, outcome, beside_a_run);
  wake();
}

core::instant hint_service::pause_after(const lane& of, std::chrono::milliseconds asked) const {
  const auto usual = std::min<std::chrono::milliseconds>(
      limits_.first_pause * (1 << std::clamp(board_.failures(of), 0, 10)), limits_.longest_pause);
  return clock_.now() + std::max(asked, usual);
}

void hint_service::ended(const core::hint_board::batch& b, const messages::done& outcome, bool beside_a_run) {
  if (outcome.error.empty()) {
    const bool under_way = sync_.reading(b.of.connection, b.of.stream);
    if (!beside_a_run && !under_way) return settle(board_.done(b.of));
    // That run may hold answers from before this read, and commit them after it.
    board_.park(b.of);
    if (!under_way) board_.unpark(b.of);
    return;
  }
  const auto until =
      pause_after(b.of, std::min<std::chrono::milliseconds>(std::chrono::milliseconds{outcome.retry_after},
                                                            core::sync_run::max_retry_after));
  const bool crashed = outcome.error == job_error::crashed && board_.failures(b.of) + 1 < most_crashes;
  if (stopping_) return;  // it is in the journal
  spdlog::warn("webhooks of {}: {} records were not read: {} {}", b.of.stream, b.ids.size(), outcome.error,
               outcome.detail);
  if (is_temporary(outcome.error) || crashed) return board_.again(b.of, until);
  // This grant does not let the stream be read, not by a run either.
  if (outcome.error == job_error::scope_missing) return settle(board_.done(b.of));
  board_.again_whole(b.of, clock_.now());
}

void hint_service::read_whole(const core::hint_board::batch& b) {
  wholes_[b.of] = sync_.reading(b.of.connection, b.of.stream);
  if (sync_.request_for_webhook(b.of.connection, b.of.stream)) return;
  wholes_.erase(b.of);
  board_.again(b.of, pause_after(b.of, std::chrono::milliseconds{0}));
}

void hint_service::run_ended(const std::string& connection_id, const std::string& stream, bool completed) {
  const lane of{connection_id, stream};
  board_.unpark(of);
  wake();
  const auto at = wholes_.find(of);
  if (at == wholes_.end() || std::exchange(at->second, false)) return;
  wholes_.erase(at);
  if (completed)
    settle(board_.done(of));
  else
    board_.again(of, pause_after(of, std::chrono::milliseconds{0}));
  wake();
}

// ---- settling

void hint_service::settle(std::vector<row> rows) {
  to_settle_.insert(to_settle_.end(), rows.begin(), rows.end());
  if (!to_settle_.empty() && !std::exchange(flushing_, true)) supervisor_.run("settling of webhooks", flush());
}

awaitable<void> hint_service::flush() {
  auto pause = limits_.settle_after;
  while (!to_settle_.empty()) {
    if (!co_await runtime::sleep_for(pause)) break;
    const auto rows = std::exchange(to_settle_, {});
    const std::function<result<void>(transaction&)> store = [&](transaction& tx) -> result<> {
      tx.settle_webhooks(rows, "");
      return {};
    };
    KOPPEL_FAULT_POINT("webhook.before_settle");
    auto storing = ledger_.write(store);
    const auto done = co_await std::move(storing);
    KOPPEL_FAULT_POINT("webhook.settled");
    pause = limits_.settle_after;
    if (done) continue;
    to_settle_.insert(to_settle_.end(), rows.begin(), rows.end());
    pause = look_limit;
  }
  flushing_ = false;
}

}  // namespace koppel::hooks
