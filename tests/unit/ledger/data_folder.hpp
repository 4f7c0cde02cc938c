// SPDX-License-Identifier: Apache-2.0
// A data folder of its own for each test, with a key and a clock, and short words for what tests do with a ledger.
#pragma once

#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "host/ledger/ledger.hpp"
#include "tests/support/read_file.hpp"
#include "tests/unit/core/record/fields_of_json.hpp"

namespace koppel::tests {

inline const std::string some_key(64, 'a');

struct data_folder {
  std::filesystem::path root;
  std::string folder, key_file;
  runtime::manual_clock clock{*core::from_iso8601("2026-01-31T12:00:00Z")};
  std::vector<failure> fatal;
  std::vector<std::uint64_t> heads;
  std::vector<bool> spaces;  ///< full, not full any more, ...

  explicit data_folder(const std::string& parent = "/tmp") {
    std::string name = parent + "/koppel-ledger-XXXXXX";
    root = ::mkdtemp(name.data());
    folder = root / "data";
    key_file = root / "key";
    write_key(some_key + "\n");
  }
  ~data_folder() { std::filesystem::remove_all(root); }

  void write_key(const std::string& text, mode_t mode = 0600) const {
    std::ofstream(key_file, std::ios::trunc) << text;
    ::chmod(key_file.c_str(), mode);
  }
  std::string database() const { return folder + "/ledger.db"; }

  result<std::unique_ptr<ledger::ledger>> try_open() {
    ledger::options options{folder, key_file};
    options.on_space = [this](const ledger::disk_space& s) { spaces.push_back(s.full); };
    return ledger::ledger::open(
        std::move(options), clock, [this](failure f) { fatal.push_back(std::move(f)); },
        [this](std::uint64_t head) { heads.push_back(head); });
  }
  std::unique_ptr<ledger::ledger> open() {
    auto opened = try_open();
    if (!opened) FAIL(opened.error().detail);
    return std::move(*opened);
  }
  /// The sentence with which opening is refused.
  failure refusal() {
    auto opened = try_open();
    if (opened) FAIL("the ledger opened");
    return opened.error();
  }

  /// Changes the closed database with plain SQL.
  void tamper(const std::string& sql) const {
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(database().c_str(), &db) == SQLITE_OK);
    char* why = nullptr;
    const int code = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &why);
    INFO(sql << ": " << (why ? why : ""));
    CHECK(code == SQLITE_OK);
    sqlite3_free(why);
    sqlite3_close(db);
  }

  /// Every byte that is on disk now.
  std::string everything() const {
    std::string out;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) out += test::read_file(entry.path());
    return out;
  }
};

/// Does one piece of work and expects it to succeed.
template <class Work>
void doing(ledger::ledger& l, Work work) {
  const auto done = l.write_blocking([&work](ledger::transaction& tx) -> result<void> {
    work(tx);
    return {};
  });
  if (!done) FAIL(done.error().detail);
}

template <class T>
T good(result<T> r) {
  if (!r) FAIL(r.error().detail);
  return std::move(*r);
}
inline void good(const result<void>& r) {
  if (!r) FAIL(r.error().detail);
}

inline ledger::connection new_connection(std::string name = "acme-be") {
  ledger::connection c;
  c.provider = "acme";
  c.name = std::move(name);
  c.customer = "customer-7";
  return c;
}

inline ledger::connection connected(ledger::ledger& l, std::string name = "acme-be") {
  ledger::connection c;
  doing(l, [&](auto& tx) { c = good(tx.insert_connection(new_connection(std::move(name)))); });
  return c;
}

/// All events on disk, decoded.
inline std::vector<bus::event> events_in(ledger::ledger& l) {
  std::vector<bus::event> out;
  const auto source = l.make_event_source();
  std::uint64_t after = 0;
  for (;;) {
    const auto batches = good(source->read(after, 1 << 20));
    if (batches.empty()) return out;
    for (const auto& batch : batches) {
      std::string_view rest = batch.bytes;
      while (!rest.empty()) {
        const auto view = good(bus::peek(rest));
        out.push_back(bus::copy_of(view));
        rest.remove_prefix(view.raw.size());
      }
      after = batch.last_seq;
    }
  }
}

inline boost::json::object data_of(const bus::event& e) { return good(bus::data_as_json(e)); }

}  // namespace koppel::tests
