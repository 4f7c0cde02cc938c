// SPDX-License-Identifier: Apache-2.0
// The runtime behind a connector, seen from the C boundary, message by message.
#include "sample_connector.hpp"

namespace koppel::test {
namespace {

class maps_by_table : public connector {
 public:
  maps_by_table() {
    fields_in_manifest();
    stream("things", entity::company, &maps_by_table::read, &maps_by_table::one);
  }
  std::string base_url(const job&) const override { return "https://api.example"; }
  task<> probe(probe_run&) override { co_return; }

 private:
  task<> read(sync&) { co_return; }
  task<record> one(job& run, std::string id) { co_return run.fields().map(json::parse("{\"id\":\"" + id + "\"}")); }
};

struct refuses_to_be : sample {
  refuses_to_be() { throw std::runtime_error("no"); }
};

}  // namespace

TEST_CASE("a connector that refuses its manifest is not ready, and its words are told", "[runtime]") {
  raw_host host;
  messages::hello greeting;
  greeting.manifest = "wrong";
  host.say(greeting);
  const auto why = host.next<messages::unusable>();
  CHECK(why.stage == "manifest");
  CHECK(why.reason == "line 1 is wrong");
}

TEST_CASE("a connector that maps by field tables wants one of each of its streams", "[runtime]") {
  const auto said_of = [](const std::string& manifest) {
    raw_host host(&sdk::detail::entry<maps_by_table>::table);
    messages::hello greeting;
    greeting.manifest = manifest;
    host.say(greeting);
    if (std::holds_alternative<messages::ready>(host.heard.front())) return std::string();
    return host.next<messages::unusable>().reason;
  };
  const std::string head = "[plugin]\nname = \"acme\"\n[[stream]]\nname = \"things\"\n";
  CHECK(said_of(head + "entity = \"company\"\nfields = { name = \"/n\" }\n") == "");
  CHECK(said_of("") == "this host does not tell its plugins their manifest");
  CHECK(said_of(head + "entity = \"company\"\n") ==
        "its manifest is wrong: the stream \"things\" has no table [stream.fields]");
  CHECK(said_of(head + "entity = \"contact\"\nfields = { name = \"/n\" }\n") ==
        "its manifest is wrong: the stream \"things\" is of contact, and the connector reads company");
  CHECK(said_of("name = ").starts_with("its manifest is wrong: line 1"));
}

TEST_CASE("hello is answered with ready", "[runtime]") {
  raw_host host;
  host.say(messages::hello{});
  CHECK(host.next<messages::ready>().abi_version == KOPPEL_ABI_VERSION);
}

TEST_CASE("jobs do not disturb each other", "[runtime]") {
  raw_host host;
  host.begin(1, "sync", "fetch");
  host.begin(2, "sync", "fetch", {{"host", "eu.example"}});
  const auto one = host.next<messages::http>(), two = host.next<messages::http>();
  CHECK(one.url == "https://api.example/name");
  CHECK(two.url == "https://eu.example/name");
  CHECK(one.method == "GET");
  CHECK(one.headers == messages::header_list{{"x-version", "1"}});

  host.reply(2, two.effect, 200, R"({"name":"second"})");
  CHECK(host.next<messages::page>().records[0].id == "second");
  host.reply(1, one.effect, 200, R"({"name":"first"})");
  const auto page = host.next<messages::page>();
  CHECK(page.job == 1);
  CHECK(page.records[0].id == "first");
  host.reply(1, page.effect);
  CHECK(host.next<messages::done>().job == 1);
}

TEST_CASE("a connector that hears of an answer that is too large may ask for less", "[runtime]") {
  raw_host host;
  host.begin(1, "sync", "less");
  const auto all = host.next<messages::http>();
  CHECK(all.url == "https://api.example/list?size=100");
  host.reply(1, all.effect, 0, "", "too_large");
  host.next<messages::log>();
  const auto half = host.next<messages::http>();
  CHECK(half.url == "https://api.example/list?size=50");
  host.reply(1, half.effect, 200, "{}");
  CHECK(host.next<messages::done>().error.empty());
  CHECK(host.silent());
}

TEST_CASE("a job that cannot ask for less ends with the word for it", "[runtime]") {
  raw_host host;
  host.begin(1, "sync", "fetch");
  const auto asked = host.next<messages::http>();
  host.reply(1, asked.effect, 0, "", "too_large");
  const auto done = host.next<messages::done>();
  CHECK(done.error == "too_large");
  // Of a page it is no word that a connector could do anything with.
  host.begin(2, "sync", "pages");
  const auto page = host.next<messages::page>();
  host.reply(2, page.effect, 0, "", "too_large");
  CHECK(host.next<messages::page>().job == 2);
  CHECK(host.next<messages::done>().error == "too_large");
}

TEST_CASE("an answer is taken once, and only by who asked", "[runtime]") {
  raw_host host;
  host.begin(1, "sync", "fetch");
  const auto asked = host.next<messages::http>();
  host.reply(7, asked.effect);
  host.reply(1, asked.effect + 1);
  host.reply(1, 0);
  host.reply(1, asked.effect + 1, 0, "", "permanent");
  CHECK(host.silent());

  host.reply(1, asked.effect, 200, R"({"name":"x"})");
  const auto page = host.next<messages::page>();
  host.reply(1, asked.effect, 200, R"({"name":"y"})");
  CHECK(host.silent());
  host.reply(1, page.effect);
  host.next<messages::done>();
  host.reply(1, page.effect);
  CHECK(host.silent());
}

TEST_CASE("what a job notes serves all its ids, and no other job", "[runtime]") {
  raw_host host;
  for (const std::uint64_t job : {1, 2}) {
    messages::start refetch;
    refetch.job = job;
    refetch.kind = "refetch";
    refetch.stream = "notes";
    refetch.ids = {"a", "b", "c"};
    host.say(refetch);
    const auto asked = host.next<messages::http>();
    CHECK(asked.url == "https://api.example/countries");
    host.reply(job, asked.effect, 200, R"({"name":"x"})");
    const auto page = host.next<messages::page>();
    CHECK(page.records.size() == 3);
    host.reply(job, page.effect);
    host.next<messages::done>();
  }
}

TEST_CASE("an effect that fails unwinds the job and ends it with the host's reason", "[runtime]") {
  raw_host host;
  host.begin(1, "sync", "fetch");
  CHECK(alive == 2);
  host.reply(1, host.next<messages::http>().effect, 0, "", "try_again");
  CHECK(alive == 0);
  const auto done = host.next<messages::done>();
  CHECK(done.error == "try_again");
  CHECK(done.detail == "the host's words");

  host.begin(2, "sync", "pages");
  host.reply(2, host.next<messages::page>().effect, 0, "", "permanent");
  CHECK(alive == 0);
  host.next<messages::page>();
  CHECK(host.next<messages::done>().error == "permanent");
  CHECK(host.silent());
}

TEST_CASE("cancel unwinds, and destroy unwinds in silence", "[runtime]") {
  raw_host host;
  host.begin(1, "sync", "fetch");
  host.next<messages::http>();
  host.say(messages::cancel{1, 5});
  CHECK(alive == 0);
  CHECK(host.next<messages::done>().error == "cancelled");
  host.say(messages::cancel{1, 5});
  host.say(messages::cancel{99, 5});
  CHECK(host.silent());

  host.begin(2, "sync", "fetch");
  host.begin(3, "sync", "pages");
  host.heard.clear();
  CHECK(alive == 3);
  host.destroy();
  CHECK(alive == 0);
  CHECK(host.silent());
}

TEST_CASE("what a connector throws is how its job ends", "[runtime][errors]") {
  raw_host host;
  host.begin(1, "sync", "throws");
  const auto failure = host.next<messages::done>();
  CHECK(failure.error == "bad_settings");
  CHECK(failure.detail == "no such division");

  host.begin(2, "sync", "throws", {{"what", "std"}});
  const auto bug = host.next<messages::done>();
  CHECK(bug.error == "bug");
  CHECK(bug.detail == "caf? broke");  // whatever bytes were thrown, the message is sound

  host.begin(3, "sync", "throws", {{"what", "int"}});
  CHECK(host.next<messages::done>().error == "bug");
  CHECK(alive == 0);

  host.begin(4, "sync", "page then throw");
  const auto page = host.next<messages::page>();
  CHECK(host.silent());  // the page may yet be committed: the last word waits for it
  host.reply(4, page.effect);
  CHECK(host.next<messages::done>().error == "permanent");
}

TEST_CASE("a connector may catch an http_error, or ask for every answer", "[runtime][errors]") {
  raw_host host;
  host.begin(1, "sync", "any");
  const auto first = host.next<messages::http>();
  CHECK(first.url == "https://other.example/x");
  CHECK(first.body == R"({"a":1})");
  host.reply(1, first.effect, 404);
  host.reply(1, host.next<messages::http>().effect, 500);
  CHECK(host.next<messages::log>().text == "404 500");
  CHECK(host.next<messages::done>().error.empty());

  host.begin(2, "sync", "fetch");
  host.reply(2, host.next<messages::http>().effect, 403);
  const auto done = host.next<messages::done>();
  CHECK(done.error == "scope_missing");
  CHECK(done.http_status == 403);
  CHECK(done.detail == "GET /name was answered with 403");
}

TEST_CASE("remember, sleep and log, the clock is the host's", "[runtime]") {
  raw_host host;
  host.begin(1, "sync", "effects");
  const auto learned = host.next<messages::learned>();
  CHECK(learned.name == "division");
  CHECK(learned.value == "12");
  const auto sleep = host.next<messages::sleep>();
  CHECK(sleep.milliseconds == 250);
  host.reply(1, sleep.effect);
  CHECK(host.next<messages::log>().text == "1000");
  host.next<messages::done>();
}

TEST_CASE("a cursor of another version is migrated, or given up", "[runtime]") {
  const auto cursor_seen = [](std::uint32_t version) {
    raw_host host;
    messages::start begin;
    begin.job = 1;
    begin.kind = "sync";
    begin.stream = "fetch";
    begin.cursor = "old";
    begin.cursor_version = version;
    host.say(begin);
    host.reply(1, host.next<messages::http>().effect, 200, "{}");
    return host.next<messages::page>().cursor;
  };
  CHECK(cursor_seen(2) == "old");
  CHECK(cursor_seen(1) == "migrated old");
  CHECK(cursor_seen(3).empty());

  raw_host host;
  messages::start begin;
  begin.job = 1;
  begin.kind = "sync";
  begin.stream = "fetch";
  begin.cursor = "old";
  begin.cursor_version = 4;
  host.say(begin);
  const auto done = host.next<messages::done>();
  CHECK(done.error == "bug");
  CHECK(done.detail == "no way from version 4");
}

TEST_CASE("refetch reads id by id, and sets aside what is no record", "[runtime]") {
  raw_host host;
  messages::start begin;
  begin.job = 1;
  begin.kind = "refetch";
  begin.stream = "pages";
  begin.ids = {"a", "odd", "b"};
  host.say(begin);
  host.reply(1, host.next<messages::http>().effect, 200, R"({"name":"A"})");
  const auto second = host.next<messages::http>();
  CHECK(second.url == "https://api.example/b");
  host.reply(1, second.effect, 200, R"({"name":"B"})");
  const auto page = host.next<messages::page>();
  CHECK(page.records.size() == 2);
  CHECK(page.set_aside == 1);
  host.reply(1, page.effect);
  CHECK(host.next<messages::done>().error.empty());
}

TEST_CASE("ids that a list may answer are asked for together, and those that did not come by themselves", "[runtime]") {
  raw_host host;
  messages::start begin;
  begin.job = 1;
  begin.kind = "refetch";
  begin.stream = "listed";
  begin.ids = {"a", "b", "odd", "d", "e", "f", "g"};
  host.say(begin);
  const auto expect = [&](const std::string& url, const std::string& body) {
    const auto asked = host.next<messages::http>();
    CHECK(asked.url == "https://api.example" + url);
    host.reply(1, asked.effect, 200, body);
  };
  expect("/list?ids=a%2Cb%2Codd", R"({"ids":["b","stranger","b"]})");
  expect("/a", R"({"name":"A"})");
  expect("/list?ids=d%2Ce%2Cf", R"({"ids":["f","d","e"]})");
  expect("/g", R"({"name":"G"})");  // a single one is not worth a list
  const auto page = host.next<messages::page>();
  std::vector<std::string> ids;
  for (const auto& each : page.records) ids.push_back(each.id);
  CHECK(ids == std::vector<std::string>{"b", "a", "f", "d", "e", "g"});
  CHECK(page.set_aside == 1);
  host.reply(1, page.effect);
  CHECK(host.next<messages::done>().error.empty());
}

TEST_CASE("a probe names the account, or it is a bug", "[runtime]") {
  raw_host host;
  host.begin(1, "probe", "", {{"account", "acc"}});
  const auto good = host.next<messages::done>();
  CHECK(good.error.empty());
  CHECK(good.account_id == "acc");
  CHECK(good.account_environment == "live");
  CHECK(good.streams_refused == std::vector<std::string>{"pages"});

  host.begin(2, "probe", "");
  CHECK(host.next<messages::done>().error == "bug");
}

TEST_CASE("jobs, streams and messages nobody knows", "[runtime]") {
  raw_host host;
  host.begin(1, "classify", "");
  CHECK(host.next<messages::done>().error == "permanent");
  host.begin(2, "sync", "invoices");
  CHECK(host.next<messages::done>().detail == "this plugin has no stream 'invoices'");

  host.say_bytes("\x81\xa1t\xa7webhook");
  host.say(messages::learned{});
  CHECK(host.silent());
  host.say_bytes("\xc1");
  CHECK(host.next<messages::log>().level == "error");

  host.begin(3, "sync", "fetch");
  host.next<messages::http>();
  host.begin(3, "sync", "fetch");  // a job that is running already
  CHECK(host.silent());
}

TEST_CASE("a connector that cannot be made says why, and is no instance", "[runtime]") {
  raw_host host(&sdk::detail::entry<refuses_to_be>::table);
  CHECK(host.instance == nullptr);
  CHECK(host.next<messages::log>().text == "the connector could not be made: no");
}

}  // namespace koppel::test
