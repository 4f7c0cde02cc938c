// SPDX-License-Identifier: Apache-2.0
// Which of the folder's files stands for which plugin.

#include "host/plugins/folder_changes.hpp"

#include <catch2/catch.hpp>

using namespace koppel::plugins;
using koppel::core::manifest;
using kind = folder_change::kind;

namespace {

candidate usable(const std::string& name, const std::string& file, off_t size = 1) {
  candidate c;
  c.name = name;
  c.file = file;
  c.manifest = std::make_shared<const manifest>();
  c.stamp.size = size;
  return c;
}

candidate unusable(const std::string& file) {
  candidate c;
  c.name = c.file = file;
  c.reason = file + " is a text file";
  return c;
}

std::string in_short(const std::vector<folder_change>& changes) {
  std::string text;
  for (const auto& c : changes) {
    const auto number = [](const std::optional<std::size_t>& n) { return n ? std::to_string(*n) : std::string("-"); };
    const char* word = c.what == kind::unchanged ? "unchanged"
                       : c.what == kind::begin   ? "begin"
                       : c.what == kind::refuse  ? "refuse"
                       : c.what == kind::keep    ? "keep"
                                                 : "end";
    text += (text.empty() ? "" : ", ") + (word + (" " + number(c.found))) + " for " + number(c.known);
  }
  return text;
}

}  // namespace

TEST_CASE("files are compared with the plugins that came from them", "[plugins][rescan]") {
  const auto echo = usable("echo", "e.so");
  const auto broken = unusable("e.so");

  CHECK(in_short(compare({}, {echo, unusable("t.so")})) == "begin 0 for -, refuse 1 for -");
  CHECK(in_short(compare({{echo, true}}, {echo})) == "unchanged 0 for 0");
  CHECK(in_short(compare({{echo, false}}, {echo})) == "begin 0 for 0");
  CHECK(in_short(compare({{echo, true}}, {usable("echo", "e.so", 2)})) == "begin 0 for 0");
  CHECK(in_short(compare({{echo, true}}, {broken})) == "keep 0 for 0");
  CHECK(in_short(compare({{echo, false}}, {broken})) == "refuse 0 for 0");
  CHECK(in_short(compare({{broken, false}}, {broken})) == "refuse 0 for 0");
  CHECK(in_short(compare({{broken, false}}, {echo})) == "begin 0 for 0");
  CHECK(in_short(compare({{echo, true}, {broken, false}}, {})) == "end - for 0, end - for 1");
}

TEST_CASE("a plugin is known by its name, whatever its file is called", "[plugins][rescan]") {
  const auto echo = usable("echo", "e.so");

  CHECK(in_short(compare({{echo, true}}, {usable("echo", "renamed.so")})) == "begin 0 for 0");
  // Another plugin under the old file's name: the old one is gone.
  CHECK(in_short(compare({{echo, true}}, {usable("other", "e.so")})) == "begin 0 for -, end - for 0");
  // A second file of that name comes before the first: it stands for the plugin now, as it would after a restart, and
  // the first is refused in its own right.
  auto second = unusable("e.so");
  second.name = "echo";
  CHECK(in_short(compare({{echo, true}}, {usable("echo", "a.so"), second})) == "begin 0 for 0, refuse 1 for -");
}
