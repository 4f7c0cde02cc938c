// SPDX-License-Identifier: Apache-2.0
// What reaches a terminal: escapes, widths, tables, names.

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <sstream>

#include "tools/koppelctl/errors.hpp"
#include "tools/koppelctl/event_text.hpp"
#include "tools/koppelctl/names.hpp"
#include "tools/koppelctl/table.hpp"
#include "tools/koppelctl/terminal.hpp"
#include "tools/koppelctl/text.hpp"

namespace {

using namespace koppel::koppelctl;
using Catch::Matchers::Contains;
namespace json = boost::json;

TEST_CASE("what could move the cursor or reorder a line is shown as an escape", "[koppelctl]") {
  CHECK(printable("Acme BVBA") == "Acme BVBA");
  CHECK(printable("Café Ünïcode 株式会社") == "Café Ünïcode 株式会社");
  CHECK(printable("a\nb\tc\rd") == "a\\nb\\tc\\rd");
  CHECK(printable("\x1b[2J") == "\\x1b[2J");
  CHECK(printable(std::string_view("\0\x7f", 2)) == "\\x00\\x7f");
  CHECK(printable("\xc2\x9b"
                  "31m") == "\\x9b31m");
  CHECK(printable("\xe2\x80\xae"
                  "gpj.exe") == "\\u202egpj.exe");
  CHECK(printable("\xe2\x81\xa6x") == "\\u2066x");
}

TEST_CASE("bytes that are no UTF-8 are shown as what they are", "[koppelctl]") {
  CHECK(printable("a\xff") == "a\\xff");
  CHECK(printable("\xc0\xaf") == "\\xc0\\xaf");           // an overlong slash
  CHECK(printable("\xe0\x80\xaf") == "\\xe0\\x80\\xaf");  // the same in three bytes
  CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");  // half a surrogate pair
  CHECK(printable("\xf4\x90\x80\x80").substr(0, 4) == "\\xf4");
  CHECK(printable("\xe2\x82") == "\\xe2\\x82");  // cut
}

TEST_CASE("width is what a terminal shows, not bytes", "[koppelctl]") {
  CHECK(display_width("abc") == 3);
  CHECK(display_width("é") == 1);
  CHECK(display_width("e\xcc\x81") == 1);  // e and a combining accent
  CHECK(display_width("株式") == 4);
  CHECK(display_width("") == 0);
}

TEST_CASE("a text is cut at a column, never inside a character", "[koppelctl]") {
  CHECK(shortened("abcdef", 6) == "abcdef");
  CHECK(shortened("abcdefg", 6) == "abcde…");
  CHECK(shortened("株式会社", 4) == "株…");
}

TEST_CASE("times and numbers are written for people", "[koppelctl]") {
  CHECK(short_time("2026-07-26T10:00:00.123Z") == "2026-07-26 10:00:00");
  CHECK(short_time("2026-07-26T10:00:00Z") == "2026-07-26 10:00:00");
  CHECK(short_time("") == "-");
  CHECK(short_time("soon") == "soon");
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1'000) == "1 000");
  CHECK(grouped(12'345'678) == "12 345 678");
}

TEST_CASE("a table is aligned by width, and a cell cannot break out of its row", "[koppelctl]") {
  table t({{"NAME"}, {"N", true}, {"LAST"}});
  t.add({"株式", "1", "x"});
  t.add({"a\nb\x1b[31m", "1 000", ""});
  std::ostringstream out;

  t.print(out, false);

  CHECK(out.str() ==
        "NAME              N  LAST\n"
        "株式              1  x\n"
        "a\\nb\\x1b[31m  1 000\n");
}

TEST_CASE("colours are put around cells only where they are wanted", "[koppelctl]") {
  table t({{"S"}, {"T"}});
  t.add({{"bad", colour::bad}, "x"});

  std::ostringstream plain, coloured;
  t.print(plain, false);
  t.print(coloured, true);

  CHECK_THAT(plain.str(), !Contains("\x1b"));
  CHECK_THAT(coloured.str(), Contains("\x1b[31mbad\x1b[0m  x\n"));
}

TEST_CASE("a name is a provider and a name", "[koppelctl]") {
  const auto good = parse_name("teamleader/acme-2");
  REQUIRE(good.has_value());
  CHECK(*good == full_name{"teamleader", "acme-2"});

  const auto bad =
      GENERATE(as<std::string>{}, "", "acme", "/", "teamleader/", "/acme", "teamleader/acme/x", "Teamleader/acme",
               "teamleader/ac me", "teamleader/acme\n", "teamleader/../x", "teamleader/acm\xc3\xa9",
               "teamleader/acme?purge=true", "a/" + std::string(65, 'x'), std::string(1 << 20, 'x'));
  const auto parsed = parse_name(bad);
  REQUIRE_FALSE(parsed.has_value());
  CHECK(parsed.error().code == errc::usage);
  CHECK_THAT(parsed.error().detail, Contains("provider/name") && !Contains("\n"));
  CHECK(parsed.error().detail.size() < 400);
}

TEST_CASE("settings are key=value, no key twice", "[koppelctl]") {
  const auto good = parse_settings({"region=eu", "empty=", "formula=a=b"});
  REQUIRE(good.has_value());
  CHECK(good->at("region") == "eu");
  CHECK(good->at("empty").empty());
  CHECK(good->at("formula") == "a=b");

  CHECK_FALSE(parse_settings({"region"}).has_value());
  CHECK_FALSE(parse_settings({"=eu"}).has_value());
  CHECK_THAT(parse_settings({"a=1", "a=2"}).error().detail, Contains("twice"));
}

TEST_CASE("the language is that of the environment, and English where it is another", "[koppelctl]") {
  const auto speaks = [](const char* all, const char* messages, const char* lang) {
    const auto set = [](const char* name, const char* value) { value ? ::setenv(name, value, 1) : ::unsetenv(name); };
    set("LC_ALL", all);
    set("LC_MESSAGES", messages);
    set("LANG", lang);
    return language_of_environment();
  };

  CHECK(speaks(nullptr, nullptr, "nl_BE.UTF-8") == language::nl);
  CHECK(speaks(nullptr, nullptr, "fr") == language::fr);
  CHECK(speaks("", "fr_BE", "nl_BE") == language::fr);
  CHECK(speaks("C", "fr_BE", "nl_BE") == language::en);
  CHECK(speaks(nullptr, nullptr, "tr_TR.UTF-8") == language::en);
  CHECK(speaks(nullptr, nullptr, "nlx") == language::en);
  CHECK(speaks(nullptr, nullptr, nullptr) == language::en);
}

TEST_CASE("an event says in a few words what it is about", "[koppelctl]") {
  const auto of = [](const char* type, const char* data) { return gist(type, json::parse(data).as_object()); };

  CHECK(of("auth.status", R"({"display":"Success","status":"authorized","account":{"name":"Acme"}})") ==
        "Success «Acme»");
  CHECK(of("auth.status", R"({"display":"","status":"waiting","account":null})") == "waiting");
  CHECK(of("sync.company.upserted", R"({"cause":"change","changed":["name","emails"],"data":{"name":"Ac\u001bme"}})") ==
        "Ac\\x1bme (name, emails)");
  CHECK(of("sync.contact.upserted",
           R"({"cause":"initial","changed":["name"],"data":{"first_name":"An","last_name":"Li"}})") == "An Li");
  CHECK(of("sync.contact.deleted", R"({"reason":"absent"})") == "absent");
  CHECK(of("sync.completed", R"({"stream":"contacts","mode":"full","read":1200,"upserted":3,"deleted":0})") ==
        "contacts full: 1 200 read, 3 upserted");
  CHECK(of("plugin.crashed", R"({"name":"teamleader","reason":"signal 11"})") == "teamleader signal 11");
  CHECK(of("something.new", "{}").empty());
}

TEST_CASE("an event is one line whose parts are found at the same columns", "[koppelctl]") {
  const auto event = json::parse(R"({"type":"eu.koppel.auth.status.v1","seq":"12","time":"2026-07-26T10:00:00.123Z",
      "provider":"teamleader","connection":"acme","data":{"display":"Success"}})")
                         .as_object();

  const auto line = event_line(event, false);
  const auto title = event_title(false);

  CHECK(line.substr(0, 34) == "2026-07-26 10:00:00         12  au");
  CHECK(line.find("teamleader/acme") == title.find("CONNECTION"));
  CHECK(line.find("Success") == title.find("ABOUT"));
}

}  // namespace
