// SPDX-License-Identifier: Apache-2.0
// What came at webhook addresses, until it is worked off, and for a while what came of it. A body may hold
// a key: it is sealed, and kept no longer than it is needed.

#include <array>
#include <utility>

#include "host/ledger/rows.hpp"
#include "host/ledger/transaction_impl.hpp"

namespace koppel::ledger {
namespace {

using state = webhook::state;

constexpr std::array<std::pair<state, const char*>, 5> words{{{state::pending, "pending"},
                                                              {state::waiting, "waiting"},
                                                              {state::done, "done"},
                                                              {state::unattributed, "unattributed"},
                                                              {state::refused, "refused"}}};

std::string word_of(state s) {
  for (const auto& [value, word] : words)
    if (value == s) return word;
  return "refused";
}

state state_from(const std::string& text) {
  for (const auto& [value, word] : words)
    if (text == word) return value;
  throw broken_row("a webhook has an unknown state");
}

webhook webhook_in(const query& q) {
  webhook w;
  w.id = q.text(0);
  w.provider = q.text(1);
  w.app_id = q.text(2);
  w.reference = q.text(3);
  w.received_at = instant_from(q.integer(4));
  w.now = state_from(q.text(5));
  w.reason = q.text(6);
  w.connection_id = q.text(7);
  if (!q.null(8)) w.outcome = auth_from_json(q.text(8));
  return w;
}

std::optional<std::string> outcome_column(const webhook& w) {
  if (!w.outcome) return std::nullopt;
  return json_of(*w.outcome);
}

place body_of(const std::string& id) { return {"webhooks", id, "body"}; }

}  // namespace

std::string to_string(webhook::state s) { return word_of(s); }

result<webhook> sql_transaction::insert_webhook(webhook w, const core::secret& body) {
  w.id = new_id("whk");
  w.received_at = now_;
  const auto sealed = body.empty() ? std::string() : seals_.seal(body, body_of(w.id));
  query(db_,
        "INSERT INTO webhooks(id, provider, app_id, reference, received_at, body, state, reason, connection_id, "
        "outcome) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        w.id, w.provider, w.app_id, w.reference, milliseconds(w.received_at), blob{sealed}, word_of(w.now), w.reason,
        w.connection_id, outcome_column(w))
      .run();
  w.number = db_.last_row();
  return w;
}

std::size_t sql_transaction::pending_webhooks(const std::string& app_id) {
  query q(db_, "SELECT count(*) FROM webhooks WHERE state = 'pending' AND app_id = ?", app_id);
  q.step();
  return static_cast<std::size_t>(q.integer(0));
}

std::vector<webhook> sql_transaction::next_webhooks() {
  std::vector<webhook> out;
  query q(db_,
          "SELECT id, provider, app_id, reference, received_at, state, reason, connection_id, outcome FROM webhooks "
          "WHERE number IN (SELECT min(number) FROM webhooks WHERE state = 'pending' GROUP BY app_id, reference) "
          "AND (reference = '' OR NOT EXISTS(SELECT 1 FROM webhooks AS unread WHERE unread.state = 'pending' AND "
          "unread.app_id = webhooks.app_id AND unread.reference = '' AND unread.number < webhooks.number)) "
          "ORDER BY number");
  while (q.step()) out.push_back(webhook_in(q));
  return out;
}

result<core::secret> sql_transaction::webhook_body(const std::string& id) {
  query q(db_, "SELECT body FROM webhooks WHERE id = ?", id);
  if (!q.step()) return failure{errc::not_found, "There is no webhook " + id + "."};
  const auto sealed = q.bytes(0);
  if (sealed.empty()) return core::secret{};
  return seals_.open(sealed, body_of(id));
}

void sql_transaction::conclude_webhook(const webhook& w) {
  query(db_, "UPDATE webhooks SET state = ?, reason = ?, connection_id = ?, outcome = ?, reference = ? WHERE id = ?",
        word_of(w.now), w.reason, w.connection_id, outcome_column(w), w.reference, w.id)
      .run();
  if (w.now != state::pending && w.now != state::unattributed)
    query(db_, "UPDATE webhooks SET body = x'' WHERE id = ?", w.id).run();
}

std::vector<webhook> sql_transaction::webhooks(std::size_t newest) {
  std::vector<webhook> out;
  query q(db_,
          "SELECT id, provider, app_id, reference, received_at, state, reason, connection_id, outcome FROM webhooks "
          "ORDER BY number DESC LIMIT ?",
          static_cast<std::int64_t>(newest));
  while (q.step()) out.push_back(webhook_in(q));
  return out;
}

std::optional<webhook> sql_transaction::find_webhook(const std::string& reference) {
  query q(db_,
          "SELECT id, provider, app_id, reference, received_at, state, reason, connection_id, outcome FROM webhooks "
          "WHERE reference = ? AND reference <> '' ORDER BY number DESC LIMIT 1",
          reference);
  if (!q.step()) return std::nullopt;
  return webhook_in(q);
}

void sql_transaction::trim_webhooks(const std::string& app_id, std::size_t keep, core::instant horizon) {
  query(db_,
        "DELETE FROM webhooks WHERE app_id = ? AND state <> 'pending' AND (received_at < ? OR number <= (SELECT number "
        "FROM webhooks WHERE app_id = ? ORDER BY number DESC LIMIT 1 OFFSET ?))",
        app_id, milliseconds(horizon), app_id, static_cast<std::int64_t>(keep))
      .run();
}

}  // namespace koppel::ledger
