// SPDX-License-Identifier: Apache-2.0

#include "host/sync/sync_service.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "host/sync/sync_job.hpp"

namespace koppel::sync {
namespace job_error = messages::job_error;
using core::sync_step;
using ledger::transaction;
using runtime::awaitable;

namespace {

/// A job may take this long; a run that needs more goes on at its cursor in the next job.
constexpr std::chrono::hours job_limit{1};

core::stream_history history_of(const ledger::stream_state& s) {
  core::stream_history h;
  h.last_full_at = s.last_full_at;
  h.last_success_at = s.last_success_at;
  h.last_attempt_at = s.last_attempt_at;
  h.failures = s.failures;
  return h;
}

}  // namespace

sync_service::sync_service(sync_surroundings around, sync_options options)
    : around_(std::move(around)), options_(options), timer_(around_.supervisor.executor()) {}

sync_service::~sync_service() = default;

awaitable<result<>> sync_service::start() {
  std::map<std::string, const core::manifest*> manifests;
  for (const auto* m : around_.plugins.manifests()) manifests[m->name] = m;
  const auto load = [&](transaction& tx) -> result<> {
    for (auto& c : tx.connections()) {
      if (const auto m = manifests.find(c.provider); m != manifests.end())
        for (const auto& rule : m->second->streams)
          if (const auto state = tx.find_stream(c.id, rule.name))
            streams_[{c.id, rule.name}].history = history_of(*state);
      connections_.emplace(c.id, std::move(c));
    }
    for (const auto& r : tx.open_runs()) streams_[{r.connection_id, r.stream}].history.interrupted = true;
    return {};
  };
  auto loaded = co_await around_.ledger.write(load);
  if (!loaded) co_return loaded;
  around_.supervisor.run("sync schedule", schedule());
  co_return result<>{};
}

void sync_service::wake() {
  woken_ = true;
  timer_.cancel();
}

awaitable<void> sync_service::stop(std::chrono::milliseconds limit) {
  stopping_ = true;
  wake();
  // Runs end by themselves: their next request is refused, what was read gets committed.
  for (const auto step = std::chrono::milliseconds{20}; !jobs_.empty() && limit > step; limit -= step)
    co_await runtime::sleep_for(step);
}

void sync_service::connection_changed(const ledger::connection& c) {
  if (c.auth.status == core::auth_status::removed) {
    connections_.erase(c.id);
    std::erase_if(streams_, [&](const auto& entry) { return entry.first.first == c.id && !entry.second.running; });
  } else {
    const auto [known, added] = connections_.try_emplace(c.id, c);
    // A new grant is tried at once, whatever the old one's failures were.
    if (!added && known->second.auth.status != core::auth_status::authorized)
      for (auto& [key, s] : streams_)
        if (key.first == c.id) s.history.failures = 0;
    known->second = c;
  }
  wake();
}

result<std::vector<std::string>> sync_service::request(const std::string& connection_id, const std::string& name,
                                                       bool full) {
  const auto refuse = [](ledger::errc code, std::string why) { return failure{code, std::move(why)}; };
  const auto c = connections_.find(connection_id);
  if (c == connections_.end()) return refuse(ledger::errc::not_found, "there is no such connection");
  if (c->second.auth.status != core::auth_status::authorized)
    return refuse(ledger::errc::in_use,
                  "the connection is not authorized (it is " + std::string(to_string(c->second.auth.status)) +
                      "): connect it first, koppelctl connection connect " + c->second.provider + "/" + c->second.name);
  const auto* m = around_.plugins.find(c->second.provider);
  if (!m) return refuse(ledger::errc::not_found, "no plugin of provider " + c->second.provider + " is running");

  std::vector<std::string> taken;
  for (const auto& rule : m->streams) {
    if (!name.empty() && rule.name != name) continue;
    auto& asked = streams_[{connection_id, rule.name}].asked_full;
    asked = asked.value_or(false) || full;
    taken.push_back(rule.name);
  }
  if (taken.empty()) return refuse(ledger::errc::not_found, "provider " + m->name + " has no stream \"" + name + "\"");
  wake();
  return taken;
}

std::vector<ledger::run> sync_service::live_runs() const {
  std::vector<ledger::run> all;
  for (const auto& entry : jobs_)
    if (entry.second) all.push_back(entry.second->run);
  return all;
}

std::vector<std::pair<std::string, std::string>> sync_service::queued() const {
  std::vector<stream_key> all;
  for (const auto& [key, s] : streams_)
    if (s.asked_full) all.push_back(key);
  return all;
}

awaitable<void> sync_service::schedule() {
  while (!stopping_) {
    woken_ = false;
    const auto next = start_due();
    if (woken_) continue;  // a run that ended at once has made room
    const auto pause = std::clamp<std::chrono::milliseconds>(next - around_.clock.now(), std::chrono::milliseconds{1},
                                                             std::chrono::minutes{1});
    timer_.expires_after(pause);
    co_await timer_.async_wait(runtime::token);
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
  for (const auto& [id, c] : connections_) {
    const auto* m = around_.plugins.find(c.provider);
    if (!m || c.auth.status != core::auth_status::authorized) continue;
    const auto running = static_cast<std::size_t>(
        std::count_if(jobs_.begin(), jobs_.end(), [&id = id](const auto& entry) { return entry.first.first == id; }));
    for (const auto& rule : m->streams) {
      stream& s = streams_[{id, rule.name}];
      if (s.running) continue;
      const auto plan =
          core::plan_next_read(s.history, options_.interval.count() ? options_.interval : rule.interval,
                               options_.full_interval.count() ? options_.full_interval : rule.full_interval, now);
      if (s.asked_full) {
        due.push_back({running, now, &c, rule.name, *s.asked_full || !s.history.last_full_at, true});
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
    if (jobs_.size() >= options_.max_jobs) break;  // whoever ends wakes the schedule
    stream& s = streams_[{next.connection->id, next.stream}];
    s.running = true;
    s.asked_full.reset();
    jobs_.emplace(stream_key{next.connection->id, next.stream}, nullptr);
    around_.supervisor.run("sync " + next.connection->provider + "/" + next.connection->name + " " + next.stream,
                           run_stream(*next.connection, next.stream, next.full, next.asked ? "manual" : "schedule"));
  }
  return look_again;
}

awaitable<void> sync_service::run_stream(ledger::connection c, std::string name, bool full, std::string cause) {
  const stream_key key{c.id, name};
  // Whatever way this coroutine ends, cancellation too, the stream is free again.
  struct release {
    sync_service& self;
    const stream_key& key;
    ~release() {
      self.jobs_.erase(key);
      self.streams_[key].running = false;
      self.wake();
    }
  } guard{*this, key};

  const auto* m = around_.plugins.find(c.provider);
  const auto* rule = m ? m->find_stream(name) : nullptr;
  if (!rule) co_return;
  job work(around_, stopping_, std::move(c), *m, *rule);
  if (auto begun = co_await work.begin(name, full, std::move(cause)); !begun) {
    spdlog::error("{}/{} {}: the run could not begin: {}", work.connection.provider, work.connection.name, name,
                  begun.error().detail);
    streams_[key].history.failures++;
    streams_[key].history.last_attempt_at = around_.clock.now();
    co_return;
  }
  jobs_[key] = &work;
  spdlog::info("{}/{} {}: {} read {}", work.connection.provider, work.connection.name, name,
               work.run.mode == ledger::run_mode::full ? "full" : "incremental",
               work.run.resumed ? "goes on where it was interrupted" : "begins");

  core::sync_run machine(work.run.mode == ledger::run_mode::full, work.run.resumed, rule->deletion,
                         std::uniform_real_distribution<>(0.0, 1.0)(random_));
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
      for (auto left = step.delay; left.count() > 0 && !stopping_; left -= std::chrono::milliseconds{100})
        co_await runtime::sleep_for(std::min(left, std::chrono::milliseconds{100}));
      co_return machine.resume();

    case sync_step::kind::find_suspects: {
      std::vector<std::string> ids;
      const auto find = [&](transaction& tx) -> result<> {
        ids = tx.suspects(work.run, step.after, step.limit);
        return {};
      };
      auto found = co_await around_.ledger.write(find);
      if (!found) co_return found.error();
      co_return machine.suspects_found(std::move(ids));
    }

    case sync_step::kind::read:
    case sync_step::kind::refetch: {
      work.confirming = step.what == sync_step::kind::refetch;
      work.progressed = false;
      work.deadline = around_.clock.now() + job_limit;
      auto start = work.start_message(step);
      const auto outcome = co_await around_.plugins.run(work.connection.provider, std::move(start), work);
      co_return machine.job_ended(outcome, work.progressed);
    }

    case sync_step::kind::end:
      break;
  }
  co_return step;
}

awaitable<void> sync_service::finish(job& work, const sync_step& end) {
  const stream_key key{work.run.connection_id, work.run.stream};
  auto& run = work.run;
  run.ended_at = around_.clock.now();
  run.complete = end.complete && end.as == sync_step::ending::completed;
  const bool shutdown = stopping_ && end.as == sync_step::ending::interrupted;
  switch (end.as) {
    case sync_step::ending::completed:
      run.state = "completed";
      break;
    case sync_step::ending::interrupted:
      run.state = "interrupted";
      break;
    case sync_step::ending::failed:
      run.state = "failed";
      break;
  }
  if (!shutdown && !end.error.empty()) run.error = end.error + (end.detail.empty() ? "" : ": " + end.detail);

  const auto known = connections_.find(run.connection_id);
  auto stored = co_await work.end(known == connections_.end() ? work.connection : known->second);
  if (!stored) spdlog::error("sync {}: how the run ended could not be stored: {}", run.id, stored.error().detail);

  auto& history = streams_[key].history;
  history.last_attempt_at = run.ended_at;
  history.interrupted = run.state == "interrupted";
  if (run.state == "completed") {
    history.failures = 0;
    history.last_success_at = run.ended_at;
    if (run.complete) history.last_full_at = run.ended_at;
  } else if (!shutdown) {
    ++history.failures;
  }
  const auto text = run.state == "completed" ? "" : shutdown ? " (the host is shutting down)" : ": " + run.error;
  spdlog::info("{}/{} {}: {}, {} read, {} upserted, {} deleted, {} unchanged{}", work.connection.provider,
               work.connection.name, run.stream, run.state, run.read, run.upserted, run.deleted, run.unchanged, text);
  if (end.credentials) around_.credentials_refused(run.connection_id, 401, end.detail);
}

}  // namespace koppel::sync
