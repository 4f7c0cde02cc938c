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
  m.auth.region_environments = {"trial"};
  m.auth.redirect_check_setting = "host";
  m.auth.redirect_check_prefix = "{domain}.{lane}.";
  m.auth.regions = {{"us",
                     {{"location", "us"}, {"server", "https://a.us"}},
                     {{"accounts", "a.us"}, {"api", "api.us"}, {"trial", "trial.us"}}},
                    {"eu",
                     {{"location", "eu"}, {"server", "https://a.eu"}},
                     {{"accounts", "a.eu"}, {"api", "api.eu"}, {"trial", "trial.eu"}}}};
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

TEST_CASE("an environment has its own host in place of the region's usual one, and shares the others",
          "[auth][place]") {
  const auto trial = filled({{"host", "acme.atlas.test"}}, {{region_key, "eu"}, {environment_key, "trial"}});
  CHECK(trial->auth.token_url == "https://a.eu/token");
  CHECK(trial->egress[0].host == "trial.eu");
  // One that the manifest does not have (any more) is none.
  for (const auto* other : {"accounts", "moon", ""})
    CHECK(filled({}, {{region_key, "eu"}, {environment_key, other}})->egress[0].host == "api.eu");

  values learned{{region_key, "us"}, {environment_key, "trial"}};
  CHECK(known_place(atlas().auth, learned) == account_place{"us", "trial"});
  remember_place(learned, {});
  CHECK(known_place(atlas().auth, learned) == account_place{"us", "trial"});
  remember_place(learned, {"eu", ""});
  CHECK(learned == values{{region_key, "eu"}});
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

TEST_CASE("texts name the service that a connection's settings lead to", "[auth][place]") {
  manifest m;
  m.title = "OAuth 2";
  m.title_setting = "service";
  m.auth.authorize_url = "{login}";
  m.auth.token_url = "{tokens}";
  m.settings.resize(3);
  m.settings[0].name = "service";
  m.settings[1].name = "login";
  m.settings[2].name = "tokens";
  m.presets.resize(2);
  m.presets[0] = {"house", "The House (EU)", {{"login", "https://a.test/x"}, {"tokens", "https://a.test/t"}}, ""};
  m.presets[1] = {"other", "Other", {{"login", "https://b.test/x"}, {"tokens", "https://b.test/t"}}, ""};
  const auto of_provider = std::make_shared<const manifest>(m);
  const auto title = [&](const values& settings) { return manifest_for(of_provider, settings, {})->title; };

  values settings{{"login", "https://b.test/x"}, {"tokens", "https://b.test/t"}};
  CHECK(title(settings) == "Other");
  settings["service"] = "Acme CRM";
  CHECK(title(settings) == "Acme CRM");
  // Half a preset's addresses are not its provider.
  CHECK(title({{"login", "https://b.test/x"}, {"tokens", "https://evil.test/t"}}) == "b.test");
  CHECK(title({{"login", "https://Accounts.Acme.test/auth?x=1"}, {"tokens", "https://acme.test/t"}}) ==
        "accounts.acme.test");
  CHECK(title({}) == "OAuth 2");

  m.presets[1].settings["service"] = "The other one";
  CHECK(manifest_for(std::make_shared<const manifest>(m),
                     {{"login", "https://b.test/x"}, {"tokens", "https://b.test/t"}}, {})
            ->title == "The other one");
}

TEST_CASE("a manifest remembers the addresses that it was filled with, and nothing else", "[auth][place]") {
  const auto acme = filled({{"host", "acme.atlas.test"}, {"note", "x"}}, {});
  CHECK(acme->filled_with == addresses_in(atlas(), {{"host", "acme.atlas.test"}, {"note", "y"}}));
  CHECK(acme->filled_with != addresses_in(atlas(), {{"host", "globex.atlas.test"}, {"note", "x"}}));
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

TEST_CASE("a token answer names a place by a host that the manifest has, and any other is told as unknown",
          "[auth][place]") {
  const auto rules = atlas().auth;
  const auto said = [&](const std::string& body) { return place_of_answer(rules, body); };
  for (const auto* body : {R"({"api_domain":"https://api.eu"})", R"({"api_domain":"https://API.eu/"})"}) {
    CHECK(said(body).where == account_place{"eu", ""});
    CHECK_FALSE(said(body).unknown);
  }
  CHECK(said(R"({"api_domain":"https://trial.us"})").where == account_place{"us", "trial"});
  // A host of the region that is no API host is no better than a stranger's.
  for (const auto* host : {"api.eu.evil.example", "preview.eu.example", "a.eu"}) {
    const auto place = said(R"({"api_domain":"https://)" + std::string(host) + "\"}");
    CHECK(place.unknown);
    CHECK(place.where == account_place{});
    CHECK(place.host == host);
  }
  for (const auto* body : {R"({"api_domain":7})", R"({"api_domain":"https://api.eu@evil.example"})",
                           R"({"api_domain":"https://10.0.0.1"})", R"({"api_domain":{"eu":"api.eu"}})"}) {
    CHECK(said(body).unknown);
    CHECK(said(body).host == "what is no host name");
  }
  for (const auto* silent : {"{}", "", "<html>", R"({"api_domain":null})", R"({"api_domain":""})"}) {
    CHECK_FALSE(said(silent).unknown);
    CHECK(said(silent).where == account_place{});
  }
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
  CHECK(told ==
        values{{"region", "eu"}, {"region.accounts", "a.eu"}, {"region.api", "api.eu"}, {"region.trial", "trial.eu"}});
  CHECK(job_settings(atlas(), {}, {{region_key, "eu"}, {environment_key, "trial"}}).at("region.api") == "trial.eu");
  CHECK_FALSE(learn(learned, environment_key, "trial"));
}
