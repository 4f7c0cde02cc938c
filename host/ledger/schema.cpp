// SPDX-License-Identifier: Apache-2.0
// Tables and how they came to be. A migration is never edited after a release: add the next one.

#include "host/ledger/schema.hpp"

#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>
#include <koppel/planted_bug.hpp>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "host/ledger/folder.hpp"

namespace koppel::ledger {
namespace {

constexpr std::int64_t application_id = 0x4B50504C;  // "KPPL", so that another program's file is not taken for ours
constexpr place canary_place{"meta", "canary", "value"};
constexpr std::string_view canary = "the right key opens this";

// Records are two tables: what is looked at for each row of a page is small and dense, what is needed only for a row
// that changed lies apart (docs/state.md has the figures). record_bodies is written in the order of arrival.
constexpr const char* version_1 = R"sql(
CREATE TABLE meta(key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE apps(
  id TEXT PRIMARY KEY, provider TEXT NOT NULL, name TEXT NOT NULL, client_id TEXT NOT NULL, redirect_uri TEXT NOT NULL,
  created_at INTEGER NOT NULL, client_secret BLOB NOT NULL, UNIQUE(provider, name)) STRICT;

CREATE TABLE connections(
  id TEXT PRIMARY KEY, provider TEXT NOT NULL, name TEXT NOT NULL, customer TEXT NOT NULL,
  app_id TEXT REFERENCES apps(id), settings TEXT NOT NULL, learned TEXT NOT NULL, auth TEXT NOT NULL, pinned TEXT,
  created_at INTEGER NOT NULL, removed_at INTEGER) STRICT;
CREATE UNIQUE INDEX connection_names ON connections(provider, name) WHERE removed_at IS NULL;

CREATE TABLE credentials(
  connection_id TEXT PRIMARY KEY REFERENCES connections(id), generation INTEGER NOT NULL, access_token BLOB NOT NULL,
  refresh_token BLOB NOT NULL, expires_at INTEGER) STRICT;

CREATE TABLE attempts(
  number INTEGER PRIMARY KEY, state_hash TEXT NOT NULL UNIQUE, connection_id TEXT NOT NULL REFERENCES connections(id),
  redirect_uri TEXT NOT NULL, verifier BLOB NOT NULL, confirmation TEXT NOT NULL, created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL) STRICT;
CREATE INDEX attempts_of ON attempts(connection_id);

CREATE TABLE runs(
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, connection_id TEXT NOT NULL REFERENCES connections(id),
  stream TEXT NOT NULL, entity TEXT NOT NULL, mode TEXT NOT NULL, cause TEXT NOT NULL, state TEXT NOT NULL,
  resumed INTEGER NOT NULL, complete INTEGER NOT NULL, initial INTEGER NOT NULL, read INTEGER NOT NULL,
  upserted INTEGER NOT NULL, deleted INTEGER NOT NULL, unchanged INTEGER NOT NULL, set_aside INTEGER NOT NULL,
  cursor BLOB NOT NULL, cursor_version INTEGER NOT NULL, error TEXT NOT NULL, started_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL) STRICT;
CREATE UNIQUE INDEX open_run ON runs(connection_id, stream) WHERE state IN ('running', 'interrupted');

CREATE TABLE streams(
  connection_id TEXT NOT NULL REFERENCES connections(id), stream TEXT NOT NULL, cursor BLOB NOT NULL,
  cursor_version INTEGER NOT NULL, last_full_at INTEGER, last_success_at INTEGER, last_attempt_at INTEGER,
  failures INTEGER NOT NULL, last_error TEXT NOT NULL, PRIMARY KEY(connection_id, stream)) STRICT, WITHOUT ROWID;

CREATE TABLE record_sets(
  number INTEGER PRIMARY KEY, connection_id TEXT NOT NULL REFERENCES connections(id), entity TEXT NOT NULL,
  UNIQUE(connection_id, entity)) STRICT;
CREATE TABLE records(
  set_number INTEGER NOT NULL REFERENCES record_sets(number), id TEXT NOT NULL, body INTEGER NOT NULL,
  deleted INTEGER NOT NULL, seen_run INTEGER NOT NULL, seq INTEGER NOT NULL, digests BLOB NOT NULL,
  PRIMARY KEY(set_number, id)) STRICT, WITHOUT ROWID;
CREATE TABLE record_bodies(number INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;

CREATE TABLE event_batches(
  first_seq INTEGER PRIMARY KEY, last_seq INTEGER NOT NULL, checksum BLOB NOT NULL, bytes BLOB NOT NULL) STRICT;
CREATE TABLE consumers(name TEXT PRIMARY KEY, acked_seq INTEGER NOT NULL, acked_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
)sql";

// The renewal of a pair is part of its row: a new pair has none open.
constexpr const char* version_2 = R"sql(
ALTER TABLE credentials ADD COLUMN obtained_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE credentials ADD COLUMN intent_at INTEGER;
ALTER TABLE credentials ADD COLUMN intent_presented INTEGER NOT NULL DEFAULT 0;
)sql";

// known: live records of the set, kept while they are written, so that showing a connection counts no rows.
// refused: what was made a dead letter, so that the same content is not made one at each reading. `record` is a digest
// of entity and id, `content` of what the plugin said.
constexpr const char* version_3 = R"sql(
ALTER TABLE streams ADD COLUMN inconclusive INTEGER NOT NULL DEFAULT 0;
ALTER TABLE streams ADD COLUMN last_inconclusive_at INTEGER;
ALTER TABLE record_sets ADD COLUMN known INTEGER NOT NULL DEFAULT 0;
UPDATE record_sets SET known =
  (SELECT count(*) FROM records WHERE records.set_number = record_sets.number AND deleted = 0);
CREATE TABLE refused(
  connection_id TEXT NOT NULL REFERENCES connections(id), record BLOB NOT NULL, content BLOB NOT NULL,
  PRIMARY KEY(connection_id, record)) STRICT, WITHOUT ROWID;
CREATE INDEX runs_of ON runs(connection_id);
UPDATE runs SET state = 'failed', error = 'the connection was removed' WHERE state IN ('running', 'interrupted') AND
  connection_id IN (SELECT id FROM connections WHERE removed_at IS NOT NULL);
)sql";

// grants: how often a pair or an intent was stored, which is no event (high_water.hpp).
// Retention. expendable_events: events that may go once the horizon has passed them. newest_events: which event keeps
// the place of a connection's newest of a kind; those of records are in records.seq, those of dead letters in
// refused.seq. history_marks: what the head was at a time. Events from before this migration that had been replaced by
// then are not listed, and stay.
constexpr const char* version_4 = R"sql(
CREATE TABLE expendable_events(seq INTEGER PRIMARY KEY) STRICT;
CREATE TABLE newest_events(
  connection_id TEXT NOT NULL, kept_as TEXT NOT NULL, seq INTEGER NOT NULL,
  PRIMARY KEY(connection_id, kept_as)) STRICT, WITHOUT ROWID;
CREATE TABLE history_marks(at INTEGER PRIMARY KEY, head INTEGER NOT NULL) STRICT;
ALTER TABLE refused ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
INSERT INTO meta(key, value) VALUES('grants', 0), ('horizon', 1),
  ('history_bytes', (SELECT coalesce(sum(length(bytes)), 0) FROM event_batches));
)sql";

// unproven: nobody has said yet whose account the pair opens; how whoever brought it wants that confirmed. Before this
// migration it was the pairs of connections that are bound to no account.
constexpr const char* version_5 = R"sql(
ALTER TABLE credentials ADD COLUMN unproven TEXT NOT NULL DEFAULT '';
UPDATE credentials SET unproven = 'ask' WHERE connection_id IN (SELECT id FROM connections WHERE pinned IS NULL);
)sql";

// The tokens of the REST API. `hash` is a digest of 256 random bits, which needs no salt; a token without a customer
// sees everybody's.
constexpr const char* version_6 = R"sql(
CREATE TABLE api_tokens(
  name TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE, customer TEXT, scopes TEXT NOT NULL, created_at INTEGER NOT NULL,
  last_used_at INTEGER) STRICT, WITHOUT ROWID;
)sql";

// What came at the webhook addresses of apps. `reference` is a digest; `body` is sealed, and empty once it was worked
// off. An app that was there before gets its address when it is first shown.
constexpr const char* version_7 = R"sql(
ALTER TABLE apps ADD COLUMN webhook_secret BLOB;
ALTER TABLE apps ADD COLUMN webhook_digest TEXT;
CREATE UNIQUE INDEX apps_by_webhook ON apps(webhook_digest) WHERE webhook_digest IS NOT NULL;
ALTER TABLE connections ADD COLUMN reference TEXT NOT NULL DEFAULT '';
CREATE INDEX connections_by_reference ON connections(reference) WHERE reference <> '';
CREATE TABLE webhooks(
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, provider TEXT NOT NULL, app_id TEXT NOT NULL,
  reference TEXT NOT NULL, received_at INTEGER NOT NULL, body BLOB NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
  connection_id TEXT NOT NULL, outcome TEXT) STRICT;
CREATE INDEX webhooks_pending ON webhooks(app_id, reference, number) WHERE state = 'pending';
CREATE INDEX webhooks_of_app ON webhooks(app_id, number);
CREATE INDEX webhooks_of_reference ON webhooks(reference, number);
)sql";

// Webhooks that hint at records come to an address of their connection. `number` of such a row is what its hints are
// settled by; `streams` names what it stands for where too many waited: streams that are to be read as a whole.
constexpr const char* version_8 = R"sql(
CREATE TABLE webhook_addresses(
  connection_id TEXT PRIMARY KEY, digest TEXT NOT NULL UNIQUE, secret BLOB NOT NULL, token BLOB NOT NULL,
  state TEXT NOT NULL DEFAULT 'none', base_url TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',
  registered_at INTEGER, ends_at INTEGER, failures INTEGER NOT NULL DEFAULT 0, tried_at INTEGER,
  last_received_at INTEGER) STRICT, WITHOUT ROWID;
ALTER TABLE webhooks ADD COLUMN streams TEXT NOT NULL DEFAULT '';
CREATE INDEX webhooks_waiting ON webhooks(number) WHERE state = 'waiting';
CREATE INDEX webhooks_of_connection ON webhooks(connection_id, number) WHERE app_id = '';
)sql";

// Connect links: `hash` is the digest of 256 random bits. attempts.browser is the digest of a word that the browser
// keeps which began the attempt, attempts.link the id of the link that it was minted for.
constexpr const char* version_9 = R"sql(
CREATE TABLE connect_links(
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, hash TEXT NOT NULL UNIQUE,
  connection_id TEXT NOT NULL REFERENCES connections(id), confirmation TEXT NOT NULL, made_by TEXT NOT NULL,
  created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, state TEXT NOT NULL, outcome TEXT) STRICT;
CREATE INDEX connect_links_of ON connect_links(connection_id);
ALTER TABLE attempts ADD COLUMN link TEXT NOT NULL DEFAULT '';
ALTER TABLE attempts ADD COLUMN browser TEXT NOT NULL DEFAULT '';
CREATE INDEX attempts_of_link ON attempts(link, number) WHERE link <> '';
)sql";

// The secrets of an app whose provider has one for each data centre: of the client id that they belong to, so that
// those of a former one serve again when it is put back. secret_ends_at: when the provider ends the app's secret.
constexpr const char* version_10 = R"sql(
ALTER TABLE apps ADD COLUMN secret_ends_at INTEGER;
CREATE TABLE app_secrets(
  app_id TEXT NOT NULL REFERENCES apps(id), client_id TEXT NOT NULL, region TEXT NOT NULL, client_secret BLOB NOT NULL,
  PRIMARY KEY(app_id, client_id, region)) STRICT, WITHOUT ROWID;
)sql";

// base_url is the public URL at which webhooks may be registered; former_urls, with spaces between them, are those at
// which something was and could not be removed yet.
constexpr const char* version_11 = R"sql(
ALTER TABLE webhook_addresses ADD COLUMN former_urls TEXT NOT NULL DEFAULT '';
)sql";

// Deletions that the guard holds, that somebody has confirmed, or rejected (`state`). A row goes with its deletion, or
// when the record is seen again. runs.held: how many a run found.
constexpr const char* version_12 = R"sql(
CREATE TABLE held_deletions(
  number INTEGER PRIMARY KEY AUTOINCREMENT, set_number INTEGER NOT NULL REFERENCES record_sets(number),
  id TEXT NOT NULL, stream TEXT NOT NULL, run_id TEXT NOT NULL, held_at INTEGER NOT NULL, deleted_at TEXT NOT NULL,
  state TEXT NOT NULL, UNIQUE(set_number, id)) STRICT;
CREATE INDEX held_deletions_of ON held_deletions(set_number, state, number);
ALTER TABLE runs ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
)sql";

constexpr std::array migrations{version_1, version_2, version_3, version_4,  version_5,  version_6,
                                version_7, version_8, version_9, version_10, version_11, version_12};

std::int64_t number_of(database& db, const char* sql) {
  query q(db, sql);
  q.step();
  return q.integer(0);
}

void migrate(database& db, std::size_t from) {
  for (std::size_t version = from; version < migrations.size(); ++version) {
    db.execute("BEGIN IMMEDIATE");
    db.execute(migrations[version]);
    db.execute(("PRAGMA user_version = " + std::to_string(version + 1)).c_str());
    db.execute("COMMIT");
  }
}

std::string random_hex(std::size_t bytes) {
  std::string random(bytes, '\0');
  randombytes_buf(random.data(), bytes);
  std::string hex(bytes * 2 + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), reinterpret_cast<const unsigned char*>(random.data()), bytes);
  hex.pop_back();
  return hex;
}

result<void> make(const std::string& folder, const sealer& seals) {
  const std::string path = database_path(folder), unfinished = path + ".new";
  for (const char* end : {"", "-wal", "-shm"}) ::unlink((unfinished + end).c_str());
  {
    database db(unfinished, database::access::write);
    migrate(db, 0);
    db.execute(("PRAGMA application_id = " + std::to_string(application_id)).c_str());
    const auto sealed = seals.seal(core::secret(std::string(canary)), canary_place);
    query(db, "INSERT INTO meta(key, value) VALUES('epoch', ?), ('head', 0), ('canary', ?)", random_hex(8),
          blob{sealed})
        .run();
  }
  if (::rename(unfinished.c_str(), path.c_str()) != 0)
    return failure{errc::io, "The new database cannot be renamed to " + path + ": " + std::strerror(errno) + "."};
  return sync_folder(folder);
}

result<void> check_key(database& db, const sealer& seals, const std::string& path) {
  query q(db, "SELECT value FROM meta WHERE key = 'canary'");
  if (!q.step()) return failure{errc::corrupt, "The database " + path + " has lost its canary; restore a backup."};
  const auto opened = seals.open(q.bytes(0), canary_place);
  if (opened && opened->reveal() == canary) return {};
  if (!opened && opened.error().code == errc::wrong_key)
    return failure{errc::wrong_key, "The key file holds key " + seals.key_id() +
                                        ", which is not the one that sealed the secrets in " + path +
                                        "; put the right key file back. Nothing was changed."};
  return failure{errc::corrupt, "The database " + path + " has a damaged canary; restore a backup."};
}

/// The counter and the batches must agree: a counter behind them would give a seq twice.
result<void> check_head(database& db, const std::string& path) {
  const auto head = number_of(db, "SELECT value FROM meta WHERE key = 'head'");
  const auto last = number_of(db, "SELECT coalesce(max(first_seq), 0) FROM event_batches");
  query q(db, "SELECT last_seq FROM event_batches WHERE first_seq = ?", last);
  if (!q.step() || q.integer(0) == head) return {};
  return failure{errc::corrupt, "In the database " + path + " the counter of events says " + std::to_string(head) +
                                    ", the newest event is " + std::to_string(q.integer(0)) + "; restore a backup."};
}

}  // namespace

result<std::unique_ptr<database>> open_database_file(const std::string& path, const sealer& seals) {
  if (!planted(bug::log_taken_as_it_is)) make_log_durable(path);
  {  // Looked at without writing first: one that is refused stays as it is.
    database look(path, database::access::read);
    const auto version = static_cast<std::size_t>(number_of(look, "PRAGMA user_version"));
    if (number_of(look, "PRAGMA application_id") != application_id || version == 0)
      return failure{errc::corrupt, "The file " + path + " is not a Koppel database."};
    if (version > migrations.size())
      return failure{errc::schema, "The database " + path + " has version " + std::to_string(version) +
                                       ", made by a newer Koppel; this one knows " + std::to_string(migrations.size()) +
                                       ". Install the newer one."};
    if (auto key = check_key(look, seals, path); !key) return key.error();
    if (auto head = check_head(look, path); !head) return head.error();
  }
  auto db = std::make_unique<database>(path, database::access::write);
  migrate(*db, static_cast<std::size_t>(number_of(*db, "PRAGMA user_version")));
  return db;
}

high_water high_water_of(database& db) {
  query q(db,
          "SELECT (SELECT value FROM meta WHERE key = 'epoch'), (SELECT value FROM meta WHERE key = 'head'), "
          "(SELECT value FROM meta WHERE key = 'grants')");
  q.step();
  return {q.text(0), static_cast<std::uint64_t>(q.integer(1)), static_cast<std::uint64_t>(q.integer(2))};
}

void take_as_restored(database& db, core::instant now) {
  query(db, "BEGIN IMMEDIATE").run();
  // As if a renewal of each pair had got no answer: the access token is tried first, the refresh token once after it.
  query(db, "UPDATE credentials SET intent_at = ?, intent_presented = max(intent_presented, 1)",
        now.time_since_epoch().count())
      .run();
  query(db, "DELETE FROM attempts").run();
  // One that has served since the copy was made would open once more.
  query(db, "UPDATE connect_links SET state = 'revoked' WHERE state IN ('open', 'given')").run();
  query(db, "UPDATE meta SET value = value + 1 WHERE key = 'grants'").run();  // the same copy once more is older again
  query(db, "COMMIT").run();
}

std::string database_path(const std::string& folder) { return folder + "/ledger.db"; }

result<std::unique_ptr<database>> open_database(const std::string& folder, const sealer& seals) {
  const std::string path = database_path(folder);
  try {
    struct stat about {};
    if (::stat(path.c_str(), &about) != 0) {
      if (errno != ENOENT)
        return failure{errc::io, "The database " + path + " cannot be read: " + std::strerror(errno) + "."};
      if (auto made = make(folder, seals); !made) return made.error();
    } else if (about.st_size == 0) {
      return failure{errc::corrupt,
                     "The database " + path + " is empty; restore a backup, or move it away to begin anew."};
    }
    return open_database_file(path, seals);
  } catch (const sqlite_error& e) {
    return failure_of(e.fault, "The database " + path + " cannot be opened");
  }
}

}  // namespace koppel::ledger
