// SPDX-License-Identifier: Apache-2.0
// The field tables of Workfront.
#include <koppel/sdk/field_table.hpp>
#include <koppel/testing/scripted_host.hpp>

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <sstream>

using namespace koppel::testing;

namespace {

seen_record from_list(const std::string& stream, const std::string& row) {
  scripted_host host(load_plugin(WORKFRONT_PLUGIN));
  job_options with;
  with.settings = {{"host", "acme.my.workfront.com"}};
  with.full = true;
  host.sync(stream, with);
  host.answer(200, R"({"data":[)" + row + "]}");
  host.answer(200, R"({"data":[)" + row + "]}");
  REQUIRE(host.outcome().error.empty());
  REQUIRE(host.pages().front().records.size() == 1);
  return host.pages().front().records.front();
}

const std::string project_row = R"({"ID":"58d389be000000deb46805b72b41e3b4","name":"api test","objCode":"PROJ",
  "percentComplete":100,"plannedCompletionDate":"2017-03-24T23:30:00:000+0400",
  "plannedStartDate":"2017-03-23T00:30:00:000+0400","status":"CUR","referenceNumber":1894,"companyID":"c1",
  "ownerID":"u1","owner":{"ID":"u1","name":"An Maes","objCode":"USER"},"description":"Two\nlines","URL":null,
  "entryDate":"2017-03-08T17:00:00:250+0400","lastUpdateDate":"2017-10-06T13:48:07.776-0600",
  "parameterValues":{"DE:Sector":["Bouw","Zorg"],"DE:Budget":1200,"DE:Note":"","DE:Empty":null}})";

}  // namespace

TEST_CASE("a company", "[workfront][mapping]") {
  const auto company = from_list("companies", R"({"ID":"c1","name":"Bakkerij Maes","objCode":"CMPY",
    "entryDate":"2020-05-18T17:00:00:000-0600","lastUpdateDate":null,"parameterValues":{}})");

  CHECK(company.entity == "company");
  CHECK(company.id == "c1");
  CHECK(company.updated_at.empty());
  CHECK(company.facet_json("core") ==
        R"({"created_at":"2020-05-18T23:00:00Z","custom_fields":[],"name":"Bakkerij Maes"})");
}

TEST_CASE("a project, with dates in both of Workfront's notations", "[workfront][mapping]") {
  const auto project = from_list("projects", project_row);

  CHECK(project.entity == "project");
  CHECK(project.updated_at == "2017-10-06T19:48:07.776Z");
  CHECK(project.field("created_at") == R"("2017-03-08T13:00:00.250Z")");
  CHECK(project.field("name") == R"("api test")");
  CHECK(project.field("code") == R"("1894")");
  CHECK(project.field("state") == R"("CUR")");
  CHECK(project.field("status") == R"("active")");
  CHECK(project.field("company_id") == R"("c1")");
  // The day that the customer's calendar shows: in UTC the project would begin on the 22nd.
  CHECK(project.field("planned_start") == R"("2017-03-23")");
  CHECK(project.field("planned_end") == R"("2017-03-24")");
  CHECK(project.field("percent_complete").starts_with("100"));
  CHECK(project.field("owner") == R"({"id":"u1","name":"An Maes"})");
  CHECK(project.field("remarks") == R"("Two\nlines")");
  CHECK(project.field("website") == "null");
  CHECK(project.field("custom_fields") ==
        R"([{"id":"DE:Budget","label":"Budget","value":1200},{"id":"DE:Empty","label":"Empty","value":null},)"
        R"({"id":"DE:Note","label":"Note","value":null},{"id":"DE:Sector","label":"Sector","value":["Bouw","Zorg"]}])");
  CHECK(project.facets.size() == 1);
}

TEST_CASE("a record read by id has the bytes of a list", "[workfront][mapping]") {
  scripted_host host(load_plugin(WORKFRONT_PLUGIN));
  job_options with;
  with.settings = {{"host", "acme.my.workfront.com"}};
  host.refetch("projects", {"58d389be000000deb46805b72b41e3b4"}, with);
  host.answer(200, R"({"data":)" + project_row + "}");
  CHECK(host.pages().at(0).records.at(0).facet("core") == from_list("projects", project_row).facet("core"));
}

TEST_CASE("a project is inactive when it has ended, not while its end awaits approval", "[workfront][mapping]") {
  const auto status = [](const std::string& key) {
    return from_list("projects", R"({"ID":"p","status":)" + key + "}").field("status");
  };
  for (const auto* key : {R"("CPL")", R"("DED")", R"("REJ")"}) CHECK(status(key) == R"("inactive")");
  for (const auto* key : {R"("CUR")", R"("PLN")", R"("ONH")", R"("REQ")", R"("IDA")", R"("APR")", R"("CPL:A")"})
    CHECK(status(key) == R"("active")");
  // A customer's own key: we do not know, and say so, lest an older word stand.
  CHECK(status(R"("XYZ")") == "null");
  CHECK(from_list("projects", R"({"ID":"p","status":"XYZ"})").field("state") == R"("XYZ")");
}

TEST_CASE("a user", "[workfront][mapping]") {
  const auto user = from_list("users", R"({"ID":"u1","name":"An Maes","firstName":"An","lastName":"Maes",
    "isActive":false,"emailAddr":"an@maes.be","phoneNumber":"092980615","mobilePhoneNumber":"0475 12 34 56",
    "address":"Kouter 1","city":"Gent","state":"Oost-Vlaanderen","postalCode":"9000","country":"be","locale":"nl_BE",
    "entryDate":"2017-03-08T17:00:00:000+0400","lastUpdateDate":"2017-03-09T17:00:00:000+0400","parameterValues":{}})");

  CHECK(user.entity == "user");
  CHECK(
      user.facet_json("core") ==
      R"({"addresses":[{"city":"Gent","country":"BE","line_1":"Kouter 1","postal_code":"9000",)"
      R"("region":"Oost-Vlaanderen","type":"primary"}],"created_at":"2017-03-08T13:00:00Z","custom_fields":[],)"
      R"("emails":[{"email":"an@maes.be","type":"primary"}],"first_name":"An","language":"nl","last_name":"Maes",)"
      R"("name":"An Maes","phones":[{"number":"092980615","type":"work"},{"number":"0475 12 34 56","type":"mobile"}],)"
      R"("status":"inactive"})");
}

TEST_CASE("absent, null and empty are three things", "[workfront][mapping]") {
  CHECK(from_list("users", R"({"ID":"u"})").facets.empty());
  const auto user = from_list("users", R"({"ID":"u","emailAddr":null,"phoneNumber":null,"mobilePhoneNumber":"",
    "address":null,"city":"","state":null,"postalCode":null,"country":null,"locale":"","isActive":null})");
  CHECK(user.field("emails") == "[]");
  CHECK(user.field("phones") == "[]");
  CHECK(user.field("addresses") == "[]");
  CHECK(user.field("language") == "null");
  CHECK(user.field("status") == "null");
  CHECK(user.field("name") == "absent");

  const auto project = from_list("projects", R"({"ID":"p","ownerID":null,"plannedStartDate":null,
    "plannedCompletionDate":"2017-03-24","companyID":null,"referenceNumber":null})");
  CHECK(project.field("owner") == "null");
  CHECK(project.field("planned_start") == "null");
  CHECK(project.field("planned_end") == R"("2017-03-24")");
  CHECK(project.field("company_id") == "null");
  CHECK(from_list("projects", R"({"ID":"p","ownerID":"u1","owner":null})").field("owner") == R"({"id":"u1"})");
  CHECK(from_list("projects", R"({"ID":"p","ownerID":"u1"})").field("owner") == R"({"id":"u1"})");
  CHECK(from_list("users", R"({"ID":"u","phoneNumber":"1"})").field("phones") == "absent");
}

TEST_CASE("a country is left out unless it is a code, a wrong type of value leaves the field out",
          "[workfront][mapping]") {
  const auto addresses = [](const std::string& of) {
    return from_list("users", R"({"ID":"u","address":null,"state":null,"postalCode":null,)" + of + "}")
        .field("addresses");
  };
  CHECK(addresses(R"("country":"Belgium","city":"Gent")") == R"([{"city":"Gent","type":"primary"}])");
  CHECK(addresses(R"("country":"B1","city":null)") == "[]");
  CHECK(addresses(R"("country":"nl","city":null)") == R"([{"country":"NL","type":"primary"}])");
  CHECK(addresses(R"("country":"nl","city":7)") == "absent");

  const auto project =
      from_list("projects", R"({"ID":"p","percentComplete":"half","plannedStartDate":"2017-02-30T00:00:00Z",
    "plannedCompletionDate":5,"status":3,"ownerID":[],"owner":null})");
  for (const auto* field : {"percent_complete", "planned_start", "planned_end", "status", "state", "owner"})
    CHECK(project.field(field) == "absent");
}

TEST_CASE("every documented field is in the field tables or dropped with a reason", "[workfront][mapping]") {
  const auto tables = koppel::sdk::read_field_tables(manifest_of(load_plugin(WORKFRONT_PLUGIN)), {});
  const auto check = [&](std::string_view stream, const std::string& documented) {
    const auto table = std::find_if(tables.begin(), tables.end(), [&](const auto& t) { return t.stream == stream; });
    REQUIRE(table != tables.end());
    std::set<std::string> known{"ID"};
    for (const auto& line : table->fields.lines())
      for (const auto& from : line.from) known.insert(from.substr(1));
    for (const auto& dropped : table->fields.dropped()) {
      INFO(dropped.from);
      CHECK(known.insert(dropped.from.substr(1)).second);
    }
    std::istringstream names(documented);
    for (std::string name; names >> name;) {
      INFO(stream << " " << name);
      CHECK(known.contains(name));
    }
  };
  check("companies",
        "ID name objCode categoryID customerID enteredByID entryDate extRefID groupID hasRateOverride isPrimary "
        "lastUpdateDate lastUpdatedByID esmProjectID category customer enteredBy lastUpdatedBy group parameterValues "
        "objectCategories rates");
  check("users",
        "ID name firstName lastName emailAddr username title phoneNumber mobilePhoneNumber address city state "
        "postalCode country companyID customerID homeGroupID homeTeamID roleID managerID isActive isAdmin licenseType "
        "accessLevelID locale timeZone entryDate lastUpdateDate lastLoginDate extRefID avatarDate");
  check("projects",
        "ID name objCode status condition percentComplete priority plannedStartDate plannedCompletionDate "
        "projectedCompletionDate actualStartDate actualCompletionDate entryDate lastUpdateDate ownerID sponsorID "
        "companyID portfolioID programID groupID templateID categoryID referenceNumber description extRefID "
        "enteredByID lastUpdatedByID customerID currency URL");
}

TEST_CASE("a list is asked for what the field tables read, and for the dates that it goes by", "[workfront][mapping]") {
  const auto asked_for = [](const std::string& stream, const std::string& path) {
    scripted_host host(load_plugin(WORKFRONT_PLUGIN));
    job_options with;
    with.settings = {{"host", "acme.my.workfront.com"}};
    host.sync(stream, with);
    const auto query = host.expect("GET", "/attask/api/v20.0/" + path + "/search").query;
    return query.substr(0, query.find('&'));
  };
  CHECK(asked_for("companies", "cmpy") == "fields=ID%2Cname%2CentryDate%2ClastUpdateDate%2CparameterValues");
  CHECK(asked_for("projects", "proj") ==
        "fields=ID%2Cname%2Cstatus%2CreferenceNumber%2CcompanyID%2CplannedStartDate%2CplannedCompletionDate%2C"
        "percentComplete%2CownerID%2Cowner%3Aname%2Cdescription%2CURL%2CentryDate%2ClastUpdateDate%2CparameterValues");
  CHECK(asked_for("users", "user") ==
        "fields=ID%2Cname%2CfirstName%2ClastName%2CisActive%2CemailAddr%2CphoneNumber%2CmobilePhoneNumber%2Caddress%2C"
        "city%2Cstate%2CpostalCode%2Ccountry%2Clocale%2CentryDate%2ClastUpdateDate%2CparameterValues");
}
