// SPDX-License-Identifier: Apache-2.0
// What the control socket takes for a setting.

#include "host/api/input.hpp"

#include <catch2/catch.hpp>

using namespace koppel;

TEST_CASE("a setting of any length is answered with a sentence, and no pattern sees more than 1 KiB", "[api]") {
  core::manifest m;
  m.title = "Example";
  m.settings.resize(1);
  m.settings[0].name = "division";
  m.settings[0].pattern = "(a|b)*";
  m.settings[0].help.en = "letters a and b";
  const auto refusal = [&](const std::string& value) { return api::settings_refusal(m, {{"division", value}}); };

  CHECK(refusal(std::string(1024, 'a')).empty());
  CHECK(refusal("c") == "The setting \"division\" does not have the form that Example expects: letters a and b");
  const std::string too_long = "The setting \"division\" is longer than 1024 bytes.";
  CHECK(refusal(std::string(1025, 'a')) == too_long);
  CHECK(refusal(std::string(1 << 20, 'a')) == too_long);  // std::regex would need the whole stack for this
}

TEST_CASE("a host is a host's name, also where the manifest has no pattern for it", "[api]") {
  core::manifest m;
  m.settings.resize(1);
  m.settings[0].name = "host";
  m.settings[0].type = core::setting_rule::kind::host;
  const auto refusal = [&](const std::string& value) { return api::settings_refusal(m, {{"host", value}}); };

  CHECK(refusal("acme.example.com").empty());
  for (const auto* wrong : {"127.0.0.1", "0x7f.1", "localhost", "acme.example.com:8443", "user@acme.example.com",
                            "acme.example.com/x", "*.example.com", "acme..example.com", "[::1]"}) {
    CAPTURE(wrong);
    CHECK_FALSE(refusal(wrong).empty());
  }
}

TEST_CASE("a credential that was copied with a space at either end is refused, one with a space inside is not",
          "[api]") {
  const auto complaint = [](const char* id) {
    const boost::json::object body{{"client_id", id}};
    api::input in(body, {"client_id"});
    in.credential("client_id", 512);
    return in.complaint();
  };
  CHECK(complaint("6c0e21").empty());
  CHECK(complaint("6c 21").empty());
  for (const auto* copied : {" 6c0e21", "6c0e21 ", " "})
    CHECK(complaint(copied) == "\"client_id\" begins or ends with a space: copy it again, without that.");
  CHECK(complaint("") == "\"client_id\" is empty.");
}

TEST_CASE("a complaint that asks something ends with its question mark", "[api]") {
  const boost::json::object body;
  api::input in(body, {});
  in.complain("When does it end?");
  CHECK(in.complaint() == "When does it end?");
}
