// SPDX-License-Identifier: Apache-2.0
// Removing a connection: with its records only where that is said plainly, and without them for as long as somebody
// may want to say so afterwards.

#include <algorithm>

#include "tests/unit/api/api_world.hpp"
#include "tests/unit/core/record/fields_of_json.hpp"

using namespace koppel;
using Catch::Contains;
using test::api_world;

namespace {

struct removal_world : api_world {
  /// A connection that works, of which one record was read.
  ledger::connection read_from(const std::string& name) {
    auto c = connected(name);
    write([&](ledger::transaction& tx) {
      auto r = tx.begin_run(c, "companies", "company", ledger::run_mode::full, "manual");
      REQUIRE(r);
      messages::page page;
      page.records = {tests::said("1", {tests::core_facet(R"({"name":"A"})")})};
      REQUIRE(tx.commit_page(*r, c, page, 1, "absent", false));
    });
    return c;
  }
  api::answer remove(const std::string& name, net::header_list query = {}) {
    net::inbound_request r;
    r.method = "DELETE";
    r.path = "/v1/connections/nameplate/" + name;
    r.query = std::move(query);
    return run(router(std::move(r)));
  }
  std::uint64_t records_of(const ledger::connection& c) {
    std::uint64_t known = 0;
    write([&](ledger::transaction& tx) { known = tx.known_records(c.id, "company"); });
    return known;
  }
  std::size_t times_told_of_purge() {
    const auto all = events();
    return static_cast<std::size_t>(std::count(all.begin(), all.end(), R"({"purge":true})"));
  }
};

}  // namespace

TEST_CASE("a removal whose purge is not said plainly removes nothing", "[api]") {
  removal_world w;
  const auto c = w.read_from("acme");
  for (const auto* value : {"1", "yes", "True", "TRUE", "", "true "}) {
    const auto refused = w.remove("acme", {{"purge", value}});
    CHECK(refused.status == 400);
    CHECK_THAT(refused.body, Contains("bad_request") && Contains("Nothing was removed"));
  }
  CHECK(w.remove("acme", {{"Purge", "true"}}).status == 400);
  CHECK(w.remove("acme", {{"purge", "false"}, {"purge", "true"}}).status == 400);
  CHECK(w.now(c).auth.status == core::auth_status::authorized);
  CHECK(w.told.empty());

  CHECK(w.remove("acme", {{"purge", "true"}}).status == 200);
  CHECK(w.records_of(c) == 0);
  CHECK(w.times_told_of_purge() == 1);
}

TEST_CASE("the records of a connection that was removed can be erased still, and consumers are told", "[api]") {
  removal_world w;
  const auto c = w.read_from("acme");
  CHECK_THAT(w.remove("acme", {{"purge", "false"}}).body, Contains(R"("removed_before":false)"));
  CHECK(w.records_of(c) == 1);
  CHECK(w.remove("acme").status == 404);
  CHECK(w.times_told_of_purge() == 0);
  const auto told = w.told.size();

  const auto erased = w.remove("acme", {{"purge", "true"}});
  CHECK(erased.status == 200);
  CHECK_THAT(erased.body, Contains(R"("removed_before":true)") && Contains(R"("purged":true)"));
  CHECK(w.records_of(c) == 0);
  CHECK(w.times_told_of_purge() == 1);
  CHECK(w.told.size() == told);

  const auto nothing_left = w.remove("acme", {{"purge", "true"}});
  CHECK(nothing_left.status == 404);
  CHECK_THAT(nothing_left.body, Contains("no records are kept"));
  CHECK(w.times_told_of_purge() == 1);
}

TEST_CASE("a purge is of the connection that has the name, and of former ones when there is none", "[api]") {
  removal_world w;
  const auto former = w.read_from("acme");
  CHECK(w.remove("acme").status == 200);
  ledger::connection next = former;
  w.write([&](ledger::transaction& tx) {
    next.auth = {};
    next = *tx.insert_connection(next);
  });
  CHECK_THAT(w.remove("acme", {{"purge", "true"}}).body, Contains(R"("removed_before":false)"));
  CHECK(w.now(next).auth.status == core::auth_status::removed);
  CHECK(w.records_of(former) == 1);
  CHECK(w.remove("acme", {{"purge", "true"}}).status == 200);
  CHECK(w.records_of(former) == 0);
}
