// SPDX-License-Identifier: Apache-2.0
// What opens an account: token pairs and the attempts that lead to them. All sealed; generations are compared and set,
// so that the loser of a race cannot overwrite the winner's newer pair.

#include "host/ledger/rows.hpp"
#include "host/ledger/transaction_impl.hpp"

namespace koppel::ledger {
namespace {

// An expired attempt is kept a while, so that whoever comes with it hears that it expired and not that it is unknown.
constexpr std::chrono::hours kept_after_expiry{24};
constexpr std::int64_t attempts_of_a_link = 4;

/// A pair's row is its connection and its generation: an older pair put back does not open.
std::string pair_row(const std::string& connection_id, std::uint64_t generation) {
  return connection_id + "#" + std::to_string(generation);
}

}  // namespace

result<std::optional<credentials>> sql_transaction::find_credentials(const std::string& connection_id) {
  query q(
      db_,
      "SELECT generation, access_token, refresh_token, obtained_at, expires_at, intent_at, intent_presented, unproven "
      "FROM credentials WHERE connection_id = ?",
      connection_id);
  if (!q.step()) return std::optional<credentials>();
  std::optional<credentials> out(std::in_place);
  out->generation = static_cast<std::uint64_t>(q.integer(0));
  const auto row = pair_row(connection_id, out->generation);
  auto access = seals_.open(q.bytes(1), {"credentials", row, "access_token"});
  if (!access) return access.error();
  auto refresh = seals_.open(q.bytes(2), {"credentials", row, "refresh_token"});
  if (!refresh) return refresh.error();
  out->access_token = std::move(*access);
  out->refresh_token = std::move(*refresh);
  out->obtained_at = instant_from(q.integer(3));
  out->expires_at = instant_in(q, 4);
  if (const auto began = instant_in(q, 5))
    out->intent = {out->generation, *began, static_cast<std::uint32_t>(q.integer(6))};
  out->unproven = q.text(7);
  return out;
}

void sql_transaction::count_grant() { query(db_, "UPDATE meta SET value = value + 1 WHERE key = 'grants'").run(); }

result<void> sql_transaction::store_credentials(const std::string& connection_id, const credentials& c,
                                                std::uint64_t expected) {
  std::uint64_t stored = 0;
  {
    query q(db_,
            "SELECT coalesce((SELECT generation FROM credentials WHERE connection_id = c.id), 0) FROM connections c "
            "WHERE c.id = ? AND c.removed_at IS NULL",
            connection_id);
    if (!q.step()) return failure{errc::not_found, "There is no connection " + connection_id + "."};
    stored = static_cast<std::uint64_t>(q.integer(0));
  }
  if (stored != expected)
    return failure{errc::stale, "The credentials of " + connection_id + " have generation " + std::to_string(stored) +
                                    ", not " + std::to_string(expected) + ": a newer pair is stored."};
  const auto generation = expected + 1;
  const auto row = pair_row(connection_id, generation);
  const auto access = seals_.seal(c.access_token, {"credentials", row, "access_token"});
  const auto refresh = seals_.seal(c.refresh_token, {"credentials", row, "refresh_token"});
  query(db_,
        "INSERT OR REPLACE INTO credentials(connection_id, generation, access_token, refresh_token, obtained_at, "
        "expires_at, unproven) VALUES(?, ?, ?, ?, ?, ?, ?)",
        connection_id, generation, blob{access}, blob{refresh}, milliseconds(c.obtained_at), milliseconds(c.expires_at),
        c.unproven)
      .run();
  count_grant();
  return {};
}

void sql_transaction::mark_credentials(const std::string& connection_id, const std::string& unproven) {
  query(db_, "UPDATE credentials SET unproven = ? WHERE connection_id = ?", unproven, connection_id).run();
}

result<void> sql_transaction::delete_credentials(const std::string& connection_id) {
  query(db_, "DELETE FROM credentials WHERE connection_id = ?", connection_id).run();
  return {};
}

result<void> sql_transaction::store_refresh_intent(const std::string& connection_id, const core::refresh_intent& i) {
  query q(db_,
          "UPDATE credentials SET intent_at = ?, intent_presented = ? WHERE connection_id = ? AND generation = ? "
          "RETURNING 1",
          milliseconds(i.began_at), i.presented, connection_id, i.generation);
  if (q.step()) {
    count_grant();
    return {};
  }
  return failure{errc::stale, "The credentials of " + connection_id + " have no generation " +
                                  std::to_string(i.generation) + " any more."};
}

result<void> sql_transaction::clear_refresh_intent(const std::string& connection_id, std::uint64_t generation) {
  query(db_, "UPDATE credentials SET intent_at = NULL, intent_presented = 0 WHERE connection_id = ? AND generation = ?",
        connection_id, generation)
      .run();
  return {};
}

std::optional<core::token_age> sql_transaction::find_token_age(const std::string& connection_id) {
  query q(db_,
          "SELECT generation, obtained_at, expires_at, intent_at IS NOT NULL, unproven <> '' FROM credentials "
          "WHERE connection_id = ?",
          connection_id);
  if (!q.step()) return std::nullopt;
  return core::token_age{static_cast<std::uint64_t>(q.integer(0)), instant_from(q.integer(1)), instant_in(q, 2),
                         q.integer(3) != 0, q.integer(4) != 0};
}

result<void> sql_transaction::insert_attempt(attempt a) {
  query(db_, "DELETE FROM attempts WHERE expires_at < ?", milliseconds(now_ - kept_after_expiry)).run();
  if (!query(db_, "SELECT 1 FROM connections WHERE id = ? AND removed_at IS NULL", a.connection_id).step())
    return failure{errc::not_found, "There is no connection " + a.connection_id + "."};
  const auto verifier = seals_.seal(a.verifier, {"attempts", a.state_hash, "verifier"});
  query(db_,
        "INSERT INTO attempts(state_hash, connection_id, redirect_uri, verifier, confirmation, created_at, expires_at, "
        "link, browser) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
        a.state_hash, a.connection_id, a.redirect_uri, blob{verifier}, a.confirmation, milliseconds(a.created_at),
        milliseconds(a.expires_at), a.link, a.browser)
      .run();
  // Whoever holds a connect link may press its button as often as they like.
  if (!a.link.empty())
    query(db_,
          "DELETE FROM attempts WHERE link = ? AND link <> '' AND number NOT IN "
          "(SELECT number FROM attempts WHERE link = ? AND link <> '' ORDER BY number DESC LIMIT ?)",
          a.link, a.link, attempts_of_a_link)
        .run();
  return {};
}

result<attempt> sql_transaction::take_attempt(query& found) {
  if (!found.step()) return failure{errc::not_found, "This attempt is unknown, or was used already."};
  attempt a;
  const auto number = found.integer(0);
  a.state_hash = found.text(1);
  a.connection_id = found.text(2);
  a.redirect_uri = found.text(3);
  auto verifier = seals_.open(found.bytes(4), {"attempts", a.state_hash, "verifier"});
  if (!verifier) return verifier.error();
  a.verifier = std::move(*verifier);
  a.confirmation = found.text(5);
  a.created_at = instant_from(found.integer(6));
  a.expires_at = instant_from(found.integer(7));
  a.link = found.text(8);
  a.browser = found.text(9);
  query(db_, "DELETE FROM attempts WHERE number = ?", number).run();
  return a;
}

std::optional<attempt> sql_transaction::find_attempt(const std::string& state_hash) {
  query q(db_,
          "SELECT connection_id, redirect_uri, confirmation, created_at, expires_at, link, browser FROM attempts "
          "WHERE state_hash = ?",
          state_hash);
  if (!q.step()) return std::nullopt;
  attempt a;
  a.state_hash = state_hash;
  a.connection_id = q.text(0);
  a.redirect_uri = q.text(1);
  a.confirmation = q.text(2);
  a.created_at = instant_from(q.integer(3));
  a.expires_at = instant_from(q.integer(4));
  a.link = q.text(5);
  a.browser = q.text(6);
  return a;
}

void sql_transaction::delete_attempt(const std::string& state_hash) {
  query(db_, "DELETE FROM attempts WHERE state_hash = ?", state_hash).run();
}

void sql_transaction::delete_attempts(const std::string& connection_id) {
  query(db_, "DELETE FROM attempts WHERE connection_id = ?", connection_id).run();
}

result<attempt> sql_transaction::consume_attempt(const std::string& state_hash) {
  query q(db_,
          "SELECT number, state_hash, connection_id, redirect_uri, verifier, confirmation, created_at, expires_at, "
          "link, browser FROM attempts WHERE state_hash = ?",
          state_hash);
  return take_attempt(q);
}

result<attempt> sql_transaction::consume_newest_attempt(const std::string& connection_id) {
  query q(db_,
          "SELECT number, state_hash, connection_id, redirect_uri, verifier, confirmation, created_at, expires_at, "
          "link, browser FROM attempts WHERE connection_id = ? AND link = '' ORDER BY number DESC LIMIT 1",
          connection_id);
  return take_attempt(q);
}

}  // namespace koppel::ledger
