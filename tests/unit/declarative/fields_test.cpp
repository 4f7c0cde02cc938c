// SPDX-License-Identifier: Apache-2.0
// [stream.fields]: what a row becomes.
#include "described.hpp"

using namespace koppel::declarative::test;

namespace {

const std::string read_all = "request = \"GET /things\"\nrecords = \"\"\npaging = { style = \"none\" }\n";

seen_record mapped(const std::string& fields, const std::string& row, const std::string& entity = "contact") {
  auto host = told(manifest_of(read_all, fields, entity));
  host->sync("things");
  host->answer(200, "[" + row + "]");
  REQUIRE(host->outcome().error + host->outcome().detail == "");
  REQUIRE(host->records().size() == 1);
  return host->records().begin()->second;
}

std::string field_of(const std::string& line, const std::string& row, const std::string& name,
                     const std::string& entity = "contact") {
  return mapped(line + "\n", row, entity).field(name);
}

}  // namespace

TEST_CASE("a path alone takes the kind that its field has", "[declarative][fields]") {
  const auto one = [](const std::string& field, const std::string& value, const std::string& entity = "contact") {
    return field_of(field + " = \"/x\"", R"({"id":"1","x":)" + value + "}", field, entity);
  };
  CHECK(one("first_name", R"("An")") == R"("An")");
  CHECK(one("first_name", R"("")") == "null");
  CHECK(one("first_name", "null") == "null");
  CHECK(one("marketing_consent", "true") == "true");
  CHECK(one("created_at", R"("2024-01-01T01:00:00+01:00")") == R"("2024-01-01T00:00:00Z")");
  CHECK(one("birthdate", R"("1984-12-31")") == R"("1984-12-31")");
  CHECK(one("tags", R"(["b","a","b"])") == R"(["a","b"])");
  CHECK(one("emails", R"([{"type":"work","email":"a@b.example"}])") == R"([{"email":"a@b.example","type":"work"}])");
  CHECK(one("phones", R"([{"number":"1"}])") == R"([{"number":"1","type":""}])");
  CHECK(one("owner", R"({"id":"7","name":"Bo"})") == R"({"id":"7","name":"Bo"})");
  CHECK(one("companies", "7") == R"([{"id":"7"}])");
  CHECK(one("companies", R"([{"id":"a"},{"id":9}])") == R"([{"id":"a"},{"id":"9"}])");
  CHECK(one("percent_complete", "12.5", "project") == "1.25E1");
}

TEST_CASE("what is absent stays absent, and a value of another type is left out and told once",
          "[declarative][fields]") {
  CHECK(field_of("first_name = \"/x\"\nlast_name = \"/y\"", R"({"id":"1","y":"Z"})", "first_name") == "absent");
  auto host =
      told(manifest_of(read_all, "name = \"/a/b\"\nstatus = { from = \"/s\", values = { on = \"active\" } }\n"));
  host->sync("things");
  host->answer(200, R"([{"id":"1","a":{"b":7},"s":"on"},{"id":"2","a":{"b":"n"},"s":"odd"}])");
  CHECK(host->records().at("1").field("name") == "absent");
  CHECK(host->records().at("1").field("status") == R"("active")");
  CHECK(host->records().at("2").field("status") == "absent");
  CHECK(host->log().size() == 2);
}

TEST_CASE("a table names another kind, a facet, a translation or a constant", "[declarative][fields]") {
  CHECK(field_of(R"(customer_number = { from = "/n", kind = "integer_text" })", R"({"id":"1","n":42})",
                 "customer_number", "company") == R"("42")");
  CHECK(field_of(R"(vat_number_normalized = { from = "/v", kind = "vat_number" })",
                 R"({"id":"1","v":"be 0899.623.035"})", "vat_number_normalized", "company") == R"("BE0899623035")");
  CHECK(field_of(R"(tags = { from = "/t", kind = "named_tags" })", R"({"id":"1","t":[{"name":"x"}]})", "tags") ==
        R"(["x"])");
  CHECK(field_of(R"(status = { from = "/gone", values = { true = "inactive", false = "active" } })",
                 R"({"id":"1","gone":true})", "status") == R"("inactive")");
  CHECK(field_of(R"(status = { from = "/s", values = { 3 = "inactive" } })", R"({"id":"1","s":3})", "status") ==
        R"("inactive")");
  CHECK(field_of(R"(roles = { value = ["customer"] })", R"({"id":"1"})", "roles", "company") == R"(["customer"])");
  const auto split =
      mapped("first_name = \"/a\"\nremarks = { from = \"/b\", facet = \"detail\" }\n", R"({"id":"1","a":"x","b":"y"})");
  CHECK(split.facet_json("core") == R"({"first_name":"x"})");
  CHECK(split.facet_json("detail") == R"({"remarks":"y"})");
}

TEST_CASE("lists are gathered from several fields of a row", "[declarative][fields]") {
  CHECK(field_of(R"(phones = { from = { mobile = "/gsm", phone = "/tel" } })", R"({"id":"1","tel":"1","gsm":""})",
                 "phones") == R"([{"number":"1","type":"phone"}])");
  CHECK(field_of(R"(emails = { from = { work = "/mail" } })", R"({"id":"1","mail":null})", "emails") == "[]");
  CHECK(field_of(R"(addresses.from.primary = { line_1 = "/a/street", city = "/a/town", country = "/a/land" })",
                 R"({"id":"1","a":{"street":"Kaai 1","town":"Gent","land":"Belgium"}})",
                 "addresses") == R"([{"city":"Gent","country":"BE","line_1":"Kaai 1","type":"primary"}])");
}

TEST_CASE("texts of several fields are joined into one, known whole or not at all", "[declarative][fields]") {
  const auto joined = [](const std::string& row, const std::string& more = "") {
    return field_of(R"(full_name = { from = ["/first", "/of/last"], join = " ")" + more + " }", row, "full_name");
  };
  CHECK(joined(R"({"id":"1","first":"An","of":{"last":"Peeters"}})") == R"("An Peeters")");
  CHECK(joined(R"({"id":"1","first":null,"of":{"last":"Peeters"}})") == R"("Peeters")");
  CHECK(joined(R"({"id":"1","first":"An","of":{"last":""}})") == R"("An")");
  CHECK(joined(R"({"id":"1","first":"","of":{"last":null}})") == "null");
  CHECK(joined(R"({"id":"1"})") == "absent");
  CHECK(joined(R"({"id":"1","first":"An","of":{}})") == "absent");
  CHECK(joined(R"({"id":"1","first":"An","of":{}})", R"(, absent = "empty")") == R"("An")");
  CHECK(joined(R"({"id":"1","first":7,"of":{"last":"Peeters"}})") == "absent");
  CHECK(field_of(R"(customer_number = { from = ["/a", "/b"], join = "" })", R"({"id":"1","a":"K","b":"42"})",
                 "customer_number", "company") == R"("K42")");
}

TEST_CASE("a time of change that cannot be read is told once, and the row is a record without one",
          "[declarative][fields]") {
  auto host = told(manifest_of(read_all + "updated_at = \"/at\"\n"));
  host->sync("things");
  host->answer(200, R"([{"id":"1","name":"a","at":"yesterday"},{"id":"2","name":"b","at":true},{"id":"3","at":null},)"
                    R"({"id":"4","at":"2024-05-01"}])");
  CHECK(host->records().at("1").updated_at.empty());
  CHECK(host->records().at("1").field("name") == R"("a")");
  CHECK(host->records().at("4").updated_at == "2024-05-01T00:00:00Z");
  REQUIRE(host->log().size() == 1);
  CHECK(host->log()[0].find("/at") != std::string::npos);
}

TEST_CASE("a plugin's own fields and entities carry its name", "[declarative][fields]") {
  CHECK(field_of(R"("acme.shelf" = { from = "/s", kind = "integer_text" })", R"({"id":"1","s":3})", "acme.shelf") ==
        R"("3")");
  const auto own = mapped("name = \"/n\"\n\"acme.flag\" = { from = \"/f\", kind = \"flag\" }\n",
                          R"({"id":"1","n":"x","f":true})", "acme.gadget");
  CHECK(own.entity == "acme.gadget");
  CHECK(own.field("name") == R"("x")");
  CHECK(own.field("acme.flag") == "true");
}
