// SPDX-License-Identifier: Apache-2.0
// The probe: whose account is this, with whatever the administrator ticked.
#include <koppel/testing/scripted_host.hpp>

#include <catch2/catch.hpp>
#include <set>

using namespace koppel::testing;

namespace {

/// An account where some paths are refused with 403.
struct account {
  std::set<std::string> refused;
  answer operator()(const asked& request) const {
    if (refused.contains(request.path)) return {403, R"({"errors":[{"title":"Forbidden","status":403}]})"};
    if (request.path == "/departments.list")
      return {200, R"({"data":[{"id":"dep-1","name":"Pied Piper BV"},{"id":"dep-2","name":"Hooli NV"}]})"};
    if (request.path == "/users.me") return {200, R"({"data":{"id":"u","account":{"type":"account","id":"acc-1"}}})"};
    return {200, R"({"data":[]})"};
  }
};

seen_outcome probe(const std::set<std::string>& refused, scripted_host& host, const job_options& with = {}) {
  host.probe(with);
  host.play(account{refused});
  return host.outcome();
}

seen_outcome probe(const std::set<std::string>& refused) {
  scripted_host host(load_plugin(TEAMLEADER_PLUGIN));
  return probe(refused, host);
}

}  // namespace

TEST_CASE("the account is that of users.me, named after the oldest department", "[teamleader][probe]") {
  const auto outcome = probe({});

  CHECK(outcome.error.empty());
  CHECK(outcome.account_id == "acc-1");
  CHECK(outcome.account_name == "Pied Piper BV");
  CHECK(outcome.streams_refused.empty());
}

TEST_CASE("who ticked only the three boxes of the manual can connect", "[teamleader][probe]") {
  const auto outcome = probe({"/users.me"});

  CHECK(outcome.error.empty());
  CHECK(outcome.account_id == "department:dep-1");
  CHECK(outcome.account_name == "Pied Piper BV");
  CHECK(outcome.streams_refused.empty());
}

TEST_CASE("the oldest department is asked for, archived ones too: it stays the same one", "[teamleader][probe]") {
  scripted_host host(load_plugin(TEAMLEADER_PLUGIN));
  host.probe();
  const auto& request = host.expect("POST", "/departments.list");

  CHECK(request.json("/filter/status") == R"(["active","archived"])");
  CHECK(request.json("/sort") == R"([{"field":"created_at","order":"asc"}])");
}

TEST_CASE("without departments, users.me is enough, without both, nobody knows whose account it is",
          "[teamleader][probe]") {
  CHECK(probe({"/departments.list"}).account_id == "acc-1");
  CHECK(probe({"/departments.list"}).account_name.empty());

  const auto outcome = probe({"/departments.list", "/users.me"});
  CHECK(outcome.error == "scope_missing");
  CHECK(outcome.http_status == 403);
}

TEST_CASE("an account does not become another one when a box is ticked later", "[teamleader][probe]") {
  scripted_host host(load_plugin(TEAMLEADER_PLUGIN));
  CHECK(probe({"/users.me"}, host).account_id == "department:dep-1");
  job_options later;
  later.settings = host.remembered();
  CHECK(probe({}, host, later).account_id == "department:dep-1");

  scripted_host other(load_plugin(TEAMLEADER_PLUGIN));
  CHECK(probe({}, other).account_id == "acc-1");
  later.settings = other.remembered();
  CHECK(probe({}, other, later).account_id == "acc-1");
}

TEST_CASE("streams that the grant does not permit are named, the connection stands", "[teamleader][probe]") {
  CHECK(probe({"/contacts.list"}).streams_refused == std::vector<std::string>{"contacts"});
  CHECK(probe({"/contacts.list"}).error.empty());
  CHECK(probe({"/departments.list"}).streams_refused == std::vector<std::string>{"departments"});
  CHECK(probe({"/departments.list"}).error.empty());
  CHECK(probe({"/contacts.list", "/departments.list", "/companies.list"}).streams_refused ==
        std::vector<std::string>{"companies", "contacts", "departments"});
}

TEST_CASE("an invalid token or a provider in trouble is no missing permission", "[teamleader][probe]") {
  for (const auto& [status, error] : {std::pair{401, "authorise_again"}, std::pair{500, "try_again"}}) {
    scripted_host host(load_plugin(TEAMLEADER_PLUGIN));
    host.probe();
    host.answer(status, "");
    CHECK(host.outcome().error == error);
    CHECK(host.outcome().http_status == status);
    CHECK(host.outcome().account_id.empty());
  }
}
