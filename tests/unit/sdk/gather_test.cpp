// SPDX-License-Identifier: Apache-2.0
// One list from several fields.
#include <koppel/sdk/gather.hpp>

#include <catch2/catch.hpp>

using namespace koppel::sdk;

namespace {

const std::vector<typed_field> phone_fields = {{"/Phone", "phone"}, {"/of/Fax", "fax"}};
const std::vector<address_fields> place_fields{
    {"primary", "/street", "/zip", "/city", "", "/country"},
    {"other", "/Other_street", "/Other_zip", "/Other_city", "", "/Other_country"}};

packed phones(const std::string& row) { return *gather_phones(json::parse(row), phone_fields); }
packed places(const std::string& row) { return *gather_addresses(json::parse(row), place_fields); }

}  // namespace

TEST_CASE("fields that are absent make no list, empty ones an empty list", "[sdk][gather]") {
  CHECK(phones(R"({"x":1})").is_absent());
  CHECK(phones(R"({"Phone":null})").bytes() == pack(std::vector<phone>{}).bytes());
  CHECK(phones(R"({"Phone":"1","of":{"Fax":"2"}})").bytes() ==
        pack(std::vector<phone>{{"phone", "1"}, {"fax", "2"}}).bytes());
  CHECK(places(R"({"region":"x"})").is_absent());
  CHECK(places(R"({"street":"","Other_city":null})").bytes() == pack(std::vector<address>{}).bytes());
}

TEST_CASE("an address is gathered from its fields, its country becomes a code or nothing", "[sdk][gather]") {
  const auto made =
      places(R"({"street":"Kouter 1","country":"Belgique","Other_city":"Nairobi","Other_country":"Kenya"})");
  const std::vector<address> wanted{{"primary", "Kouter 1", {}, {}, {}, "BE", {}},
                                    {"other", {}, {}, "Nairobi", {}, {}, {}}};
  CHECK(made.bytes() == pack(wanted).bytes());
}

TEST_CASE("countries are known by code and by the names people write", "[sdk][gather]") {
  CHECK(country_code("be") == "BE");
  CHECK(country_code("KE") == "KE");
  CHECK(country_code("UK") == "GB");
  CHECK(country_code("uk") == "GB");
  CHECK(country_code("Nederland") == "NL");
  CHECK(country_code("The Netherlands") == "NL");
  CHECK(country_code("België") == "BE");
  CHECK(country_code("UNITED STATES") == "US");
  for (const auto* none : {"", "b", "4B", "Atlantis", "|", "austria|österreich", "land", "N L"})
    CHECK_FALSE(country_code(none));
}

TEST_CASE("references and named tags are read, what has no id or name is left out", "[sdk][gather]") {
  CHECK(kinds::read_reference(json::parse(R"({"id":"7","name":"N"})"))->bytes() == pack(owner_ref{"7", "N"}).bytes());
  CHECK_FALSE(kinds::read_reference(json::parse(R"({"name":"N"})")));
  CHECK(kinds::read_named_tags(json::parse(R"([{"name":"b"},{"name":"a"},{"id":"1"},{"name":"b"}])"))->bytes() ==
        pack(std::vector<std::string>{"a", "b"}).bytes());
  CHECK_FALSE(kinds::read_named_tags(json::parse("{}")));
}
