// SPDX-License-Identifier: Apache-2.0
// [stream.fields] as the SDK reads it: what a row becomes, and which mistakes are found before there is one.
#include <koppel/sdk/failure.hpp>
#include <koppel/sdk/field_table.hpp>

#include <catch2/catch.hpp>

using namespace koppel::sdk;

namespace {

std::optional<packed> read_shout(const json& value) {
  return value.text() ? std::optional(packed::text(std::string(*value.text()) + "!")) : std::nullopt;
}
std::optional<packed> read_country(const json& value, const lookup& known) {
  const auto at = known.find(value.text().value_or(""));
  return at == known.end() ? std::optional<packed>() : packed::text(at->second);
}
std::optional<packed> read_both(const json& row) {
  return packed::text(std::string(row["a"].text().value_or("")) + std::string(row["b"].text().value_or("")));
}

kind_list own_kinds() {
  return kind_list()
      .add("shout", shape::text, read_shout)
      .add("id of a country", shape::text, read_country)
      .add_of_row("both", shape::text, read_both);
}

std::string manifest_of(const std::string& fields, const std::string& entity = "company") {
  return "[plugin]\nname = \"acme\"\n[[stream]]\nname = \"things\"\nentity = \"" + entity + "\"\n[stream.fields]\n" +
         fields;
}

field_table table_of(const std::string& fields, const std::string& entity = "company") {
  auto all = read_field_tables(manifest_of(fields, entity), own_kinds());
  REQUIRE(all.size() == 1);
  return std::move(all.front().fields);
}

std::string core_of(const field_table& table, const std::string& row, const lookup& known = {}) {
  auto made = table.map(json::parse(row), "/id", "/at", known);
  return made.facets.empty() ? "" : made.in("core").bytes();
}

/// Why fields were left out, one after the other.
std::string left_out_of(const field_table& table, const std::string& row) {
  std::string out;
  for (const auto& why : table.map(json::parse(row), "/id", "/at").left_out) out += (out.empty() ? "" : "; ") + why;
  return out;
}

std::string text_field(std::string_view text) {
  record out(entity::company, "x");
  return out.in("core").set(canonical::name, text).bytes();
}

std::string said_of(const std::string& fields, const std::string& entity = "company") {
  try {
    table_of(fields, entity);
  } catch (const std::runtime_error& why) {
    return why.what();
  }
  return {};
}

}  // namespace

TEST_CASE("the walk through a table keeps absent, null and unreadable apart", "[sdk][fields]") {
  const auto table = table_of(
      "name = \"/name\"\ntags = \"/tags\"\nwebsite = \"/a/b\"\n"
      "remarks = { from = \"/note\", facet = \"detail\" }\n");
  const auto row = json::parse(R"({"id":"1","name":7,"tags":null,"a":null,"updated_at":"2024-01-01T01:00:00+01:00"})");
  const auto made = table.map(row);

  CHECK(made.updated_at == "2024-01-01T00:00:00Z");
  CHECK(made.left_out == std::vector<std::string>{"an unexpected type of value at /name"});
  REQUIRE(made.facets.size() == 1);
  CHECK(made.facets[0].bytes() == "\x82\xa4tags\x90\xa7website\xc0");
  CHECK_THROWS_AS(table.map(json::parse(R"({"id":1})")), unmappable);
  CHECK_THROWS_AS(table.map(json::parse(R"({"id":""})")), unmappable);
  CHECK_THROWS_AS(table.map(json::parse("[]")), unmappable);
}

TEST_CASE("a value that is an id can be looked up while a row is mapped", "[sdk][fields]") {
  const auto table = table_of("name = { from = \"/country\", kind = \"id of a country\" }\n");
  const lookup known{{"17", "Nederland"}};
  CHECK(core_of(table, R"({"id":"x","country":"17"})", known) == text_field("Nederland"));
  CHECK(left_out_of(table, R"({"id":"x","country":"18"})") == "an unexpected type of value at /country");
  CHECK(core_of(table, R"({"id":"x"})", known).empty());
}

TEST_CASE("a kind that only the provider has reads one value, or several of the row", "[sdk][fields]") {
  CHECK(core_of(table_of("name = { from = \"/a\", kind = \"shout\" }\n"), R"({"id":"x","a":"hey"})") ==
        text_field("hey!"));
  const auto both = table_of("name = { from = [\"/a\", \"/b\"], kind = \"both\" }\n");
  CHECK(core_of(both, R"({"id":"x","a":"1","b":"2"})") == text_field("12"));
  CHECK(core_of(both, R"({"id":"x","a":null,"b":"2"})") == text_field("2"));
  CHECK(core_of(both, R"({"id":"x","c":"3"})").empty());  // nothing of it is there
  CHECK(left_out_of(both, R"({"id":"x","c":"3"})").empty());
  CHECK(core_of(both, R"({"id":"x","b":"2"})").empty());
  CHECK(left_out_of(both, R"({"id":"x","b":"2"})").starts_with("no /a, a part of a field"));
}

TEST_CASE("lines keep the order in which they were written, and so do types", "[sdk][fields]") {
  const auto table = table_of(
      "website = \"/z\"\nphones = [{ from = { work = \"/w\", home = \"/h\" } },\n"
      " { from = \"/m\", type = \"mobile\", facet = \"mobile\" }]\nbic = \"/a/b\"\n");
  std::vector<std::string> to;
  for (const auto& line : table.lines()) to.push_back(line.to + ' ' + line.facet);
  CHECK(to == std::vector<std::string>{"website core", "phones core", "phones mobile", "bic core"});
  CHECK(table.lines()[1].from == std::vector<std::string>{"/w", "/h"});
  CHECK(table.names() == "z,w,h,m,a");
  CHECK(table.names(":") == "z,w,h,m,a:b");
}

TEST_CASE("a translation may keep what it does not list, or take it for empty, but not what is of another type",
          "[sdk][fields]") {
  const auto read = [](const std::string& unlisted, const std::string& value) {
    const auto table = table_of("name = { from = \"/s\", values = { on = \"active\" }" + unlisted + " }\n");
    return core_of(table, R"({"id":"x","s":)" + value + "}");
  };
  CHECK(read("", R"("on")") == text_field("active"));
  CHECK(read("", R"("off")").empty());
  CHECK(read(", unlisted = \"keep\"", R"("off")") == text_field("off"));
  CHECK(read(", unlisted = \"keep\"", "7").empty());
  CHECK(read(", unlisted = \"empty\"", R"("off")") == "\x81\xa4name\xc0");
  CHECK(read(", unlisted = \"empty\"", "true").empty());
  const auto flags =
      table_of("marketing_consent = { from = \"/out\", values = { true = false }, unlisted = \"empty\" }\n", "contact");
  CHECK(core_of(flags, R"({"id":"x","out":true})") == "\x81\xb1marketing_consent\xc2");
  CHECK(core_of(flags, R"({"id":"x","out":false})") == "\x81\xb1marketing_consent\xc0");
  CHECK(core_of(flags, R"({"id":"x","out":"false"})").empty());
}

TEST_CASE("one number or address has its type, custom fields are sorted by their ids", "[sdk][fields]") {
  const auto one = table_of("emails = { from = \"/mail\", type = \"primary\" }\n");
  const auto mails = [&](const std::string& value) { return core_of(one, R"({"id":"x","mail":)" + value + "}"); };
  record wanted(entity::company, "x");
  CHECK(mails(R"("a@b")") == wanted.in("core").set(canonical::emails, {{"primary", "a@b"}}).bytes());
  CHECK(mails(R"("")") == wanted.in("core").set(canonical::emails, {}).bytes());
  CHECK(mails("null") == wanted.in("core").set(canonical::emails, {}).bytes());
  CHECK(mails("7").empty());

  const auto custom = table_of("custom_fields = { from = \"/c\", each = { id = \"/k\", value = \"/v\" } }\n");
  record sorted(entity::company, "x");
  sorted.in("core").set(canonical::custom_fields, {{"a", {}, {}, packed::null()}, {"b", {}, {}, packed::text("2")}});
  CHECK(core_of(custom, R"({"id":"x","c":[{"k":"b","v":"2"},{"k":null,"v":"0"},{"k":"a"}]})") ==
        sorted.in("core").bytes());
}

TEST_CASE("a list of objects is unknown when one of them cannot be read, ids may be whole numbers", "[sdk][fields]") {
  const auto custom =
      table_of("custom_fields = { from = \"/c\", each = { id = \"/k\", label = \"/l\", value = \"/v\" } }\n");
  record fields(entity::company, "x");
  fields.in("core").set(canonical::custom_fields, {{"7", "L", {}, packed::integer(1)}});
  CHECK(core_of(custom, R"({"id":"x","c":[{"k":7,"l":"L","v":1}]})") == fields.in("core").bytes());
  for (const auto* wrong : {R"({"k":7.5})", R"({"k":[]})", R"({"v":1})", R"({"k":"a","l":7})", R"("a")", "7"}) {
    INFO(wrong);
    const auto row = R"({"id":"x","c":[{"k":"b"},)" + std::string(wrong) + "]}";
    CHECK(core_of(custom, row).empty());
    CHECK(left_out_of(custom, row) == "an unexpected type of value at /c");
  }
  CHECK(core_of(custom, R"({"id":"x","c":"none"})").empty());

  const auto links = table_of(
      "companies = { from = \"/c\", each = { id = \"/of/id\", position = \"/p\", division = \"/d\", "
      "decision_maker = \"/m\" } }\n",
      "contact");
  record linked(entity::contact, "x");
  linked.in("core").set(canonical::companies, {{"7", "CEO", {}, true}, {"8", {}, {}, {}}});
  CHECK(
      core_of(links, R"({"id":"x","c":[{"of":{"id":7},"p":"CEO","d":null,"m":true},{"of":{"id":"8"}},{"of":null}]})") ==
      linked.in("core").bytes());
  for (const auto* wrong : {R"({"of":{"id":true}})", R"({"p":"CEO"})", R"({"of":{"id":"7"},"p":7})",
                            R"({"of":{"id":"7"},"m":"yes"})", R"({"of":"7"})"}) {
    INFO(wrong);
    CHECK(core_of(links, R"({"id":"x","c":[{"of":{"id":"8"}},)" + std::string(wrong) + "]}").empty());
  }
}

TEST_CASE("a long text is cut as a list cuts it", "[sdk][fields]") {
  const auto table = table_of("remarks = { from = \"/r\", most = 5 }\n");
  const auto read = [&](const std::string& text) { return core_of(table, R"({"id":"x","r":)" + text + "}"); };
  const auto remarks = [](const std::string& text) {
    record out(entity::company, "x");
    return out.in("core").set(canonical::remarks, text).bytes();
  };
  CHECK(table.lines()[0].kind == "first 5 characters");
  CHECK(read(R"("abcd")") == remarks("abcd"));
  CHECK(read(R"("abcde")") == remarks("abcde…"));
  CHECK(read(R"("abcdefg")") == remarks("abcde…"));
  CHECK(read(R"("abcdëf")") == remarks("abcdë…"));
  CHECK(read(R"("abcd😀f")") == remarks("abcd😀…"));
  CHECK(read(R"("")") == "\x81\xa7remarks\xc0");
  CHECK(read("7").empty());
  CHECK(left_out_of(table, R"({"id":"x","r":7})") == "an unexpected type of value at /r");
}

TEST_CASE("a table may say that its provider leaves out what is empty", "[sdk][fields]") {
  const auto row = R"({"id":"x","w":"1"})";
  const auto of_both = [&](const std::string& more) {
    return table_of("phones = { from = { work = \"/w\", home = \"/h\" }" + more + " }\n");
  };
  record known(entity::company, "x");
  known.in("core").set(canonical::phones, {{"work", "1"}});
  CHECK(core_of(of_both(""), row).empty());
  CHECK(left_out_of(of_both(""), row).starts_with("no /h"));
  CHECK(core_of(of_both(", absent = \"empty\""), row) == known.in("core").bytes());
}

TEST_CASE("a text may be listed as meaning nothing", "[sdk][fields]") {
  const auto table = table_of("customer_number = { from = \"/n\", kind = \"text_or_integer\", empty = [\"0\"] }\n");
  const auto read = [&](const std::string& value) { return core_of(table, R"({"id":"x","n":)" + value + "}"); };
  const std::string null =
      "\x81\xaf"
      "customer_number\xc0";
  record wanted(entity::company, "x");
  CHECK(read("0") == null);
  CHECK(read(R"("0")") == null);
  CHECK(read(R"("")") == null);
  CHECK(read("40") == wanted.in("core").set(canonical::customer_number, "40").bytes());
  CHECK(read("4.5").empty());
}

TEST_CASE("an owner and terms of payment are made of plain fields", "[sdk][fields]") {
  const auto owner = table_of("owner = { from = { id = \"/o\", name = \"/of/name\" } }\n");
  record wanted(entity::company, "x");
  CHECK(core_of(owner, R"({"id":"x","o":"7","of":{"name":"An"}})") ==
        wanted.in("core").set(canonical::owner, {"7", "An"}).bytes());
  CHECK(core_of(owner, R"({"id":"x","o":null})") == "\x81\xa5owner\xc0");
  CHECK(core_of(owner, R"({"id":"x","of":{"name":"An"}})").empty());
  CHECK(owner.names(":") == "o,of:name");

  const auto terms = table_of("payment_term = { from = \"/d\", type = \"after_invoice_date\" }\n");
  record due(entity::company, "x");
  due.in("core").set(canonical::payment_term, {"after_invoice_date", 14});
  CHECK(core_of(terms, R"({"id":"x","d":14})") == due.in("core").bytes());
  CHECK(core_of(terms, R"({"id":"x","d":"soon"})").empty());
}

TEST_CASE("each word of a list is translated, and custom fields may be the members of an object", "[sdk][fields]") {
  const auto table = table_of("roles = { from = \"/r\", words = { K = [\"customer\"], L = [\"supplier\"] } }\n");
  const auto words = [&](const std::string& value) { return core_of(table, R"({"id":"x","r":)" + value + "}"); };
  record both(entity::company, "x"), none(entity::company, "x");
  both.in("core").set(canonical::roles, {"customer", "supplier"});
  none.in("core").set(canonical::roles, {});
  CHECK(words(R"(["L","X","K","L"])") == both.in("core").bytes());
  CHECK(words("[]") == none.in("core").bytes());
  CHECK(words("null") == none.in("core").bytes());
  CHECK(words(R"("L")").empty());
  CHECK(words(R"(["L",7])").empty());

  const auto members = table_of("custom_fields = { from = \"/p\", members = { prefix = \"DE:\" } }\n");
  record named(entity::company, "x");
  named.in("core").set(canonical::custom_fields,
                       {{"DE:a", "a", {}, packed::text("1")}, {"b", "b", {}, packed::null()}});
  CHECK(core_of(members, R"({"id":"x","p":{"b":null,"DE:a":"1"}})") == named.in("core").bytes());
  CHECK(core_of(members, R"({"id":"x","p":[]})").empty());
}

TEST_CASE("a country is looked up, or taken as a code alone, and one that is an id alone is no address",
          "[sdk][fields]") {
  const auto table = table_of(
      "addresses = { from = \"/a\", type = \"primary\", parts = { city = \"/city\", "
      "addressee = \"/who\", country_id = \"/land\" } }\n");
  const auto read = [&](const std::string& of) {
    return core_of(table, R"({"id":"x","a":)" + of + "}", {{"17", "NL"}});
  };
  record wanted(entity::company, "x"), none(entity::company, "x");
  wanted.in("core").set(canonical::addresses, {{"primary", {}, {}, "Gent", {}, "NL", "An"}});
  none.in("core").set(canonical::addresses, {});
  CHECK(read(R"({"city":"Gent","who":"An","land":"17"})") == wanted.in("core").bytes());
  CHECK(read("{}") == none.in("core").bytes());
  CHECK(read(R"("Gent")").empty());
  CHECK(read(R"({"city":"","land":"17"})") == none.in("core").bytes());
  CHECK(read(R"({"city":"Gent","who":"An","land":17})") == wanted.in("core").bytes());
  CHECK(read(R"({"city":7,"who":"An"})").empty());
  CHECK(read(R"({"city":"Gent","land":{}})").empty());
  CHECK(left_out_of(table, R"({"id":"x","a":{"city":7}})") == "an unexpected type of value at /a/city");
  CHECK(read("null") == none.in("core").bytes());

  const auto coded = table_of("addresses.from.primary = { country_code = \"/c\", city = \"/t\" }\n");
  record code(entity::company, "x");
  code.in("core").set(canonical::addresses, {{"primary", {}, {}, {}, {}, "NL", {}}});
  CHECK(core_of(coded, R"({"id":"x","c":"nl","t":null})") == code.in("core").bytes());
  CHECK(core_of(coded, R"({"id":"x","c":"Belgium","t":null})") == none.in("core").bytes());
  CHECK(core_of(coded, R"({"id":"x","c":"nl"})").empty());
  CHECK(coded.names() == "c,t");  // as they were written
}

TEST_CASE("a mistake in a table is told with its table, its row and what is possible", "[sdk][fields]") {
  const struct {
    std::string fields, said;
  } wrongs[] = {
      {"birthdate = \"/b\"\n", "line 7, column 13: stream[1].fields.birthdate: is no canonical field of company"},
      {"name = { from = \"/b\", kind = \"whisper\" }\n",
       "stream[1].fields.name.kind: must be one of text, flag, time, date"},
      {"name = { from = \"/b\", kind = \"whisper\" }\n", "shout, id of a country, both"},
      {"tags = { from = \"/b\", kind = \"text\" }\n", "stream[1].fields.tags.kind: gives text, the field wants texts"},
      {"name = { from = \"/b\", kind = \"both\" }\n",
       "stream[1].fields.name.from: must be a list of paths: \"both\" reads the whole row"},
      {"name = { from = [\"/b\"], kind = \"shout\" }\n", "name.from: must be one path: \"shout\" reads no more"},
      {"name = { from = [\"b\"], kind = \"both\" }\n", "name.from: must be a list of paths"},
      {"tags = { from = [\"/b\"], kind = \"both\" }\n", "tags.kind: gives text, the field wants texts"},
      {"name = [{ from = \"/b\" }, { from = \"c\" }]\n", "fields.name[2].from: must be a path"},
      {"name = []\n", "fields.name: must be a path like \"/name\", or a table, or a list of tables"},
      {"name = [{ from = \"/b\" }, { from = \"/b\" }]\n", "name[2].from: is read twice into name of facet core"},
      {"name = { from = \"/b\", type = \"x\" }\n", "name.type: may stand for emails, phones and payment_term only"},
      {"name = { from = \"/b\", each = { id = \"/i\" } }\n", "name.each: may stand for custom_fields and companies"},
      {"name = { from = \"/b\", words = { a = [\"b\"] } }\n", "name.words: may stand for roles and tags only"},
      {"name = { from = \"/b\", type = \"x\", parts = { city = \"/c\" } }\n",
       "name.parts: may stand for addresses only"},
      {"addresses = { from = \"/b\", parts = { city = \"/c\" } }\n", "addresses.type: is missing"},
      {"name = { from = \"/b\", members = { prefix = \"x\" } }\n", "name.members: may stand for custom_fields only"},
      {"tags = { from = \"/b\", empty = [\"0\"] }\n", "tags.empty: may stand for texts only"},
      {"name = { from = \"/b\", kind = \"shout\", most = 5 }\n", "name.most: may stand for the kind text only"},
      {"name = { from = \"/b\", most = 0 }\n", "name.most: must be"},
      {"phones = { from = { work = \"/w\" }, absent = \"null\" }\n",
       "phones.absent: must be one of \"unknown\", \"empty\""},
      {"owner = { from = { id = \"/b\" }, absent = \"empty\" }\n", "owner.absent: is not a key that Koppel knows"},
      {"owner = { from = { name = \"/b\" } }\n", "owner.from.id: is missing"},
      {"tags = { from = \"/b\", values = { a = [\"b\"] }, unlisted = \"keep\" }\n",
       "tags.unlisted: may be \"keep\" for texts only"},
      {"name = { from = \"/b\", values = { a = \"b\" }, unlisted = \"drop\" }\n",
       "unlisted: must be one of \"leave_out\", \"keep\", \"empty\""},
      {"dropped = { \"/b\" = \"why\" }\n", "stream[1].fields: must have a field"},
      {"name = \"/b\"\n[[stream.fields.dropped]]\nfrom = [\"/c\", \"/b\"]\nwhy = \"x\"\n",
       "dropped: has \"/b\", which is mapped to name"},
      {"name = \"/b\"\n[[stream.fields.dropped]]\nfrom = [\"/c\", \"/c\"]\nwhy = \"x\"\n",
       "dropped[1].from: has \"/c\" twice"},
      {"name = \"/b\"\n[[stream.fields.dropped]]\nfrom = [\"/c\"]\n", "dropped[1].why: is missing"},
      {"phones = { from = { work = \"/w\" } }\ndropped = { \"/w\" = \"x\" }\n", "\"/w\", which is mapped to phones"},
  };
  for (const auto& wrong : wrongs) {
    INFO(wrong.fields);
    CHECK_THAT(said_of(wrong.fields), Catch::Contains(wrong.said));
  }
}

TEST_CASE("who shows tables may read those whose kinds he does not have", "[sdk][fields]") {
  const auto text = manifest_of(
      "name = { from = \"/b\", kind = \"whisper\" }\n"
      "status = { from = [\"/c\", \"/d\"], kind = \"several\" }\n");
  const auto tables = read_field_tables(text, kind_list::with_unknown());
  REQUIRE(tables.size() == 1);
  CHECK(tables[0].stream == "things");
  CHECK(tables[0].fields.lines()[0].kind == "whisper");
  CHECK(tables[0].fields.lines()[1].kind == "several");
}
