// SPDX-License-Identifier: Apache-2.0
// What is read when: complete and incremental reads, cursors of all kinds, reads by id, the probe, and answers that are
// none.
#include "described.hpp"

using namespace koppel::declarative::test;

namespace {

const std::string once = R"(request = "GET /things"
records = "/things"
paging = { style = "none" }
)";
const std::string since = R"(request = "GET /things"
query = { since = "{since}" }
records = "/things"
updated_at = "/changed"
paging = { style = "none" }
incremental = { since = "rfc3339", overlap_s = 60 }
)";

std::string with(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

/// What the next run asks after a complete read that met this row; `now` is 2023-11-14T22:13:20Z.
std::string next_asked(const std::string& read, const std::string& row) {
  auto host = told(manifest_of(read));
  job_options with;
  with.full = true;
  host->sync("things", with);
  CHECK(host->expect("GET", "/things").query == "");
  host->answer(200, R"({"things":[)" + row + "]}");
  REQUIRE(host->outcome().error + host->outcome().detail == "");
  with.full = false;
  with.cursor = host->cursor();
  host->sync("things", with);
  return host->expect("GET", "/things").query;
}

std::string end_of(const std::string& read, int status, const std::string& body) {
  auto host = told(manifest_of(read));
  host->sync("things");
  host->answer(status, body);
  return host->outcome().error + ": " + host->outcome().detail;
}

}  // namespace

TEST_CASE("the page's example reads people, goes on after a cut, and then asks for changes", "[declarative][reading]") {
  auto host = told(fixture("cardfile.toml"));
  job_options full;
  full.full = true;
  host->sync("people", full);
  CHECK(host->expect("GET", "/v2/people").query == "per_page=100");
  CHECK(host->expect("GET", "/v2/people").header("accept") == "application/json");
  host->answer(200, R"({"people":[{"id":"1","last":"Maes","changed":"2023-05-01T10:00:00Z"}],"meta":{"next":"abc"}})");
  host->cut();
  host->resume("people", full);
  CHECK(host->expect("GET", "/v2/people").query == "after=abc&per_page=100");
  host->answer(200, R"({"people":[{"id":"2","changed":"2023-04-01T10:00:00Z"}],"meta":{"next":null}})");
  CHECK(host->outcome().error.empty());
  CHECK(host->records().at("1").field("last_name") == R"("Maes")");
  CHECK(host->records().at("1").updated_at == "2023-05-01T10:00:00Z");

  job_options later;
  later.cursor = host->cursor();
  host->sync("people", later);
  CHECK(host->expect("GET", "/v2/people").query == "changed_since=2023-05-01T09%3A55%3A00Z&per_page=100");
  host->answer(200, R"({"people":[],"meta":{}})");
  later.cursor = host->cursor();
  host->sync("people", later);
  CHECK(host->expect("GET", "/v2/people").query == "changed_since=2023-05-01T09%3A55%3A00Z&per_page=100");
}

TEST_CASE("the next run asks from the newest change, no later than the run began, less the overlap",
          "[declarative][reading]") {
  CHECK(next_asked(since, R"({"id":1,"changed":"2023-11-14T20:00:30+01:00"})") == "since=2023-11-14T18%3A59%3A30Z");
  CHECK(next_asked(since, R"({"id":1,"changed":"2031-01-01T00:00:00Z"})") == "since=2023-11-14T22%3A12%3A20Z");
  CHECK(next_asked(since, R"({"id":1})") == "since=2023-11-14T22%3A12%3A20Z");
  CHECK(next_asked(with(since, "rfc3339", "date"), R"({"id":1,"changed":"2023-11-14"})") == "since=2023-11-12");
  CHECK(next_asked(with(since, "rfc3339", "epoch_s"), R"({"id":1,"changed":1600000000})") == "since=1599999940");
  CHECK(next_asked(with(since, "rfc3339", "epoch_ms"), R"({"id":1,"changed":1600000000123})") == "since=1599999940123");
  CHECK(next_asked(with(since, "updated_at = \"/changed\"\n", ""), R"({"id":1})") == "since=2023-11-14T22%3A12%3A20Z");
}

TEST_CASE("an interrupted incremental read goes on with the moment that it began with", "[declarative][reading]") {
  auto host =
      told(manifest_of(with(with(since, "{ since = \"{since}\" }", "{ since = \"{since}\", after = \"{cursor}\" }"),
                            "style = \"none\"", "style = \"cursor\", next = \"/next\"")));
  job_options changes;
  changes.cursor = R"({"next":1600000060000})";
  host->sync("things", changes);
  CHECK(host->expect("GET", "/things").query == "since=2020-09-13T12%3A26%3A40Z");
  host->answer(200, R"({"things":[{"id":1,"changed":"2021-01-01T00:00:00Z"}],"next":"b"})");
  host->cut();
  host->resume("things", changes);
  CHECK(host->expect("GET", "/things").query == "after=b&since=2020-09-13T12%3A26%3A40Z");
}

TEST_CASE("a cursor that says nothing to this description means everything", "[declarative][reading]") {
  for (const auto* cursor : {"", "garbage", "{", "[]", "{}", R"({"next":"soon"})", R"({"paging":"page","at":"7"})",
                             R"({"paging":"cursor","at":"7","begun":1})", "\xff"}) {
    INFO(cursor);
    auto host = told(manifest_of(since));
    job_options with;
    with.cursor = cursor;
    with.resumed = true;
    host->sync("things", with);
    CHECK(host->expect("GET", "/things").query == "");
  }
}

TEST_CASE("a complete read that begins heeds no cursor", "[declarative][reading]") {
  auto host = told(manifest_of(since));
  job_options with;
  with.full = true;
  with.cursor = R"({"next":1600000000000})";
  host->sync("things", with);
  CHECK(host->expect("GET", "/things").query == "");
}

TEST_CASE("an answer without the list is a failure and never an empty list", "[declarative][reading]") {
  CHECK(end_of(once, 200, R"({"things":[]})") == ": ");
  CHECK(end_of(once, 204, "") == ": ");
  for (const auto* body : {"{}", R"({"things":null})", R"({"things":{}})", "[]", "null"}) {
    INFO(body);
    CHECK(end_of(once, 200, body) == "bug: an answer without a list at /things");
  }
  CHECK(end_of(once, 200, "<html>").starts_with("try_again: an answer that is not JSON"));
  CHECK(end_of(once, 200, "{\"things\":[").starts_with("bug: an answer that is not JSON"));
  CHECK(end_of(once, 503, "").starts_with("try_again: "));
  CHECK(end_of(once, 401, "").starts_with("authorise_again: "));
  CHECK(end_of(once, 403, "").starts_with("scope_missing: "));
}

TEST_CASE("a row without an id is set aside, and the others are read", "[declarative][reading]") {
  auto host = told(manifest_of(once));
  host->sync("things");
  host->answer(200, R"({"things":[{"name":"x"},{"id":null},{"id":true},{"id":""},7,{"id":5,"name":"y"}]})");
  CHECK(host->outcome().error.empty());
  REQUIRE(host->pages().size() == 1);
  CHECK(host->pages()[0].set_aside == 5);
  CHECK(host->records().at("5").field("name") == R"("y")");
}

TEST_CASE("one record is read by its id, and only 404 and 410 mean that it is gone", "[declarative][reading]") {
  auto host = told(manifest_of(once + "one = { request = \"GET /things/{id}\", record = \"/data\" }\n"));
  host->refetch("things", {"a/b", "2", "3", "4", "5"});
  CHECK(host->expect("GET", "/things/a%2Fb").url == "https://api.acme.example/things/a%2Fb");
  host->answer(200, R"({"data":{"id":"a/b","name":"slashed"}})");
  host->answer(404, "");
  host->answer(410, "");
  host->answer(200, R"({"data":[{"id":4,"name":"listed"}]})");
  host->answer(200, R"({"data":{"id":"6"}})");
  CHECK(host->outcome().error.empty());
  CHECK(host->records().at("a/b").field("name") == R"("slashed")");
  CHECK(host->records().at("2").gone);
  CHECK(host->records().at("3").gone);
  CHECK(host->records().at("4").field("name") == R"("listed")");
  CHECK_FALSE(host->records().contains("5"));
  CHECK(host->pages().back().set_aside_reason == "another record than was asked for");

  for (const auto& [status, body] :
       {std::pair(500, ""), std::pair(401, ""), std::pair(404, "<html>of a proxy</html>")}) {
    host->refetch("things", {"1"});
    host->answer(status, body);
    CHECK_FALSE(host->outcome().error.empty());
  }
  for (const int status : {204, 400, 403, 422}) {
    host->refetch("things", {"1"});
    host->answer(status, "");
    CHECK(host->outcome().error.empty());
    CHECK(host->pages().back().set_aside == 1);
  }
  CHECK_FALSE(host->records().contains("1"));
  host->refetch("things", {"1"});
  host->answer(200, R"({"data":[]})");
  CHECK_FALSE(host->records().contains("1"));
}

TEST_CASE("a stream without a read by id says so when it is asked for one", "[declarative][reading]") {
  auto host = told(manifest_of(once));
  host->refetch("things", {"1"});
  CHECK(host->outcome().detail == "the manifest describes no read of one record for this stream");
}

TEST_CASE("the probe names the account, and the streams that answer 403", "[declarative][probe]") {
  const auto read = R"(request = "POST /things"
json = { size = "{size}", page = "{page}" }
records = "/things"
paging = { style = "page", size = 50 }
)";
  auto host = told(manifest_of(read));
  host->probe();
  host->expect("GET", "/me");
  host->answer(200, R"({"id":4711})");
  CHECK(host->expect("POST", "/things").body == R"({"page":1,"size":1})");
  host->answer(403, "");
  CHECK(host->outcome().account_id == "4711");
  CHECK(host->outcome().streams_refused == std::vector<std::string>{"things"});

  host->probe();
  host->answer(200, R"({"id":"x"})");
  host->answer(200, "");
  CHECK(host->outcome().streams_refused.empty());
  host->probe();
  host->answer(200, R"({"name":"nobody"})");
  CHECK(host->outcome().detail == "the probe's answer has no text or whole number at /id");
  host->probe();
  host->answer(200, R"({"id":"x"})");
  host->answer(500, "");
  CHECK(host->outcome().error == "try_again");
}

TEST_CASE("settings and regions fill the base URL and whatever names them", "[declarative][reading]") {
  const std::string settings = "setting = [{ name = \"host\" }, { name = \"division\" }]\n";
  auto text = manifest_of(
      with(once, "GET /things\"", "GET /{setting.division}/things\"\nquery = { d = \"{setting.division}\" }"),
      "name = \"/name\"\n", "company", settings);
  text = with(text, "https://api.acme.example", "https://{setting.host}/api");
  auto host = told(text);
  job_options with;
  with.settings = {{"host", "acme.other.example"}, {"division", "a b"}};
  host->sync("things", with);
  CHECK(host->expect("GET", "/api/a%20b/things").url == "https://acme.other.example/api/a%20b/things?d=a%20b");
  host->cut();
  with.settings = {{"host", "acme.other.example"}};
  host->sync("things", with);
  CHECK(host->outcome().error == "bad_settings");
}
