// SPDX-License-Identifier: Apache-2.0
// docs/writing-a-plugin.md shows a whole plugin; here is checked that it shows the one that is built and tested.
#include "host/plugins/library_file.hpp"
#include "host/plugins/manifest_parser.hpp"
#include "tests/support/read_file.hpp"

#include <catch2/catch.hpp>
#include <string>

namespace {

std::string text_of(const std::string& file) { return koppel::test::read_file(SOURCES "/" + file); }

}  // namespace

TEST_CASE("the page about writing a plugin quotes the files that are built, to the letter", "[docs]") {
  const auto page = text_of("docs/writing-a-plugin.md");
  for (const auto& [language, name] : {std::pair{"toml", "manifest.toml"}, std::pair{"cpp", "rolodex.cpp"},
                                       std::pair{"cpp", "rolodex_test.cpp"}, std::pair{"cmake", "CMakeLists.txt"}}) {
    const auto file = text_of(std::string("tests/fixtures/example_plugin/") + name);
    INFO(name);
    CHECK(page.find(std::string("```") + language + "\n" + file + "```\n") != std::string::npos);
  }
}

TEST_CASE("the page about providers without code quotes a manifest that is tested, and the host accepts it", "[docs]") {
  const auto file = text_of("tests/fixtures/without_code/cardfile.toml");
  CHECK(text_of("docs/provider-without-code.md").find("```toml\n" + file + "```\n") != std::string::npos);
  const auto manifest = koppel::plugins::parse_manifest(file, koppel::plugins::manifest_form::alone);
  if (!manifest) FAIL(manifest.error().detail);
  CHECK(manifest->streams.size() == 1);
}

TEST_CASE("the host accepts the page's plugin", "[docs]") {
  const auto library = koppel::plugins::read_library(ROLODEX_PLUGIN);
  REQUIRE(library.has_value());
  const auto manifest = koppel::plugins::parse_manifest(library->manifest);
  if (!manifest) FAIL(manifest.error().detail);
  CHECK(manifest->streams.size() == 1);
}
