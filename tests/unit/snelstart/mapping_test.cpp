// SPDX-License-Identifier: Apache-2.0
// The field table, on rows of the documented shape.
#include <koppel/sdk/field_table.hpp>
#include <koppel/testing/scripted_host.hpp>

#include <catch2/catch.hpp>
#include <fstream>
#include <set>
#include <sstream>

using namespace koppel::testing;

namespace {

std::string sample(const std::string& name) {
  std::ifstream in(SNELSTART_TESTDATA "/" + name);
  REQUIRE(in.good());
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::vector<seen_record> from_list(const std::string& body) {
  scripted_host host(load_plugin(SNELSTART_PLUGIN));
  host.sync("relaties");
  host.answer(200, sample("landen.json"));
  host.answer(200, body);
  INFO(host.outcome().detail);
  REQUIRE(host.outcome().error.empty());
  CHECK(host.pages().front().set_aside == 0);
  CHECK(host.log() == std::vector<std::string>{});
  return host.pages().front().records;
}

std::string field_of(const std::string& row, const std::string& field) {
  const auto records = from_list('[' + row + ']');
  REQUIRE(records.size() == 1);
  return records[0].field(field);
}

/// What is told of the one field that is left out.
std::string left_out_of(const std::string& row, const std::string& field) {
  scripted_host host(load_plugin(SNELSTART_PLUGIN));
  host.sync("relaties");
  host.answer(200, sample("landen.json"));
  host.answer(200, R"([{"id":"x",)" + row + "}]");
  CHECK(host.records().at("x").field(field) == "absent");
  REQUIRE(host.log().size() == 1);
  return host.log()[0];
}

}  // namespace

TEST_CASE("a customer", "[snelstart][mapping]") {
  const auto records = from_list(sample("relaties.json"));
  REQUIRE(records.size() == 2);
  const auto& company = records[0];

  CHECK(company.entity == "company");
  CHECK(company.id == "00000000-0000-0000-0000-000000000abc");
  CHECK(company.updated_at.empty());  // a stamp without a zone names no moment
  CHECK(company.field("name") == R"("Voorbeeld B.V.")");
  CHECK(company.field("status") == R"("active")");
  CHECK(company.field("roles") == R"(["customer"])");
  CHECK(company.field("customer_number") == R"("1001")");
  CHECK(company.field("vat_number") == R"("NL123456789B01")");
  CHECK(company.field("registration_number") == R"("12345678")");
  CHECK(company.field("emails") ==
        R"([{"email":"info@voorbeeld.nl","type":"primary"},{"email":"adm@voorbeeld.nl","type":"other"}])");
  CHECK(company.field("phones") == R"([{"number":"072-1234567","type":"phone"}])");
  CHECK(
      company.field("addresses") ==
      R"([{"addressee":"J. de Boer","city":"Alkmaar","country":"NL","line_1":"Dorpsstraat 1","postal_code":"1234 AB","type":"primary"}])");
  CHECK(company.field("payment_term") == R"({"days":14,"type":"after_invoice_date"})");
  CHECK(company.field("custom_fields") == "[]");
  CHECK(company.field("website") == "null");
  CHECK(company.field("remarks") == "null");
  CHECK(company.field("iban") == "null");
  CHECK(company.field("created_at") == "absent");
  CHECK(company.field("currency") == "absent");
}

TEST_CASE("a supplier who is also a customer, and no longer active", "[snelstart][mapping]") {
  const auto company = from_list(sample("relaties.json")).at(1);

  CHECK(company.field("status") == R"("inactive")");
  CHECK(company.field("roles") == R"(["customer","supplier"])");
  CHECK(company.field("vat_number") == R"("be0899623035")");
  CHECK(company.field("vat_number_normalized") == R"("BE0899623035")");
  CHECK(company.field("registration_number") == "null");
  CHECK(company.field("emails") == "[]");
  CHECK(company.field("phones") ==
        R"([{"number":"06-12345678","type":"mobile"},{"number":"072-7654321","type":"fax"}])");
  CHECK(
      company.field("addresses") ==
      R"([{"city":"Gent","country":"BE","line_1":"Lindelaan 4","postal_code":"9000","type":"primary"},)"
      R"({"addressee":"Boekhouding","city":"Alkmaar","country":"NL","line_1":"Postbus 12","postal_code":"1800 AA","type":"correspondence"}])");
  CHECK(company.field("payment_term") == "null");
  CHECK(company.field("website") == R"("https://delinde.example")");
  CHECK(company.field("iban") == R"("NL91ABNA0417164300")");
  CHECK(company.field("bic") == R"("ABNANL2A")");
  CHECK(company.field("remarks") == R"("Levert alleen in het voorjaar.")");
  CHECK(
      company.field("custom_fields") ==
      R"([{"id":"Korting","label":"Korting","value":5},{"id":"Regio","label":"Regio","value":"Noord"},{"id":"Vaste klant","label":"Vaste klant","value":true}])");
}

TEST_CASE("SnelStart's own relations are no companies, every other one is", "[snelstart][mapping]") {
  const auto published = [](const std::string& of) { return !from_list(R"([{"id":"x",)" + of + "}]").empty(); };
  CHECK_FALSE(published(R"("relatiesoort":["Eigen"])"));
  CHECK_FALSE(published(R"("relatiesoort":["Leverancier"],"relatiecode":-1)"));
  CHECK_FALSE(published(R"("relatiesoort":["Klant"],"relatiecode":-2)"));
  CHECK(published(R"("relatiesoort":["Eigen","Klant"])"));
  CHECK(published(R"("relatiesoort":["Geen"],"relatiecode":0)"));
  CHECK(published(R"("relatiesoort":[])"));
  CHECK(published(R"("naam":"of no kind")"));

  CHECK(field_of(R"({"id":"x","relatiesoort":["Geen"]})", "roles") == "[]");
  CHECK(field_of(R"({"id":"x"})", "roles") == "absent");
}

TEST_CASE("several addresses in one text are split", "[snelstart][mapping]") {
  const auto emails = [](const std::string& of) { return field_of(R"({"id":"x","email":")" + of + "\"}", "emails"); };
  CHECK(emails("a@b.nl") == R"([{"email":"a@b.nl","type":"primary"}])");
  CHECK(emails(" ; a@b.nl ;; c@d.nl;") == R"([{"email":"a@b.nl","type":"primary"},{"email":"c@d.nl","type":"other"}])");
  CHECK(emails(";") == "[]");
  CHECK(field_of(R"({"id":"x","email":null})", "emails") == "[]");
}

TEST_CASE("a country is looked up, one that is unknown is none, and none is no address", "[snelstart][mapping]") {
  const auto address = [](const std::string& of) {
    return field_of(R"({"id":"x","vestigingsAdres":)" + of + "}", "addresses");
  };
  CHECK(address(R"({"plaats":"Gent","land":{"id":"00000000-0000-0000-0000-000000000002"}})") ==
        R"([{"city":"Gent","country":"BE","type":"primary"}])");
  CHECK(address(R"({"plaats":"Gent","land":{"id":"00000000-0000-0000-0000-000000000003"}})") ==
        R"([{"city":"Gent","type":"primary"}])");
  CHECK(address(R"({"plaats":"Gent","land":{"id":"never heard of"}})") == R"([{"city":"Gent","type":"primary"}])");
  CHECK(address(R"({"plaats":"Gent","land":null})") == R"([{"city":"Gent","type":"primary"}])");
  CHECK(address(R"({"straat":"","plaats":null,"land":{"id":"00000000-0000-0000-0000-000000000001"}})") == "[]");
  CHECK(address("null") == "[]");
  CHECK(field_of(R"({"id":"x"})", "addresses") == "absent");
}

TEST_CASE("a value of another type leaves its field out, and is told", "[snelstart][mapping]") {
  const std::string before = "warn: a company has an unexpected type of value at ", after = "; the field is left out";
  CHECK(left_out_of(R"("vestigingsAdres":{"straat":5,"plaats":"Gent"})", "addresses") ==
        before + "/vestigingsAdres/straat" + after);
  CHECK(left_out_of(R"("telefoon":721234567)", "phones") == before + "/telefoon" + after);
  CHECK(left_out_of(R"("relatiesoort":["Klant",2])", "roles") == before + "/relatiesoort" + after);
  CHECK(left_out_of(R"("extraVeldenKlant":[{"naam":["a"],"waarde":1}])", "custom_fields") ==
        before + "/extraVeldenKlant" + after);
}

TEST_CASE("absent, null and empty are three things to SnelStart's fields too", "[snelstart][mapping]") {
  CHECK(from_list(R"([{"id":"x"}])").at(0).facets.empty());
  CHECK(field_of(R"({"id":"x","mobieleTelefoon":null})", "phones") == "[]");
  CHECK(field_of(R"({"id":"x","nonactief":null})", "status") == "null");
  CHECK(field_of(R"({"id":"x","relatiecode":null})", "customer_number") == "null");
  CHECK(field_of(R"({"id":"x","relatiecode":0})", "customer_number") == R"("0")");
  CHECK(field_of(R"({"id":"x","krediettermijn":-10})", "payment_term") ==
        R"({"days":-10,"type":"after_invoice_date"})");
}

TEST_CASE("every documented field is in the field table or dropped with a reason", "[snelstart][mapping]") {
  const auto tables = koppel::sdk::read_field_tables(manifest_of(load_plugin(SNELSTART_PLUGIN)),
                                                     koppel::sdk::kind_list::with_unknown());
  REQUIRE(tables.size() == 1);
  std::set<std::string> known{"/id", "/vestigingsAdres/land/id", "/correspondentieAdres/land/id"};
  for (const auto& line : tables[0].fields.lines()) known.insert(line.from.begin(), line.from.end());
  for (const auto& dropped : tables[0].fields.dropped()) {
    INFO(dropped.from);
    CHECK(known.insert(dropped.from).second);  // travels and is dropped?
  }
  for (const std::string address : {"/vestigingsAdres", "/correspondentieAdres"})
    for (const auto* part : {"/contactpersoon", "/straat", "/postcode", "/plaats", "/land"})
      known.insert(address + part);

  const auto check = [&](const koppel::sdk::json& of, const std::string& under) {
    for (const auto& name : of.names()) {
      INFO(under << '/' << name);
      CHECK(known.contains(under + '/' + std::string(name)));
    }
  };
  for (const auto& row : koppel::sdk::json::parse(sample("relaties.json")).items()) {
    check(row, "");
    for (const std::string address : {"/vestigingsAdres", "/correspondentieAdres"}) {
      check(row.at(address), address);
      check(row.at(address + "/land"), address + "/land");
    }
  }
}
