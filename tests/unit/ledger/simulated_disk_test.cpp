// SPDX-License-Identifier: Apache-2.0
// The simulated disk itself: plain SQLite on it keeps what a real disk keeps, and loses what a real disk may lose.

#include "tests/support/simulated_disk.hpp"

#include <sqlite3.h>

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <utility>

using koppel::tests::simulated_disk;
using kind = simulated_disk::kind;
using fault = simulated_disk::fault;

namespace {

const std::string path = "/data/test.db";

struct closes {
  void operator()(sqlite3* db) const { sqlite3_close(db); }
};
using connection = std::unique_ptr<sqlite3, closes>;

connection opened(const std::string& pragmas = "") {
  sqlite3* db = nullptr;
  const int code = sqlite3_open(path.c_str(), &db);
  connection out(db);
  REQUIRE(code == SQLITE_OK);
  REQUIRE(sqlite3_exec(db, pragmas.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  return out;
}

int execute(const connection& db, const std::string& sql) {
  return sqlite3_exec(db.get(), sql.c_str(), nullptr, nullptr, nullptr);
}

std::string text_of(const connection& db, const std::string& sql) {
  std::string out;
  const auto take = [](void* to, int, char** values, char**) {
    *static_cast<std::string*>(to) += values[0] ? values[0] : "";
    return 0;
  };
  char* why = nullptr;
  const int code = sqlite3_exec(db.get(), sql.c_str(), take, &out, &why);
  if (code != SQLITE_OK) out = std::string("failed: ") + (why ? why : "");
  sqlite3_free(why);
  return out;
}

const std::string wal_full = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 30;";
const std::string wal_off = "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 30;";
// EXTRA: with FULL a deleted journal may come back after a loss of power, and takes the last commit with it.
const std::string journal_extra = "PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA;";
const std::string journal_full = "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;";

int insert(const connection& db, int n) {
  return execute(db, "INSERT INTO t VALUES(" + std::to_string(n) + ", randomblob(3000))");
}

/// Rows 1, 2, ... until the disk fails; the last that was acknowledged.
int insert_until_it_fails(const std::string& pragmas, int rows) {
  const auto db = opened(pragmas);
  int acknowledged = 0;
  while (acknowledged < rows && insert(db, acknowledged + 1) == SQLITE_OK) ++acknowledged;
  return acknowledged;
}

void make_table(const std::string& pragmas) { REQUIRE(execute(opened(pragmas), "CREATE TABLE t(n, b)") == SQLITE_OK); }

fault power_lost_at(std::uint64_t number, const simulated_disk::operation& o) {
  return o.number == number ? fault::power_lost : fault::proceed;
}

/// What is left after `rows` acknowledged rows and a power loss at operation `at`; -1: it is not a sound database.
int rows_left(const std::string& pragmas, std::uint64_t at, std::uint64_t seed, int& acknowledged) {
  simulated_disk disk(seed);
  make_table(pragmas);
  disk.lose_power(0);  // the table was made durable long ago
  const auto done = disk.counts();
  const std::uint64_t from = done.writes + done.syncs + done.truncates + done.removes;
  disk.on_operation = [=](const auto& o) { return power_lost_at(from + at, o); };
  acknowledged = insert_until_it_fails(pragmas, 60);
  disk.on_operation = nullptr;
  disk.lose_power(seed);
  const auto db = opened();
  if (text_of(db, "PRAGMA integrity_check") != "ok") return -1;
  const auto left = text_of(db, "SELECT count(*) FROM t WHERE n = rowid AND length(b) = 3000");
  return left.empty() || left[0] == 'f' ? -1 : std::stoi(left);
}

}  // namespace

TEST_CASE("what SQLite acknowledged and promised to be durable survives any loss of power", "[ledger][disk]") {
  const auto pragmas = GENERATE(wal_full, journal_extra);
  int lost_the_last = 0, kept_the_last = 0;
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    int acknowledged = 0;
    const int left = rows_left(pragmas, 5 + seed * 2, seed, acknowledged);
    INFO("seed " << seed);
    REQUIRE(left >= acknowledged);
    REQUIRE(left <= acknowledged + 1);
    ++(left == acknowledged ? lost_the_last : kept_the_last);
  }
  CHECK(lost_the_last > 10);
  if (pragmas == wal_full) CHECK(kept_the_last > 0);  // all its frames happened to reach the disk
}

TEST_CASE("with less than that acknowledged rows are lost, so the disk can lose", "[ledger][disk]") {
  const auto [pragmas, at_least] = GENERATE(table<std::string, int>({{wal_off, 20}, {journal_full, 3}}));
  int lost = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    int acknowledged = 0;
    if (rows_left(pragmas, 50 + seed, seed, acknowledged) < acknowledged) ++lost;
  }
  CHECK(lost >= at_least);
}

TEST_CASE("a killed process leaves every byte it wrote, and its handles, locks and shared memory are gone",
          "[ledger][disk]") {
  simulated_disk disk;
  make_table(wal_off);
  auto db = opened(wal_off);
  for (int n = 1; n <= 20; ++n) REQUIRE(insert(db, n) == SQLITE_OK);
  REQUIRE(execute(db, "BEGIN IMMEDIATE") == SQLITE_OK);
  REQUIRE(execute(db, "INSERT INTO t VALUES(21, x'00')") == SQLITE_OK);
  const auto before = disk.bytes(path + "-wal");

  disk.kill();

  CHECK((execute(db, "COMMIT") & 0xFF) == SQLITE_IOERR);
  CHECK((execute(db, "SELECT * FROM t") & 0xFF) != SQLITE_OK);
  db.reset();
  CHECK(disk.bytes(path + "-wal") == before);
  db = opened(wal_off);
  CHECK(text_of(db, "SELECT count(*) FROM t") == "20");
  CHECK(insert(db, 21) == SQLITE_OK);
}

TEST_CASE("connections of one process exclude one another as SQLite wants it", "[ledger][disk]") {
  const auto pragmas = GENERATE(wal_full, journal_extra);
  simulated_disk disk;
  make_table(pragmas);
  const auto one = opened(pragmas), two = opened(pragmas);
  REQUIRE(insert(one, 1) == SQLITE_OK);

  REQUIRE(execute(one, "BEGIN IMMEDIATE") == SQLITE_OK);
  CHECK(execute(two, "BEGIN IMMEDIATE") == SQLITE_BUSY);
  REQUIRE(insert(one, 2) == SQLITE_OK);
  CHECK(text_of(two, "SELECT count(*) FROM t") == "1");
  REQUIRE(execute(two, "BEGIN; SELECT * FROM t") == SQLITE_OK);
  const bool wal = pragmas == wal_full;
  CHECK(execute(one, "COMMIT") == (wal ? SQLITE_OK : SQLITE_BUSY));
  CHECK(text_of(two, "SELECT count(*) FROM t") == "1");
  CHECK(execute(two, "COMMIT") == SQLITE_OK);
  if (!wal) CHECK(execute(one, "COMMIT") == SQLITE_OK);
  CHECK(text_of(two, "SELECT count(*) FROM t") == "2");
}

TEST_CASE("writes that were not synced are kept, lost or torn, each for itself", "[ledger][disk]") {
  int kept = 0, gone = 0, whole_sectors = 0, cut_inside = 0, out_of_order = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    simulated_disk disk(seed);
    disk.put(path, std::string(8 * 4096, '-'));
    sqlite3_vfs* vfs = sqlite3_vfs_find(disk.vfs_name().c_str());
    const auto space = std::make_unique<std::max_align_t[]>(static_cast<std::size_t>(vfs->szOsFile));
    auto* file = reinterpret_cast<sqlite3_file*>(space.get());
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_DB;
    REQUIRE(vfs->xOpen(vfs, path.c_str(), file, flags, nullptr) == SQLITE_OK);
    const std::string page(4096, '+');
    for (int n = 0; n < 8; ++n) REQUIRE(file->pMethods->xWrite(file, page.data(), 4096, n * 4096) == SQLITE_OK);
    disk.lose_power(seed);
    file->pMethods->xClose(file);

    const auto left = disk.bytes(path);
    REQUIRE(left.size() == 8 * 4096);
    bool lost_one = false;
    for (std::size_t n = 0; n < 8; ++n) {
      const auto found = left.substr(n * 4096, 4096);
      const auto front = found.find('-') == std::string::npos ? 4096 : found.find('-');
      CHECK(found.find('+', front) == std::string::npos);
      if (front == 4096 && lost_one) ++out_of_order;
      if (front == 0) lost_one = true;
      ++(front == 4096 ? kept : front == 0 ? gone : front % 512 == 0 ? whole_sectors : cut_inside);
    }
  }
  CHECK(kept > 300);
  CHECK(gone > 300);
  CHECK(whole_sectors > 100);
  CHECK(cut_inside > 20);
  CHECK(out_of_order > 100);
}

TEST_CASE("the same seeds give the same disk, byte for byte", "[ledger][disk]") {
  const auto live = [] {
    simulated_disk disk(7);
    make_table(wal_full);
    disk.on_operation = [](const auto& o) { return power_lost_at(120, o); };
    insert_until_it_fails(wal_full, 60);
    disk.lose_power(11);
    return disk.bytes(path) + "|" + disk.bytes(path + "-wal");
  };

  const auto once = live();

  CHECK(once.size() > 10'000);
  CHECK(live() == once);
}

TEST_CASE("a full disk is SQLITE_FULL, and what fits later is written", "[ledger][disk]") {
  simulated_disk disk;
  make_table(wal_full);
  const auto db = opened(wal_full);
  disk.limit(disk.used() + 7'000);

  int n = 1;
  while (insert(db, n) == SQLITE_OK) ++n;

  CHECK(sqlite3_errcode(db.get()) == SQLITE_FULL);
  CHECK(n == 2);
  CHECK(text_of(db, "SELECT count(*) FROM t") == std::to_string(n - 1));
  disk.limit(simulated_disk::unlimited);
  CHECK(insert(db, n) == SQLITE_OK);
  CHECK(text_of(db, "PRAGMA integrity_check") == "ok");
}

TEST_CASE("a sync that failed has forgotten, and the next one does not tell", "[ledger][disk]") {
  int lost = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    simulated_disk disk(seed);
    make_table(wal_full);
    bool fail = false;
    disk.on_operation = [&fail](const auto& o) {
      return o.what == kind::sync && std::exchange(fail, false) ? fault::io_error : fault::proceed;
    };
    {
      // A checkpoint that met the failure is tried again and seems to succeed; then the log is used anew.
      const auto db = opened("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0");
      for (int n = 1; n <= 10; ++n) REQUIRE(insert(db, n) == SQLITE_OK);
      fail = true;
      CHECK(sqlite3_wal_checkpoint(db.get(), nullptr) != SQLITE_OK);
      CHECK(sqlite3_wal_checkpoint(db.get(), nullptr) == SQLITE_OK);
      CHECK(text_of(db, "SELECT count(*) FROM t") == "10");
      CHECK(insert(db, 11) == SQLITE_OK);
    }
    disk.lose_power(seed);
    const auto db = opened();
    if (text_of(db, "PRAGMA integrity_check; SELECT count(*) FROM t") != "ok11") ++lost;
  }
  CHECK(lost > 5);
}
