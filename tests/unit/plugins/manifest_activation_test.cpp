// SPDX-License-Identifier: Apache-2.0
// [auth.activation] and [auth.coupling].

#include <catch2/catch.hpp>

#include "host/plugins/manifest_parser.hpp"
#include "tests/support/read_file.hpp"

using koppel::plugins::parse_manifest;

namespace {

std::string snelstart() { return koppel::test::read_file(SOURCES "/plugins/snelstart/manifest.toml"); }

std::string changed(const std::string& from, const std::string& to) {
  auto text = snelstart();
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), to);
  const auto m = parse_manifest(text);
  return m ? "" : m.error().detail;
}

}  // namespace

TEST_CASE("an activation link and its webhook arrive where they belong", "[plugins][manifest]") {
  const auto m = parse_manifest(snelstart());
  REQUIRE(m.has_value());
  CHECK(m->auth.activation.url == "https://web.snelstart.nl/couplings/activate/{client_id}");
  CHECK(m->auth.activation.reference_parameter == "referenceKey");
  CHECK(m->auth.activation.success_parameter == "successUrl");
  CHECK(m->auth.coupling.key == "koppelSleutel");
  CHECK(m->auth.coupling.removal == "Delete");
}

TEST_CASE("what an activation cannot be is named with its key", "[plugins][manifest]") {
  const std::string link = "https://web.snelstart.nl/couplings/activate/{client_id}";
  CHECK(changed(link, "http://web.snelstart.nl/{client_id}").find("auth.activation.url") != std::string::npos);
  CHECK(changed(link, "https://{client_id}.snelstart.nl/x").empty() == false);
  CHECK(changed(link, link + "?x=1").find("auth.activation.url") != std::string::npos);
  CHECK(changed(link, link + "/{other}").find("auth.activation.url") != std::string::npos);
  CHECK(changed("reference_parameter =", "reference =").find("reference_parameter") != std::string::npos);
  CHECK(changed("[auth.coupling]", "[auth.coupled]").find("auth.coupling") != std::string::npos);
  CHECK(changed("delete = \"Delete\"", "").find("auth.coupling.delete") != std::string::npos);
  CHECK(changed("regenerate = \"Regenerate\"", "regenerate = 1").find("auth.coupling.regenerate") != std::string::npos);
}
