// SPDX-License-Identifier: Apache-2.0
// What plugins learn is bounded and never hides what an operator set.

#include "host/core/learned.hpp"

#include <catch2/catch.hpp>

using namespace koppel::core;
using values = std::map<std::string, std::string>;

TEST_CASE("a learned value replaces an older one of its name", "[learned]") {
  values known;
  CHECK(learn(known, "domain", "one"));
  CHECK(learn(known, "domain", "two"));
  CHECK(known == values{{"domain", "two"}});
}

TEST_CASE("no more names are learned than a connection may have, those that it has may change", "[learned]") {
  values known;
  for (std::size_t i = 0; i < most_learned; ++i) REQUIRE(learn(known, "name-" + std::to_string(i), "x"));
  CHECK_FALSE(learn(known, "one too many", "x"));
  CHECK(learn(known, "name-0", "y"));
  CHECK(known.size() == most_learned);
}

TEST_CASE("what is too long or no plain text is not learned", "[learned]") {
  values known;
  CHECK_FALSE(learn(known, "", "x"));
  CHECK_FALSE(learn(known, std::string(longest_learned_name + 1, 'n'), "x"));
  CHECK_FALSE(learn(known, "n", std::string(longest_learned_value + 1, 'v')));
  CHECK_FALSE(learn(known, "n", "\xFF"));
  CHECK_FALSE(learn(known, "n\n", "x"));
  CHECK(known.empty());
  CHECK(learn(known, "n", ""));
}

TEST_CASE("a setting of the operator wins over a learned value of its name", "[learned]") {
  const auto told = job_settings({}, {{"domain", "operator's"}}, {{"domain", "learned"}, {"division", "7"}});
  CHECK(told == values{{"division", "7"}, {"domain", "operator's"}});
}

TEST_CASE("a setting that nobody set or learned has its default, one without a default is absent", "[learned]") {
  manifest m;
  m.settings.resize(4);
  m.settings[0].name = "region";
  m.settings[0].default_value = "eu";
  m.settings[1].name = "division";
  m.settings[1].default_value = "12";
  m.settings[2].name = "ledger";
  m.settings[3].name = "domain";
  m.settings[3].default_value = "default.example";
  const auto told = job_settings(m, {{"division", "7"}}, {{"domain", "learned.example"}});
  CHECK(told == values{{"division", "7"}, {"domain", "learned.example"}, {"region", "eu"}});
}
