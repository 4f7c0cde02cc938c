// SPDX-License-Identifier: Apache-2.0
// Runs the streams of every authorized connection: at their interval, or when asked. The shell around core/schedule and
// core/sync_run: it starts jobs on plugins, performs their effects, commits their pages. Fair between connections.
// Main strand only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "host/auth/provider_client.hpp"
#include "host/core/deletion_guard.hpp"
#include "host/core/schedule.hpp"
#include "host/core/sync_run.hpp"
#include "host/ledger/ledger.hpp"
#include "host/plugins/plugin_host.hpp"
#include "host/runtime/random.hpp"
#include "host/runtime/supervisor.hpp"

namespace koppel::sync {

struct sync_options {
  std::size_t max_jobs = 16;              ///< runs at once, over all connections
  std::chrono::seconds interval{0};       ///< 0: the manifest's
  std::chrono::seconds full_interval{0};  ///< 0: the manifest's
  bool schedule = true;                   ///< false: only when asked
  core::deletion_limits deletions;        ///< a run that would delete more is held
};

/// What the service needs from the rest of the host.
struct sync_surroundings {
  runtime::supervisor& supervisor;
  const runtime::clock& clock;
  ledger::ledger& ledger;
  plugins::plugin_host& plugins;
  auth::provider_client& provider;
  /// A live-only event (sync.progress): provider, connection, data.
  std::function<void(const ledger::connection&, const std::string& type, boost::json::object data)> publish_live;
  /// A job's credentials were refused.
  std::function<void(std::string connection_id, int http_status, std::string detail)> credentials_refused;
};

class sync_service {
 public:
  sync_service(sync_surroundings around, sync_options options);
  ~sync_service();

  /// Reads connections and stream states from the ledger and begins to schedule.
  runtime::awaitable<result<>> start();
  /// Takes no new work and ends the runs under way at their next request; completes when none is left or after `limit`.
  runtime::awaitable<void> stop(std::chrono::milliseconds limit);

  /// Runs are under way.
  bool reading() const;

  /// A connection was added, changed or removed. After a removal its runs end at their next request or page, and its
  /// access token is forgotten.
  void connection_changed(const ledger::connection& c);

  /// Plugins came, went or were replaced: what is due now is looked at anew.
  void plugins_changed();

  /// Asks for a run of one stream, or of all (empty). Returns the streams that will run; a failure says why none can.
  result<std::vector<std::string>> request(const std::string& connection_id, const std::string& stream, bool full);

  /// Asks for an incremental run of the stream because of webhooks. Returns false where it cannot be read now.
  bool request_for_webhook(const std::string& connection_id, const std::string& stream);
  /// A run of the stream is under way.
  bool reading(const std::string& connection_id, const std::string& stream) const;
  /// Reads these records of a stream by their ids, because of the webhook of this number, and commits what the provider
  /// says of them. Outside of the schedule, beside whatever run is under way; without a run of its own.
  runtime::awaitable<messages::done> read_records(std::string connection_id, std::string stream,
                                                  std::vector<std::string> ids, std::int64_t webhook);
  /// Somebody decides on the stream's held deletions, as far as they were held when `mark` was shown. Confirmed ones
  /// are published in a run of their own, which goes on after a restart: those records that the provider showed again
  /// meanwhile stay. Returns how many were decided on.
  runtime::awaitable<result<std::uint64_t>> decide_held(std::string connection_id, std::string stream,
                                                        std::uint64_t mark, ledger::held_decision decision);

  /// Called after each run of a stream, with whether it read all that it set out to read from a cursor of before it
  /// began.
  std::function<void(const std::string& connection_id, const std::string& stream, bool completed)> on_run_ended;

  /// The runs under way, with their counts so far.
  std::vector<ledger::run> live_runs() const;
  /// Streams that were asked for and wait for their turn: connection id and stream.
  std::vector<std::pair<std::string, std::string>> queued() const;

 private:
  class job;
  class record_read;
  struct state;

  runtime::awaitable<void> schedule();
  /// Starts what is due; returns when to look again.
  core::instant start_due();
  runtime::awaitable<void> run_stream(ledger::connection c, std::string stream_name, bool full, std::string cause);
  bool is_authorized(const std::string& connection_id) const;
  runtime::awaitable<result<core::sync_step>> take_step(job& work, core::sync_run& machine, core::sync_step step);
  /// What the guard judges about: `more` is the suspects, where they are counted.
  runtime::awaitable<result<>> count_deletions(const ledger::run& of, bool suspects, core::deletion_facts& facts);
  /// Publishes what is held, in this run.
  runtime::awaitable<result<>> release(job& work);
  void begin_release(const std::string& connection_id, const std::string& stream);
  /// The run that publishes confirmed deletions.
  runtime::awaitable<void> release_confirmed(ledger::connection c, std::string stream);
  void tell_of_guard(const job& work) const;
  /// Adds up to `step.limit` ids to `ids`; fewer are the last.
  runtime::awaitable<result<>> find_suspects(const ledger::run& of, const core::sync_step& step,
                                             std::vector<std::string>& ids);
  /// The run goes by a manifest whose plugin has been replaced.
  bool replaced(const job& work) const;
  runtime::awaitable<void> finish(job& work, const core::sync_step& end);

  sync_surroundings around_;
  sync_options options_;
  std::mt19937_64 random_{runtime::random_seed()};

  std::shared_ptr<state> state_;  ///< shared with the runs: a process that ends drops their coroutines last
};

}  // namespace koppel::sync
