// SPDX-License-Identifier: Apache-2.0
// The field tables, on the documentation's own samples.
#include "mapping.hpp"

#include <koppel/testing/scripted_host.hpp>

#include <catch2/catch.hpp>
#include <fstream>
#include <set>
#include <sstream>

using namespace koppel::testing;

namespace {

std::string sample(const std::string& name) {
  std::ifstream in(TEAMLEADER_TESTDATA "/" + name);
  REQUIRE(in.good());
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

seen_record from_list(const std::string& stream, const std::string& body) {
  scripted_host host(load_plugin(TEAMLEADER_PLUGIN));
  host.sync(stream);
  host.answer(200, body);
  while (!host.ended()) host.answer(404, "{}");  // departments are asked for by id as well
  REQUIRE(host.outcome().error.empty());
  REQUIRE(host.pages().front().records.size() == 1);
  return host.pages().front().records.front();
}

seen_record from_info(const std::string& stream, const std::string& id, const std::string& body) {
  scripted_host host(load_plugin(TEAMLEADER_PLUGIN));
  host.refetch(stream, {id});
  host.answer(200, body);
  REQUIRE(host.outcome().error.empty());
  REQUIRE(host.pages().front().records.size() == 1);
  return host.pages().front().records.front();
}

const std::string pied_piper = "96a38bbf-24ed-4083-8a5c-20db92aa471e";
const std::string belgium = "67c576e7-7e6f-465d-b6ab-a864f6e5e95b";
const std::string erlich = "f29abf48-337d-44b4-aad4-585f5277a456";

}  // namespace

TEST_CASE("a company of a list", "[teamleader][mapping]") {
  const auto company = from_list("companies", sample("companies.list.json"));

  CHECK(company.entity == "company");
  CHECK(company.id == pied_piper);
  CHECK(company.updated_at == "2016-02-05T16:44:33Z");
  CHECK(company.field("name") == R"("Pied Piper")");
  CHECK(company.field("status") == R"("active")");
  CHECK(company.field("vat_number") == R"("BE 0899.623.035")");
  CHECK(company.field("vat_number_normalized") == R"("BE0899623035")");
  CHECK(company.field("registration_number") == R"("63326426")");
  CHECK(company.field("emails") == R"([{"email":"info@piedpiper.eu","type":"primary"}])");
  CHECK(company.field("phones") == R"([{"number":"092980615","type":"phone"}])");
  CHECK(company.field("website") == R"("https://piedpiper.com")");
  CHECK(company.field("addresses") ==
        R"([{"city":"Ghent","country":"BE","line_1":"Dok Noord 3A 101","postal_code":"9000","type":"primary"}])");
  CHECK(company.field("iban") == "null");
  CHECK(company.field("currency") == "null");
  CHECK(company.field("payment_term") == "null");
  CHECK(company.field("language") == R"("nl")");
  CHECK(company.field("owner") == R"({"id":"9b99d8f8-183b-4c7b-8354-9b98b47a192e"})");
  CHECK(company.field("created_at") == R"("2016-02-04T16:44:33Z")");
  CHECK(company.field("url") ==
        R"("https://focus.teamleader.eu/company_detail.php?id=96a38bbf-24ed-4083-8a5c-20db92aa471e")");
  CHECK(company.field("tags") == R"(["expo","prospect"])");
  CHECK(
      company.field("custom_fields") ==
      R"([{"id":"1f6765de-56eb-40ec-ad14-9096c5dc5fe2","value":null},{"id":"bf6765de-56eb-40ec-ad14-9096c5dc5fe1","value":"rich"}])");
  // What the list does not say stays unsaid.
  CHECK(company.field("remarks") == "absent");
  CHECK(company.field("customer_number") == "absent");
  CHECK(company.facets.size() == 1);
}

TEST_CASE("a company read by id has the same core, and more", "[teamleader][mapping]") {
  const auto listed = from_list("companies", sample("companies.list.json"));
  const auto read = from_info("companies", pied_piper, sample("companies.info.json"));

  CHECK(read.facet_json("core") == listed.facet_json("core"));
  CHECK(read.facet("core") == listed.facet("core"));
  CHECK(read.updated_at == listed.updated_at);
  CHECK(read.field("remarks") == R"("Founded in a *garage*.")");
  CHECK(
      read.field("addresses") ==
      R"([{"city":"Ghent","country":"BE","line_1":"Dok Noord 3A 101","postal_code":"9000","type":"primary"},)"
      R"({"addressee":"Boekhouding","city":"Ghent","country":"BE","line_1":"Kouter 1","postal_code":"9000","type":"invoicing"}])");
}

TEST_CASE("a contact of a list and read by id", "[teamleader][mapping]") {
  const auto listed = from_list("contacts", sample("contacts.list.json"));
  const auto read = from_info("contacts", erlich, sample("contacts.info.json"));

  CHECK(read.facet_json("core") == listed.facet_json("core"));
  CHECK(read.facet("core") == listed.facet("core"));
  CHECK(listed.field("name") == R"("Erlich Bachman")");
  CHECK(listed.field("full_name") == R"("Erlich Bachman")");
  CHECK(listed.field("first_name") == R"("Erlich")");
  CHECK(listed.field("status") == R"("inactive")");
  CHECK(listed.field("phones") == R"([{"number":"0475 12 34 56","type":"mobile"}])");
  CHECK(listed.field("addresses") == "[]");
  CHECK(listed.field("birthdate") == R"("1987-04-25")");
  CHECK(listed.field("created_at") == R"("2016-02-04T16:44:33Z")");
  CHECK(listed.field("marketing_consent") == "true");
  CHECK(listed.field("tags") == "[]");
  CHECK(listed.field("companies") == "absent");

  CHECK(read.field("companies") ==
        R"([{"decision_maker":true,"id":"96a38bbf-24ed-4083-8a5c-20db92aa471e","position":"CEO"}])");
  CHECK(read.field("remarks") == "null");
  // A person's national number and the like do not travel.
  CHECK(read.facet_json("core").find("86792345") == std::string::npos);
  CHECK(read.facet_json("detail").find("86792345") == std::string::npos);
}

TEST_CASE("a department of a list and read by id", "[teamleader][mapping]") {
  const auto listed = from_list("departments", sample("departments.list.json"));
  const auto read = from_info("departments", belgium, sample("departments.info.json"));

  CHECK(read.facet_json("core") == listed.facet_json("core"));
  CHECK(read.facet("core") == listed.facet("core"));
  CHECK(listed.entity == "department");
  CHECK(listed.id == belgium);
  CHECK(listed.updated_at.empty());
  CHECK(listed.field("name") == R"("Pied Piper Belgium")");
  CHECK(listed.field("status") == R"("active")");
  CHECK(listed.field("vat_number") == R"("BE 0899.623.035")");
  CHECK(listed.field("currency") == R"("EUR")");
  CHECK(listed.field("emails") ==
        R"([{"email":"info@piedpiper.eu","type":"primary"},{"email":"invoicing@piedpiper.eu","type":"invoicing"}])");
  CHECK(listed.field("addresses") == "absent");
  CHECK(listed.facets.size() == 1);

  CHECK(read.field("addresses") ==
        R"([{"city":"Ghent","country":"BE","line_1":"Dok Noord 3A 101","postal_code":"9000","type":"primary"}])");
  CHECK(read.field("phones") == R"([{"number":"092980615","type":"phone"}])");
  CHECK(read.field("website") == R"("https://piedpiper.com")");
  CHECK(read.field("iban") == R"("BE12123412341234")");
  CHECK(read.field("bic") == R"("BICBANK")");
}

TEST_CASE("an archived department is inactive, not gone", "[teamleader][mapping]") {
  const auto old = from_list("departments", R"({"data":[{"id":"x","name":"Old","status":"archived"}]})");

  CHECK_FALSE(old.gone);
  CHECK(old.field("status") == R"("inactive")");
}

TEST_CASE("absent, null and empty are three things", "[teamleader][mapping]") {
  const auto contact = from_list(
      "contacts",
      R"({"data":[{"id":"x","first_name":null,"last_name":"Hall","gender":"","birthdate":"","website":null}]})");

  CHECK(contact.field("name") == R"("Hall")");
  CHECK(contact.field("first_name") == "null");
  CHECK(contact.field("gender") == "null");
  CHECK(contact.field("birthdate") == "null");
  CHECK(contact.field("website") == "null");
  CHECK(contact.field("emails") == "absent");
  CHECK(contact.field("addresses") == "absent");
  CHECK(contact.field("marketing_consent") == "absent");

  // A property that the user may not see is omitted: then we know no name, which is not the same as an empty one.
  CHECK(from_list("contacts", R"({"data":[{"id":"x"}]})").facets.empty());
}

TEST_CASE("what cannot be read is left out, and empties nothing", "[teamleader][mapping]") {
  const auto company = from_list("companies", R"({"data":[{"id":"x","emails":[{"type":"primary","email":7}],
    "telephones":"none","primary_address":{"city":7},"responsible_user":5,"tags":[7],
    "custom_fields":[{"definition":{"id":true},"value":1}],"payment_term":{"type":"cash","days":"none"}}]})");
  for (const auto* field : {"emails", "phones", "addresses", "owner", "tags", "custom_fields", "payment_term"})
    CHECK(company.field(field) == "absent");

  // The primary one is of facet `core`, the others of `detail`: one that cannot be read leaves its own facet out.
  const auto read = [](const std::string& addresses) {
    return from_info("companies", pied_piper,
                     R"({"data":{"id":")" + pied_piper + R"(","addresses":[)" + addresses + "]}}");
  };
  CHECK(read(R"({"type":"primary","address":{"city":"Ghent"}})").field("addresses") ==
        R"([{"city":"Ghent","type":"primary"}])");
  CHECK(read(R"({"type":"primary","address":{"city":7}})").facet("core").empty());
  CHECK(read(R"({"type":"primary"})").facet("core").empty());
  for (const auto* wrong :
       {R"({"type":7,"address":{}})", R"({"type":"invoicing"})", R"({"type":"invoicing","address":"Gent"})",
        R"({"type":"invoicing","address":{"addressee":7,"city":"Gent"}})"}) {
    INFO(wrong);
    CHECK(read(wrong).facet("detail").empty());
  }

  const auto linked = from_info("contacts", erlich, R"({"data":{"id":")" + erlich + R"(","last_name":7,
    "first_name":null,"companies":[{"company":{"id":12},"position":null}]}})");
  CHECK(linked.field("companies") == R"([{"id":"12"}])");
  CHECK(linked.field("full_name") == "absent");
  CHECK(from_list("contacts", R"({"data":[{"id":"x","last_name":"Hall"}]})").field("name") == "absent");
}

TEST_CASE("values nobody told us of pass through", "[teamleader][mapping]") {
  const auto company = from_list("companies", R"({"data":[{"id":"x","status":"blocked","brand_new":{"a":1},
    "payment_term":{"type":"lunar","days":28},"emails":[{"type":"carrier_pigeon","email":"a@b.c"}],
    "custom_fields":[{"definition":{"id":"d"},"value":{"type":"company","id":"y"}},{"definition":{"id":"e"},"value":[1,25,true]}]}]})");

  CHECK(company.field("status") == R"("blocked")");
  CHECK(company.field("payment_term") == R"({"days":28,"type":"lunar"})");
  CHECK(company.field("emails") == R"([{"email":"a@b.c","type":"carrier_pigeon"}])");
  CHECK(company.field("custom_fields") ==
        R"([{"id":"d","value":{"id":"y","type":"company"}},{"id":"e","value":[1,25,true]}])");
}

TEST_CASE("an address of nothing but a country is kept, one of nothing is none", "[teamleader][mapping]") {
  const auto address = [](const std::string& of) {
    return from_list("companies", R"({"data":[{"id":"x","primary_address":)" + of + "}]}").field("addresses");
  };
  CHECK(address(R"({"line_1":null,"postal_code":null,"city":null,"country":"BE","area_level_two":null})") ==
        R"([{"country":"BE","type":"primary"}])");
  CHECK(address(R"({"line_1":null,"postal_code":null,"city":"","country":null})") == "[]");
  CHECK(address("null") == "[]");
}

/// What the provider's manual lists, lists and reads by id together. A member of an object or of a list stands here
/// where it does not travel with the others.
struct documented {
  std::string stream;
  std::vector<std::string> fields, samples;
};

const documented by_the_manual[] = {
    {"companies",
     {"/name",
      "/status",
      "/business_type",
      "/vat_number",
      "/national_identification_number",
      "/emails",
      "/telephones",
      "/website",
      "/primary_address",
      "/primary_address/area_level_two",
      "/addresses",
      "/iban",
      "/bic",
      "/language",
      "/preferred_currency",
      "/payment_term",
      "/invoicing_preferences",
      "/responsible_user",
      "/added_at",
      "/updated_at",
      "/web_url",
      "/tags",
      "/marketing_mails_consent",
      "/custom_fields",
      "/price_list",
      "/remarks",
      "/related_companies",
      "/related_contacts",
      "/activity_code"},
     {"companies.list.json", "companies.info.json"}},
    {"contacts",
     {"/first_name",
      "/last_name",
      "/status",
      "/salutation",
      "/emails",
      "/telephones",
      "/website",
      "/primary_address",
      "/primary_address/area_level_two",
      "/addresses",
      "/gender",
      "/birthdate",
      "/iban",
      "/bic",
      "/vat_number",
      "/national_identification_number",
      "/language",
      "/payment_term",
      "/invoicing_preferences",
      "/tags",
      "/added_at",
      "/updated_at",
      "/web_url",
      "/marketing_mails_consent",
      "/custom_fields",
      "/price_list",
      "/companies",
      "/companies/secondary_position",
      "/remarks"},
     {"contacts.list.json", "contacts.info.json"}},
    {"departments",
     {"/name", "/vat_number", "/currency", "/emails", "/status", "/address", "/address/area_level_two", "/telephones",
      "/website", "/iban", "/bic", "/fiscal_regime"},
     {"departments.list.json", "departments.info.json"}}};

TEST_CASE("every documented field travels or is dropped with a reason, and no other is in the field tables",
          "[teamleader][mapping]") {
  const auto tables =
      koppel::sdk::read_field_tables(manifest_of(load_plugin(TEAMLEADER_PLUGIN)), koppel::teamleader::own_kinds());
  REQUIRE(tables.size() == std::size(by_the_manual));
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const auto& [stream, fields, samples] = by_the_manual[i];
    INFO(stream);
    CHECK(tables[i].stream == stream);
    std::set<std::string> known;
    for (const auto& line : tables[i].fields.lines()) known.insert(line.from.begin(), line.from.end());
    for (const auto& dropped : tables[i].fields.dropped()) known.insert(dropped.from);
    CHECK(known == std::set<std::string>(fields.begin(), fields.end()));
  }
}

TEST_CASE("the samples of the documentation have no field that the manual does not list", "[teamleader][mapping]") {
  for (const auto& [stream, fields, samples] : by_the_manual) {
    const std::set<std::string> listed(fields.begin(), fields.end());
    for (const auto& text : samples) {
      auto row = koppel::sdk::json::parse(sample(text))["data"];
      if (row.is_array()) row = row.items()[0];
      for (const auto& name : row.names()) {
        INFO(text << " " << name);
        CHECK((name == "id" || listed.contains("/" + std::string(name))));
      }
    }
  }
}
