// SPDX-License-Identifier: Apache-2.0
// Reading modules of Zoho CRM: to the last record, whatever shares a second, wherever a run is cut.
#include "simulated_zoho.hpp"

#include <catch2/catch.hpp>

using namespace koppel::testing;

namespace {

constexpr std::int64_t a_day_later = 1'714'644'000'000;  // 2024-05-02T10:00:00Z; the simulated rows are of the first
constexpr std::int64_t a_minute = 60'000;

job_options incremental(const std::string& cursor, std::int64_t now = a_day_later) {
  job_options out;
  out.cursor = cursor;
  out.now = now;
  out.settings = {{"region", "eu"}, {"region.api", "www.zohoapis.eu"}};
  return out;
}

job_options full() {
  auto out = incremental("");
  out.full = true;
  return out;
}

struct organisation {
  scripted_host host{load_plugin(ZOHO_PLUGIN)};
  simulated_zoho zoho;

  void run_to_the_end() {
    host.play(std::ref(zoho));
    INFO(host.outcome().detail);
    REQUIRE(host.outcome().error.empty());
  }
  void read_all() {
    host.sync("accounts", full());
    run_to_the_end();
  }
  void read_changes(std::int64_t now = a_day_later) {
    host.sync("accounts", incremental(host.cursor(), now));
    run_to_the_end();
  }
  std::set<std::string> ids_seen() const {
    std::set<std::string> out;
    for (const auto& [id, record] : host.records())
      if (!record.gone) out.insert(id);
    return out;
  }
};

std::string refusal(const std::string& code) {
  return R"({"code":")" + code + R"(","details":{},"message":"no","status":"error"})";
}

}  // namespace

TEST_CASE("a list request is what Zoho's manual wants", "[zoho]") {
  organisation o;
  o.host.sync("accounts", full());
  const auto& request = o.host.expect("GET", "/crm/v8/Accounts");

  CHECK(request.host == "www.zohoapis.eu");
  CHECK(request.header("accept") == "application/json");
  CHECK(request.header("if-modified-since").empty());
  CHECK(parameter(request.query, "fields").starts_with("Account_Name,"));
  CHECK(request.query.ends_with("&per_page=200&sort_by=Modified_Time&sort_order=asc"));
  o.host.answer(204, "", {{"content-type", "application/json;charset=utf-8"}});
  CHECK(o.host.outcome().error.empty());

  o.host.sync("contacts", full());
  CHECK(parameter(o.host.expect("GET", "/crm/v8/Contacts").query, "fields").starts_with("Full_Name,"));
}

TEST_CASE("nobody is asked before the data centre is known", "[zoho]") {
  scripted_host host(load_plugin(ZOHO_PLUGIN));
  host.sync("accounts");
  CHECK(host.outcome().error == "bad_settings");
  CHECK(host.requests() == 0);
}

TEST_CASE("an organisation of 500 accounts is read to the last one, in three requests, without a page token",
          "[zoho][paging]") {
  organisation o;
  for (int i = 0; i < 500; ++i) o.zoho.add(std::to_string(1000 + i), i);
  o.read_all();

  CHECK(o.ids_seen() == o.zoho.ids());
  CHECK(o.zoho.sinces == std::vector<std::string>{"", "2024-05-01T10:03:18+00:00", "2024-05-01T10:06:36+00:00"});
  CHECK(o.zoho.with_token == 0);
  CHECK(o.zoho.deletion_sinces.empty());
  for (const auto& page : o.host.pages()) CHECK(page.cursor_version == 1);
}

TEST_CASE("accounts that share a second are all read, more than the 2000 that page numbers reach too",
          "[zoho][paging]") {
  const bool inclusive = GENERATE(true, false);
  const int same = GENERATE(199, 200, 201, 400, 2300);
  INFO("If-Modified-Since " << (inclusive ? "includes" : "excludes") << " its second, " << same
                            << " rows in one second");
  organisation o;
  o.zoho.since_includes_its_second = inclusive;
  o.zoho.add_many(10'000, 30, 7);
  o.zoho.add_many(20'000, same, 8);
  o.zoho.add_many(30'000, 60, 9);
  o.zoho.add_many(40'000, 230, 20);
  o.read_all();

  CHECK(o.ids_seen() == o.zoho.ids());
}

TEST_CASE("rows without Modified_Time are read, by token", "[zoho][paging]") {
  organisation o;
  o.zoho.add_many(1000, 430, -1);
  o.read_all();
  CHECK(o.ids_seen() == o.zoho.ids());
  CHECK(o.zoho.with_token == 2);
}

TEST_CASE("an incremental run asks for deletions since the last run began, then for changes, both with an overlap",
          "[zoho][cursor]") {
  organisation o;
  o.zoho.add("1", 0);
  o.zoho.add("2", 1000);
  o.read_all();
  o.zoho.touch("1", 1001);
  o.host.sync("accounts", incremental(o.host.cursor()));
  o.host.expect("GET", "/crm/v8/Accounts/deleted");
  o.run_to_the_end();

  CHECK(o.zoho.deletion_sinces == std::vector<std::string>{"2024-05-02T09:50:00+00:00"});
  CHECK(o.zoho.sinces.back() == "2024-05-01T10:06:39+00:00");  // 1000 s, less one, less ten minutes
  CHECK(o.host.records().at("1").updated_at == "2024-05-01T10:16:41Z");
}

TEST_CASE("quiet runs end where they began, and do not creep into the past", "[zoho][cursor]") {
  organisation o;
  o.zoho.add("1", 1000);
  o.read_all();
  o.zoho.remove("1", 1001);  // so that nothing at all is listed
  for (int i = 1; i <= 3; ++i) o.read_changes(a_day_later + 5 * i * a_minute);
  CHECK(o.zoho.sinces == std::vector<std::string>{"", "2024-05-01T10:06:39+00:00", "2024-05-01T10:06:39+00:00",
                                                  "2024-05-01T10:06:39+00:00"});
  CHECK(o.zoho.deletion_sinces.back() == "2024-05-02T10:00:00+00:00");
}

TEST_CASE("a deletion is a record of its own, with its time", "[zoho][deletions]") {
  organisation o;
  o.zoho.add_many(100, 3, 5);
  o.read_all();
  o.zoho.remove("101", 86'400 + 30);  // while we were not looking: half a minute after that run
  o.read_changes(a_day_later + 5 * a_minute);

  CHECK(o.ids_seen() == o.zoho.ids());
  CHECK(o.host.records().at("101").gone);
  CHECK(o.host.records().at("101").entity == "company");
  CHECK(o.host.records().at("101").updated_at == "2024-05-02T10:00:30Z");
}

TEST_CASE("what is deleted while a full read goes on, after its page, is told by the next run", "[zoho][deletions]") {
  organisation o;
  for (int i = 0; i < 500; ++i) o.zoho.add(std::to_string(1000 + i), i);
  auto with = full();
  o.host.sync("accounts", with);
  o.host.play(std::ref(o.zoho), 2);
  o.zoho.remove("1000", 86'400 + 60);
  o.host.cut();
  with.now = a_day_later + 120 * a_minute;  // it goes on two hours later; the deletion is far behind its end
  o.host.resume("accounts", with);
  o.run_to_the_end();
  CHECK_FALSE(o.host.records().at("1000").gone);

  o.read_changes(a_day_later + 125 * a_minute);
  CHECK(o.ids_seen() == o.zoho.ids());
}

TEST_CASE("who is restored is there again, even where Zoho goes on listing the deletion", "[zoho][deletions]") {
  organisation o;
  o.zoho.restored_stay_listed = GENERATE(false, true);
  o.zoho.add("1", 86'400);
  o.read_all();
  o.zoho.remove("1", 86'400 + 10);
  o.zoho.restore("1");
  o.read_changes(a_day_later + a_minute);
  CHECK(o.ids_seen() == std::set<std::string>{"1"});
}

TEST_CASE("a run that is cut among its deletions goes on with the overlap that the list needs", "[zoho][cursor]") {
  organisation o;
  o.zoho.add_many(1, 2, 1000);
  o.read_all();
  o.zoho.remove("1", 86'400);
  o.zoho.add("3", 1000 - 590);  // listed late
  o.host.sync("accounts", incremental(o.host.cursor()));
  o.host.play(std::ref(o.zoho), 1);
  o.host.cut();
  o.host.resume("accounts", incremental(""));
  o.run_to_the_end();
  CHECK(o.ids_seen() == o.zoho.ids());
}

TEST_CASE("more deletions than Zoho lists are no failure, the full read finds the rest", "[zoho][deletions]") {
  organisation o;
  o.zoho.add_many(10'000, 2'300, 5);
  o.read_all();
  for (int i = 0; i < 2'300; ++i) o.zoho.remove(std::to_string(10'000 + i), 86'400 + 1);
  o.read_changes(a_day_later + a_minute);
  CHECK(o.ids_seen().size() == 300);
  REQUIRE(o.host.log().size() == 1);
  CHECK(o.host.log().front().starts_with("warn: more changes than Zoho lists"));
}

TEST_CASE("a row that is listed late, with an older time than the last run's newest, is read by the next run",
          "[zoho][cursor]") {
  organisation o;
  o.zoho.add("1", 1000);
  o.read_all();
  o.zoho.add("2", 1000 - 590);
  o.read_changes();
  CHECK(o.ids_seen() == o.zoho.ids());
}

TEST_CASE("a row from the future is read, and hides nothing that changes before its time", "[zoho][cursor]") {
  constexpr int in_a_year = 365 * 24 * 3600;
  organisation o;
  o.zoho.add("1", 1000);
  o.zoho.add_many(5000, GENERATE(1, 430), in_a_year);
  o.read_all();
  CHECK(o.ids_seen() == o.zoho.ids());
  o.zoho.add("2", 2000);
  o.read_changes();
  CHECK(o.ids_seen() == o.zoho.ids());
}

TEST_CASE("a full run ignores the old cursor, a resumed one uses it as it is, an unreadable one is the beginning",
          "[zoho][cursor]") {
  organisation o;
  o.zoho.add("1", 400);
  auto with = full();
  with.cursor = "2024-05-01T10:05:00+00:00 2024-05-01T09:00:00+00:00 -";
  o.host.sync("accounts", with);
  CHECK(o.host.expect("GET", "/crm/v8/Accounts").header("if-modified-since").empty());
  o.run_to_the_end();

  with.resumed = true;
  o.host.sync("accounts", with);
  CHECK(o.host.expect("GET", "/crm/v8/Accounts").header("if-modified-since") == "2024-05-01T10:05:00+00:00");
  o.run_to_the_end();
  // A cut full read concludes nothing about what was deleted before it: the next run asks for that.
  CHECK(o.host.cursor().ends_with(" 2024-04-30T10:00:00+00:00 -"));

  for (const auto* bad : {"rubbish", "none none", "none none ", "2024-05-01T10:05:00+00:00", "none soon -", " - -"}) {
    with.cursor = bad;
    o.host.sync("accounts", with);
    o.run_to_the_end();
    CHECK(o.zoho.sinces.back().empty());
  }
}

TEST_CASE("a run that is cut after any request loses nothing", "[zoho][cursor]") {
  const bool is_full = GENERATE(true, false);
  const auto fill = [&](organisation& o) {
    o.zoho.add("1", 1);
    if (!is_full) o.read_all();
    o.zoho.add_many(1'000, 150, 2000);
    o.zoho.add_many(2'000, 450, 2008);
    for (int i = 0; i < 230; ++i) o.zoho.add(std::to_string(3'000 + i), 2010 + i);
    if (!is_full) o.zoho.remove("1", 86'400);
    o.host.sync("accounts", is_full ? full() : incremental(o.host.cursor()));
  };
  organisation whole;
  fill(whole);
  const auto before = whole.host.requests();
  whole.run_to_the_end();
  const auto requests = whole.host.requests() - before;
  REQUIRE(requests > 4);

  for (std::size_t cut_after = 0; cut_after < requests; ++cut_after) {
    organisation o;
    fill(o);
    o.host.play(std::ref(o.zoho), cut_after);
    REQUIRE_FALSE(o.host.ended());
    o.host.cut();
    o.host.resume("accounts", is_full ? full() : incremental(""));
    o.run_to_the_end();
    INFO("cut after " << cut_after);
    CHECK(o.ids_seen() == o.zoho.ids());
  }
}

TEST_CASE("a token that has expired or is of other parameters costs its second again, and no row", "[zoho][paging]") {
  organisation o;
  o.zoho.add_many(1'000, 700, 8);
  o.host.sync("accounts", full());
  o.host.play(std::ref(o.zoho), 3);
  o.host.cut();
  auto later = full();
  const auto code = GENERATE("EXPIRED_VALUE", "TOKEN_BOUND_DATA_MISMATCH");
  o.host.resume("accounts", later);
  CHECK_FALSE(parameter(o.host.expect("GET", "/crm/v8/Accounts").query, "page_token").empty());
  o.host.answer(400, refusal(code));
  CHECK(parameter(o.host.expect("GET", "/crm/v8/Accounts").query, "page_token").empty());
  o.run_to_the_end();
  CHECK(o.ids_seen() == o.zoho.ids());
}

TEST_CASE("a provider that ignores the filter or the tokens, or refuses every token, does not keep us for ever",
          "[zoho][hostile]") {
  organisation o;
  o.zoho.add_many(1'000, 430, 5);
  SECTION("the filter") {
    o.zoho.ignores_filter = true;
    o.host.sync("accounts", incremental("2024-05-01T11:00:00+00:00 none -"));
  }
  SECTION("the tokens") {
    o.zoho.ignores_tokens = true;
    o.host.sync("accounts", full());
  }
  SECTION("every token") {
    o.zoho.tokens_expire = true;
    o.host.sync("accounts", full());
  }
  o.host.play(std::ref(o.zoho));
  CHECK(o.host.outcome().error == "bug");
  CHECK(o.zoho.lists < 8);
}

TEST_CASE("a page that is not sorted ends the run, unless it is the last", "[zoho][hostile]") {
  const auto ends = [](bool more) {
    scripted_host host(load_plugin(ZOHO_PLUGIN));
    host.sync("accounts", full());
    host.answer(200, R"({"data":[{"id":"1","Modified_Time":"2024-05-01T10:00:09+00:00"},)"
                     R"({"id":"2","Modified_Time":"2024-05-01T10:00:08+00:00"}],"info":{"more_records":)" +
                         std::string(more ? "true" : "false") + R"(,"next_page_token":"t"}})");
    CHECK(host.pages().size() == (more ? 0 : 1));
    return host.outcome().error + ' ' + host.outcome().detail;
  };
  CHECK(ends(true) ==
        "bug Zoho listed rows that are not sorted by Modified_Time, as it was asked to: some would be skipped");
  CHECK(ends(false) == " ");
}

TEST_CASE("an answer that is no list ends the run, and is no end of the list", "[zoho][hostile]") {
  for (const auto* body :
       {"", "<html>", "{}", R"({"data":[]})", R"({"data":[],"info":{}})", R"({"info":{"more_records":false}})",
        R"({"data":{},"info":{"more_records":false}})", R"({"data":[],"info":{"more_records":true}})",
        R"({"code":"INTERNAL_ERROR","status":"error"})"}) {
    organisation o;
    o.host.sync("accounts", full());
    o.host.answer(200, body);
    INFO(body);
    CHECK(o.host.outcome().error == (body[0] == '{' ? "bug" : "try_again"));
    CHECK(o.host.pages().empty());
  }
}

TEST_CASE("rubbish among the rows is set aside, and the others go on", "[zoho][hostile]") {
  organisation o;
  o.host.sync("accounts", full());
  o.host.answer(200, R"({"data":[{"Account_Name":"no id"},{"id":7},{"id":"8","Account_Name":9},null,{"id":""}],
    "info":{"more_records":false}})");
  REQUIRE(o.host.outcome().error.empty());
  CHECK(o.host.pages().front().set_aside == 4);
  CHECK(o.host.records().at("8").field("name") == "absent");
}

TEST_CASE("each refusal says what is to be done", "[zoho]") {
  const auto outcome = [](int status, const std::string& code, header_list headers = {}) {
    organisation o;
    o.host.sync("contacts", full());
    o.host.answer(status, code.empty() ? "<html>" : refusal(code), std::move(headers));
    CHECK(o.host.outcome().http_status == status);
    return o.host.outcome();
  };
  CHECK(outcome(401, "INVALID_TOKEN").error == "authorise_again");
  CHECK(outcome(401, "AUTHENTICATION_FAILURE").error == "authorise_again");
  CHECK(outcome(401, "OAUTH_SCOPE_MISMATCH").error == "scope_missing");
  CHECK(outcome(403, "NO_PERMISSION").error == "scope_missing");
  CHECK(outcome(403, "NOT_SUPPORTED").error == "permanent");
  CHECK(outcome(400, "INVALID_MODULE").error == "scope_missing");
  CHECK(outcome(400, "LIMIT_EXCEEDED").error == "bug");
  CHECK(outcome(400, "EXPIRED_VALUE").error == "bug");  // of no token of ours
  CHECK(outcome(404, "INVALID_URL_PATTERN").error == "bug");
  CHECK(outcome(405, "INVALID_REQUEST_METHOD").error == "bug");
  CHECK(outcome(429, "TOO_MANY_REQUESTS").error == "try_again");
  CHECK(outcome(429, "TOO_MANY_REQUESTS").retry_after == 0);
  CHECK(outcome(429, "TOO_MANY_REQUESTS", {{"x-api-credits-remaining", "0"}}).retry_after == 3'600'000);
  CHECK(outcome(500, "INTERNAL_ERROR").error == "try_again");
  CHECK(outcome(503, "").error == "try_again");
  CHECK(outcome(400, "LIMIT_EXCEEDED").detail == "GET /crm/v8/Contacts was answered with 400 LIMIT_EXCEEDED");
}

TEST_CASE("a read by id says what the record is, or that it is gone, and nothing else means gone", "[zoho][refetch]") {
  organisation o;
  o.zoho.add("7328395000000680055", 5);
  o.host.refetch("accounts", {"7328395000000680055", "7328395000000680056", "9999", "not/an-id", ""}, incremental(""));
  const auto asked = o.host.expect("GET", "/crm/v8/Accounts").query;
  CHECK(parameter(asked, "ids") == "7328395000000680055,7328395000000680056,9999");
  CHECK(parameter(asked, "fields").starts_with("Account_Name,"));
  o.run_to_the_end();
  CHECK(o.zoho.singles == 3);  // the list was refused for one of them

  const auto& page = o.host.pages().front();
  REQUIRE(page.records.size() == 3);
  CHECK(page.records[0].field("name") == R"("Company 7328395000000680055")");
  CHECK(page.records[1].gone);  // 204
  CHECK(page.records[2].gone);  // 400 INVALID_DATA
  CHECK(page.set_aside == 2);

  for (const auto& [status, code] : {std::pair{401, "INVALID_TOKEN"},
                                     {403, "OTHER"},
                                     {404, "INVALID_URL_PATTERN"},
                                     {400, "INVALID_REQUEST_METHOD"},
                                     {304, "X"},
                                     {429, "TOO_MANY_REQUESTS"},
                                     {500, "INTERNAL_ERROR"}}) {
    o.host.refetch("contacts", {"7"}, incremental(""));
    o.host.answer(status, refusal(code));
    INFO(status);
    CHECK_FALSE(o.host.outcome().error.empty());
  }
  const auto pages = o.host.pages().size();
  o.host.refetch("contacts", {"7", "8", "9"}, incremental(""));
  o.host.answer(200, R"({"data":[{"id":"5","Last_Name":"x"}]})");  // of the list: none that was asked for
  o.host.answer(200, R"({"data":[{"id":"6"}]})");                  // another one
  o.host.answer(403, refusal("NO_PERMISSION"));                    // not shared with us: that is not gone
  o.host.answer(200, R"({"data":[]})");                            // no row
  CHECK(o.host.outcome().error.empty());
  REQUIRE(o.host.pages().size() == pages + 1);
  CHECK(o.host.pages().back().set_aside == 3);
  CHECK(o.host.pages().back().records.empty());
}

TEST_CASE("many records that are read by their ids cost one request, and one each where they did not come",
          "[zoho][refetch]") {
  organisation o;
  o.zoho.add_many(1000, 118, 5);
  std::vector<std::string> ids;
  for (int id = 1000; id < 1120; ++id) ids.push_back(std::to_string(id));  // of the last two nobody knows
  o.host.refetch("accounts", ids, incremental(""));
  o.run_to_the_end();
  CHECK(o.zoho.lists == 2);
  CHECK(o.zoho.singles == 2);
  CHECK(o.host.records().size() == 120);
  CHECK(o.host.records().at("1117").field("name") == R"("Company 1117")");
  CHECK(o.host.records().at("1118").gone);
  CHECK(o.host.records().at("1119").gone);

  o.host.refetch("accounts", {"1000"}, incremental(""));
  o.run_to_the_end();
  CHECK(o.zoho.singles == 3);
  for (const auto& [status, code] : {std::pair{401, "INVALID_TOKEN"}, {429, "TOO_MANY_REQUESTS"}, {500, "X"}}) {
    INFO(status);
    o.host.refetch("contacts", {"7", "8"}, incremental(""));
    o.host.answer(status, refusal(code));
    CHECK_FALSE(o.host.outcome().error.empty());
  }
}
