// SPDX-License-Identifier: Apache-2.0
// The transaction that pieces of work are given: SQL by subject, one source file each. Lives for one commit, on the
// ledger's thread.
#pragma once

#include "host/ledger/database.hpp"
#include "host/ledger/event_log.hpp"
#include "host/ledger/ledger.hpp"
#include "host/ledger/sealing.hpp"

namespace koppel::ledger {

class sql_transaction final : public transaction {
 public:
  sql_transaction(database& db, const sealer& seals, event_buffer& events, core::instant now, result<void> room)
      : db_(db), seals_(seals), events_(events), now_(now), room_(std::move(room)), time_(core::to_rfc3339(now)) {}

  core::instant now() const override { return now_; }
  result<void> room() const override { return room_; }

  // transaction_accounts.cpp
  result<app> insert_app(app a, core::secret client_secret) override;
  result<void> update_app_secret(const std::string& app_id, core::secret client_secret) override;
  result<void> update_regional_secret(const std::string& app_id, const std::string& region,
                                      core::secret client_secret) override;
  result<void> set_secret_end(const std::string& app_id, std::optional<core::instant> ends_at) override;
  result<void> update_app(const app& a) override;
  std::vector<app> apps() override;
  std::optional<app> find_app(const std::string& id) override;
  result<core::secret> client_secret(const std::string& app_id, const std::string& region) override;
  result<core::secret> webhook_secret(const std::string& app_id) override;
  std::optional<app> find_app_by_webhook(const std::string& digest) override;
  result<connection> insert_connection(connection c) override;
  std::vector<connection> connections() override;
  std::optional<connection> find_connection(const std::string& id) override;
  std::optional<connection> find_connection_by_reference(const std::string& digest) override;
  result<void> update_connection(const connection& c) override;
  result<void> move_connection(const std::string& id, const std::string& app_id) override;
  result<void> remove_connection(const std::string& id, bool purge) override;
  std::vector<connection> removed_with_records(const std::string& provider, const std::string& name) override;

  // transaction_tokens.cpp
  result<void> insert_api_token(const api_token& t) override;
  std::vector<api_token> api_tokens() override;
  result<void> delete_api_token(const std::string& name) override;
  void mark_api_token_used(const std::string& name, core::instant at) override;

  // transaction_webhooks.cpp
  result<webhook> insert_webhook(webhook w, const core::secret& body) override;
  std::size_t pending_webhooks(const std::string& app_id) override;
  std::vector<webhook> next_webhooks() override;
  result<core::secret> webhook_body(const std::string& id) override;
  void conclude_webhook(const webhook& w) override;
  std::vector<webhook> webhooks(std::size_t newest) override;
  std::optional<webhook> find_webhook(const std::string& reference) override;
  void trim_webhooks(const std::string& app_id, std::size_t keep, core::instant horizon) override;

  // transaction_hints.cpp
  result<webhook_address> webhook_address_of(const std::string& connection_id) override;
  result<std::vector<webhook_address>> webhook_addresses() override;
  std::optional<webhook_address> find_webhook_state(const std::string& connection_id) override;
  void store_webhook_state(const webhook_address& a) override;
  void mark_webhook_received(const std::string& connection_id, core::instant at) override;
  std::int64_t newest_webhook() override;
  std::vector<waiting_webhook> waiting_webhooks(std::int64_t after, std::size_t limit) override;
  void settle_webhooks(const std::vector<std::int64_t>& numbers, const std::string& reason) override;
  void widen_webhook(std::int64_t number, const std::string& stream) override;
  void trim_webhooks_of(const std::string& connection_id, std::size_t keep, core::instant horizon) override;

  // transaction_grants.cpp
  result<std::optional<credentials>> find_credentials(const std::string& connection_id) override;
  result<void> store_credentials(const std::string& connection_id, const credentials& c,
                                 std::uint64_t expected) override;
  result<void> delete_credentials(const std::string& connection_id) override;
  void mark_credentials(const std::string& connection_id, const std::string& unproven) override;
  result<void> store_refresh_intent(const std::string& connection_id, const core::refresh_intent& i) override;
  result<void> clear_refresh_intent(const std::string& connection_id, std::uint64_t generation) override;
  std::optional<core::token_age> find_token_age(const std::string& connection_id) override;
  result<void> insert_attempt(attempt a) override;
  std::optional<attempt> find_attempt(const std::string& state_hash) override;
  void delete_attempt(const std::string& state_hash) override;
  void delete_attempts(const std::string& connection_id) override;
  result<attempt> consume_attempt(const std::string& state_hash) override;
  result<attempt> consume_newest_attempt(const std::string& connection_id) override;

  // transaction_links.cpp
  result<connect_link> insert_connect_link(connect_link l) override;
  std::optional<connect_link> find_connect_link(const std::string& id_or_hash) override;
  std::vector<connect_link> connect_links(const std::string& connection_id) override;
  void mark_connect_link(const std::string& id, core::link_state s) override;
  void note_link_outcome(const std::string& id, const core::auth_state& outcome) override;
  void settle_given_links(const std::string& connection_id) override;

  // transaction_runs.cpp
  result<run> begin_run(const connection& c, const std::string& stream, const std::string& entity, run_mode mode,
                        const std::string& cause) override;
  result<void> end_run(const run& r) override;
  std::vector<run> runs(std::size_t newest, const run_filter& of) override;
  std::vector<run> open_runs() override;
  std::optional<stream_state> find_stream(const std::string& connection_id, const std::string& stream) override;
  std::vector<stream_state> streams(const std::string& connection_id) override;

  // transaction_records.cpp
  result<page_outcome> commit_page(run& r, const connection& c, const messages::page& page,
                                   std::uint32_t mapping_version, const std::string& deletion_reason, bool keep_cursor,
                                   const std::optional<page_guard>& guard) override;
  result<page_outcome> commit_hinted(std::int64_t webhook, const connection& c, const messages::page& page,
                                     std::uint32_t mapping_version) override;
  result<std::uint64_t> release_held(run& r, const connection& c, bool confirmed) override;

  // transaction_held.cpp
  suspect_search suspects(const run& r, const std::string& after, std::size_t limit) override;
  std::uint64_t known_records(const std::string& connection_id, const std::string& entity) override;
  std::uint64_t held_deletions(const std::string& connection_id, const std::string& entity) override;
  std::vector<held_stream> held_streams() override;
  std::optional<held_stream> find_held(const std::string& connection_id, const std::string& stream) override;
  std::vector<held_record> held_records(const std::string& connection_id, const std::string& stream,
                                        std::size_t limit) override;
  std::uint64_t decide_held(const std::string& connection_id, const std::string& stream, std::uint64_t mark,
                            held_decision decision) override;
  std::vector<std::pair<std::string, std::string>> streams_to_release() override;
  result<std::optional<run>> begin_release(const connection& c, const std::string& stream) override;
  result<void> end_release(const run& r) override;

  // transaction_events.cpp
  result<void> append(const event_draft& draft) override;
  std::vector<bus::consumer_position> consumers() override;
  std::uint64_t head() override { return events_.head(); }

  /// A consumer's newest position; never backwards.
  void store_position(const std::string& consumer, std::uint64_t seq);

  // transaction_retention.cpp
  history_size history() override;
  std::chrono::milliseconds begin_trimming(const core::retention_limits& limits) override;
  result<trim_outcome> trim(std::uint64_t after) override;
  run_trimming trim_runs(run_trimming so_far, const core::retention_limits& limits) override;

 private:
  friend class page_writer;
  /// The address in a row of SELECT connection_id, state, base_url, reason, registered_at, ends_at, failures, tried_at,
  /// last_received_at; without its secrets.
  static webhook_address address_in(const query& q);
  /// Its secrets, from the columns that follow.
  result<void> open_secrets(const query& q, int column, webhook_address& a) const;
  /// The event may go once the horizon has passed it; 0: there is none.
  void may_go(std::uint64_t seq);
  /// The event takes the place of the connection's newest of that name.
  void keep_as(const std::string& connection_id, const std::string& name, std::uint64_t seq);
  /// Takes out of the batch what may go and lies before the horizon.
  void cap_history_marks();
  result<void> trim_batch(const bus::stored_batch& batch, std::uint64_t horizon, trim_outcome& out);
  result<attempt> take_attempt(query& found);
  void count_grant();
  /// The envelope of an event about this connection.
  bus::event envelope(const connection& about, const std::string& type, const std::string& subject) const;
  /// Why nothing may be written for this connection any more: it was removed. Empty while it is there.
  result<void> check_present(const std::string& connection_id);
  void insert_run(const run& r);
  /// The row of a run of this connection, which is not removed.
  result<std::int64_t> number_of(const run& r, const connection& c);
  result<void> store_run(const run& r);
  void store_cursor(const run& r);

  database& db_;
  const sealer& seals_;
  event_buffer& events_;
  core::instant now_;
  result<void> room_;
  std::string time_;
};

}  // namespace koppel::ledger
