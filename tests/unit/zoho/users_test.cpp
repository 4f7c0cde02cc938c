// SPDX-License-Identifier: Apache-2.0
// The users of an organisation: no order, no tokens, deletions in a list of their own type.
#include "simulated_zoho.hpp"

#include <catch2/catch.hpp>

using namespace koppel::testing;

namespace {

constexpr std::int64_t now = 1'714'644'000'000;  // 2024-05-02T10:00:00Z

job_options options(const std::string& cursor = "", bool full = false) {
  job_options out;
  out.cursor = cursor;
  out.full = full;
  out.now = now;
  out.settings = {{"region.api", "www.zohoapis.eu"}};
  return out;
}

std::string user(const std::string& id, const std::string& status = "active") {
  return R"({"id":")" + id + R"(","full_name":"N )" + id + R"(","status":")" + status +
         R"(","Modified_Time":"2024-05-02T11:00:00+02:00"})";
}

std::string list(const std::string& rows, bool more = false) {
  return R"({"users":[)" + rows + R"(],"info":{"more_records":)" + (more ? "true" : "false") + "}}";
}

}  // namespace

TEST_CASE("all users are read page by page, and a deleted one among them is gone", "[zoho][users]") {
  scripted_host host(load_plugin(ZOHO_PLUGIN));
  host.sync("users", options("", true));
  CHECK(host.expect("GET", "/crm/v8/users").query == "type=AllUsers&per_page=200&page=1");
  CHECK(host.expect("GET", "/crm/v8/users").header("if-modified-since").empty());
  host.answer(200, list(user("1") + ',' + user("2", "disabled"), true));
  CHECK(host.expect("GET", "/crm/v8/users").query == "type=AllUsers&per_page=200&page=2");
  host.answer(200, list(user("3", "deleted")));

  REQUIRE(host.outcome().error.empty());
  CHECK(host.records().at("1").field("status") == R"("active")");
  CHECK(host.records().at("1").updated_at == "2024-05-02T09:00:00Z");
  CHECK(host.records().at("2").field("status") == R"("inactive")");
  CHECK(host.records().at("3").gone);
  CHECK(host.cursor() == "none 2024-05-02T10:00:00+00:00 -");
}

TEST_CASE("an incremental run reads deleted users, then changed ones, since before the last run began",
          "[zoho][users]") {
  scripted_host host(load_plugin(ZOHO_PLUGIN));
  host.sync("users", options("none 2024-05-02T09:00:00+00:00 -"));
  CHECK(parameter(host.expect("GET", "/crm/v8/users").query, "type") == "DeletedUsers");
  CHECK(host.expect("GET", "/crm/v8/users").header("if-modified-since") == "2024-05-02T08:50:00+00:00");
  host.answer(200, list(user("2", "closed")));
  CHECK(parameter(host.expect("GET", "/crm/v8/users").query, "type") == "AllUsers");
  CHECK(host.expect("GET", "/crm/v8/users").header("if-modified-since") == "2024-05-02T08:50:00+00:00");
  host.answer(304, "");

  REQUIRE(host.outcome().error.empty());
  CHECK(host.records().at("2").gone);
  CHECK(host.records().at("2").entity == "user");
  CHECK(host.cursor() == "none 2024-05-02T10:00:00+00:00 -");
}

TEST_CASE("a run of users that is cut begins again where it began", "[zoho][users]") {
  scripted_host host(load_plugin(ZOHO_PLUGIN));
  host.sync("users", options("none 2024-05-02T09:00:00+00:00 -"));
  host.answer(204, "");
  host.answer(200, list(user("1"), true));
  CHECK(host.cursor() == "none 2024-05-02T09:00:00+00:00 -");
  host.cut();
  host.resume("users", options());
  CHECK(parameter(host.expect("GET", "/crm/v8/users").query, "type") == "DeletedUsers");
  CHECK(host.expect("GET", "/crm/v8/users").header("if-modified-since") == "2024-05-02T08:50:00+00:00");
}

TEST_CASE("a full read of users that has no end is no end", "[zoho][users][hostile]") {
  scripted_host host(load_plugin(ZOHO_PLUGIN));
  host.sync("users", options("", true));
  host.play([](const asked&) { return answer{200, list(user("1"), true)}; });
  CHECK(host.outcome().error == "bug");
}

TEST_CASE("a user read by id is gone if Zoho says deleted, or knows none", "[zoho][users][refetch]") {
  scripted_host host(load_plugin(ZOHO_PLUGIN));
  host.refetch("users", {"1", "2", "3"}, options());
  CHECK(host.expect("GET", "/crm/v8/users").query == "ids=1%2C2%2C3&per_page=200");
  host.answer(200, list(user("1")));
  host.expect("GET", "/crm/v8/users/2");
  host.answer(200, list(user("2", "deleted")));
  host.answer(204, "");

  REQUIRE(host.outcome().error.empty());
  CHECK_FALSE(host.records().at("1").gone);
  CHECK(host.records().at("2").gone);
  CHECK(host.records().at("3").gone);
}
