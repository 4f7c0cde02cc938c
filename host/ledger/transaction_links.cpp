// SPDX-License-Identifier: Apache-2.0
// Connect links: who may begin attempts for a connection, until when, and what came of it. What has ended is kept a
// while, so that whoever comes with it hears why.

#include "host/ledger/rows.hpp"
#include "host/ledger/transaction_impl.hpp"

namespace koppel::ledger {
namespace {

constexpr std::chrono::days kept_after_expiry{30};

connect_link link_in(const query& q) {
  connect_link l;
  l.id = q.text(0);
  l.hash = q.text(1);
  l.connection_id = q.text(2);
  l.confirmation = q.text(3);
  l.made_by = q.text(4);
  l.created_at = instant_from(q.integer(5));
  l.expires_at = instant_from(q.integer(6));
  const auto state = core::link_state_from(q.text(7));
  if (!state) throw broken_row("a connect link has an unknown state");
  l.state = *state;
  if (!q.null(8)) l.outcome = auth_from_json(q.text(8));
  return l;
}

}  // namespace

result<connect_link> sql_transaction::insert_connect_link(connect_link l) {
  query(db_, "DELETE FROM connect_links WHERE expires_at < ?", milliseconds(now_ - kept_after_expiry)).run();
  if (auto there = check_present(l.connection_id); !there) return there.error();
  query open(db_,
             "SELECT count(*) FROM connect_links WHERE connection_id = ? AND state IN ('open', 'given') AND "
             "expires_at > ?",
             l.connection_id, milliseconds(now_));
  open.step();
  if (open.integer(0) >= static_cast<std::int64_t>(core::open_links_of_a_connection))
    return failure{errc::in_use, "This connection has " + std::to_string(core::open_links_of_a_connection) +
                                     " open connect links already: revoke some of them."};
  l.id = new_id("lnk");
  l.created_at = now_;
  query(db_,
        "INSERT INTO connect_links(id, hash, connection_id, confirmation, made_by, created_at, expires_at, state) "
        "VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
        l.id, l.hash, l.connection_id, l.confirmation, l.made_by, milliseconds(l.created_at),
        milliseconds(l.expires_at), std::string(core::to_string(l.state)))
      .run();
  return l;
}

std::optional<connect_link> sql_transaction::find_connect_link(const std::string& id_or_hash) {
  query q(db_,
          "SELECT id, hash, connection_id, confirmation, made_by, created_at, expires_at, state, outcome "
          "FROM connect_links WHERE id = ? OR hash = ?",
          id_or_hash, id_or_hash);
  if (!q.step()) return std::nullopt;
  return link_in(q);
}

std::vector<connect_link> sql_transaction::connect_links(const std::string& connection_id) {
  std::vector<connect_link> out;
  query q(db_,
          "SELECT id, hash, connection_id, confirmation, made_by, created_at, expires_at, state, outcome "
          "FROM connect_links WHERE connection_id = ? ORDER BY number DESC",
          connection_id);
  while (q.step()) out.push_back(link_in(q));
  return out;
}

void sql_transaction::mark_connect_link(const std::string& id, core::link_state s) {
  query(db_, "UPDATE connect_links SET state = ? WHERE id = ? AND state IN ('open', 'given')",
        std::string(core::to_string(s)), id)
      .run();
}

void sql_transaction::note_link_outcome(const std::string& id, const core::auth_state& outcome) {
  query(db_, "UPDATE connect_links SET outcome = ? WHERE id = ?", json_of(outcome), id).run();
}

void sql_transaction::settle_given_links(const std::string& connection_id) {
  query(db_, "UPDATE connect_links SET state = 'used' WHERE connection_id = ? AND state = 'given'", connection_id)
      .run();
}

}  // namespace koppel::ledger
