// SPDX-License-Identifier: Apache-2.0
// docs/fields.md is what koppel-fields prints, and what it prints is what the tables say.
#include "tools/fields/page.hpp"
#include "tests/support/read_file.hpp"

#include <catch2/catch.hpp>

#include <sstream>
#include <string>
#include <vector>

using namespace koppel::fields;
using namespace koppel::sdk;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

bool has_line(const std::string& text, const std::string& line) {
  const auto all = lines_of(text);
  return std::find(all.begin(), all.end(), line) != all.end();
}

/// A stream with this table.
std::string stream_of(const std::string& name, const std::string& entity, const std::string& fields) {
  return "[[stream]]\nname = \"" + name + "\"\nentity = \"" + entity + "\"\n[stream.fields]\n" + fields;
}

provider provider_of(const std::string& name, const std::string& streams) {
  return {name, read_field_tables("[plugin]\nname = \"acme\"\n" + streams, kind_list::with_unknown())};
}

const std::string people = stream_of("people", "contact", R"(
name = { from = ["/first", "/last"], kind = "both names" }
emails = [{ from = "/mail" }, { from = "/mail2", facet = "detail" }]
"acme.shoe_size" = "/a|b"
tags = { value = ["x"] }
dropped = { "/secret" = "nobody's business | theirs" }
)");
const std::string buyers = stream_of("buyers", "contact", "name = \"/title\"\n"),
                  deals = stream_of("deals", "acme.deal", "name = \"/title\"\n");
const std::vector<provider> two{provider_of("acme", people + deals), provider_of("beta", people + buyers)};

}  // namespace

TEST_CASE("the page about fields is what the plugins' manifests say", "[fields][docs]") {
  const auto shown = lines_of(koppel::test::read_file(SOURCES "/docs/fields.md"));
  const auto right = lines_of(page(providers_in(SOURCES "/plugins")));

  const auto differs = std::mismatch(shown.begin(), shown.end(), right.begin(), right.end());
  const auto nothing = std::string("(the end)");
  INFO("docs/fields.md has: " << (differs.first == shown.end() ? nothing : *differs.first));
  INFO("the manifests say: " << (differs.second == right.end() ? nothing : *differs.second));
  INFO(
      "After a change of a field table: cmake --build --preset dev --target koppel-fields && "
      "build/dev/tools/koppel-fields > docs/fields.md");
  CHECK((shown == right));  // in parentheses: else both pages are printed
}

TEST_CASE("for each entity the page says which provider fills which canonical field", "[fields]") {
  const auto text = page(two);

  CHECK(has_line(text, "| field | acme | beta |"));
  CHECK(has_line(text, "| `name` | `/first`, `/last` | `/first`, `/last`, `/title` |"));
  CHECK(has_line(text, "| `emails` | `/mail`, `/mail2` (detail) | `/mail`, `/mail2` (detail) |"));
  CHECK(has_line(text, "| `birthdate` | | |"));
  CHECK(has_line(text, "| `acme.shoe_size` | `/a\\|b` | `/a\\|b` |"));
  // An entity of a plugin's own has only the fields that it fills, and only its plugin reads it.
  CHECK(has_line(text, "### acme.deal"));
  CHECK(has_line(text, "| field | acme |"));
  CHECK(has_line(text, "| `name` | `/title` |"));
  CHECK(has_line(text, "Read by no plugin: `company`, `department`, `project`, `user`."));
}

TEST_CASE("for each provider the page says what becomes of each field", "[fields]") {
  const auto text = page(two);

  CHECK(has_line(text, "## acme"));
  CHECK(has_line(text, "### acme: contact"));
  CHECK(has_line(text, "| `/mail2` | `emails` | emails | detail |"));
  CHECK(has_line(text, "| `/first`, `/last` | `name` | both names | core |"));
  CHECK(has_line(text, "| a constant | `tags` | constant | core |"));
  CHECK(has_line(text, "| `/secret` | nobody's business \\| theirs |"));
  // Two tables of one entity are told apart by their names.
  CHECK(has_line(text, "### beta: contact (`people`)"));
  CHECK(has_line(text, "### beta: contact (`buyers`)"));
}
