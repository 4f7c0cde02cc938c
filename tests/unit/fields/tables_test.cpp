// SPDX-License-Identifier: Apache-2.0
// What is demanded of every plugin's field tables. Whether all that a provider documents is in them, the plugin's own
// tests know; whether the plugin has the kinds that they name, it says itself when it is loaded.
#include "tools/fields/tables.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "host/plugins/manifest_parser.hpp"
#include "tests/support/read_file.hpp"

using namespace koppel::fields;

namespace {

const std::filesystem::path plugins = SOURCES "/plugins";

std::filesystem::path testing_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "koppel-fields-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  return name;
}

}  // namespace

TEST_CASE("every plugin with code has field tables, and koppel-fields knows them", "[fields]") {
  std::set<std::string> listed, there;
  for (const auto& each : providers_in(plugins)) listed.insert(each.name);
  for (const auto& entry : std::filesystem::directory_iterator(plugins)) {
    const auto manifest = entry.path() / "manifest.toml";
    if (!std::filesystem::exists(manifest)) continue;
    const auto text = koppel::test::read_file(manifest);
    // One for any provider reads no streams, and has no fields.
    if (text.find("[[stream]]") != std::string::npos) there.insert(entry.path().filename());
  }

  CHECK(listed == there);
  CHECK(listed.contains("teamleader"));
}

TEST_CASE("whatever a plugin's streams read has a field table", "[fields]") {
  for (const auto& each : providers_in(plugins)) {
    INFO(each.name);
    const auto manifest =
        koppel::plugins::parse_manifest(koppel::test::read_file(plugins / each.name / "manifest.toml"));
    if (!manifest) FAIL(manifest.error().detail);
    std::set<std::string> streamed, mapped;
    for (const auto& stream : manifest->streams) streamed.insert(stream.name);
    for (const auto& table : each.tables) mapped.insert(table.stream);
    CHECK(mapped == streamed);
  }
}

TEST_CASE("a manifest that is wrong stops the printing, with its folder", "[fields]") {
  const auto folder = testing_folder() / "acme";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "manifest.toml") << "[plugin]\nname = \"acme\"\n[[stream]]\nname = \"s\"\n"
                                             "entity = \"company\"\n[stream.fields]\nnom = \"/n\"\n";
  CHECK_THROWS_WITH(providers_in(folder.parent_path()),
                    Catch::Contains("acme: ") && Catch::Contains("stream[1].fields.nom: is no canonical field"));
}
