// SPDX-License-Identifier: Apache-2.0
// A connector of which each stream does one thing that the runtime has to bear, and the host's side of the C boundary,
// message by message: for the tests of the runtime.
#pragma once

#include <koppel/messages.hpp>
#include <koppel/sdk/plugin.hpp>

#include <catch2/catch.hpp>
#include <deque>

namespace koppel::test {

using namespace koppel::sdk;

inline int alive = 0;  // of the guards in coroutine frames
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
    stream("listed", entity::company, &sample::fetch, &sample::one, &sample::some, 3);
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
  /// Answers the names that it was asked for, and whatever else the provider lists.
  task<std::vector<record>> some(job& run, std::vector<std::string> ids) {
    std::string all;
    for (const auto& id : ids) all += (all.empty() ? "" : ",") + id;
    auto request = run.get("/list").query("ids", all);
    const auto answer = co_await run.http(request);
    std::vector<record> out;
    for (const auto& id : answer.array("ids")) out.emplace_back(entity::company, *id.text());
    co_return out;
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

}  // namespace koppel::test
