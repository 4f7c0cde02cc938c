// SPDX-License-Identifier: Apache-2.0
// What goes, what is held.

#include "sweep.hpp"

#include <spdlog/spdlog.h>

namespace koppel::proplus {

std::uint64_t sweeper::after_walk(std::int64_t walk) {
  hold_lost_connections(walk);
  std::vector<pair> all;
  {
    statement due(prepared_, "SELECT connection_id, entity FROM full_sync WHERE walk = ?1 AND swept = 0");
    due->bind(1, walk);
    while (due->executeStep()) all.push_back({due->getColumn(0).getString(), due->getColumn(1).getString()});
  }
  std::uint64_t rows = 0;
  for (const pair& one : all) {
    const entity& of = *find_entity(one.entity);
    const auto [unseen, total] = records_.unseen(of, one.connection, walk);
    // Our own guard: a host that came up empty must not empty us.
    const bool held = unseen > 100 && unseen * 2 > total;
    if (held)
      spdlog::error(
          "{} of {} {} rows of connection {} are not in the host's new history: held; look, then run "
          "koppel-proplus --confirm-sweep",
          unseen, total, one.entity, one.connection);
    else
      rows += static_cast<std::uint64_t>(records_.sweep(of, one.connection, walk));
    settle(one, walk, held ? 2 : 1);
  }
  return rows;
}

/// No stream of theirs will ever be read again, so no full reading can say what is gone. Their rows wait for a person,
/// however few they are: a host that was started with the wrong data folder knows none of ours.
void sweeper::hold_lost_connections(std::int64_t walk) {
  std::vector<std::string> lost;
  {
    statement s(prepared_,
                "SELECT connection_id FROM connection WHERE walk <> ?1 AND status_walk IS NOT ?1 AND "
                "(removed_at IS NULL OR status = 'not_in_history')");
    s->bind(1, walk);
    while (s->executeStep()) lost.push_back(s->getColumn(0).getString());
  }
  for (const std::string& connection : lost) {
    statement s(prepared_,
                "UPDATE connection SET status = 'not_in_history', auth_status = 'Failed, unknown to Koppel', "
                "removed_at = coalesce(removed_at, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')), status_walk = ?2, "
                "reason = NULL, generation = NULL, action = NULL, action_by = NULL, hint_nl = NULL, hint_fr = NULL, "
                "hint_en = NULL WHERE connection_id = ?1");
    s->bind(1, connection);
    s->bind(2, walk);
    s->exec();
    hold_rows(connection, walk);
  }
}

void sweeper::hold_rows(const std::string& connection, std::int64_t walk) {
  std::int64_t rows = 0;
  for (const entity& of : entities()) {
    const auto [unseen, total] = records_.unseen(of, connection, walk);
    if (unseen == 0) continue;
    rows += unseen;
    statement s(prepared_, "INSERT OR IGNORE INTO full_sync (connection_id, entity, walk) VALUES (?1, ?2, ?3)");
    s->bind(1, connection);
    s->bind(2, std::string(of.name));
    s->bind(3, walk);
    s->exec();
    settle({connection, std::string(of.name)}, walk, 2);
  }
  spdlog::error(
      "connection {} is not in the host's new history: shown as such. Its {} rows are held; look, then run "
      "koppel-proplus --confirm-sweep",
      connection, rows);
}

void sweeper::settle(const pair& of, std::int64_t walk, int swept) {
  statement s(prepared_, "UPDATE full_sync SET swept = ?4 WHERE connection_id = ?1 AND entity = ?2 AND walk = ?3");
  s->bind(1, of.connection);
  s->bind(2, of.entity);
  s->bind(3, walk);
  s->bind(4, swept);
  s->exec();
}

std::optional<std::uint64_t> sweeper::confirmed_part() {
  pair held;
  std::int64_t walk = 0;
  {
    // The follower may have begun again between two parts: then what it held before is not held any more.
    statement s(prepared_, "SELECT connection_id, entity, walk FROM full_sync WHERE swept = 2 LIMIT 1");
    if (!s->executeStep()) return std::nullopt;
    held = {s->getColumn(0).getString(), s->getColumn(1).getString()};
    walk = s->getColumn(2).getInt64();
  }
  const auto rows = records_.sweep(*find_entity(held.entity), held.connection, walk, rows_per_part);
  if (rows < rows_per_part) settle(held, walk, 1);
  return static_cast<std::uint64_t>(rows);
}

}  // namespace koppel::proplus
