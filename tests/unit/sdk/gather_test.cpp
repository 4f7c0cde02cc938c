// SPDX-License-Identifier: Apache-2.0
// One list from several fields.
#include <koppel/sdk/gather.hpp>

#include <catch2/catch.hpp>

using namespace koppel::sdk;

namespace {

const std::vector<typed_field> phone_fields = {{"/Phone", "phone"}, {"/of/Fax", "fax"}};
const std::vector<address_fields> place_fields{
    {"primary", "/street", "/zip", "/city", "", "", "/country"},
    {"other", "/Other_street", "/Other_zip", "/Other_city", "", "", "/Other_country"}};

packed phones(const std::string& row) { return gather_phones(json::parse(row), phone_fields).value; }
packed places(const std::string& row) { return gather_addresses(json::parse(row), place_fields).value; }

/// Why it is left out; "not at all" where it is not, so that no value is ever taken for a reason.
std::string reason_of(const field_value& of) {
  CHECK((of.value.is_absent() || of.why_left_out.empty()));
  return of.why_left_out.empty() ? "not at all" : of.why_left_out;
}
std::string why_no_phones(const std::string& row) { return reason_of(gather_phones(json::parse(row), phone_fields)); }
std::string why_no_places(const std::string& row) {
  return reason_of(gather_addresses(json::parse(row), place_fields));
}

using reader = std::optional<packed> (*)(const json& value);
/// "nothing" where the value is of another type.
std::string bytes_of(reader with, const std::string& value) {
  const auto out = with(json::parse(value));
  return out ? out->bytes() : "nothing";
}

}  // namespace

TEST_CASE("fields that are absent make no list, empty ones an empty list", "[sdk][gather]") {
  CHECK(phones(R"({"x":1})").is_absent());
  CHECK(why_no_phones(R"({"x":1})") == "not at all");
  CHECK(phones(R"({"Phone":null,"of":null})").bytes() == pack(std::vector<phone>{}).bytes());
  CHECK(phones(R"({"Phone":"","of":{"Fax":"2"}})").bytes() == pack(std::vector<phone>{{"fax", "2"}}).bytes());
  CHECK(phones(R"({"Phone":"1","of":{"Fax":"2"}})").bytes() ==
        pack(std::vector<phone>{{"phone", "1"}, {"fax", "2"}}).bytes());
  CHECK(places(R"({"region":"x"})").is_absent());
  CHECK(places(R"({"street":"","zip":null,"city":"","country":null,"Other_street":null,"Other_zip":null,)"
               R"("Other_city":null,"Other_country":""})")
            .bytes() == pack(std::vector<address>{}).bytes());
}

TEST_CASE("a list of which one part is absent is not known, and is left out rather than published without the part",
          "[sdk][gather]") {
  const std::string whole = ", a part of a field that is known whole or not at all";
  CHECK(why_no_phones(R"({"Phone":"1"})") == "no /of/Fax" + whole);
  CHECK(why_no_phones(R"({"Phone":"1","of":{}})") == "no /of/Fax" + whole);
  CHECK(why_no_phones(R"({"of":{"Fax":null}})") == "no /Phone" + whole);
  CHECK(why_no_places(R"({"street":"Kouter 1","zip":"9000","city":"Gent","country":"BE"})") ==
        "no /Other_street" + whole);
}

TEST_CASE("a provider that leaves out what is empty has absent parts that are empty", "[sdk][gather]") {
  const auto row = json::parse(R"({"Phone":"1","street":"Kouter 1"})"), nothing = json::parse("{}");
  CHECK(gather_phones(row, phone_fields, absence::empty).value.bytes() ==
        pack(std::vector<phone>{{"phone", "1"}}).bytes());
  CHECK(gather_phones(nothing, phone_fields, absence::empty).value.bytes() == pack(std::vector<phone>{}).bytes());
  CHECK(gather_addresses(row, place_fields, {}, absence::empty).value.bytes() ==
        pack(std::vector<address>{{"primary", "Kouter 1", {}, {}, {}, {}, {}}}).bytes());
  CHECK(reason_of(gather_phones(json::parse(R"({"Phone":7})"), phone_fields, absence::empty)) ==
        "an unexpected type of value at /Phone");
}

TEST_CASE("a part of another type leaves the whole list out, and is told by its path", "[sdk][gather]") {
  const std::string at = "an unexpected type of value at ";
  for (const auto* wrong : {"7", "true", "[]", R"({"number":"1"})"}) {
    INFO(wrong);
    CHECK(why_no_phones(R"({"Phone":)" + std::string(wrong) + R"(,"of":{"Fax":"2"}})") == at + "/Phone");
    CHECK(why_no_phones(R"({"Phone":"1","of":{"Fax":)" + std::string(wrong) + "}}") == at + "/of/Fax");
  }
  CHECK(why_no_phones(R"({"Phone":"1","of":"2"})") == at + "/of/Fax");
  CHECK(why_no_places(R"({"street":"","zip":9000,"city":"","country":"","Other_street":"","Other_zip":"",)"
                      R"("Other_city":"","Other_country":""})") == at + "/zip");
}

TEST_CASE("an owner is known by his id, with or without a name, and one without an id is nobody", "[sdk][gather]") {
  const auto owner = [](const std::string& row) { return gather_owner(json::parse(row), "/o", "/of/name"); };
  CHECK(owner(R"({"o":"7","of":{"name":"An"}})").value.bytes() == pack(owner_ref{"7", "An"}).bytes());
  CHECK(owner(R"({"o":7,"of":{"name":null}})").value.bytes() == pack(owner_ref{"7", {}}).bytes());
  CHECK(owner(R"({"o":null})").value.bytes() == packed::null().bytes());
  CHECK(owner(R"({"of":{"name":"An"}})").value.is_absent());
  CHECK(owner(R"({"o":"7"})").value.bytes() == pack(owner_ref{"7", {}}).bytes());  // nobody says what he is called
  CHECK(reason_of(owner(R"({"o":7.5,"of":null})")) == "an unexpected type of value at /o");
  CHECK(reason_of(owner(R"({"o":"7","of":{"name":5}})")) == "an unexpected type of value at /of/name");
}

TEST_CASE("an address is gathered from its fields, its country becomes a code or nothing", "[sdk][gather]") {
  const auto made =
      places(R"({"street":"Kouter 1","zip":null,"city":null,"country":"Belgique","Other_street":null,"Other_zip":null,)"
             R"("Other_city":"Nairobi","Other_country":"Kenya"})");
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

TEST_CASE("references and named tags are read, what says that it has no name is skipped", "[sdk][gather]") {
  CHECK(bytes_of(kinds::read_reference, R"({"id":"7","name":"N"})") == pack(owner_ref{"7", "N"}).bytes());
  CHECK(bytes_of(kinds::read_reference, R"({"id":"7"})") == pack(owner_ref{"7", {}}).bytes());
  CHECK(bytes_of(kinds::read_reference, R"({"name":"N"})") == "nothing");
  CHECK(bytes_of(kinds::read_named_tags, R"([{"name":"b"},{"name":"a"},{"name":null},null,{"name":"b"}])") ==
        pack(std::vector<std::string>{"a", "b"}).bytes());
  CHECK(bytes_of(kinds::read_named_tags, "{}") == "nothing");
}

TEST_CASE("one element that cannot be read makes its whole list unknown, never shorter and never empty",
          "[sdk][gather]") {
  const struct {
    reader with;
    std::string sound, wrong;
  } lists[] = {
      {kinds::read_tags, R"("a")", "7"},
      {kinds::read_named_tags, R"({"name":"a"})", R"({"name":7})"},
      {kinds::read_named_tags, R"({"name":"a"})", R"({"id":"1"})"},
      {kinds::read_emails, R"({"type":"x","email":"a@b"})", R"({"type":"x","email":7})"},
      {kinds::read_emails, R"({"type":"x","email":"a@b"})", R"({"type":"x"})"},
      {kinds::read_phones, R"({"number":"1"})", R"({"number":31612345678})"},
      {kinds::read_phones, R"({"number":"1"})", R"({"type":7,"number":"1"})"},
      {kinds::read_phones, R"({"number":"1"})", R"("1")"},
      {kinds::read_company_links, R"({"id":"c"})", R"({"id":true})"},
      {kinds::read_company_links, R"({"id":"c"})", R"({"name":"C"})"},
      {kinds::read_company_links, R"("c")", "1.5"},
  };
  for (const auto& each : lists) {
    INFO(each.wrong);
    CHECK(bytes_of(each.with, '[' + each.sound + ",null]") == bytes_of(each.with, '[' + each.sound + ']'));
    CHECK(bytes_of(each.with, '[' + each.sound + ']') != "nothing");
    CHECK(bytes_of(each.with, '[' + each.sound + ',' + each.wrong + ']') == "nothing");
    CHECK(bytes_of(each.with, '[' + each.wrong + ']') == "nothing");
    CHECK(bytes_of(each.with, each.wrong == "1.5" ? "true" : R"({"x":1})") == "nothing");
  }
}

TEST_CASE("a member of another type makes a value unknown, not the member empty", "[sdk][gather]") {
  CHECK(bytes_of(kinds::read_reference, R"({"id":"7","name":5})") == "nothing");
  CHECK(bytes_of(kinds::read_payment_term, R"({"type":"x","days":"thirty"})") == "nothing");
  CHECK(bytes_of(kinds::read_payment_term, R"({"type":7,"days":30})") == "nothing");
  CHECK(bytes_of(kinds::read_payment_term, R"({"type":"x","days":null})") == pack(payment_terms{"x", {}}).bytes());
}

TEST_CASE("an id may be a whole number, as it is written, and nothing that could be written in two ways",
          "[sdk][gather]") {
  const auto id = [](const std::string& value) {
    return part_reader().id(json::parse(R"({"id":)" + value + "}")["id"]).value_or("none");
  };
  CHECK(id(R"("007")") == "007");
  CHECK(id("7") == "7");
  CHECK(id("-1") == "-1");
  CHECK(id("7328395000000680055") == "7328395000000680055");
  CHECK(id("18446744073709551615") == "18446744073709551615");
  for (const auto* none : {"7.0", "1e3", "0.5", "184467440737095516150", "true", "{}", "null", R"("")"}) {
    INFO(none);
    CHECK(id(none) == "none");
  }
  CHECK(bytes_of(kinds::read_reference, R"({"id":7,"name":"N"})") == pack(owner_ref{"7", "N"}).bytes());
  CHECK(bytes_of(kinds::read_company_links, R"([7,{"id":8},"9"])") ==
        pack(std::vector<company_link>{{"7", {}, {}, {}}, {"8", {}, {}, {}}, {"9", {}, {}, {}}}).bytes());
  CHECK(bytes_of(kinds::read_text_or_integer, "7328395000000680055") == packed::text("7328395000000680055").bytes());
  CHECK(bytes_of(kinds::read_text_or_integer, "7.0") == "nothing");
}
