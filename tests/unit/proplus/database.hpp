// SPDX-License-Identifier: Apache-2.0
// A consumer's database in a folder of its own, fed with events as the follower would hand them out.
#pragma once

#include <unistd.h>

#include <SQLiteCpp/SQLiteCpp.h>

#include <catch2/catch.hpp>

#include "../../support/show_result.hpp"
#include "show.hpp"
#include "store.hpp"

namespace koppel::proplus::testing {

namespace json = boost::json;

struct database {
  database() { reopen(); }
  ~database() {
    s.reset();
    std::filesystem::remove_all(root);
  }
  void reopen(std::chrono::milliseconds patience = std::chrono::seconds{5}) {
    s.reset();
    auto opened = store::open(file(), patience);
    REQUIRE(opened);
    s = std::move(*opened);
  }
  std::filesystem::path file() const { return root / "proplus.db"; }
  static std::filesystem::path make_root() {
    char name[] = "/tmp/koppel-proplus-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    return name;
  }

  bus::event make(const std::string& type, json::object data, const std::string& subject = "",
                  const std::string& connection = "c1") {
    bus::event e;
    e.epoch = epoch;
    e.seq = ++seq;
    e.type = bus::long_type(type);
    e.source = "koppel://e1/" + connection;
    e.subject = subject;
    e.time = "2026-01-02T03:04:05.000Z";
    e.provider = "teamleader";
    e.connection_id = connection;
    e.connection = "acme";
    e.customer = "K1";
    e.data = bus::msgpack_from_json(data);
    bus::encode(e);
    return e;
  }
  bus::event company(const std::string& id, int revision, json::object fields) {
    return make("sync.company.upserted",
                {{"entity", "company"}, {"id", id}, {"revision", revision}, {"data", std::move(fields)}}, id);
  }
  bus::event auth_status() { return make("auth.status", {{"display", "Success"}, {"generation", 7}}); }
  bus::event full_sync(const std::string& stream = "companies", bool complete = true,
                       const std::string& mode = "full") {
    return make("sync.completed",
                {{"stream", stream}, {"mode", mode}, {"complete", complete}, {"data_as_of", "2026-01-02T03:00:00Z"}});
  }
  void give(std::vector<bus::event> events) {
    const bus::position at{events.back().epoch, events.back().seq, events.back().id};
    REQUIRE(s->apply({std::move(events), at, 0}));
  }
  /// A page of a snapshot that is of `moment` and has more of them.
  void walk(std::vector<bus::event> events, std::uint64_t moment) {
    const bus::position of{epoch, moment, "id"};
    const bus::from_snapshot walked{of, events.back().seq};
    REQUIRE(s->apply({std::move(events), of, 0, walked}));
  }
  /// One value, read past the store.
  std::string sql(const std::string& query) {
    SQLite::Database db(file().string(), SQLite::OPEN_READONLY);
    SQLite::Statement row(db, query);
    if (!row.executeStep()) return "(no row)";
    return row.getColumn(0).isNull() ? "(null)" : row.getColumn(0).getString();
  }

  std::filesystem::path root = make_root();
  std::unique_ptr<store> s;
  std::string epoch = "e1";
  std::uint64_t seq = 0;
};

}  // namespace koppel::proplus::testing
