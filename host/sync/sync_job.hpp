// SPDX-License-Identifier: Apache-2.0
// One run under way: performs the effects of the plugin's jobs and keeps the run's counts. Lives in run_stream's frame.
#pragma once

#include "host/sync/sync_state.hpp"

namespace koppel::sync {

/// Takes out records of another entity than the stream's, and counts them. Whether the others are well formed is the
/// ledger's question: what it refuses becomes a dead letter, and was seen.
void set_aside_strangers(messages::page& page, const core::stream_rule& rule);

/// The fields that every run event has.
boost::json::object summary_of(const ledger::run& run);

class sync_service::job final : public plugins::job_effects {
 public:
  job(sync_surroundings& around, const state& known, ledger::connection c, std::shared_ptr<const core::manifest> m,
      const core::stream_rule& rule, core::deletion_limits limits);

  runtime::awaitable<messages::reply> http(messages::http request) override;
  runtime::awaitable<result<>> page(messages::page page) override;
  void learned(messages::learned value) override;

  /// Begins the run and says so in a sync.started event, or goes on with an interrupted one.
  runtime::awaitable<result<>> begin(std::string stream_name, bool full, std::string cause);
  /// Stores how the run ended, and what was learned. Says so in an event, unless the run was interrupted: it is not
  /// over, and consumers are promised one beginning and one end of each run. While deletions are held no run of the
  /// stream is complete: what is not among its records is not gone for that. Fails with not_found once the connection
  /// is removed, which closed its runs.
  runtime::awaitable<result<>> end(ledger::connection current);

  messages::start start_message(const core::sync_step& step) const;
  boost::json::object summary() const;

  ledger::connection connection;  ///< as it was when the run began, and what was learned since
  const std::shared_ptr<const core::manifest> manifest;
  const std::shared_ptr<const core::manifest> addressed;  ///< with this connection's hosts in it
  const core::stream_rule& rule;                          ///< of the manifest
  ledger::run run;
  std::string client_id;
  std::map<std::string, std::string> learned_now;
  const core::deletion_limits limits;
  bool confirming = false;        ///< a refetch: the cursor stays, what is gone is gone
  bool withhold = false;          ///< what is gone is held, and not published
  std::uint64_t held_before = 0;  ///< deletions of the stream that were held when it began
  std::uint64_t held_now = 0;     ///< and when it ended
  bool progressed = false;        ///< a page moved the run's cursor since the last job began
  std::uint64_t requests = 0;
  core::instant deadline{};  ///< of the job under way, given anew with each page

  /// A job may take this long from one page to the next; how long all of it takes is the provider's affair.
  static constexpr std::chrono::hours page_limit{1};

 private:
  /// What a sync.held event says of this stream.
  result<> tell_of_held(ledger::transaction& tx, const ledger::connection& current) const;
  bool connection_is_gone() const { return !known_.connections.contains(connection.id); }

  sync_surroundings& around_;
  const state& known_;
  bool told_of_learned_ = false;
};

}  // namespace koppel::sync
