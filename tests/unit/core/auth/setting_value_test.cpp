// SPDX-License-Identifier: Apache-2.0
// What may be given as a setting, how it is stored, what a preset adds; and a manifest whose [auth] settings have.

#include <catch2/catch.hpp>

#include "host/core/connection_manifest.hpp"
#include "host/core/egress.hpp"
#include "host/core/learned.hpp"
#include "host/core/setting_value.hpp"

using namespace koppel::core;
using kind = setting_rule::kind;
using values = std::map<std::string, std::string>;

namespace {

setting_rule rule(const std::string& name, kind type, const std::string& default_value = "") {
  setting_rule r;
  r.name = name;
  r.type = type;
  r.default_value = default_value;
  return r;
}

manifest generic() {
  manifest m;
  m.title = "OAuth 2";
  m.auth.authorize_url = "{authorization_url}";
  m.auth.token_url = "{token_url}";
  m.auth.of_settings = {"scopes", "scope_separator", "parameters", "authentication", "body_format",
                        "pkce",   "refresh_token",   "code_life",  "prefix"};
  m.private_hosts_setting = "private_hosts";
  m.egress = {{"{api_hosts}", {"GET", "POST"}, {"/*"}}, {"{account_url}", {"GET"}, {"/*"}}};
  m.settings = {rule("authorization_url", kind::url), rule("token_url", kind::url),
                rule("scopes", kind::text),           rule("parameters", kind::parameters),
                rule("api_hosts", kind::hosts),       rule("private_hosts", kind::hosts),
                rule("account_url", kind::url),       rule("account", kind::text),
                rule("code_life", kind::text, "600"), rule("prefix", kind::text, "Bearer")};
  const auto choice = [&m](const std::string& name, std::vector<std::string> choices) {
    auto r = rule(name, kind::choice, choices.front());
    r.choices = std::move(choices);
    m.settings.push_back(std::move(r));
  };
  choice("scope_separator", {"space", "comma"});
  choice("authentication", {"body", "basic"});
  choice("body_format", {"form", "json"});
  choice("pkce", {"yes", "no"});
  choice("refresh_token", {"optional", "required"});
  m.settings[0].required = m.settings[1].required = true;
  m.settings[5].operator_only = true;
  m.settings[7].required_without = "account_url";
  m.presets = {
      {"acme", "Acme", {{"authorization_url", "https://a.test/auth"}, {"token_url", "https://a.test/token"}}, ""},
      {"zoho", "Zoho CRM", {}, "zoho"}};
  return m;
}

const values least{{"authorization_url", "https://login.test.example/auth"},
                   {"token_url", "https://login.test.example/token"},
                   {"account", "ours"}};

values with(const std::string& name, const std::string& value) {
  auto all = least;
  all[name] = value;
  return all;
}

std::string wrong(const std::string& name, const std::string& value) {
  const auto m = generic();
  return settings_refusal(m, stored_settings(m, with(name, value)));
}

std::shared_ptr<const manifest> filled(const values& settings) {
  const auto m = std::make_shared<const manifest>(generic());
  return manifest_for(m, stored_settings(*m, settings), {});
}

}  // namespace

TEST_CASE("a pasted address is stored as one, and whatever could lead elsewhere is refused", "[auth][settings]") {
  const auto m = generic();
  const auto stored = [&m](const std::string& value) {
    return stored_settings(m, {{"token_url", value}})["token_url"];
  };
  CHECK(stored(" <https://Login.Example.COM:443/oauth/Token?x=Y> ") == "https://login.example.com/oauth/Token?x=Y");
  CHECK(stored("login.example.com/token") == "https://login.example.com/token");
  CHECK(wrong("token_url", "https://login.example.com/token").empty());

  for (const auto* address : {"http://login.example.com/token",
                              "https://user:secret@login.example.com/",
                              "https://login.example.com/#x",
                              "https://login.example.com:8443/",
                              "https://127.0.0.1/token",
                              "https://[::1]/token",
                              "https://[::ffff:127.0.0.1]/",
                              "https://2130706433/",
                              "https://0x7f.1/",
                              "https://0x7f000001/",
                              "https://0177.0.0.1/",
                              "https://127.1/",
                              "https://169.254.169.254/latest",
                              "https://localhost/",
                              "https://localhost:443/token",
                              "ftp://login.example.com/",
                              "https://",
                              "https:///token",
                              "https://login.example.com\\@evil.test/",
                              "https://exa mple.com/",
                              "https://xn--/",
                              "https://login.example.com/access\\_token",
                              "https://1.1.1.1.",
                              "https://例え.test/"}) {
    INFO(address);
    const auto said = wrong("token_url", address);
    INFO(said);
    const bool refused = said.find("must be an https URL") != std::string::npos ||
                         said.find("its host must be a host name") != std::string::npos;
    CHECK(refused);
  }
}

TEST_CASE("each kind of setting says what it takes", "[auth][settings]") {
  CHECK(wrong("api_hosts", "https://API.example.com/v2, other.example.com").empty());
  CHECK(stored_settings(generic(), {{"api_hosts", "https://API.example.com/v2,  b.test"}})["api_hosts"] ==
        "api.example.com b.test");
  CHECK(wrong("api_hosts", "127.0.0.1").find("not an IP address") != std::string::npos);
  CHECK(wrong("api_hosts", "*.example.com").find("without a wildcard") != std::string::npos);
  CHECK(wrong("pkce", "maybe") == "The setting \"pkce\" must be one of: yes, no.");
  CHECK(wrong("parameters", "?access_type=offline&prompt=consent").empty());
  for (const auto* parameters : {"client_id=x", "a=1&a=2", "access_type", "a=b#c", "a=%zz", "=b", "redirect%5Furi=x"}) {
    INFO(parameters);
    CHECK(wrong("parameters", parameters).find("must be parameters like") != std::string::npos);
  }
  CHECK(wrong("nonsense", "x").starts_with("OAuth 2 has no setting \"nonsense\"; it has "));
  CHECK(wrong("scopes", std::string(1025, 'a')).find("is longer than 1024 bytes") != std::string::npos);
}

TEST_CASE("a setting may be needed where another has nothing", "[auth][settings]") {
  CHECK(wrong("account", "").starts_with("OAuth 2 needs the setting \"account\", or \"account_url\""));
  auto asked = with("account", "");
  asked["account_url"] = "https://api.example.com/me";
  CHECK(settings_refusal(generic(), asked).empty());
  CHECK(wrong("token_url", "").starts_with("OAuth 2 needs the setting \"token_url\""));
  CHECK(operators_setting(generic(), least, with("private_hosts", "a.b")) == "private_hosts");
  CHECK(operators_setting(generic(), with("private_hosts", "a.b"), with("private_hosts", "a.b c.d")) ==
        "private_hosts");
  CHECK(operators_setting(generic(), with("private_hosts", "a.b"), with("private_hosts", "a.b")).empty());
  CHECK(operators_setting(generic(), least, least).empty());
}

TEST_CASE("a preset fills what was not given, and one with a plugin of its own says so", "[auth][settings]") {
  const auto m = generic();
  const auto acme = add_preset(m, "acme", {{"token_url", "https://b.test/token"}});
  CHECK(acme.complaint.empty());
  CHECK(acme.settings == values{{"authorization_url", "https://a.test/auth"}, {"token_url", "https://b.test/token"}});
  CHECK(add_preset(m, "", least).settings == least);
  CHECK(add_preset(m, "zoho", {}).complaint ==
        "Zoho CRM has a plugin of its own, which reads it: koppelctl connection add zoho/NAME --app APP.");
  CHECK(add_preset(m, "nobody", {}).complaint == "OAuth 2 has no preset \"nobody\"; it has acme, zoho.");
  CHECK(add_preset({}, "acme", {}).complaint.ends_with("it has none."));
}

TEST_CASE("an empty setting is one that was not given, wherever it is read", "[auth][settings]") {
  const auto m = std::make_shared<const manifest>(generic());
  auto emptied = least;
  for (const auto* name : {"pkce", "scope_separator", "authentication", "body_format", "refresh_token", "code_life",
                           "prefix", "api_hosts"})
    emptied[name] = "";
  CHECK(settings_refusal(*m, emptied).empty());
  CHECK(stored_settings(*m, emptied) == stored_settings(*m, least));
  // Rows that were stored before.
  const auto own = manifest_for(m, emptied, {}), plain = manifest_for(m, least, {});
  CHECK(own->auth.pkce);
  CHECK(own->auth.code_lifetime == plain->auth.code_lifetime);
  CHECK(own->auth.token_prefix == plain->auth.token_prefix);
  CHECK_FALSE(leads_to(*m, emptied, least).another_address);
  CHECK(job_settings(*m, emptied, {}) == job_settings(*m, least, {}));
  auto with_pattern = rule("life", kind::text, "600");
  with_pattern.pattern = "[1-9][0-9]*";
  CHECK(wrong_setting(with_pattern, "").empty());
  CHECK_FALSE(wrong_setting(with_pattern, "0").empty());
}

TEST_CASE("another address and an added host lead elsewhere, a host that is taken away does not", "[auth][settings]") {
  const auto m = generic();
  const auto from = with("api_hosts", "a.test b.test");
  const auto leads = [&](const std::string& name, const std::string& value) {
    auto after = from;
    after[name] = value;
    return leads_to(m, from, after);
  };
  CHECK(leads("api_hosts", "b.test a.test").none());
  CHECK(leads("api_hosts", "b.test").none());
  CHECK(leads("api_hosts", "").none());
  CHECK(leads("private_hosts", "c.test").none());
  CHECK(leads("scopes", "x").none());
  const auto added = leads("api_hosts", "a.test c.test b.test d.test");
  CHECK(added.list == "api_hosts");
  CHECK(added.added == std::vector<std::string>{"c.test", "d.test"});
  CHECK_FALSE(added.another_address);
  // One for another is one that is added.
  CHECK(leads("api_hosts", "a.test c.test").added == std::vector<std::string>{"c.test"});
  CHECK(leads("token_url", "https://elsewhere.test/token").another_address);
  CHECK(leads("account_url", "https://elsewhere.test/me").another_address);
}

TEST_CASE("who issues tokens is a claim where a setting names the whole token endpoint", "[auth][settings]") {
  auto m = generic();
  CHECK(issuer_setting(m, least) == "https://login.test.example/token");
  CHECK(issuer_setting(m, {}).empty());
  m.auth.token_url = "https://login.test.example/token";
  CHECK(issuer_setting(m, least).empty());
  m.auth.token_url = "https://{api_hosts}/token";
  CHECK(issuer_setting(m, with("api_hosts", "a.test")).empty());
}

TEST_CASE("settings say what [auth] is for a connection", "[auth][settings]") {
  auto all = least;
  all.insert({{"scopes", "a  b"},
              {"scope_separator", "comma"},
              {"parameters", "access_type=offline&x=%26"},
              {"authentication", "basic"},
              {"body_format", "json"},
              {"pkce", "no"},
              {"refresh_token", "required"},
              {"code_life", "300"},
              {"prefix", "Token"}});
  const auto own = filled(all);
  const auto& rules = own->auth;
  CHECK(unfilled(*own).empty());
  CHECK(rules.authorize_url == "https://login.test.example/auth");
  CHECK(rules.token_url == "https://login.test.example/token");
  CHECK(rules.scopes == std::vector<std::string>{"a", "b"});
  CHECK(rules.send_scope);
  CHECK(rules.scope_separator == ",");
  CHECK(rules.extra_authorize_parameters == values{{"access_type", "offline"}, {"x", "&"}});
  CHECK(rules.authentication == auth_rules::client_authentication::basic);
  CHECK(rules.format == auth_rules::body_format::json);
  CHECK_FALSE(rules.pkce);
  CHECK(rules.refresh_token_required);
  CHECK(rules.code_lifetime == std::chrono::seconds{300});
  CHECK(rules.token_prefix == "Token ");

  const auto plain = filled(least);
  CHECK(plain->auth.pkce);
  CHECK_FALSE(plain->auth.send_scope);
  CHECK_FALSE(plain->auth.refresh_token_required);
  CHECK(plain->auth.token_prefix == "Bearer ");
  CHECK(filled({})->auth.token_url == "{token_url}");
  CHECK(unfilled(*filled({})) == "authorization_url");
}

TEST_CASE("requests go to the hosts that a connection's settings name, and nowhere else", "[auth][settings]") {
  auto all = with("api_hosts", "api.a.test api.b.test");
  all["account_url"] = "https://who.test/me";
  all["private_hosts"] = "api.b.test";
  const auto own = filled(all);
  CHECK(egress_refusal(*own, "POST", "https://api.a.test/x").empty());
  CHECK(egress_refusal(*own, "GET", "https://api.b.test/x").empty());
  CHECK(egress_refusal(*own, "GET", "https://who.test/me").empty());
  CHECK(egress_refusal(*own, "POST", "https://who.test/me").find("method") != std::string::npos);
  CHECK(egress_refusal(*own, "GET", "https://login.test.example/token").find("not declared") != std::string::npos);
  CHECK(may_be_private(*own, "https://API.b.test/x"));
  CHECK_FALSE(may_be_private(*own, "https://api.a.test/x"));
  CHECK_FALSE(may_be_private(*own, "https://sub.api.b.test/x"));

  const auto none = filled(least);
  CHECK(none->egress.empty());
  CHECK_FALSE(may_be_private(*none, "https://api.b.test/x"));
  CHECK(egress_refusal(*none, "GET", "https://api.a.test/x").find("not declared") != std::string::npos);
}
