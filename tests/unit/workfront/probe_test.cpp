// SPDX-License-Identifier: Apache-2.0
// The probe: whose account is this, in which environment, with whatever the user may see.
#include "simulated_workfront.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <regex>
#include <sstream>

using namespace koppel::testing;

namespace {

/// A customer some of whose objects are refused, or not there.
struct customer {
  std::set<std::string> refused, empty;
  answer operator()(const asked& request) const {
    const auto with = parameters(request.query);
    auto object = request.path.substr(std::string("/attask/api/v20.0/").size());
    if (with.contains("ID")) object = with.at("ID");
    if (refused.contains(object))
      return {403, R"({"error":{"class":"com.attask.common.InsufficientRightsException","message":"no"}})"};
    if (empty.contains(object)) return {200, R"({"data":[]})"};
    if (object == "cust/search") return {200, R"({"data":[{"ID":"cust1","name":"Bakkerij Maes","objCode":"CUST"}]})"};
    return {200, R"({"data":[{"ID":"x","customerID":"cust1"}]})"};
  }
};

seen_outcome probe(const customer& at, const std::string& host_name = "acme.my.workfront.com") {
  scripted_host host(load_plugin(WORKFRONT_PLUGIN));
  job_options with;
  with.settings = {{"host", host_name}};
  host.probe(with);
  host.play(at);
  return host.outcome();
}

}  // namespace

TEST_CASE("the account is the customer of the user who gave access", "[workfront][probe]") {
  const auto outcome = probe({});

  CHECK(outcome.error.empty());
  CHECK(outcome.account_id == "cust1");
  CHECK(outcome.account_name == "Bakkerij Maes");
  CHECK(outcome.account_environment == "production");
  CHECK(outcome.streams_refused.empty());

  scripted_host host(load_plugin(WORKFRONT_PLUGIN));
  job_options with;
  with.settings = {{"host", "acme.my.workfront.com"}};
  host.probe(with);
  CHECK(parameters(host.expect("GET", "/attask/api/v20.0/user/search").query).at("ID") == "$$USER.ID");
}

TEST_CASE("previews and sandboxes are environments and accounts of their own", "[workfront][probe]") {
  for (const auto& [host, environment, id] : {std::tuple{"acme.my.workfront.adobe.com", "production", "cust1"},
                                              {"acme.preview.workfront.com", "preview", "preview:cust1"},
                                              {"acme.sb01.workfront.com", "sandbox", "sb01:cust1"},
                                              {"acme.sb02.workfront.adobe.com", "sandbox", "sb02:cust1"}}) {
    const auto outcome = probe({}, host);
    CHECK(outcome.account_environment == environment);
    CHECK(outcome.account_id == id);
  }
}

TEST_CASE("any object says whose account it is, and the host's name will do for a name", "[workfront][probe]") {
  CHECK(probe({{"$$USER.ID"}, {}}).account_id == "cust1");
  CHECK(probe({{}, {"$$USER.ID"}}).account_id == "cust1");
  CHECK(probe({{"$$USER.ID", "cmpy/search", "user/search"}, {}}).account_id == "cust1");
  CHECK(probe({{"cust/search"}, {}}).account_name == "acme");
  CHECK(probe({{}, {"cust/search"}}).account_name == "acme");

  const auto outcome = probe({{"$$USER.ID", "cmpy/search", "proj/search", "user/search"}, {}});
  CHECK(outcome.error == "scope_missing");
  CHECK(outcome.http_status == 403);
  const auto nothing = probe({{}, {"$$USER.ID", "cmpy/search", "proj/search", "user/search"}});
  CHECK(nothing.error == "scope_missing");
  CHECK(nothing.http_status == 0);
}

TEST_CASE("streams that the user may not read are named, the connection stands", "[workfront][probe]") {
  CHECK(probe({{"cmpy/search"}, {}}).streams_refused == std::vector<std::string>{"companies"});
  CHECK(probe({{"cmpy/search"}, {}}).error.empty());
  CHECK(probe({{"proj/search", "user/search"}, {}}).streams_refused == std::vector<std::string>{"projects", "users"});
  CHECK(probe({{}, {"cmpy/search"}}).streams_refused.empty());  // no company yet is no refusal
}

TEST_CASE("a session that is over, a provider in trouble or a wrong version is no missing permission",
          "[workfront][probe]") {
  for (const auto& [status, error] :
       {std::pair{401, "authorise_again"}, {500, "try_again"}, {404, "bad_settings"}, {410, "bad_settings"}}) {
    const auto outcome = [status = status] {
      scripted_host host(load_plugin(WORKFRONT_PLUGIN));
      job_options with;
      with.settings = {{"host", "acme.my.workfront.com"}};
      host.probe(with);
      host.answer(status, "");
      return host.outcome();
    }();
    CHECK(outcome.error == error);
    CHECK(outcome.http_status == status);
    CHECK(outcome.account_id.empty());
  }
}

TEST_CASE("the settings accept Workfront's hosts and versions, and nothing else", "[workfront][manifest]") {
  std::ifstream in(WORKFRONT_MANIFEST);
  std::stringstream all;
  all << in.rdbuf();
  std::vector<std::regex> patterns;
  const auto text = all.str();
  for (std::size_t at = 0; (at = text.find("\npattern = '", at)) != std::string::npos;) {
    at += 12;
    patterns.emplace_back(text.substr(at, text.find('\'', at) - at));
  }
  REQUIRE(patterns.size() == 2);
  for (const auto* host : {"acme.my.workfront.com", "acme-2.my.workfront.adobe.com", "a.preview.workfront.com",
                           "acme.preview.workfront.adobe.com", "acme.sb01.workfront.com", "acme.sb02.workfront.com",
                           "acme.sb01.workfront.adobe.com", "acme.sb02.workfront.adobe.com"})
    CHECK(std::regex_match(host, patterns[0]));
  for (const auto* host : {"my.workfront.com", "acme.workfront.com", "acme.my.workfront.com.evil.com",
                           "evil.com.acme.my.workfront.com", "acmexmyxworkfront.com", "-a.my.workfront.com",
                           "acme.my.workfront.evil.com", "acme.my.workfrontadobe.com", "acme.sb03.workfront.com"})
    CHECK_FALSE(std::regex_match(host, patterns[0]));
  for (const auto* version : {"v20.0", "20.0", "20", "v21", "V22.0", "v17.0"})
    CHECK(std::regex_match(version, patterns[1]));
  for (const auto* version : {"v14.0", "v20.1", "v2.0", "20.", "latest", "v20.0/../x", ""})
    CHECK_FALSE(std::regex_match(version, patterns[1]));
}
