// SPDX-License-Identifier: Apache-2.0
// Manifests whose [auth] is each connection's own: types of settings, [auth.settings], presets; and the one of the
// generic plugin as it is.

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "host/core/setting_value.hpp"
#include "host/plugins/manifest_parser.hpp"

using namespace koppel::plugins;
using kind = koppel::core::setting_rule::kind;

namespace {

std::string generic() {
  std::ifstream file(SOURCES "/plugins/oauth2/manifest.toml");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string error_of(const std::string& text) {
  const auto m = parse_manifest(text);
  return m ? "" : m.error().detail;
}

std::string error_with(const std::string& what, const std::string& with) {
  auto text = generic();
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return error_of(text.replace(at, what.size(), with));
}

}  // namespace

TEST_CASE("the generic plugin's manifest has the whole form, and presets that fit it", "[plugins][manifest]") {
  const auto m = parse_manifest(generic());
  if (!m) FAIL(m.error().detail);
  CHECK(m->streams.empty());
  CHECK(m->find_setting("authorization_url")->type == kind::url);
  CHECK(m->find_setting("api_hosts")->type == kind::hosts);
  CHECK(m->find_setting("authorize_parameters")->type == kind::parameters);
  CHECK(m->find_setting("body_format")->choices == std::vector<std::string>{"form", "json"});
  CHECK(m->find_setting("private_hosts")->operator_only);
  CHECK(m->private_hosts_setting == "private_hosts");
  CHECK(m->auth.of_settings.scopes == "scopes");
  CHECK(m->title_setting == "service");

  for (const auto& preset : m->presets) {
    INFO(preset.name);
    if (!preset.plugin.empty()) continue;
    const auto stored = koppel::core::stored_settings(*m, preset.settings);
    CHECK(stored == preset.settings);
    CHECK(koppel::core::settings_refusal(*m, stored).empty());
  }
  CHECK(koppel::core::add_preset(*m, "google", {}).settings.at("authorize_parameters") ==
        "access_type=offline&prompt=consent");
  CHECK(koppel::core::add_preset(*m, "intercom-eu", {}).settings.at("token_url") ==
        "https://api.eu.intercom.io/auth/eagle/token");
  CHECK(koppel::core::add_preset(*m, "teamleader", {}).complaint.find("teamleader/NAME") != std::string::npos);
}

TEST_CASE("a word that is empty is no word that is absent", "[plugins][manifest]") {
  const auto names = [](const std::string& error, const std::string& what) {
    INFO(error);
    CHECK(error.find(what) != std::string::npos);
  };
  names(error_with("host = \"{api_hosts}\"", "host = \"{api_hosts}\"\nfor = \"\""),
        "egress[1].for: must be \"webhooks\"");
  names(error_with("host = \"{api_hosts}\"", "host = \"{api_hosts}\"\nfor = 1"), "egress[1].for: must be \"webhooks\"");
  names(error_with("default = \"space\"", "default = \"\""), "default: must be one of the choices, or absent");
  names(error_with("required_without = \"account_url\"", "required_without = \"\""),
        "required_without: must not be empty");
  names(error_with("plugin = \"zoho\"", "plugin = \"\""), "plugin: must not be empty");
  names(error_with("pkce = \"pkce\"", "pkce = \"\""), "auth.settings.pkce: must not be empty");
  names(error_with("title_setting = \"service\"", "title_setting = \"\""), "plugin.title_setting: must not be empty");
  names(error_with("title_setting = \"service\"", "title_setting = \"pkce\""), "names the setting \"pkce\"");
  names(error_with("window_s = 60", "window_s = 60\nheader_limit = \"\""), "header_limit: must not be empty");
  names(error_with("rotation = \"either\"", "rotation = \"\""), "rotation: must be one of");
}

TEST_CASE("a service's name is a short text that no page can take for something else", "[plugins][manifest]") {
  const auto m = parse_manifest(generic());
  REQUIRE(m.has_value());
  const auto& rule = *m->find_setting("service");
  using koppel::core::wrong_setting;
  for (const auto* fit : {"Google", "Société Générale", "Acme & Co. (EU) 'test'", "x"}) {
    INFO(fit);
    CHECK(wrong_setting(rule, fit).empty());
  }
  for (const auto& odd : {std::string("a\nb"), std::string("<b>x</b>"), std::string("{provider}"), std::string(65, 'a'),
                          std::string("a\0b", 3), std::string("a\x7f")}) {
    INFO(odd);
    CHECK_FALSE(wrong_setting(rule, odd).empty());
  }
}

TEST_CASE("what does not fit together in such a manifest is told with its place", "[plugins][manifest]") {
  const auto names = [](const std::string& error, const std::string& what) {
    INFO(error);
    CHECK(error.find(what) != std::string::npos);
  };
  names(error_with("\"{token_url}\"", "\"{scopes}\""), "{scopes} for a whole address");
  names(error_with("\"{token_url}\"", "\"{token_url}x\""), "auth.token_url: may have a template in one place");
  names(error_with("scopes = \"scopes\"", "scopes = \"nothing\""), "names the setting \"nothing\"");
  names(error_with("pkce = \"pkce\"", "pkce = \"body_format\""), "(a choice of yes, no)");
  names(error_with("private_hosts = \"private_hosts\"", "private_hosts = \"scopes\""), "names the setting \"scopes\"");
  names(error_with("[\"yes\", \"no\"]", "[\"yes\", \"no\", \"perhaps\"]"), "(a choice of yes, no)");
  names(error_with("default = \"yes\"", "default = \"perhaps\""), "default: must be one of: yes, no");
  names(error_with("type = \"url\"", "type = \"uri\""), "type: must be");
  names(error_with("type = \"hosts\"", "type = \"hosts\"\nchoices = [\"a\"]"), "is for type = \"choice\" alone");
  names(error_with("required_without = \"account_url\"", "required_without = \"x\""), "required_without a setting");
  names(error_with("token_url = \"https://oauth2.googleapis.com/token\"", "token_url = \"http://a.test/\""),
        "token_url: must be an https URL, not another scheme");
  names(error_with("refresh_token = \"required\"", "refresh = \"required\""), "is no setting of this manifest");
  names(error_with("plugin = \"zoho\"", "plugin = \"zoho\"\nsettings = { pkce = \"no\" }"), "are of no use beside");
  names(error_with("api_hosts = \"api.intercom.io\"", "private_hosts = \"api.intercom.io\""),
        "is for an operator to set");
  names(error_with("name = \"intercom-eu\"", "name = \"intercom\""), "is used twice");
  names(error_with("host = \"{account_url}\"", "host = \"{scopes}\""), "has the template {scopes}");
}
