// SPDX-License-Identifier: Apache-2.0
// Apps and connections. A removed connection keeps its row: its id is in events that consumers have, and is never
// reused.

#include <sodium/randombytes.h>

#include <array>

#include "host/core/fingerprint.hpp"
#include "host/core/oauth.hpp"
#include "host/ledger/rows.hpp"
#include "host/ledger/transaction_impl.hpp"

namespace koppel::ledger {
namespace {

constexpr place app_secret(const std::string& id) { return {"apps", id, "client_secret"}; }

// Literals: prepared statements are known by their text's address.
#define KOPPEL_APP_COLUMNS                                                                                           \
  "SELECT id, provider, name, client_id, redirect_uri, created_at, secret_ends_at, "                                 \
  "(SELECT group_concat(region) FROM app_secrets s WHERE s.app_id = apps.id AND s.client_id = apps.client_id) FROM " \
  "apps "

app app_in(const query& q) {
  app a{q.text(0), q.text(1), q.text(2), q.text(3), q.text(4), instant_from(q.integer(5)), instant_in(q, 6), {}};
  const auto regions = q.null(7) ? std::string() : q.text(7);
  for (std::size_t at = 0; at < regions.size();) {
    const auto end = std::min(regions.find(',', at), regions.size());
    a.secret_regions.push_back(regions.substr(at, end - at));
    at = end + 1;
  }
  std::sort(a.secret_regions.begin(), a.secret_regions.end());
  return a;
}

std::string regional_row(const std::string& app_id, const std::string& client_id, const std::string& region) {
  return app_id + "#" + region + "#" + client_id;
}

connection connection_in(const query& q) {
  connection c;
  c.id = q.text(0);
  c.provider = q.text(1);
  c.name = q.text(2);
  c.customer = q.text(3);
  c.app_id = q.text(4);
  c.settings = map_from_json(q.text(5));
  c.learned = map_from_json(q.text(6));
  c.auth = auth_from_json(q.text(7));
  if (!q.null(8)) c.pinned = account_from_json(q.text(8));
  c.created_at = instant_from(q.integer(9));
  c.reference = q.text(10);
  return c;
}

std::optional<std::string> pinned_column(const connection& c) {
  if (!c.pinned) return std::nullopt;
  return json_of(*c.pinned);
}

failure no_such(const char* what, const std::string& id) {
  return {errc::not_found, std::string("There is no ") + what + " " + id + "."};
}

}  // namespace

std::string random_word() {
  std::array<char, 32> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  return core::base64url({bytes.data(), bytes.size()});
}

result<app> sql_transaction::insert_app(app a, core::secret client_secret) {
  query taken(db_, "SELECT 1 FROM apps WHERE provider = ? AND name = ?", a.provider, a.name);
  if (taken.step()) return failure{errc::exists, "The provider " + a.provider + " already has an app " + a.name + "."};
  a.id = new_id("app");
  a.created_at = now_;
  const auto sealed = seals_.seal(client_secret, app_secret(a.id));
  query(db_,
        "INSERT INTO apps(id, provider, name, client_id, redirect_uri, created_at, client_secret) VALUES(?, ?, ?, ?, "
        "?, ?, ?)",
        a.id, a.provider, a.name, a.client_id, a.redirect_uri, milliseconds(a.created_at), blob{sealed})
      .run();
  return a;
}

result<void> sql_transaction::update_app_secret(const std::string& app_id, core::secret client_secret) {
  const auto sealed = seals_.seal(client_secret, app_secret(app_id));
  if (query(db_, "UPDATE apps SET client_secret = ?, secret_ends_at = NULL WHERE id = ?", blob{sealed}, app_id).run() ==
      0)
    return no_such("app", app_id);
  return {};
}

result<void> sql_transaction::update_regional_secret(const std::string& app_id, const std::string& region,
                                                     core::secret client_secret) {
  const auto found = find_app(app_id);
  if (!found) return no_such("app", app_id);
  const auto row = regional_row(app_id, found->client_id, region);
  const auto sealed = seals_.seal(client_secret, {"app_secrets", row, "client_secret"});
  query(db_, "INSERT OR REPLACE INTO app_secrets(app_id, client_id, region, client_secret) VALUES(?, ?, ?, ?)", app_id,
        found->client_id, region, blob{sealed})
      .run();
  return {};
}

result<void> sql_transaction::set_secret_end(const std::string& app_id, std::optional<core::instant> ends_at) {
  if (query(db_, "UPDATE apps SET secret_ends_at = ? WHERE id = ?", milliseconds(ends_at), app_id).run() == 0)
    return no_such("app", app_id);
  return {};
}

result<void> sql_transaction::update_app(const app& a) {
  if (query(db_, "UPDATE apps SET client_id = ?, redirect_uri = ? WHERE id = ?", a.client_id, a.redirect_uri, a.id)
          .run() == 0)
    return no_such("app", a.id);
  return {};
}

std::vector<app> sql_transaction::apps() {
  std::vector<app> out;
  query q(db_, KOPPEL_APP_COLUMNS "ORDER BY provider, name");
  while (q.step()) out.push_back(app_in(q));
  return out;
}

std::optional<app> sql_transaction::find_app(const std::string& id) {
  query q(db_, KOPPEL_APP_COLUMNS "WHERE id = ?", id);
  if (!q.step()) return std::nullopt;
  return app_in(q);
}

result<core::secret> sql_transaction::client_secret(const std::string& app_id, const std::string& region) {
  if (!region.empty()) {
    query own(db_,
              "SELECT s.client_secret, s.client_id FROM app_secrets s JOIN apps a ON a.id = s.app_id AND a.client_id = "
              "s.client_id WHERE s.app_id = ? AND s.region = ?",
              app_id, region);
    if (own.step())
      return seals_.open(own.bytes(0), {"app_secrets", regional_row(app_id, own.text(1), region), "client_secret"});
  }
  query q(db_, "SELECT client_secret FROM apps WHERE id = ?", app_id);
  if (!q.step()) return no_such("app", app_id);
  return seals_.open(q.bytes(0), app_secret(app_id));
}

result<core::secret> sql_transaction::webhook_secret(const std::string& app_id) {
  const place at{"apps", app_id, "webhook_secret"};
  {
    query q(db_, "SELECT webhook_secret FROM apps WHERE id = ?", app_id);
    if (!q.step()) return no_such("app", app_id);
    if (!q.null(0)) return seals_.open(q.bytes(0), at);
  }
  core::secret made(random_word());
  const auto sealed = seals_.seal(made, at);
  query(db_, "UPDATE apps SET webhook_secret = ?, webhook_digest = ? WHERE id = ?", blob{sealed},
        core::fingerprint(made.reveal()), app_id)
      .run();
  return made;
}

std::optional<app> sql_transaction::find_app_by_webhook(const std::string& digest) {
  query q(db_, KOPPEL_APP_COLUMNS "WHERE webhook_digest = ?", digest);
  if (!q.step()) return std::nullopt;
  return app_in(q);
}

result<connection> sql_transaction::insert_connection(connection c) {
  query taken(db_, "SELECT 1 FROM connections WHERE provider = ? AND name = ? AND removed_at IS NULL", c.provider,
              c.name);
  if (taken.step())
    return failure{errc::exists, "The provider " + c.provider + " already has a connection " + c.name + "."};
  const auto app_id = c.app_id.empty() ? std::nullopt : std::optional(c.app_id);
  if (app_id && !find_app(*app_id)) return no_such("app", *app_id);
  c.id = new_id("con");
  c.created_at = now_;
  query(db_,
        "INSERT INTO connections(id, provider, name, customer, app_id, settings, learned, auth, pinned, created_at) "
        "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        c.id, c.provider, c.name, c.customer, app_id, json_of(c.settings), json_of(c.learned), json_of(c.auth),
        pinned_column(c), milliseconds(c.created_at))
      .run();
  return c;
}

std::vector<connection> sql_transaction::connections() {
  std::vector<connection> out;
  query q(db_,
          "SELECT id, provider, name, customer, app_id, settings, learned, auth, pinned, created_at, reference FROM "
          "connections "
          "WHERE removed_at IS NULL ORDER BY provider, name");
  while (q.step()) out.push_back(connection_in(q));
  return out;
}

std::optional<connection> sql_transaction::find_connection(const std::string& id) {
  query q(db_,
          "SELECT id, provider, name, customer, app_id, settings, learned, auth, pinned, created_at, reference FROM "
          "connections "
          "WHERE id = ?",
          id);
  if (!q.step()) return std::nullopt;
  return connection_in(q);
}

std::optional<connection> sql_transaction::find_connection_by_reference(const std::string& digest) {
  if (digest.empty()) return std::nullopt;
  query q(db_,
          "SELECT id, provider, name, customer, app_id, settings, learned, auth, pinned, created_at, reference FROM "
          "connections WHERE reference = ? AND reference <> '' AND removed_at IS NULL",
          digest);
  if (!q.step()) return std::nullopt;
  return connection_in(q);
}

result<void> sql_transaction::update_connection(const connection& c) {
  const int changed =
      query(db_,
            "UPDATE connections SET settings = ?, learned = ?, auth = ?, pinned = ?, reference = ? "
            "WHERE id = ? AND removed_at IS NULL",
            json_of(c.settings), json_of(c.learned), json_of(c.auth), pinned_column(c), c.reference, c.id)
          .run();
  if (changed == 0) return no_such("connection", c.id);
  return {};
}

result<void> sql_transaction::move_connection(const std::string& id, const std::string& app_id) {
  if (!find_app(app_id)) return no_such("app", app_id);
  if (query(db_, "UPDATE connections SET app_id = ? WHERE id = ? AND removed_at IS NULL", app_id, id).run() == 0)
    return no_such("connection", id);
  return {};
}

std::vector<connection> sql_transaction::removed_with_records(const std::string& provider, const std::string& name) {
  std::vector<connection> out;
  query q(db_,
          "SELECT id, provider, name, customer, app_id, settings, learned, auth, pinned, created_at, reference FROM "
          "connections WHERE removed_at IS NOT NULL AND provider = ? AND name = ? AND "
          "(EXISTS(SELECT 1 FROM record_sets WHERE connection_id = connections.id) OR "
          "EXISTS(SELECT 1 FROM streams WHERE connection_id = connections.id)) ORDER BY removed_at DESC, id",
          provider, name);
  while (q.step()) out.push_back(connection_in(q));
  return out;
}

result<void> sql_transaction::remove_connection(const std::string& id, bool purge) {
  auto c = find_connection(id);
  if (!c) return no_such("connection", id);
  if (c->auth.status != core::auth_status::removed) {
    const auto generation = c->auth.generation;
    c->auth = {};
    c->auth.status = core::auth_status::removed;
    c->auth.reason = core::auth_reason::by_operator;
    c->auth.since = now_;
    c->auth.generation = generation + 1;
    if (auto updated = update_connection(*c); !updated) return updated;
  }
  query(db_, "UPDATE connections SET removed_at = coalesce(removed_at, ?) WHERE id = ?", milliseconds(now_), id).run();
  query(db_, "DELETE FROM credentials WHERE connection_id = ?", id).run();
  query(db_, "DELETE FROM attempts WHERE connection_id = ?", id).run();
  query(db_, "DELETE FROM connect_links WHERE connection_id = ?", id).run();
  query(db_, "UPDATE webhooks SET outcome = NULL WHERE connection_id = ?", id).run();  // it may name an account
  query(db_, "DELETE FROM webhook_addresses WHERE connection_id = ?", id).run();
  query(db_,
        "UPDATE webhooks SET state = 'refused', reason = 'The connection was removed.', body = x'' WHERE connection_id "
        "= ? AND app_id = '' AND state = 'waiting'",
        id)
      .run();
  query(db_, "INSERT OR IGNORE INTO expendable_events SELECT seq FROM refused WHERE connection_id = ? AND seq > 0", id)
      .run();
  query(db_, "DELETE FROM refused WHERE connection_id = ?", id).run();
  query(db_,
        "UPDATE runs SET state = 'failed', error = 'the connection was removed', ended_at = ? WHERE connection_id = ? "
        "AND state IN ('running', 'interrupted', 'releasing')",
        milliseconds(now_), id)
      .run();
  query(db_, "DELETE FROM held_deletions WHERE set_number IN (SELECT number FROM record_sets WHERE connection_id = ?)",
        id)
      .run();
  if (!purge) return {};
  query(db_, "INSERT OR IGNORE INTO expendable_events SELECT seq FROM newest_events WHERE connection_id = ?", id).run();
  query(db_, "DELETE FROM newest_events WHERE connection_id = ?", id).run();
  query(db_,
        "INSERT OR IGNORE INTO expendable_events SELECT seq FROM records WHERE set_number IN "
        "(SELECT number FROM record_sets WHERE connection_id = ?)",
        id)
      .run();
  query(db_,
        "DELETE FROM record_bodies WHERE number IN (SELECT body FROM records WHERE set_number IN "
        "(SELECT number FROM record_sets WHERE connection_id = ?))",
        id)
      .run();
  query(db_, "DELETE FROM records WHERE set_number IN (SELECT number FROM record_sets WHERE connection_id = ?)", id)
      .run();
  query(db_, "DELETE FROM record_sets WHERE connection_id = ?", id).run();
  query(db_, "DELETE FROM streams WHERE connection_id = ?", id).run();
  return {};
}

}  // namespace koppel::ledger
