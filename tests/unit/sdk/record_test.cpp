// SPDX-License-Identifier: Apache-2.0
// Canonical records: one form for one content.
#include <koppel/sdk/failure.hpp>
#include <koppel/sdk/field_map.hpp>

#include <catch2/catch.hpp>

using namespace koppel::sdk;

TEST_CASE("a facet has the same bytes whatever the order in which it was filled", "[record]") {
  facet one("core"), two("core");
  one.set(canonical::name, "Acme").set(canonical::vat_number, "BE1").clear(canonical::iban);
  two.clear(canonical::iban)
      .set(canonical::vat_number, "old")
      .set(canonical::vat_number, "BE1")
      .set(canonical::name, "Acme");

  CHECK(one.bytes() == two.bytes());
  CHECK(one.bytes() ==
        "\x83\xa4iban\xc0\xa4name\xa4"
        "Acme\xaavat_number\xa3"
        "BE1");
}

TEST_CASE("known to be empty is null for a value and a list without items for a list", "[record]") {
  facet core("core");
  core.clear(canonical::tags).clear(canonical::payment_term);
  CHECK(core.bytes() == "\x82\xacpayment_term\xc0\xa4tags\x90");

  facet nothing("core");
  nothing.set_packed("name", packed());
  CHECK(nothing.empty());
}

TEST_CASE("values have minimal, sorted forms", "[record]") {
  CHECK(packed::integer(7).bytes() == "\x07");
  CHECK(packed::integer(-1).bytes() == "\xff");
  CHECK(packed::integer(300).bytes() == "\xcd\x01\x2c");
  CHECK(pack(payment_terms{"cash", {}}).bytes() ==
        "\x81\xa4type\xa4"
        "cash");
  CHECK(pack(payment_terms{"x", 30}).bytes() ==
        "\x82\xa4"
        "days\x1e\xa4type\xa1x");
  CHECK(packed::plain(json::parse(R"({"b":"","a":[]})")).bytes() ==
        "\x82\xa1"
        "a\xc0\xa1"
        "b\xc0");
  CHECK(packed::plain(json()).is_absent());
  CHECK(normalized_vat_number("BE 0899.623.035") == "BE0899623035");
  CHECK(normalized_vat_number("nl-123b01") == "NL123B01");
}

TEST_CASE("the canonical table and its typed fields agree", "[record]") {
  CHECK(shape_of(entity::company, canonical::vat_number.name) == shape::text);
  CHECK(shape_of(entity::contact, canonical::companies.name) == shape::links);
  CHECK(shape_of(entity::project, canonical::percent_complete.name) == shape::real);
  CHECK(shape_of(entity::user, canonical::emails.name) == shape::emails);
  CHECK_FALSE(shape_of(entity::company, canonical::birthdate.name));
  CHECK_FALSE(shape_of("invoice", canonical::name.name));
  CHECK(fields_of(entity::contact).size() == 25);
  for (const auto& field : fields_of(entity::company)) CHECK(shape_of(entity::company, field));
}

TEST_CASE("a table that promises what an entity does not have is found out", "[record]") {
  const rule rules[] = {{"/a", "name", kinds::text}, {"/b", "birthdate", kinds::date}, {"c", "tags", kinds::text}};
  const dropped_field dropped[] = {{"/d", ""}};
  const auto faults = faults_of({entity::company, rules, dropped});

  CHECK(faults ==
        std::vector<std::string>{"company: /b -> birthdate: no such canonical field", "company: c -> tags: wants texts",
                                 "company: c -> tags: a path begins with /", "company: /d dropped without a reason"});
}

TEST_CASE("a value that is an id can be looked up while a row is mapped", "[record]") {
  static constexpr kind named{"id of a country", shape::text, nullptr, [](const json& value, const lookup& known) {
                                const auto at = known.find(value.text().value_or(""));
                                return at == known.end() ? std::optional<packed>() : packed::text(at->second);
                              }};
  const rule rules[] = {{"/country", "name", named}};
  const field_map map{entity::company, rules, {}};
  const lookup known{{"17", "Nederland"}};
  const auto mapped = [&](const char* row) { return map_row(map, json::parse(row), "/id", "/at", known); };

  CHECK(mapped(R"({"id":"x","country":"17"})").in("core").bytes() ==
        record(entity::company, "x").in("core").set(canonical::name, "Nederland").bytes());
  CHECK(mapped(R"({"id":"x","country":"18"})").unreadable == std::vector<std::string>{"/country"});
  CHECK(mapped(R"({"id":"x"})").facets.empty());
}

TEST_CASE("the walk through a table keeps absent, null and unreadable apart", "[record]") {
  const rule rules[] = {{"/name", "name", kinds::text},
                        {"/tags", "tags", kinds::tags},
                        {"/a/b", "website", kinds::text},
                        {"/note", "remarks", kinds::text, "detail"}};
  const field_map map{entity::company, rules, {}};
  const auto row = json::parse(R"({"id":"1","name":7,"tags":null,"a":null,"updated_at":"2024-01-01T01:00:00+01:00"})");
  const auto made = map_row(map, row);

  CHECK(made.updated_at == "2024-01-01T00:00:00Z");
  CHECK(made.unreadable == std::vector<std::string>{"/name"});
  REQUIRE(made.facets.size() == 1);
  CHECK(made.facets[0].bytes() == "\x82\xa4tags\x90\xa7website\xc0");
  CHECK_THROWS_AS(map_row(map, json::parse(R"({"id":1})")), unmappable);
  CHECK_THROWS_AS(map_row(map, json::parse("[]")), unmappable);
}
