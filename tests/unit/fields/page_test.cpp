// SPDX-License-Identifier: Apache-2.0
// docs/fields.md is what koppel-fields prints, and what it prints is what the tables say.
#include "tools/fields/page.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <iterator>
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

constexpr rule person_rules[] = {{"", "name", kinds::text},
                                 {"/mail", "emails", kinds::emails},
                                 {"/mail2", "emails", kinds::emails, "detail"},
                                 {"/a|b", "acme.shoe_size", kinds::text}};
constexpr dropped_field person_dropped[] = {{"/secret", "nobody's business | theirs"}};
constexpr rule buyer_rules[] = {{"/title", "name", kinds::text}};
constinit const field_map person{entity::contact, person_rules, person_dropped};
constinit const field_map buyer{entity::contact, buyer_rules, {}};
constinit const field_map deal{"acme.deal", buyer_rules, {}};
constexpr table acme_tables[] = {{"person_map", &person}, {"deal_map", &deal}};
constexpr table beta_tables[] = {{"person_map", &person}, {"buyer_map", &buyer}};
constexpr provider two[] = {{"acme", acme_tables}, {"beta", beta_tables}};

}  // namespace

TEST_CASE("the page about fields is what the plugins' field maps say", "[fields][docs]") {
  std::ifstream in(SOURCES "/docs/fields.md", std::ios::binary);
  const auto shown = lines_of({std::istreambuf_iterator<char>(in), {}});
  const auto right = lines_of(page(providers()));

  const auto differs = std::mismatch(shown.begin(), shown.end(), right.begin(), right.end());
  const auto nothing = std::string("(the end)");
  INFO("docs/fields.md has: " << (differs.first == shown.end() ? nothing : *differs.first));
  INFO("the field maps say: " << (differs.second == right.end() ? nothing : *differs.second));
  INFO(
      "After a change of a field map: cmake --build --preset dev --target koppel-fields && "
      "build/dev/tools/koppel-fields > docs/fields.md");
  CHECK((shown == right));  // in parentheses: else both pages are printed
}

TEST_CASE("for each entity the page says which provider fills which canonical field", "[fields]") {
  const auto text = page(two);

  CHECK(has_line(text, "| field | acme | beta |"));
  CHECK(has_line(text, "| `name` | the row | the row, `/title` |"));
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
  CHECK(has_line(text, "| the row | `name` | text | core |"));
  CHECK(has_line(text, "| `/secret` | nobody's business \\| theirs |"));
  // Two tables of one entity are told apart by their names.
  CHECK(has_line(text, "### beta: contact (`person_map`)"));
  CHECK(has_line(text, "### beta: contact (`buyer_map`)"));
}
