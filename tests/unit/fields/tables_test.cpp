// SPDX-License-Identifier: Apache-2.0
// What is demanded of every plugin's field maps. Whether all that a provider documents is in them, the plugin's own
// tests know.
#include "tools/fields/tables.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <tuple>

#include "host/plugins/manifest_parser.hpp"

using namespace koppel::fields;

namespace {

const std::filesystem::path plugins = SOURCES "/plugins";

}  // namespace

TEST_CASE("every plugin that has field maps is in the list", "[fields]") {
  std::set<std::string> listed, there;
  for (const auto& each : providers()) listed.emplace(each.name);
  for (const auto& entry : std::filesystem::directory_iterator(plugins))
    if (exists(entry.path() / "mapping.hpp")) there.insert(entry.path().filename());

  CHECK(listed == there);
  CHECK(listed.contains("teamleader"));
}

TEST_CASE("every field map is sound, and says of no field two things", "[fields]") {
  for (const auto& each : providers()) {
    for (const auto& [name, map] : each.tables) {
      INFO(each.name << " " << name);
      CHECK(faults_of(*map) == std::vector<std::string>{});
      std::set<std::string_view> read, dropped;
      std::set<std::tuple<std::string_view, std::string_view, std::string_view>> rules;
      for (const auto& rule : map->rules) {
        INFO(rule.from << " -> " << rule.to);
        read.insert(rule.from);
        // A second such rule would overwrite what the first has read.
        CHECK(rules.emplace(rule.from, rule.to, rule.in_facet).second);
      }
      for (const auto& field : map->dropped) {
        INFO(field.from);
        CHECK(field.from.starts_with('/'));
        CHECK(dropped.insert(field.from).second);
        CHECK_FALSE(read.contains(field.from));
      }
    }
  }
}

TEST_CASE("whatever a plugin's streams read has a field map, and no other entity has one", "[fields]") {
  for (const auto& each : providers()) {
    INFO(each.name);
    std::ifstream in(plugins / each.name / "manifest.toml", std::ios::binary);
    const auto manifest = koppel::plugins::parse_manifest(std::string(std::istreambuf_iterator<char>(in), {}));
    if (!manifest) FAIL(manifest.error().detail);
    std::set<std::string> streamed, mapped;
    for (const auto& stream : manifest->streams) streamed.insert(stream.entity);
    for (const auto& table : each.tables) mapped.emplace(table.map->entity);
    CHECK(mapped == streamed);
  }
}
