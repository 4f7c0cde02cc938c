// SPDX-License-Identifier: Apache-2.0
// What a plugin may not say. Refusals name the rule and the field, never a value.

#include <catch2/catch.hpp>

#include "host/core/record.hpp"
#include "tests/unit/core/record/fields_of_json.hpp"

using namespace koppel;
using Catch::Contains;
using tests::core_facet;
using tests::packed;
using tests::said;

namespace {

std::string refusal(messages::record r) { return core::record_refusal(r, "acme"); }

std::string refusal_of(std::string entity, std::string_view json) {
  auto r = said("1", {core_facet(json)});
  r.entity = std::move(entity);
  return refusal(r);
}

std::string nested(int depth) {
  std::string out = "1";
  for (int i = 0; i < depth; ++i) out = "[" + out + "]";
  return out;
}

}  // namespace

TEST_CASE("every canonical field is accepted in its shape, and null for each", "[record]") {
  CHECK(refusal_of("company", R"({
    "name":"Acme","status":"active","emails":[{"type":"primary","email":"a@b.example"}],
    "phones":[{"type":"mobile","number":"+32"}],
    "addresses":[{"type":"primary","line_1":"Street 1","postal_code":"1000","city":"Brussel","region":null,"country":"BE","addressee":null}],
    "website":"a.example","iban":"BE1","bic":"B","language":"nl","tags":["a"],"remarks":"r",
    "custom_fields":[{"id":"1","label":"L","type":"number","value":[1,{"a":2.5}]}],"owner":{"id":"u","name":"Ann"},
    "created_at":"2026-01-31T12:00:00+01:00","url":"https://x.example/1","roles":["customer","supplier"],
    "customer_number":"7","vat_number":"BE 0","vat_number_normalized":"BE0","registration_number":"0","currency":"EUR",
    "payment_term":{"type":"after_invoice_date","days":30},"parent_id":"2"})") == "");
  CHECK(refusal_of("contact", R"({
    "first_name":"Ann","last_name":"B","full_name":"Ann B","salutation":"Ms","job_title":"CEO","department_name":"D",
    "birthdate":"1984-12-31","gender":"female","marketing_consent":true,
    "companies":[{"id":"1","position":"CEO","division":null,"decision_maker":true}]})") == "");
  CHECK(refusal_of("department", R"({"name":"D","vat_number":"B","currency":"EUR","emails":[],"is_default":false})") ==
        "");
  CHECK(refusal_of("project", R"({"code":"P1","state":"open","company_id":"1","planned_start":"2026-01-01",
    "planned_end":null,"percent_complete":12.5})") == "");
  CHECK(refusal_of("user", R"({"first_name":"A","last_name":"B","status":"inactive","name":null,"emails":null})") ==
        "");
}

TEST_CASE("a field of the wrong shape is refused by its name", "[record]") {
  const auto json = GENERATE(
      R"({"name":1})", R"({"name":["a"]})", R"({"status":"deleted"})", R"({"emails":"a@b"})", R"({"emails":["a@b"]})",
      R"({"emails":[{"email":5}]})", R"({"emails":[{"mail":"a"}]})", R"({"phones":{"number":"1"}})",
      R"({"addresses":[{"country":"Belgium"}]})", R"({"tags":"a"})", R"({"tags":[1]})", R"({"owner":"u"})",
      R"({"owner":{"id":7}})", R"({"created_at":"yesterday"})", R"({"roles":["friend"]})", R"({"currency":"euro"})",
      R"({"payment_term":{"days":"30"}})", R"({"custom_fields":[{"id":1}]})", R"({"parent_id":12})");

  CHECK_THAT(refusal_of("company", json), Contains("wrong shape"));
}

TEST_CASE("dates, flags and numbers of other entities are checked as well", "[record]") {
  CHECK_THAT(refusal_of("contact", R"({"birthdate":"1984-02-30"})"), Contains("birthdate"));
  CHECK_THAT(refusal_of("contact", R"({"birthdate":"1984-12-31T00:00:00Z"})"), Contains("birthdate"));
  CHECK_THAT(refusal_of("contact", R"({"marketing_consent":"yes"})"), Contains("marketing_consent"));
  CHECK_THAT(refusal_of("contact", R"({"companies":[{"id":"1","decision_maker":1}]})"), Contains("companies"));
  CHECK_THAT(refusal_of("project", R"({"percent_complete":"12"})"), Contains("percent_complete"));
}

TEST_CASE("a field that the entity does not have is refused by name, the plugin's own are its own business",
          "[record]") {
  CHECK(refusal_of("company", R"({"birthdate":"1984-12-31"})") == "The entity company has no field birthdate.");
  CHECK(refusal_of("contact", R"({"nickname":"A"})") == "The entity contact has no field nickname.");
  CHECK(refusal_of("contact", R"({"acme.mood":{"deep":[1,2]}})") == "");
  CHECK_THAT(refusal_of("contact", R"({"other.mood":1})"), Contains("has no field other.mood"));
  CHECK_THAT(refusal_of("contact", R"({"acmemood":1})"), Contains("has no field"));
}

TEST_CASE("an entity is canonical or the plugin's own", "[record]") {
  CHECK(refusal_of("acme.deal", R"({"name":"D","code":"1","acme.value":3})") == "");
  CHECK_THAT(refusal_of("deal", R"({"name":"D"})"), Contains("neither canonical nor"));
  CHECK_THAT(refusal_of("other.deal", R"({"name":"D"})"), Contains("neither canonical nor"));
  CHECK_THAT(refusal_of("acme.", R"({"name":"D"})"), Contains("neither canonical nor"));
}

TEST_CASE("a refusal never repeats what could be personal", "[record]") {
  CHECK(refusal_of("contact", R"({"Ann Smith <a@b>":"x"})") == "The entity contact has no field (unprintable).");
  CHECK_THAT(refusal_of("contact", R"({"status":"Ann Smith"})"), !Contains("Ann"));
}

TEST_CASE("an id is 1 to 256 bytes of UTF-8 without control characters", "[record]") {
  const auto with_id = [](std::string id) { return refusal(said(std::move(id), {core_facet(R"({"name":"A"})")})); };

  CHECK(with_id(std::string(256, 'x')) == "");
  CHECK(with_id("caf\xC3\xA9 \xF0\x9F\x98\x80") == "");
  CHECK_THAT(with_id(""), Contains("no id"));
  CHECK_THAT(with_id(std::string(257, 'x')), Contains("longer than 256"));
  for (const std::string& id : {std::string("a\0b", 3), std::string("a\nb"), std::string("\x7F"), std::string("\xFF"),
                                std::string("\xC0\x80"), std::string("\xED\xA0\x80"), std::string("\xE2\x82")})
    CHECK_THAT(with_id(id), Contains("not text"));
}

TEST_CASE("bytes that are no sound map of fields are refused", "[record]") {
  const auto with_fields = [](std::string bytes) { return refusal(said("1", {{"core", std::move(bytes)}})); };

  for (const std::string& bytes :
       {std::string(), std::string("\xC1"), packed("[]"), packed("{}") + "x", std::string("\x81\x01\xC0"),
        std::string("\x81\xA4name\xA1\xFF"), std::string("\x81\xA4name\xC4\x01x"), std::string("\xDF\xFF\xFF\xFF\xFF"),
        std::string("\x81\xA4name\xDD\xFF\xFF\xFF\xFF"), packed(R"({"acme.x":)" + nested(8) + "}")})
    CHECK_THAT(with_fields(bytes), Contains("not a msgpack map"));
  CHECK(with_fields(packed(R"({"acme.x":)" + nested(7) + "}")) == "");
  CHECK_THAT(with_fields("\x82\xA4name\xC0\xA4name\xC0"), Contains("not sorted, or one is there twice"));
  CHECK_THAT(with_fields("\x82\xA4name\xC0\xA3"
                         "bic\xC0"),
             Contains("not sorted, or one is there twice"));
  CHECK_THAT(with_fields(packed(R"({"remarks":")" + std::string(65536, 'x') + "\"}")), Contains("larger than 64 KiB"));
}

TEST_CASE("a key that is twice in a map of a field is refused, at any depth", "[record]") {
  const auto with_fields = [](std::string bytes) { return refusal(said("1", {{"core", std::move(bytes)}})); };
  const std::string map = "\x82\xA2id\xA1\x31\xA2id\xA1\x32";

  CHECK(with_fields("\x81\xA5owner" + map) == "The field owner has a map with a key that is there twice.");
  CHECK_THAT(with_fields("\x81\xA6"
                         "acme.x\x91\x81\xA1k" +
                         map),
             Contains("acme.x has a map"));
  CHECK_THAT(with_fields("\x81\xA6"
                         "acme.x\x83\xA1k\xC0\xA1j\xC0\xA1k\xC0"),
             Contains("acme.x has a map"));
  CHECK(with_fields("\x81\xA6"
                    "acme.x\x83\xA1k\xC0\xA1j\xC0\xA1l\xC0") == "");
}

TEST_CASE("a record says something, once a facet, at a time", "[record]") {
  CHECK_THAT(refusal(said("1", {})), Contains("says nothing"));
  CHECK_THAT(refusal(said("1", {core_facet("{}"), core_facet("{}")})), Contains("core is there twice"));
  CHECK_THAT(refusal(said("1", {{"", packed("{}")}})), Contains("no good name"));
  CHECK_THAT(refusal(said("1", {core_facet("{}")}, "yesterday")), Contains("updated_at"));
  CHECK(refusal(tests::gone("1")) == "");
}
