// SPDX-License-Identifier: Apache-2.0
// A manifest for one connection: templates, regions, and what a redirect says of both.

#include <catch2/catch.hpp>

#include "host/core/connection_manifest.hpp"
#include "host/core/learned.hpp"
#include "host/core/oauth.hpp"

using namespace koppel::core;
using values = std::map<std::string, std::string>;

namespace {

manifest atlas() {
  manifest m;
  m.auth.authorize_url = "https://{host}/authorize";
  m.auth.token_url = "https://{region.accounts}/token";
  m.auth.region_answer_path = "/api_domain";
  m.auth.region_answer_value = "api";
  m.auth.redirect_check_setting = "host";
  m.auth.redirect_check_prefix = "{domain}.{lane}.";
  m.auth.regions = {
      {"us", {{"location", "us"}, {"server", "https://a.us"}}, {{"accounts", "a.us"}, {"api", "api.us"}}},
      {"eu", {{"location", "eu"}, {"server", "https://a.eu"}}, {{"accounts", "a.eu"}, {"api", "api.eu"}}}};
  m.egress.resize(2);
  m.egress[0].host = "{region.api}";
  m.egress[1].host = "{host}";
  m.settings.resize(2);
  m.settings[0].name = "host";
  m.settings[0].type = setting_rule::kind::host;
  m.settings[1].name = "note";
  return m;
}

std::shared_ptr<const manifest> filled(const values& settings, const values& learned) {
  return manifest_for(std::make_shared<const manifest>(atlas()), settings, learned);
}

}  // namespace

TEST_CASE("templates take the connection's settings and the first region, until another was learned", "[auth][place]") {
  const auto first = filled({{"host", "acme.atlas.test"}}, {});
  CHECK(first->auth.authorize_url == "https://acme.atlas.test/authorize");
  CHECK(first->auth.token_url == "https://a.us/token");
  CHECK(first->egress[0].host == "api.us");
  CHECK(first->egress[1].host == "acme.atlas.test");
  CHECK(unfilled(*first).empty());
  const auto moved = filled({{"host", "acme.atlas.test"}}, {{region_key, "eu"}});
  CHECK(moved->auth.token_url == "https://a.eu/token");
  CHECK(moved->egress[0].host == "api.eu");
  CHECK(filled({}, {{region_key, "mars"}})->auth.token_url == "https://a.us/token");
}

TEST_CASE("a template without a value is found, and a value that looks like one is not filled again", "[auth][place]") {
  CHECK(unfilled(*filled({}, {})) == "host");
  CHECK(filled({{"host", "{region.api}"}}, {})->auth.authorize_url == "https://{region.api}/authorize");
}

TEST_CASE("an answer may name the connection's own servers in any region, and nobody else's", "[auth][place]") {
  const auto of_provider = std::make_shared<const manifest>(atlas());
  const auto servers = servers_of(of_provider, {{"host", "acme.atlas.test"}}, {{region_key, "us"}});
  CHECK(servers ==
        std::vector<std::string>{"https://acme.atlas.test/authorize", "https://a.us/token", "https://a.eu/token"});
  const auto problem_with = [&](const std::string& issuer) {
    const query_list query{{"code", "c"}, {"state", "s"}, {"iss", issuer}};
    return read_callback(of_provider->auth, query, servers).problem;
  };
  CHECK(problem_with("https://acme.atlas.test") == answer_problem::none);
  CHECK(problem_with("https://a.eu/") == answer_problem::none);
  CHECK(problem_with("https://other.atlas.test") == answer_problem::wrong_issuer);
  CHECK(problem_with("https://{host}") == answer_problem::wrong_issuer);
}

TEST_CASE("a manifest without templates is not copied", "[auth][place]") {
  manifest plain;
  plain.auth.token_url = "https://a.example/token";
  const auto of_provider = std::make_shared<const manifest>(plain);
  CHECK(manifest_for(of_provider, {}, {}) == of_provider);
  CHECK(manifest_for(nullptr, {}, {}) == nullptr);
}

TEST_CASE("a redirect chooses a region only where nothing that it says contradicts", "[auth][place]") {
  struct row {
    query_list redirect;
    std::string region;
    bool elsewhere;
  };
  const row r = GENERATE(row{{}, "", false}, row{{{"location", "eu"}}, "eu", false},
                         row{{{"server", "https://a.eu"}}, "eu", false},
                         row{{{"location", "eu"}, {"server", "https://a.eu"}}, "eu", false},
                         row{{{"location", "us"}, {"server", "https://a.eu"}}, "", true},
                         row{{{"location", "eu"}, {"server", "https://evil.example"}}, "", true},
                         row{{{"location", "EU"}}, "", true}, row{{{"location", ""}}, "", true});
  const auto place = place_of(atlas().auth, r.redirect, {});
  CHECK(place.region == r.region);
  CHECK(place.elsewhere == r.elsewhere);
}

TEST_CASE("a redirect of another customer's host is elsewhere, half of one proves nothing", "[auth][place]") {
  const values settings{{"host", "acme.my.atlas.test"}};
  const auto rules = atlas().auth;
  CHECK_FALSE(place_of(rules, {{"domain", "acme"}, {"lane", "my"}}, settings).elsewhere);
  CHECK_FALSE(place_of(rules, {{"domain", "ACME"}, {"lane", "my"}}, settings).elsewhere);
  CHECK(place_of(rules, {{"domain", "globex"}, {"lane", "my"}}, settings).elsewhere);
  CHECK(place_of(rules, {{"domain", "acme"}, {"lane", "preview"}}, settings).elsewhere);
  CHECK(place_of(rules, {{"domain", "acm"}, {"lane", "e.my"}}, settings).elsewhere);
  CHECK_FALSE(place_of(rules, {{"domain", "globex"}}, settings).elsewhere);
}

TEST_CASE("a token answer names a region by a host that the manifest has", "[auth][place]") {
  const auto rules = atlas().auth;
  CHECK(region_of_answer(rules, R"({"api_domain":"https://api.eu"})") == "eu");
  CHECK(region_of_answer(rules, R"({"api_domain":"https://API.eu/"})") == "eu");
  for (const auto* body : {R"({"api_domain":"https://api.eu.evil.example"})", R"({"api_domain":7})", "{}", "", "<html>",
                           R"({"api_domain":"https://api.eu@evil.example"})"})
    CHECK(region_of_answer(rules, body).empty());
}

TEST_CASE("of a pasted address the host is kept", "[auth][place]") {
  struct row {
    std::string pasted, host;
  };
  const row r = GENERATE(row{"https://Acme.my.workfront.com/login?x=1", "acme.my.workfront.com"},
                         row{" acme.my.workfront.com/ ", "acme.my.workfront.com"},
                         row{"\"http://acme.example:443#top\"", "acme.example"}, row{"acme", "acme"},
                         row{"https://user@acme.example", "user@acme.example"},
                         row{"https://acme.example:8443/", "acme.example:8443"}, row{"   ", ""});
  CHECK(host_in(r.pasted) == r.host);
  const auto stored = stored_settings(atlas(), {{"host", r.pasted}, {"note", " Kept: As/It is "}});
  values kept{{"note", " Kept: As/It is "}};
  if (!r.host.empty()) kept["host"] = r.host;
  CHECK(stored == kept);
}

TEST_CASE("a plugin is told its region, and can neither learn nor see what the host keeps", "[auth][place]") {
  values learned{{region_key, "eu"}};
  CHECK_FALSE(learn(learned, region_key, "us"));
  const auto told = job_settings(atlas(), {}, learned);
  CHECK(told == values{{"region", "eu"}, {"region.accounts", "a.eu"}, {"region.api", "api.eu"}});
}
