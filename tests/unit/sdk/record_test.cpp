// SPDX-License-Identifier: Apache-2.0
// Canonical records: one form for one content.
#include <koppel/sdk/entities.hpp>

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
