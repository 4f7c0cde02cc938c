// SPDX-License-Identifier: Apache-2.0
// The webhook addresses of connections. What comes is in the ledger before it is answered; what it hints at is then
// read at the provider, record by record, or as a whole stream where too much waits. A row of the journal is settled
// when all it hints at has been read and committed; what was not settled is worked off again after a restart.
// Main strand only.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "host/core/hint_board.hpp"
#include "host/core/webhook_reading.hpp"
#include "host/net/http_server.hpp"
#include "host/runtime/condition.hpp"
#include "host/sync/sync_service.hpp"

namespace koppel::hooks {

class hint_service {
 public:
  struct limits {
    std::size_t at_once = 48;      ///< reads under way; of one provider three quarters of them
    std::size_t ids_at_once = 20;  ///< of one read
    std::size_t waiting = 500;     ///< rows of one stream of a connection; beyond it they become one: read the stream
    std::size_t kept = 200;        ///< of one connection's, settled
    std::chrono::hours kept_for{24 * 30};
    std::chrono::milliseconds first_pause{5'000};  ///< after a read that failed; then twice that, ...
    std::chrono::milliseconds longest_pause{600'000};
    std::chrono::milliseconds settle_after{50};  ///< rows are settled together
  };

  hint_service(runtime::supervisor& supervisor, ledger::ledger& ledger, plugins::plugin_host& plugins,
               sync::sync_service& sync, const runtime::clock& clock, limits l);
  hint_service(runtime::supervisor& supervisor, ledger::ledger& ledger, plugins::plugin_host& plugins,
               sync::sync_service& sync, const runtime::clock& clock)
      : hint_service(supervisor, ledger, plugins, sync, clock, limits{}) {}

  /// Learns of addresses and connections. Until then whatever comes is to be sent again.
  runtime::awaitable<result<>> start();

  /// The HTTP status for a webhook, or nothing where this is no connection's address. 200 once it is durable, whatever
  /// is in it; 404 without its token; 503 where it cannot be kept, or read, now.
  runtime::awaitable<std::optional<int>> receive(std::string provider, std::string secret, net::inbound_request r);

  /// Until cancelled or told to stop.
  runtime::awaitable<void> work_off();
  void stop();

  /// An address was made.
  void know(const ledger::webhook_address& a);
  void connection_changed(const ledger::connection& c);
  void plugins_changed();
  /// A run of the stream ended; `completed`: it read all of it.
  void run_ended(const std::string& connection_id, const std::string& stream, bool completed);

 private:
  using lane = core::hint_board::lane;
  using row = core::hint_board::row;
  struct address {
    std::string connection_id;
    core::secret token;
    core::instant marked{};      ///< when it was last noted that something came
    std::size_t since_trim = 0;  ///< rows since what is old was last forgotten
  };
  struct known_connection {
    std::string provider, name;
    bool authorized = false;
  };

  runtime::awaitable<result<row>> keep(address& to, const known_connection& c, const core::webhook_reading& read,
                                       core::secret body);
  void take_in(row r, const std::string& connection_id, const std::vector<core::webhook_hint>& hints);
  runtime::awaitable<void> recover();
  /// One part of it; returns the last row that was looked at, or nothing where there are no more.
  runtime::awaitable<result<std::optional<row>>> recover_some(row after);
  void start_reads();
  runtime::awaitable<void> read(core::hint_board::batch b);
  void read_whole(const core::hint_board::batch& b);
  void ended(const core::hint_board::batch& b, const messages::done& outcome, bool beside_a_run);
  runtime::awaitable<void> collapse(lane of);
  void settle(std::vector<row> rows);
  runtime::awaitable<void> flush();
  core::instant pause_after(const lane& of, std::chrono::milliseconds asked) const;
  void wake();

  runtime::supervisor& supervisor_;
  ledger::ledger& ledger_;
  plugins::plugin_host& plugins_;
  sync::sync_service& sync_;
  const runtime::clock& clock_;
  const limits limits_;

  bool ready_ = false, stopping_ = false, news_ = false, flushing_ = false;
  bool recovering_ = false, recover_again_ = false;
  runtime::condition changed_;
  core::hint_board board_;
  std::map<std::string, address> addresses_;  ///< by digest
  std::map<std::string, known_connection> connections_;
  std::map<std::string, std::size_t> reads_;  ///< under way, by provider
  std::size_t reads_in_all_ = 0;
  std::map<lane, bool> wholes_;  ///< streams asked for; true: a run that began before is still under way
  std::set<lane> collapsing_;
  std::vector<row> to_settle_;
  row newest_at_start_ = 0;
};

}  // namespace koppel::hooks
