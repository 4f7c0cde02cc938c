// SPDX-License-Identifier: Apache-2.0

#include "host/sync/sync_service.hpp"

#include <spdlog/spdlog.h>
#include <koppel/fault_point.hpp>

#include <algorithm>
#include <utility>

#include "host/core/learned.hpp"
#include "host/sync/sync_job.hpp"
#include "host/sync/sync_state.hpp"

namespace koppel::sync {
namespace job_error = messages::job_error;
using core::sync_step;
using ledger::transaction;
using runtime::awaitable;

namespace {

/// Between two looks whether a full disk has room again. (That it is full, the ledger tells by itself.)
constexpr std::chrono::milliseconds without_room{10'000};

core::stream_history history_of(const ledger::stream_state& s) {
  core::stream_history h;
  h.last_full_at = s.last_full_at;
  h.last_success_at = s.last_success_at;
  h.last_attempt_at = s.last_attempt_at;
  h.last_inconclusive_at = s.last_inconclusive_at;
  h.failures = s.failures;
  h.inconclusive = s.inconclusive;
  return h;
}

}  // namespace

sync_service::sync_service(sync_surroundings around, sync_options options)
    : around_(std::move(around)), options_(options), state_(std::make_shared<state>(around_.supervisor.executor())) {}

sync_service::~sync_service() { state_->stopping = true; }

awaitable<result<>> sync_service::start() {
  // Gathered on the ledger's thread, taken over on this one: the host may be at work already.
  std::vector<ledger::connection> stored;
  std::vector<std::pair<state::stream_key, core::stream_history>> histories;
  std::vector<state::stream_key> open, confirmed;
  const auto load = [&](transaction& tx) -> result<> {
    for (auto& c : tx.connections()) {
      // Also where no plugin is there for it: one may come.
      for (const auto& known : tx.streams(c.id)) histories.push_back({{c.id, known.stream}, history_of(known)});
      stored.push_back(std::move(c));
    }
    for (const auto& r : tx.open_runs()) open.emplace_back(r.connection_id, r.stream);
    confirmed = tx.streams_to_release();
    return {};
  };
  auto loaded = co_await around_.ledger.write(load);
  if (!loaded) co_return loaded;
  for (auto& c : stored) state_->connections.try_emplace(c.id, std::move(c));
  for (const auto& [key, history] : histories) state_->streams[key].history = history;
  for (const auto& key : open) state_->streams[key].history.interrupted = true;
  for (const auto& [id, stream] : confirmed) begin_release(id, stream);
  around_.supervisor.run("sync schedule", schedule());
  co_return result<>{};
}

awaitable<void> sync_service::stop(std::chrono::milliseconds limit) {
  state_->stopping = true;
  state_->wake();
  // Runs end by themselves: their next request is refused, what was read gets committed.
  for (const auto step = std::chrono::milliseconds{20}; !state_->jobs.empty() && limit > step; limit -= step)
    co_await runtime::sleep_for(step);
}

bool sync_service::reading() const { return !state_->jobs.empty(); }

void sync_service::connection_changed(const ledger::connection& c) {
  if (c.auth.status == core::auth_status::removed) {
    state_->connections.erase(c.id);
    around_.provider.forget(c.id);
    std::erase_if(state_->streams,
                  [&](const auto& entry) { return entry.first.first == c.id && !entry.second.running; });
  } else {
    const auto [known, added] = state_->connections.try_emplace(c.id, c);
    // A new grant is tried at once, whatever the old one's failures were.
    if (!added && known->second.auth.status != core::auth_status::authorized)
      for (auto& [key, s] : state_->streams)
        if (key.first == c.id) s.history.failures = 0;
    known->second = c;
  }
  state_->wake();
}

void sync_service::plugins_changed() { state_->wake(); }

result<std::vector<std::string>> sync_service::request(const std::string& connection_id, const std::string& name,
                                                       bool full) {
  const auto refuse = [](ledger::errc code, std::string why) { return failure{code, std::move(why)}; };
  const auto c = state_->connections.find(connection_id);
  if (c == state_->connections.end()) return refuse(ledger::errc::not_found, "there is no such connection");
  if (c->second.auth.status != core::auth_status::authorized)
    return refuse(ledger::errc::in_use,
                  "the connection is not authorized (it is " + std::string(to_string(c->second.auth.status)) +
                      "): connect it first, koppelctl connection connect " + c->second.provider + "/" + c->second.name);
  const auto m = around_.plugins.find(c->second.provider);
  if (!m) return refuse(ledger::errc::not_found, "no plugin of provider " + c->second.provider + " is running");

  std::vector<std::string> taken;
  for (const auto& rule : m->streams) {
    if (!name.empty() && rule.name != name) continue;
    auto& stream = state_->streams[{connection_id, rule.name}];
    stream.asked_full = stream.asked_full.value_or(false) || full;
    stream.asked_by_hand = true;
    taken.push_back(rule.name);
  }
  if (m->streams.empty())
    return refuse(ledger::errc::not_found,
                  "the plugin " + m->name + " reads nothing on its own: ask for one thing at a time, koppelctl fetch");
  if (taken.empty()) return refuse(ledger::errc::not_found, "provider " + m->name + " has no stream \"" + name + "\"");
  state_->wake();
  return taken;
}

bool sync_service::is_authorized(const std::string& connection_id) const {
  const auto c = state_->connections.find(connection_id);
  return c != state_->connections.end() && c->second.auth.status == core::auth_status::authorized;
}

bool sync_service::request_for_webhook(const std::string& connection_id, const std::string& stream) {
  if (state_->stopping || !is_authorized(connection_id)) return false;
  const auto m = around_.plugins.find(state_->connections.at(connection_id).provider);
  if (!m || !m->find_stream(stream)) return false;
  auto& asked = state_->streams[{connection_id, stream}].asked_full;
  asked = asked.value_or(false);
  state_->wake();
  return true;
}

bool sync_service::reading(const std::string& connection_id, const std::string& stream) const {
  return state_->jobs.contains({connection_id, stream});
}

std::vector<ledger::run> sync_service::live_runs() const {
  std::vector<ledger::run> all;
  for (const auto& entry : state_->jobs)
    if (entry.second) all.push_back(entry.second->run);
  return all;
}

std::vector<std::pair<std::string, std::string>> sync_service::queued() const {
  // Who waits for its turn is not told of what has none: it is kept, and begins when the connection works again.
  const auto has_turn = [this](const state::stream_key& key) {
    if (!is_authorized(key.first)) return false;
    const auto m = around_.plugins.find(state_->connections.at(key.first).provider);
    return m && m->find_stream(key.second) != nullptr;
  };
  std::vector<state::stream_key> all;
  for (const auto& [key, s] : state_->streams)
    if ((s.asked_full || s.full_owed) && has_turn(key)) all.push_back(key);
  return all;
}

awaitable<void> sync_service::schedule() {
  while (!state_->stopping) {
    state_->woken = false;
    const auto next = start_due();
    if (state_->woken) continue;  // a run that ended at once has made room
    const auto pause = std::clamp<std::chrono::milliseconds>(next - around_.clock.now(), std::chrono::milliseconds{1},
                                                             std::chrono::minutes{1});
    state_->timer.expires_after(pause);
    co_await state_->timer.async_wait(runtime::token);
    // Connections and streams may have changed: everything is looked at anew.
  }
}

core::instant sync_service::start_due() {
  const auto now = around_.clock.now();
  auto look_again = now + std::chrono::minutes{1};

  struct candidate {
    std::size_t running;  ///< runs of the same connection: who has fewer goes first
    core::instant due;
    const ledger::connection* connection;
    std::string stream;
    bool full, asked;
  };
  std::vector<candidate> due;
  std::map<std::string, std::size_t> at_work;  // runs of each provider that has connections
  for (const auto& [id, c] : state_->connections) {
    const auto m = around_.plugins.find(c.provider);
    if (!m || c.auth.status != core::auth_status::authorized) continue;
    const auto running = static_cast<std::size_t>(std::count_if(
        state_->jobs.begin(), state_->jobs.end(), [&id = id](const auto& entry) { return entry.first.first == id; }));
    at_work[c.provider] += running;
    for (const auto& rule : m->streams) {
      auto& s = state_->streams[{id, rule.name}];
      if (s.running) continue;
      s.history = core::believable(s.history, now);
      const auto plan =
          core::plan_next_read(s.history, options_.interval.count() ? options_.interval : rule.interval,
                               options_.full_interval.count() ? options_.full_interval : rule.full_interval, now);
      // A person's wish is tried at once; a webhook's is none of the provider's asking for quiet.
      const auto quiet_until = s.asked_by_hand ? now : s.history.not_before.value_or(now);
      if (s.asked_full && quiet_until > now) {
        look_again = std::min(look_again, quiet_until);
      } else if (s.asked_full) {
        due.push_back({running, now, &c, rule.name, *s.asked_full || core::never_read(s.history), true});
      } else if (options_.schedule || s.history.interrupted) {
        if (plan.due <= now)
          due.push_back({running, plan.due, &c, rule.name, plan.full, false});
        else
          look_again = std::min(look_again, plan.due);
      }
    }
  }
  std::sort(due.begin(), due.end(), [](const candidate& a, const candidate& b) {
    return std::tie(a.running, a.due) < std::tie(b.running, b.due);
  });
  for (const auto& next : due) {
    if (state_->jobs.size() >= options_.max_jobs) break;  // whoever ends wakes the schedule
    auto& of_provider = at_work[next.connection->provider];
    if (of_provider >= core::places_of_one(options_.max_jobs, at_work.size())) continue;
    ++of_provider;
    auto& s = state_->streams[{next.connection->id, next.stream}];
    s.running = true;
    const auto cause = !next.asked ? "schedule" : s.asked_by_hand ? "manual" : "webhook";
    s.asked_full.reset();
    s.asked_by_hand = false;
    state_->jobs.emplace(state::stream_key{next.connection->id, next.stream}, nullptr);
    around_.supervisor.run("sync " + next.connection->provider + "/" + next.connection->name + " " + next.stream,
                           run_stream(*next.connection, next.stream, next.full, cause));
  }
  return look_again;
}

awaitable<void> sync_service::run_stream(ledger::connection c, std::string name, bool full, std::string cause) {
  const state::stream_key key{c.id, name};
  // Whatever way this coroutine ends, the stream is free again: also when it is cancelled, or dropped with its frame
  // after the service is gone.
  struct release {
    const std::shared_ptr<state> known;
    const state::stream_key& key;
    ~release() {
      known->jobs.erase(key);
      if (known->connections.contains(key.first))
        known->streams[key].running = false;
      else
        known->streams.erase(key);
      if (!known->stopping) known->wake();
    }
  } guard{state_, key};

  const auto m = around_.plugins.find(c.provider);
  const auto* rule = m ? m->find_stream(name) : nullptr;
  if (!rule) co_return;
  job work(around_, *state_, std::move(c), m, *rule, options_.deletions);
  auto begun = co_await work.begin(name, full, cause);
  KOPPEL_FAULT_POINT("sync.run_begun");
  // It may have been removed meanwhile; then there is nothing to read, nor anything to remember.
  if (!state_->connections.contains(key.first)) co_return;
  if (!begun) {
    auto& history = state_->streams[key].history;
    history.last_attempt_at = around_.clock.now();
    if (begun.error().code == ledger::errc::disk_full) {
      history.not_before = around_.clock.now() + without_room;
    } else {
      spdlog::error("{}/{} {}: the run could not begin: {}", work.connection.provider, work.connection.name, name,
                    begun.error().detail);
      history.failures++;
    }
    if (on_run_ended) on_run_ended(key.first, name, false);
    co_return;
  }
  auto& s = state_->streams[key];
  s.full_owed = (s.full_owed || (cause == "manual" && full)) && work.run.mode != ledger::run_mode::full;
  state_->jobs[key] = &work;
  spdlog::info("{}/{} {}: {} read {}", work.connection.provider, work.connection.name, name,
               work.run.mode == ledger::run_mode::full ? "full" : "incremental",
               work.run.resumed ? "goes on where it was interrupted" : "begins");

  // A run that was interrupted before its first page begins afresh: the plugin takes the overlap it needs, and a full
  // read has missed nothing.
  const bool is_full = work.run.mode == ledger::run_mode::full;
  const bool has_pages = work.run.read > 0 || (is_full && !work.run.cursor.empty());
  core::sync_run machine(is_full, work.run.resumed && has_pages, rule->deletion,
                         std::uniform_real_distribution<>(0.0, 1.0)(random_), options_.deletions);
  auto step = machine.begin();
  while (step.what != sync_step::kind::end) {
    auto next = co_await take_step(work, machine, std::move(step));
    if (!next) {
      step = {};
      step.as = sync_step::ending::interrupted;
      step.error = job_error::try_again;
      step.detail = next.error().detail;
      break;
    }
    step = std::move(*next);
  }
  co_await finish(work, step);
}

awaitable<result<sync_step>> sync_service::take_step(job& work, core::sync_run& machine, sync_step step) {
  switch (step.what) {
    case sync_step::kind::wait:
      for (auto left = step.delay; left.count() > 0 && !state_->stopping; left -= std::chrono::milliseconds{100})
        co_await runtime::sleep_for(std::min(left, std::chrono::milliseconds{100}));
      co_return machine.resume();

    case sync_step::kind::count_suspects:
    case sync_step::kind::judge: {
      const bool suspects = step.what == sync_step::kind::count_suspects;
      core::deletion_facts facts;
      auto counting = count_deletions(work.run, suspects, facts);
      const auto counted = co_await std::move(counting);
      if (!counted) co_return counted.error();
      if (suspects) co_return machine.suspects_counted(facts);
      co_return machine.held_counted(facts);
    }

    case sync_step::kind::release: {
      auto releasing = release(work);
      const auto released = co_await std::move(releasing);
      if (!released) co_return released.error();
      co_return machine.released();
    }

    case sync_step::kind::find_suspects: {
      std::vector<std::string> ids;
      auto searching = find_suspects(work.run, step, ids);
      const auto found = co_await std::move(searching);
      if (!found) co_return found.error();
      co_return machine.suspects_found(std::move(ids));
    }

    case sync_step::kind::read:
    case sync_step::kind::refetch: {
      if (replaced(work)) co_return failure{{}, "its plugin was replaced"};
      work.confirming = step.what == sync_step::kind::refetch;
      work.withhold = step.withhold;
      work.progressed = false;
      work.deadline = around_.clock.now() + job::page_limit;
      if (step.resumed) work.run.resumed = true;
      auto start = work.start_message(step);
      const auto outcome = co_await around_.plugins.run(work.connection.provider, std::move(start), work);
      co_return machine.job_ended(outcome, work.progressed);
    }

    case sync_step::kind::end:
      break;
  }
  co_return step;
}

awaitable<result<>> sync_service::find_suspects(const ledger::run& of, const sync_step& step,
                                                std::vector<std::string>& ids) {
  ledger::suspect_search part;
  part.up_to = step.after;
  do {
    const auto search = [&](transaction& tx) -> result<> {
      part = tx.suspects(of, part.up_to, step.limit - ids.size());
      return {};
    };
    auto searching = around_.ledger.write(search);
    const auto searched = co_await std::move(searching);
    if (!searched) co_return searched.error();
    ids.insert(ids.end(), part.ids.begin(), part.ids.end());
  } while (part.more && ids.size() < step.limit);
  co_return result<>();
}

bool sync_service::replaced(const job& work) const {
  const auto now = around_.plugins.find(work.connection.provider);
  return now && now != work.manifest;
}

awaitable<void> sync_service::finish(job& work, const sync_step& end) {
  using ending = core::read_outcome::ending;
  auto& run = work.run;
  core::read_outcome outcome;
  outcome.at = run.ended_at = around_.clock.now();
  outcome.full = run.mode == ledger::run_mode::full;
  outcome.retry_after = end.retry_after;
  switch (end.as) {
    case sync_step::ending::completed:
      outcome.as = ending::completed;
      outcome.complete = run.complete = run.saw_all = end.complete;
      run.state = "completed";
      break;
    case sync_step::ending::interrupted:
      outcome.as = state_->stopping ? ending::host_stopped : ending::interrupted;
      // Nobody failed, so it goes on at once, by the new plugin's manifest.
      if (replaced(work)) outcome.as = ending::plugin_replaced;
      run.state = "interrupted";
      break;
    case sync_step::ending::failed:
      outcome.as = ending::failed;
      run.state = "failed";
      break;
  }
  const bool host_stopped = outcome.as == ending::host_stopped;
  if (!host_stopped && !end.error.empty()) run.error = end.error + (end.detail.empty() ? "" : ": " + end.detail);

  const auto before = state_->connections.find(run.connection_id);
  KOPPEL_FAULT_POINT("sync.before_end");
  auto stored = co_await work.end(before == state_->connections.end() ? work.connection : before->second);
  KOPPEL_FAULT_POINT("sync.run_ended");
  const auto text = run.state == "completed" ? "" : host_stopped ? " (the host is shutting down)" : ": " + run.error;
  spdlog::info("{}/{} {}: {}, {} read, {} upserted, {} deleted, {} unchanged{}", work.connection.provider,
               work.connection.name, run.stream, run.state, run.read, run.upserted, run.deleted, run.unchanged, text);
  if (stored) tell_of_guard(work);

  // Meanwhile the connection may have changed, or been removed: that closed the run, and there is nothing to remember.
  const auto known = state_->connections.find(run.connection_id);
  if (known == state_->connections.end()) co_return;
  if (!stored && stored.error().code == ledger::errc::disk_full) {
    // It is open in the ledger, and goes on when there is room.
    outcome.as = ending::host_stopped;
    outcome.retry_after = std::max(outcome.retry_after, without_room);
  } else if (!stored) {
    spdlog::error("sync {}: how the run ended could not be stored: {}", run.id, stored.error().detail);
  }
  for (const auto& [name, value] : work.learned_now) core::learn(known->second.learned, name, value);
  auto& stream = state_->streams[{run.connection_id, run.stream}];
  stream.history = core::after(stream.history, outcome);
  // A full read that was asked for while an interrupted run was open begins when that one is over.
  if (!stream.history.interrupted && std::exchange(stream.full_owed, false))
    stream.asked_full = stream.asked_by_hand = true;
  if (on_run_ended) on_run_ended(run.connection_id, run.stream, outcome.as == ending::completed && !run.resumed);
  if (end.credentials) around_.credentials_refused(run.connection_id, end.http_status, end.detail);
}

}  // namespace koppel::sync
