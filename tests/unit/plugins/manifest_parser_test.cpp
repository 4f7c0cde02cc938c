// SPDX-License-Identifier: Apache-2.0
// manifest.toml: what is read, and what is said about each mistake.

#include "host/plugins/manifest_parser.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace koppel::plugins;
using koppel::core::auth_rules;
using koppel::core::limit_rule;
using koppel::core::stream_rule;

namespace {

const std::string complete = R"([plugin]
name = "teamleader"
version = "0.1.0"
title = "Teamleader Focus"
abi = 1
mapping_version = 3
cursor_version = 2

[auth]
kind = "authorization_code"
authorize_url = "https://focus.teamleader.eu/oauth2/authorize"
token_url = "https://focus.teamleader.eu/oauth2/access_token"
client_authentication = "basic"
body_format = "json"
pkce = true
send_scope = true
scopes = ["companies", "contacts"]
code_lifetime_s = 120
rotation = "never"
default_redirect_uri = "https://app.testocloud.be/"
token_error_paths = { title = "/errors/0/title", hint = "/errors/0/meta/hint" }
extra_authorize_parameters = { access_type = "offline" }

[[auth.refusal]]
grant = "authorization_code"
status = 400
title = "invalid_grant"
reason = "code_refused"

[[auth.refusal]]
reason = "unclear"

[[egress]]
host = "api.focus.teamleader.eu"
methods = ["POST"]
paths = ["/companies.list", "/v2/*"]

[[limit]]
name = "minute"
bucket = ["client", "account"]
requests = 200
window_s = 60
at_once = 9
header_limit = "x-ratelimit-limit"
header_remaining = "x-ratelimit-remaining"
header_reset = "x-ratelimit-reset"
reset_format = "iso8601"

[[setting]]
name = "division"
label = { nl = "Divisie", fr = "Division", en = "Division" }
help = { nl = "h", fr = "h", en = "h" }
pattern = "[0-9]{1,6}"
default = "12"
required = true

[identity]
id = "account_id"

[[stream]]
name = "companies"
entity = "company"
interval_s = 60
full_interval_s = 3600
deletions = "reported"
scope = "companies"
scope_label = { nl = "Bedrijven", fr = "Entreprises", en = "Companies" }

[[stream]]
name = "deals"
entity = "teamleader.deal"
deletions = "none"

[[guide.step]]
nl = "Klik op Integraties"
fr = "Cliquez sur Integrations"
en = "Click Integrations"
)";

std::string replaced(const std::string& what, const std::string& with) {
  std::string text = complete;
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), with);
}

std::string error_of(const std::string& text) {
  const auto m = parse_manifest(text);
  return m ? "" : m.error().detail;
}

/// The error after one replacement in the complete manifest.
std::string error_with(const std::string& what, const std::string& with) { return error_of(replaced(what, with)); }

}  // namespace

TEST_CASE("every key of a manifest arrives where it belongs", "[plugins][manifest]") {
  const auto m = parse_manifest(complete);
  if (!m) FAIL(m.error().detail);

  CHECK(m->name == "teamleader");
  CHECK(m->version == "0.1.0");
  CHECK(m->title == "Teamleader Focus");
  CHECK(m->abi_major == 1);
  CHECK(m->mapping_version == 3);
  CHECK(m->cursor_version == 2);

  const auth_rules& a = m->auth;
  CHECK(a.kind == koppel::core::auth_rules::grant::authorization_code);
  CHECK(a.authorize_url == "https://focus.teamleader.eu/oauth2/authorize");
  CHECK(a.token_url == "https://focus.teamleader.eu/oauth2/access_token");
  CHECK(a.authentication == auth_rules::client_authentication::basic);
  CHECK(a.format == auth_rules::body_format::json);
  CHECK(a.pkce);
  CHECK(a.send_scope);
  CHECK(a.scopes == std::vector<std::string>{"companies", "contacts"});
  CHECK(a.code_lifetime == std::chrono::seconds{120});
  CHECK(a.rotates == auth_rules::rotation::never);
  CHECK(a.default_redirect_uri == "https://app.testocloud.be/");
  CHECK(a.error_title_path == "/errors/0/title");
  CHECK(a.error_hint_path == "/errors/0/meta/hint");
  CHECK(a.extra_authorize_parameters.at("access_type") == "offline");
  REQUIRE(a.refusals.size() == 2);
  CHECK(a.refusals[0].grant == "authorization_code");
  CHECK(a.refusals[0].status == 400);
  CHECK(a.refusals[0].title == "invalid_grant");
  CHECK(a.refusals[0].reason == "code_refused");
  CHECK(a.refusals[1].grant.empty());
  CHECK_FALSE(a.refusals[1].status);

  REQUIRE(m->egress.size() == 1);
  CHECK(m->egress[0].host == "api.focus.teamleader.eu");
  CHECK(m->egress[0].methods == std::vector<std::string>{"POST"});
  CHECK(m->egress[0].paths == std::vector<std::string>{"/companies.list", "/v2/*"});
  REQUIRE(m->limits.size() == 1);
  CHECK(m->limits[0].bucket == std::vector<std::string>{"client", "account"});
  CHECK(m->limits[0].requests == 200);
  CHECK(m->limits[0].window == std::chrono::seconds{60});
  CHECK(m->limits[0].at_once == 9);
  CHECK(m->limits[0].header_reset == "x-ratelimit-reset");
  CHECK(m->limits[0].reset == limit_rule::reset_format::iso8601);
  REQUIRE(m->settings.size() == 1);
  CHECK(m->settings[0].label.nl == "Divisie");
  CHECK(m->settings[0].default_value == "12");
  CHECK(m->settings[0].required);
  REQUIRE(m->streams.size() == 2);
  CHECK(m->streams[0].interval == std::chrono::seconds{60});
  CHECK(m->streams[0].full_interval == std::chrono::seconds{3600});
  CHECK(m->streams[0].deletion == stream_rule::deletions::reported);
  CHECK(m->streams[0].scope == "companies");
  CHECK(m->streams[0].scope_label.nl == "Bedrijven");
  CHECK(m->streams[0].scope_label.fr == "Entreprises");
  CHECK(m->streams[0].scope_label.en == "Companies");
  CHECK(m->streams[1].scope_label.en.empty());
  CHECK(m->streams[1].entity == "teamleader.deal");
  REQUIRE(m->guide.size() == 1);
  CHECK(m->guide[0].fr == "Cliquez sur Integrations");
}

TEST_CASE("absent keys have the defaults that the manual names", "[plugins][manifest]") {
  const auto m = parse_manifest(R"([plugin]
name = "a"
version = "1.0.0"
title = "A"
abi = 1
[auth]
kind = "authorization_code"
authorize_url = "https://example.com/a"
token_url = "https://example.com/t"
[[egress]]
host = "example.com"
methods = ["GET"]
paths = ["/x"]
[[stream]]
name = "s"
entity = "user"
deletions = "absence"
)");
  if (!m) FAIL(m.error().detail);
  CHECK(m->mapping_version == 1);
  CHECK(m->cursor_version == 1);
  CHECK(m->auth.authentication == auth_rules::client_authentication::body);
  CHECK(m->auth.format == auth_rules::body_format::form);
  CHECK(m->auth.rotates == auth_rules::rotation::every_refresh);
  CHECK(m->auth.code_lifetime == std::chrono::seconds{600});
  CHECK_FALSE(m->auth.pkce);
  CHECK(m->streams[0].interval == std::chrono::seconds{300});
  CHECK(m->streams[0].full_interval == std::chrono::seconds{86400});
}

TEST_CASE("an unknown key is an error with line and column, in every table", "[plugins][manifest]") {
  CHECK(error_with("abi = 1", "abi = 1\ncolour = \"red\"") ==
        "its manifest is wrong: line 6, column 1: plugin.colour: is not a key that Koppel knows");
  CHECK(error_with("pkce = true", "pcke = true").find("auth.pcke: is not a key") != std::string::npos);
  CHECK(error_with("requests = 200", "requests = 200\nburst = 3").find("limit[1].burst: is not") != std::string::npos);
  CHECK(error_with("interval_s = 60", "interval = 60").find("stream[1].interval: is not") != std::string::npos);
  CHECK(error_with("status = 400", "code = 400").find("auth.refusal[1].code: is not") != std::string::npos);
  CHECK(error_with("id = \"account_id\"", "id = \"account_id\"\nx = 1").find("identity.x: is not") !=
        std::string::npos);
  CHECK(error_with("en = \"Click Integrations\"", "en = \"C\"\nde = \"K\"").find("guide.step[1].de: is not") !=
        std::string::npos);
  CHECK(error_with("[identity]", "[webhooks]\n[identity]").find("webhooks: is not") != std::string::npos);
  CHECK(error_with("hint = \"/errors/0/meta/hint\" }", "hints = \"/x\" }").find("token_error_paths.hints: is not") !=
        std::string::npos);
}

TEST_CASE("a wrong value is named with its key, line and what is expected", "[plugins][manifest]") {
  struct mistake {
    std::string what, with, said;
  };
  const mistake m = GENERATE(
      mistake{"name = \"teamleader\"", "name = \"Team Leader\"", "line 2, column 8: plugin.name: must be a name"},
      mistake{"name = \"teamleader\"", "", "line 1, column 1: plugin.name: is missing"},
      mistake{"name = \"teamleader\"", "name = \"\"", "plugin.name: must not be empty"},
      mistake{"name = \"teamleader\"", "name = 7", "plugin.name: must be a string"},
      mistake{"version = \"0.1.0\"", "version = \"first\"", "plugin.version: must be a version"},
      mistake{"abi = 1", "abi = 0", "plugin.abi: must be a whole number from 1 to 65535"},
      mistake{"abi = 1", "abi = \"1\"", "plugin.abi: must be a whole number"},
      mistake{"abi = 1", "abi = 1.0", "plugin.abi: must be a whole number"},
      mistake{"kind = \"authorization_code\"", "kind = \"magic\"",
              "auth.kind: must be one of \"authorization_code\", \"client_key\""},
      mistake{"https://focus.teamleader.eu/oauth2/authorize", "http://focus.teamleader.eu/oauth2/authorize",
              "auth.authorize_url: must be an https URL"},
      mistake{"https://focus.teamleader.eu/oauth2/access_token", "https://10.0.0.1/token",
              "auth.token_url: must be an https URL of a host"},
      mistake{"https://focus.teamleader.eu/oauth2/access_token", "https://user:pw@focus.teamleader.eu/t",
              "auth.token_url: must be an https URL without user"},
      mistake{"client_authentication = \"basic\"", "client_authentication = \"query\"",
              "auth.client_authentication: must be one of \"body\", \"basic\", \"basic_plain\""},
      mistake{"pkce = true", "pkce = \"yes\"", "auth.pkce: must be true or false"},
      mistake{"scopes = [\"companies\", \"contacts\"]", "scopes = [\"companies\", 3]",
              "auth.scopes: must be a list of strings"},
      mistake{"code_lifetime_s = 120", "code_lifetime_s = 0", "auth.code_lifetime_s: must be a whole number from 1"},
      mistake{"title = \"/errors/0/title\"", "title = \"errors.title\"",
              "auth.token_error_paths.title: must be a JSON pointer"},
      mistake{"{ access_type = \"offline\" }", "{ redirect_uri = \"x\" }", "is a parameter that Koppel sets itself"},
      mistake{"reason = \"code_refused\"", "reason = \"bad_luck\"", "auth.refusal[1].reason: must be one of"},
      mistake{"host = \"api.focus.teamleader.eu\"", "host = \"https://api.focus.teamleader.eu\"",
              "egress[1].host: must be a host name in lower case like \"api.example.com\", without a scheme"},
      mistake{"host = \"api.focus.teamleader.eu\"", "host = \"*.teamleader.eu\"", "without a wildcard"},
      mistake{"host = \"api.focus.teamleader.eu\"", "host = \"127.0.0.1\"", "not an IP address"},
      mistake{"host = \"api.focus.teamleader.eu\"", "host = \"10.1\"", "not an IP address"},
      mistake{"host = \"api.focus.teamleader.eu\"", "host = \"::1\"", "egress[1].host: must be a host name"},
      mistake{"host = \"api.focus.teamleader.eu\"", "host = \"API.teamleader.eu\"",
              "egress[1].host: must be a host name"},
      mistake{"host = \"api.focus.teamleader.eu\"", "host = \"localhost\"", "egress[1].host: must be a host name"},
      mistake{"host = \"api.focus.teamleader.eu\"", "host = \"a..b.eu\"", "egress[1].host: must be a host name"},
      mistake{"methods = [\"POST\"]", "methods = [\"post\"]", "egress[1].methods: must be of GET"},
      mistake{"methods = [\"POST\"]", "methods = []", "egress[1].methods: must not be empty"},
      mistake{"\"/v2/*\"", "\"/v*/x\"", "egress[1].paths: must be a path"},
      mistake{"\"/v2/*\"", "\"*\"", "egress[1].paths: must be a path"},
      mistake{"\"/v2/*\"", "\"/v2/../x\"", "egress[1].paths: must be a path"},
      mistake{"\"/v2/*\"", "\"/v2?x=1\"", "egress[1].paths: must be a path"},
      mistake{"bucket = [\"client\", \"account\"]", "bucket = [\"planet\"]", "limit[1].bucket: must be of"},
      mistake{"window_s = 60", "window_s = -1", "limit[1].window_s: must be a whole number from 1"},
      mistake{"at_once = 9", "at_once = 1001", "limit[1].at_once: must be a whole number from 0"},
      mistake{"header_limit = \"x-ratelimit-limit\"", "header_limit = \"X-RateLimit\"",
              "limit[1].header_limit: must be a header name in lower case"},
      mistake{"pattern = \"[0-9]{1,6}\"", "pattern = \"[0-9\"", "setting[1].pattern: must be a regular expression"},
      mistake{"default = \"12\"", "default = \"twelve\"", "setting[1].default: does not match the pattern"},
      mistake{"default = \"12\"", "default = \"12\"\nsecret = true",
              "setting[1].secret: must be absent or false: secret settings are not supported yet"},
      mistake{"default = \"12\"", "default = \"" + std::string(1025, '1') + "\"",
              "setting[1].default: must have at most 1024 bytes"},
      mistake{"label = { nl = \"Divisie\", fr", "label = { fr", "setting[1].label.nl: is missing"},
      mistake{"entity = \"company\"", "entity = \"invoice\"",
              "stream[1].entity: must be company, contact, department, project, user, or \"teamleader.<entity>\""},
      mistake{"entity = \"teamleader.deal\"", "entity = \"zoho.deal\"", "stream[2].entity: must be"},
      mistake{"interval_s = 60", "interval_s = 0", "stream[1].interval_s: must be a whole number from 1"},
      mistake{"deletions = \"reported\"", "", "stream[1].deletions: is missing"},
      mistake{"scope = \"companies\"", "scope = \"deals\"", "stream[1].scope: must be one of auth.scopes"},
      mistake{"nl = \"Bedrijven\", fr", "fr", "stream[1].scope_label.nl: is missing"},
      mistake{"scope = \"companies\"", "", "stream[1].scope_label: names a scope, and this stream has none"},
      mistake{"name = \"deals\"", "name = \"companies\"", "stream[2].name: is used twice"},
      mistake{"entity = \"teamleader.deal\"\ndeletions = \"none\"", "entity = \"company\"\ndeletions = \"absence\"",
              "stream[2].entity: is read by the stream \"companies\" too; where deletions show by absence"},
      mistake{"[[guide.step]]", "[guide.step]", "guide.step: must be a list of tables, [[guide.step]]"},
      mistake{"[[egress]]", "[egress]", "egress: must be a list of tables, [[egress]]"});
  CAPTURE(m.with);
  const std::string error = error_with(m.what, m.with);
  CAPTURE(error);
  CHECK(error.find(m.said) != std::string::npos);
}

TEST_CASE("an environment that an answer may name is a value of the regions, and each is another",
          "[plugins][manifest]") {
  const auto with = [](const std::string& environments) {
    return replaced("extra_authorize_parameters = { access_type = \"offline\" }\n",
                    "region_answer = { pointer = \"/api_domain\", value = \"api\", environments = " + environments +
                        " }\n[[auth.region]]\nname = \"eu\"\nredirect = { location = \"eu\" }\n"
                        "values = { api = \"www.atlas.eu\", trial = \"trial.atlas.eu\" }\n");
  };
  const auto m = parse_manifest(with(R"(["trial"])"));
  if (!m) FAIL(m.error().detail);
  CHECK(m->auth.region_environments == std::vector<std::string>{"trial"});
  CHECK(error_of(with(R"(["moon"])")).find("auth.region_answer.environments: must be values of a region") !=
        std::string::npos);
  for (const auto* twice : {R"(["api"])", R"(["trial", "trial"])"})
    CHECK(error_of(with(twice)).find("environments: must differ from value and each other") != std::string::npos);
}

TEST_CASE("an author sees the first ten mistakes at once, and how many more there are", "[plugins][manifest]") {
  std::string text = complete;
  for (int i = 0; i < 13; ++i) text = "unknown_" + std::to_string(i) + " = 1\n" + text;
  const std::string error = error_of(text);
  CHECK(error.find("unknown_0:") != std::string::npos);
  CHECK(error.find("line 13, column 1") != std::string::npos);
  CHECK(error.ends_with("; and 3 more"));
}

TEST_CASE("text that is not TOML is refused with its place", "[plugins][manifest]") {
  CHECK(error_of("[plugin\n").find("line 1") != std::string::npos);
  CHECK(error_with("abi = 1", "abi = 1\nabi = 1").find("line 6") != std::string::npos);  // a key twice
  CHECK_FALSE(error_of("").empty());
  CHECK_FALSE(error_of(std::string(1000, '\0')).empty());
  CHECK_FALSE(error_of("x = \"\xff\"").empty());
  CHECK_FALSE(error_of("x = " + std::string(100'000, '[')).empty());
  CHECK(error_of(std::string(300'000, ' ')) == "the manifest is larger than 256 KiB");
}

TEST_CASE("odd keys and values reach no log unescaped", "[plugins][manifest]") {
  const std::string error = error_of("\"a\\u001b[31m\\n\" = 1\n" + complete);
  CHECK(error.find("a\\x1b[31m\\n: is not a key") != std::string::npos);
  CHECK(error.find('\x1b') == std::string::npos);
}

TEST_CASE("every truncation of a manifest is read or refused, never a crash", "[plugins][manifest]") {
  std::size_t refused = 0;
  for (std::size_t length = 0; length < complete.size(); length += 3)
    if (!parse_manifest(complete.substr(0, length))) ++refused;
  CHECK(refused > 500);
}

TEST_CASE("only a manifest that lies alone says how its streams are read, and it has to", "[plugins][manifest]") {
  const std::string described = complete + R"(
[stream.read]
anything = 1
[stream.fields]
anything = 2
[api]
[probe]
)";
  CHECK(error_of(described).find("stream[2].read: is not a key that Koppel knows") != std::string::npos);
  const auto alone = parse_manifest(complete, manifest_form::alone);
  REQUIRE_FALSE(alone.has_value());
  for (const auto* missing :
       {"stream[1].read: is missing", "stream[1].fields: is missing", "api: is missing", "probe: is missing"})
    CHECK(alone.error().detail.find(missing) != std::string::npos);
}

TEST_CASE("a manifest in a library may have field tables, which are no empty ones", "[plugins][manifest]") {
  CHECK(parse_manifest(complete + "[stream.fields]\nname = \"/name\"\n").has_value());
  CHECK(error_of(complete + "[stream.fields]\n").find("stream[2].fields: must have a field") != std::string::npos);
}
