// SPDX-License-Identifier: Apache-2.0
// The probe: whose account is this, with whatever was granted.
#include <koppel/testing/scripted_host.hpp>

#include <catch2/catch.hpp>
#include <set>

using namespace koppel::testing;

namespace {

/// An organisation where some requests are refused, each in a way of its own.
struct organisation {
  std::map<std::string, answer> refused;
  answer operator()(const asked& request) const {
    const auto line = request.path + (request.query.empty() ? "" : '?' + request.query);
    for (const auto& [begin, refusal] : refused)
      if (line.starts_with("/crm/v8" + begin)) return refusal;
    if (line == "/crm/v8/org")
      return {200, R"({"org":[{"id":"554023","company_name":"Pied Piper","type":"production","zgid":"1"}]})"};
    if (line == "/crm/v8/users?type=CurrentUser") return {200, R"({"users":[{"id":"55402307","full_name":"N D"}]})"};
    if (line.ends_with("&per_page=1")) return {204, ""};
    return {404, R"({"code":"INVALID_URL_PATTERN"})"};
  }
};

const answer no_scope{401, R"({"code":"OAUTH_SCOPE_MISMATCH","message":"invalid oauth scope to access this URL"})"};
const answer no_permission{403, R"({"code":"NO_PERMISSION","message":"permission denied"})"};
const answer no_module{400, R"({"code":"INVALID_MODULE"})"};

job_options options(std::map<std::string, std::string> settings = {}) {
  job_options out;
  out.settings = std::move(settings);
  out.settings["region.api"] = "www.zohoapis.eu";
  return out;
}

seen_outcome probe(const organisation& of, scripted_host& host, const job_options& with = options()) {
  host.probe(with);
  host.play(of);
  return host.outcome();
}

seen_outcome probe(const organisation& of) {
  scripted_host host(load_plugin(ZOHO_PLUGIN));
  return probe(of, host);
}

}  // namespace

TEST_CASE("the account is the organisation, with its kind", "[zoho][probe]") {
  const auto outcome = probe({});
  CHECK(outcome.error.empty());
  CHECK(outcome.account_id == "554023");
  CHECK(outcome.account_name == "Pied Piper");
  CHECK(outcome.account_environment == "production");
  CHECK(outcome.streams_refused.empty());
}

TEST_CASE("without the organisation the user stands for it, without both nobody knows whose account it is",
          "[zoho][probe]") {
  const auto outcome = probe({{{"/org", no_scope}}});
  CHECK(outcome.error.empty());
  CHECK(outcome.account_id == "user:55402307");
  CHECK(outcome.account_name == "N D");

  const auto nobody = probe({{{"/org", no_scope}, {"/users", no_permission}}});
  CHECK(nobody.error == "scope_missing");
  CHECK(nobody.http_status == 403);
}

TEST_CASE("an account does not become another one when a scope is given later", "[zoho][probe]") {
  scripted_host host(load_plugin(ZOHO_PLUGIN));
  CHECK(probe({{{"/org", no_scope}}}, host).account_id == "user:55402307");
  CHECK(probe({}, host, options(host.remembered())).account_id == "user:55402307");

  scripted_host other(load_plugin(ZOHO_PLUGIN));
  CHECK(probe({}, other).account_id == "554023");
  CHECK(probe({}, other, options(other.remembered())).account_id == "554023");
}

TEST_CASE("streams that the grant, the user or the edition does not permit are named, the connection stands",
          "[zoho][probe]") {
  using streams = std::vector<std::string>;
  CHECK(probe({{{"/Accounts", no_scope}}}).streams_refused == streams{"accounts"});
  CHECK(probe({{{"/Contacts", no_permission}}}).streams_refused == streams{"contacts"});
  CHECK(probe({{{"/Accounts", no_module}, {"/users?type=AllUsers", no_scope}}}).streams_refused ==
        streams{"accounts", "users"});
  CHECK(probe({{{"/Accounts", no_module}}}).error.empty());
}

TEST_CASE("an invalid token or a provider in trouble is no missing permission", "[zoho][probe]") {
  CHECK(probe({{{"/Contacts", {401, R"({"code":"INVALID_TOKEN"})"}}}}).error == "authorise_again");
  CHECK(probe({{{"/org", {500, ""}}}}).error == "try_again");
  CHECK(probe({{{"/users", {429, R"({"code":"TOO_MANY_REQUESTS"})"}}}}).error == "try_again");
  CHECK(probe({{{"/org", {500, ""}}}}).account_id.empty());
}
