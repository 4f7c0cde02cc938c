// SPDX-License-Identifier: Apache-2.0
// One run under way: performs the effects of the plugin's jobs and keeps the run's counts. Lives in run_stream's frame.
#pragma once

#include "host/sync/sync_service.hpp"

namespace koppel::sync {

class sync_service::job final : public plugins::job_effects {
 public:
  job(sync_surroundings& around, const bool& stopping, ledger::connection c, const core::manifest& m,
      const core::stream_rule& rule);

  runtime::awaitable<messages::reply> http(messages::http request) override;
  runtime::awaitable<result<>> page(messages::page page) override;
  void learned(messages::learned value) override;

  /// Begins the run (or goes on with an interrupted one) and says so in a sync.started event.
  runtime::awaitable<result<>> begin(std::string stream_name, bool full, std::string cause);
  /// Stores how the run ended, and what was learned, and says so in an event.
  runtime::awaitable<result<>> end(ledger::connection current);

  messages::start start_message(const core::sync_step& step) const;
  /// The fields that every run event has.
  boost::json::object summary() const;

  ledger::connection connection;
  const core::manifest& manifest;
  const core::stream_rule& rule;
  ledger::run run;
  std::string client_id;
  std::map<std::string, std::string> learned_now;
  bool confirming = false;  ///< a refetch: the cursor stays, what is gone is gone
  bool progressed = false;  ///< a page was committed since the last job began
  std::uint64_t requests = 0;
  core::instant deadline{};

 private:
  /// Takes out records of another entity than the stream's, and counts them. Whether the others are well formed is the
  /// ledger's question: what it refuses becomes a dead letter, and was seen.
  void set_aside_strangers(messages::page& page) const;

  sync_surroundings& around_;
  const bool& stopping_;
};

}  // namespace koppel::sync
