// SPDX-License-Identifier: Apache-2.0
// The field tables, on rows with every key that was ever recorded or documented.
#include <koppel/sdk/field_table.hpp>
#include <koppel/testing/scripted_host.hpp>

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <set>
#include <sstream>

using namespace koppel::testing;

namespace {

std::string sample(const std::string& name) {
  std::ifstream in(ZOHO_TESTDATA "/" + name);
  REQUIRE(in.good());
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

job_options options(bool full = true) {
  job_options out;
  out.full = full;
  out.settings = {{"region.api", "www.zohoapis.eu"}};
  return out;
}

seen_record from_list(const std::string& stream, const std::string& body) {
  scripted_host host(load_plugin(ZOHO_PLUGIN));
  host.sync(stream, options());
  host.answer(200, body);
  INFO(host.outcome().detail);
  REQUIRE(host.outcome().error.empty());
  REQUIRE(host.pages().front().records.size() == 1);
  return host.pages().front().records.front();
}

seen_record from_read(const std::string& stream, const std::string& id, const std::string& body) {
  scripted_host host(load_plugin(ZOHO_PLUGIN));
  host.refetch(stream, {id}, options(false));
  host.answer(200, body);
  REQUIRE(host.pages().front().records.size() == 1);
  return host.pages().front().records.front();
}

seen_record row(const std::string& stream, const std::string& members) {
  return from_list(stream, R"({"data":[{"id":"1",)" + members + R"(}],"info":{"more_records":false}})");
}

}  // namespace

TEST_CASE("an account of a list, and read by id", "[zoho][mapping]") {
  const auto company = from_list("accounts", sample("accounts.json"));
  CHECK(company.entity == "company");
  CHECK(company.id == "7328395000000680055");
  CHECK(company.updated_at == "2026-05-14T08:36:17Z");
  CHECK(company.field("name") == "\"King (Sample)\"");
  CHECK(company.field("roles") == R"(["supplier"])");
  CHECK(company.field("customer_number") == "null");
  CHECK(company.field("phones") == R"([{"number":"555-555-5555","type":"phone"}])");
  CHECK(company.field("website") == R"("http://example.com")");
  CHECK(
      company.field("addresses") ==
      R"([{"city":"Baltimore","country":"US","line_1":"228 Runamuck Pl #2808","postal_code":"21224","region":"MD","type":"invoicing"}])");
  CHECK(company.field("parent_id") == "null");
  CHECK(company.field("owner") == R"({"id":"7328395000000605001","name":"N D"})");
  CHECK(company.field("tags") == "[]");
  CHECK(company.field("remarks") == "null");
  CHECK(company.field("created_at") == R"("2026-05-14T08:36:09Z")");
  CHECK(company.field("emails") == "absent");
  CHECK(company.field("vat_number") == "absent");

  const auto read = from_read("accounts", "7328395000000680055", sample("accounts.json"));
  CHECK(read.facet("core") == company.facet("core"));
  CHECK(read.facets.size() == 3);  // the fax number and the second address have their own
}

TEST_CASE("a contact", "[zoho][mapping]") {
  const auto contact = from_list("contacts", sample("contacts.json"));
  CHECK(contact.entity == "contact");
  CHECK(contact.field("name") == R"("Kris Marrier")");
  CHECK(contact.field("full_name") == R"("Kris Marrier")");
  CHECK(contact.field("first_name") == R"("Kris")");
  CHECK(contact.field("salutation") == R"("Mr.")");
  CHECK(contact.field("job_title") == R"("Owner")");
  CHECK(contact.field("department_name") == "null");
  CHECK(contact.field("emails") == R"([{"email":"krismarrier@example.com","type":"primary"}])");
  CHECK(contact.field("phones") ==
        R"([{"number":"555-555-5555","type":"phone"},{"number":"555-555-0000","type":"mobile"}])");
  CHECK(
      contact.field("addresses") ==
      R"([{"city":"Gent","country":"BE","line_1":"Kouter 1","postal_code":"9000","region":"Oost-Vlaanderen","type":"primary"}])");
  CHECK(contact.field("birthdate") == R"("1987-04-25")");
  CHECK(contact.field("companies") == R"([{"id":"7328395000000680055"}])");
  CHECK(contact.field("tags") == R"(["beta","vip"])");
  CHECK(contact.field("remarks") == R"("Likes tea.")");
  CHECK(contact.facet_json("core").find("555-111-2222") == std::string::npos);  // the assistant's
}

TEST_CASE("a user", "[zoho][mapping]") {
  const auto user = from_list("users", sample("users.json"));
  CHECK(user.entity == "user");
  CHECK(user.updated_at == "2026-05-14T08:35:10Z");
  CHECK(user.field("name") == R"("N D")");
  CHECK(user.field("first_name") == R"("N")");
  CHECK(user.field("last_name") == R"("D")");
  CHECK(user.field("status") == R"("active")");
  CHECK(user.field("emails") == R"([{"email":"a@example.com","type":"primary"}])");
  CHECK(user.field("phones") == R"([{"number":"+254 1","type":"mobile"}])");
  CHECK(user.field("addresses") == R"([{"country":"KE","region":"Nairobi City","type":"primary"}])");
  CHECK(user.field("language") == R"("en_US")");
  CHECK(user.field("created_at") == R"("2026-05-14T08:34:21Z")");
  CHECK(user.facet_json("core").find("1990") == std::string::npos);
}

TEST_CASE("absent, null and empty are three things", "[zoho][mapping]") {
  const auto none = row("contacts", R"("Last_Name":"Hall")");
  CHECK(none.field("emails") == "absent");
  CHECK(none.field("phones") == "absent");
  CHECK(none.field("addresses") == "absent");
  CHECK(none.field("companies") == "absent");

  const auto empty =
      row("contacts", R"("Email":null,"Secondary_Email":null,"Phone":null,"Mobile":"","Home_Phone":null,)"
                      R"("Other_Phone":null,"Fax":null,"Account_Name":null,"Full_Name":"")");
  CHECK(empty.field("emails") == "[]");
  CHECK(empty.field("phones") == "[]");
  CHECK(empty.field("companies") == "[]");
  CHECK(empty.field("name") == "null");
}

TEST_CASE("a telephone field that the user may not see wipes nobody's number, nor do values of another type",
          "[zoho][mapping]") {
  // Asked for, and not in the answer: hidden by a profile, say. What is shown travels; of the rest nothing is said.
  const auto hidden = row("contacts", R"("Email":"a@b","Phone":"1","Mobile":"2","Home_Phone":null,"Other_Phone":null)");
  CHECK(hidden.field("phones") == R"([{"number":"1","type":"phone"},{"number":"2","type":"mobile"}])");
  CHECK(hidden.field("emails") == R"([{"email":"a@b","type":"primary"}])");
  std::set<std::string> said;
  for (const auto& facet : hidden.facets) said.insert(facet.name);
  CHECK(said == std::set<std::string>{"core", "mobile", "home", "other"});

  const auto wrong = row("accounts", R"("Phone":5,"Fax":7,"Owner":7,"Tag":"vip")");
  for (const auto* field : {"phones", "owner", "tags"}) CHECK(wrong.field(field) == "absent");
  const auto of_numbers = row("contacts", R"("Account_Name":{"name":"K","id":7328395000000680055},)"
                                          R"("Owner":{"name":"N D","id":7328395000000605001})");
  CHECK(of_numbers.field("companies") == R"([{"id":"7328395000000680055"}])");
  CHECK(of_numbers.field("owner") == R"({"id":"7328395000000605001","name":"N D"})");
  CHECK(row("accounts", R"("Parent_Account":{"id":7328395000000680055})").field("parent_id") ==
        R"("7328395000000680055")");
}

TEST_CASE("an account number of 0 is none, and one may be a number", "[zoho][mapping]") {
  const auto number = [](const std::string& of) {
    return row("accounts", R"("Account_Number":)" + of).field("customer_number");
  };
  CHECK(number("0") == "null");
  CHECK(number("\"\"") == "null");
  CHECK(number("4711") == R"("4711")");
  CHECK(number("\"K-12\"") == R"("K-12")");
  CHECK(number("true") == "absent");
}

TEST_CASE("customers and suppliers have roles, other accounts none", "[zoho][mapping]") {
  const auto of = [](const std::string& type) { return row("accounts", R"("Account_Type":)" + type).field("roles"); };
  CHECK(of("\"Customer\"") == R"(["customer"])");
  CHECK(of("\"Supplier\"") == R"(["supplier"])");
  CHECK(of("\"Competitor\"") == "[]");
  CHECK(of("null") == "[]");
}

TEST_CASE("who opted out gave no consent, nobody knows of the others", "[zoho][mapping]") {
  CHECK(row("contacts", R"("Email_Opt_Out":true)").field("marketing_consent") == "false");
  CHECK(row("contacts", R"("Email_Opt_Out":false)").field("marketing_consent") == "null");
}

TEST_CASE("a long text is the same from a list, which cuts it, and from a read by id", "[zoho][mapping]") {
  const auto remarks = [](const std::string& text) {
    return row("accounts", R"("Description":")" + text + '"').field("remarks");
  };
  const std::string a499(499, 'a');
  CHECK(remarks(a499) == '"' + a499 + '"');
  CHECK(remarks(a499 + "b") == '"' + a499 + "b…\"");
  CHECK(remarks(a499 + "bcdef") == '"' + a499 + "b…\"");
  CHECK(remarks(a499 + "ëf") == '"' + a499 + "ë…\"");
  CHECK(remarks(a499 + "😀f") == '"' + a499 + "😀…\"");
}

TEST_CASE("every documented field is in the field tables or dropped with a reason", "[zoho][mapping]") {
  const auto tables =
      koppel::sdk::read_field_tables(manifest_of(load_plugin(ZOHO_PLUGIN)), koppel::sdk::kind_list::with_unknown());
  const auto check = [&](std::size_t table, const std::string& body, std::string_view list) {
    const auto& fields = tables.at(table).fields;
    std::set<std::string> known{"id"};
    for (const auto& line : fields.lines())
      for (const auto& from : line.from) known.insert(from.substr(1, from.find('/', 1) - 1));
    for (const auto& each : fields.dropped()) CHECK(known.insert(each.from.substr(1)).second);
    const auto row_of_all = koppel::sdk::json::parse(body)[list].items()[0];  // the names live as long as it does
    for (const auto& name : row_of_all.names()) {
      INFO(fields.entity() << ' ' << name);
      CHECK(known.contains(std::string(name)));
    }
  };
  check(0, sample("accounts.json"), "data");
  check(1, sample("contacts.json"), "data");
  check(2, sample("users.json"), "users");
}

TEST_CASE("a mistake in a field table fails the plugin before it reads a row", "[zoho][mapping]") {
  const auto said_of = [](const std::string& from, const std::string& to) {
    const auto* plugin = load_plugin(ZOHO_PLUGIN);
    auto text = manifest_of(plugin);
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    try {
      scripted_host host(plugin, text.replace(at, from.size(), to));
    } catch (const script_error& why) {
      return std::string(why.what());
    }
    return std::string();
  };
  CHECK(said_of("name = \"/Account_Name\"", "name = \"/Account_Name\"") == "");
  CHECK_THAT(said_of("kind = \"text_or_integer\"", "kind = \"number\""),
             Catch::Contains("stream[1].fields.customer_number.kind: gives real, the field wants text"));
  CHECK_THAT(said_of("kind = \"text_or_integer\"", "kind = \"nummer\""),
             Catch::Contains("customer_number.kind: must be one of text, flag") &&
                 Catch::Contains("company_links, payment_term"));
  CHECK_THAT(said_of("job_title = ", "job = "),
             Catch::Contains("stream[2].fields.job: is no canonical field of contact (docs/bus.md)"));
}

TEST_CASE("lists are asked for what the field tables read, and for no more names than Zoho takes", "[zoho][mapping]") {
  const auto asked_for = [](const std::string& stream) {
    scripted_host host(load_plugin(ZOHO_PLUGIN));
    host.sync(stream, options());
    const auto query = host.expect("GET", stream == "accounts" ? "/crm/v8/Accounts" : "/crm/v8/Contacts").query;
    const auto fields = query.substr(7, query.find('&') - 7);
    CHECK(std::count(fields.begin(), fields.end(), '%') < 50);
    return fields;
  };
  CHECK(
      asked_for("accounts") ==
      "Account_Name%2CAccount_Type%2CAccount_Number%2CPhone%2CFax%2CWebsite%2CBilling_Street%2CBilling_Code%2C"
      "Billing_City%2CBilling_State%2CBilling_Country%2CShipping_Street%2CShipping_Code%2CShipping_City%2C"
      "Shipping_State%2CShipping_Country%2CParent_Account%2COwner%2CTag%2CDescription%2CCreated_Time%2CModified_Time");
  CHECK(
      asked_for("contacts") ==
      "Full_Name%2CFirst_Name%2CLast_Name%2CSalutation%2CTitle%2CDepartment%2CDate_of_Birth%2CEmail_Opt_Out%2CEmail%2C"
      "Secondary_Email%2CPhone%2CMobile%2CHome_Phone%2COther_Phone%2CFax%2CMailing_Street%2CMailing_Zip%2C"
      "Mailing_City%2CMailing_State%2CMailing_Country%2COther_Street%2COther_Zip%2COther_City%2COther_State%2C"
      "Other_Country%2CAccount_Name%2COwner%2CTag%2CDescription%2CCreated_Time%2CModified_Time");
}
