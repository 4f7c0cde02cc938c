// SPDX-License-Identifier: Apache-2.0
// The runtime behind a connector, seen from the C boundary, message by message.
#include <koppel/messages.hpp>
#include <koppel/sdk/plugin.hpp>

#include <catch2/catch.hpp>
#include <deque>

namespace koppel::test {
namespace {

using namespace koppel::sdk;

int alive = 0;  // of the guards in coroutine frames
struct guard {
  guard() { ++alive; }
  ~guard() { --alive; }
  guard(const guard&) = delete;
  guard& operator=(const guard&) = delete;
};

class sample : public connector {
 public:
  sample() {
    cursor_version(2);
    header_on_every_request("x-version", "1");
    stream("pages", entity::company, &sample::five_pages, &sample::one);
    stream("fetch", entity::company, &sample::fetch, &sample::one);
    stream("any", entity::company, &sample::any, &sample::one);
    stream("throws", entity::company, &sample::throws, &sample::one);
    stream("effects", entity::company, &sample::effects, &sample::one);
    stream("large", entity::company, &sample::large, &sample::one);
    stream("many", entity::company, &sample::many, &sample::one);
    stream("notes", entity::company, &sample::fetch, &sample::noted);
    stream("less", entity::company, &sample::less, &sample::one);
    stream("page then throw", entity::company, &sample::page_then_throw, &sample::one);
  }
  void manifest(std::string_view text) override {
    if (text == "wrong") throw std::runtime_error("line 1 is wrong");
  }
  std::string base_url(const job& run) const override {
    return "https://" + std::string(run.setting("host").value_or("api.example"));
  }
  task<> probe(probe_run& run) override {
    if (run.setting("account")) run.account(*run.setting("account"), "Acme", "live");
    run.stream_refused("pages");
    co_return;
  }
  std::optional<std::string> migrate_cursor(std::uint32_t version, std::string_view cursor) const override {
    if (version == 4) throw std::runtime_error("no way from version 4");
    if (version != 1) return std::nullopt;
    return "migrated " + std::string(cursor);
  }

 private:
  task<> five_pages(sync& run) {
    guard here;
    for (int i = 1; i <= 5; ++i) {
      auto page = run.page();
      page.upsert(record(entity::company, std::to_string(i)));
      co_await page.commit("c" + std::to_string(i));
    }
  }
  task<std::string> nested(job& run, std::string path) {
    guard here;
    auto request = run.get(path);
    const auto answer = co_await run.http(request);
    co_return std::string(answer["name"].text().value_or("?"));
  }
  task<> fetch(sync& run) {
    guard here;
    const auto name = co_await nested(run, "/name");
    auto page = run.page();
    page.upsert(record(entity::company, name));
    co_await page.commit(std::string(run.cursor()));
  }
  task<> any(sync& run) {
    auto request = run.post("https://other.example/x").json(json_object().add("a", 1));
    int status = 0;
    try {
      const auto answer = co_await run.http(request);
    } catch (const http_error& error) {
      status = error.status();
    }
    const auto answer = co_await run.http_any(request);
    run.log("info", std::to_string(status) + ' ' + std::to_string(answer.status));
  }
  /// Asks for half as much until it is taken.
  task<> less(sync& run) {
    guard here;
    for (int size = 100; size > 0; size /= 2) {
      auto request = run.get("/list").query("size", std::to_string(size));
      bool taken = true;
      try {
        const auto answer = co_await run.http(request);
      } catch (const answer_too_large& why) {
        taken = false;
        run.log("info", why.what());
      }
      if (taken) break;
    }
  }
  task<> throws(sync& run) {
    guard here;
    if (run.setting("what") == "std") throw std::runtime_error("caf\xe9 broke");
    if (run.setting("what") == "int") throw 7;
    throw job_failure(verdict::bad_settings, "no such division");
    co_return;
  }
  task<> effects(sync& run) {
    const auto before = run.now();
    run.remember("division", "12");
    co_await run.sleep(std::chrono::milliseconds(250));
    run.log("warn", std::to_string((run.now() - before).count()));
  }
  task<> large(sync& run) {
    auto page = run.page();
    for (int i = 0; i < 6; ++i) {
      record each(entity::company, std::to_string(i));
      each.in("core").set(canonical::remarks, std::string(i == 3 ? 5'000'000 : 1'500'000, 'x'));
      page.upsert(std::move(each));
    }
    co_await page.commit("after all");
  }
  task<> many(sync& run) {
    auto page = run.page();
    for (std::size_t i = 0; i <= messages::most_records; ++i) page.upsert(record(entity::company, std::to_string(i)));
    co_await page.commit("after all");
  }
  task<record> noted(job& run, std::string id) {
    if (!run.notes().has_value()) {
      auto name = co_await nested(run, "/countries");
      run.notes() = std::move(name);
    }
    record out(entity::company, id);
    out.in("core").set(canonical::name, std::any_cast<std::string>(run.notes()));
    co_return out;
  }
  task<> page_then_throw(sync& run) {
    auto page = run.page();
    co_await page.commit("c");
    throw job_failure(verdict::permanent, "no more");
  }
  task<record> one(job& run, std::string id) {
    if (id == "odd") throw unmappable("odd");
    const auto name = co_await nested(run, "/" + id);
    record out(entity::company, id);
    out.in("core").set(canonical::name, name);
    co_return out;
  }
};

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

/// The host's side of the C boundary.
struct raw_host {
  explicit raw_host(const koppel_plugin* of = &sdk::detail::entry<sample>::table) : plugin(of) {
    host = {KOPPEL_ABI_VERSION, sizeof(koppel_host), this,
            [](void* self, const std::uint8_t* bytes, std::uint64_t size) {
              auto got = messages::decode({reinterpret_cast<const char*>(bytes), size});
              static_cast<raw_host*>(self)->heard.push_back(got.value);
              static_cast<raw_host*>(self)->sizes.push_back(size);
            }};
    instance = plugin->create(&host);
  }
  ~raw_host() { destroy(); }
  void destroy() {
    if (instance) plugin->destroy(std::exchange(instance, nullptr));
  }
  void say_bytes(const std::string& bytes) {
    plugin->receive(instance, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  }
  void say(const messages::message& of) { say_bytes(messages::encode(of)); }
  void begin(std::uint64_t job, std::string kind, std::string stream,
             std::map<std::string, std::string> settings = {}) {
    messages::start out;
    out.job = job;
    out.kind = std::move(kind);
    out.stream = std::move(stream);
    out.settings = std::move(settings);
    out.now = 1000;
    say(out);
  }
  void reply(std::uint64_t job, std::uint64_t effect, int status = 200, std::string body = "", std::string error = "") {
    messages::reply out;
    out.job = job;
    out.effect = effect;
    out.status = status;
    out.body = std::move(body);
    out.error = std::move(error);
    out.detail = out.error.empty() ? "" : "the host's words";
    out.now = 2000;
    say(out);
  }
  template <class T>
  T next() {
    REQUIRE_FALSE(heard.empty());
    auto out = std::move(heard.front());
    heard.pop_front();
    INFO("message " << out.index());
    REQUIRE(std::holds_alternative<T>(out));
    return std::get<T>(out);
  }
  bool silent() const { return heard.empty(); }

  const koppel_plugin* plugin;
  koppel_host host{};
  void* instance = nullptr;
  std::deque<messages::message> heard;
  std::vector<std::uint64_t> sizes;
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

TEST_CASE("at most two pages are on their way, and done waits for all", "[runtime][pages]") {
  raw_host host;
  host.begin(9, "sync", "pages");
  const auto first = host.next<messages::page>(), second = host.next<messages::page>();
  CHECK(first.cursor == "c1");
  CHECK(first.cursor_version == 2);
  CHECK(host.silent());

  host.reply(9, second.effect);  // in any order
  const auto third = host.next<messages::page>();
  CHECK(host.silent());
  host.reply(9, first.effect);
  const auto fourth = host.next<messages::page>();
  host.reply(9, third.effect);
  const auto fifth = host.next<messages::page>();
  CHECK(fifth.cursor == "c5");
  CHECK(host.silent());
  host.reply(9, fourth.effect);
  CHECK(host.silent());
  CHECK(alive == 0);  // the coroutine has ended; its last page has not
  host.reply(9, fifth.effect);
  CHECK(host.next<messages::done>().error.empty());
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

TEST_CASE("a page of more records than one message may have goes as several", "[runtime][pages]") {
  raw_host host;
  host.begin(1, "sync", "many");
  const auto first = host.next<messages::page>();
  CHECK(first.records.size() == messages::most_records);
  CHECK(first.cursor.empty());
  const auto last = host.next<messages::page>();
  CHECK(last.records.size() == 1);
  CHECK(last.cursor == "after all");
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

TEST_CASE("a page too large for one message goes as several, the cursor with the last", "[runtime][pages]") {
  raw_host host;
  messages::start begin;
  begin.job = 1;
  begin.kind = "sync";
  begin.stream = "large";
  begin.cursor = "before";
  begin.cursor_version = 2;
  host.say(begin);
  const auto first = host.next<messages::page>(), second = host.next<messages::page>();
  CHECK(first.records.size() == 2);
  CHECK(first.cursor == "before");
  host.reply(1, first.effect);
  const auto last = host.next<messages::page>();
  CHECK(second.records.size() == 2);
  CHECK(last.records.size() == 1);
  CHECK(last.cursor == "after all");
  CHECK(last.set_aside == 1);  // the one of 5 MB
  CHECK(last.set_aside_reason == "a record larger than one message");
  for (const auto size : host.sizes) CHECK(size <= messages::max_from_plugin);
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
