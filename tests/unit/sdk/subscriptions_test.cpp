// SPDX-License-Identifier: Apache-2.0
// A provider's list of subscriptions: what is missing is made, what is ours is removed.
#include <koppel/sdk/plugin.hpp>
#include <koppel/testing/scripted_host.hpp>

#include <catch2/catch.hpp>

using namespace koppel::sdk;
using koppel::testing::scripted_host;

namespace {

const std::string ours(scripted_host::webhook_address);

subscription_list of_two_things(const webhook_run&) {
  subscription_list out;
  out.at = "https://api.example/hooks";
  out.page = out.at + "?page=";
  out.rows = "hooks";
  out.page_count = "/meta/pages";
  out.id = "id";
  out.address = "url";
  out.token = "secret";
  out.about = {"object", "event"};
  out.about_in_lists = {"object_code", "event_type"};
  out.dead = "/delivery/frozen_at";
  out.wanted = {{"company", "created"}, {"company", "deleted"}};
  return out;
}

class subscriber : public connector {
 public:
  subscriber() { webhooks(&of_two_things); }
  std::string base_url(const job&) const override { return "https://api.example"; }
  task<> probe(probe_run&) override { co_return; }
};

std::string row(const std::string& id, const std::string& url, const std::string& event) {
  return R"({"id":")" + id + R"(","url":")" + url + R"(","object":"company","event":")" + event + R"("})";
}
std::string listed(const std::string& rows, int pages = 1) {
  return R"({"hooks":[)" + rows + R"(],"meta":{"pages":)" + std::to_string(pages) + "}}";
}

struct subscribed {
  scripted_host host{&detail::entry<subscriber>::table, ""};
};

}  // namespace

TEST_CASE("what is missing among all pages of a list is subscribed to, with address and token",
          "[sdk][subscriptions]") {
  subscribed s;
  s.host.register_webhooks();
  CHECK(s.host.expect("GET", "/hooks").query == "page=1");
  s.host.answer(200, listed(row("1", "https://elsewhere.example", "created"), 2));
  CHECK(s.host.expect("GET", "/hooks").query == "page=2");
  s.host.answer(200, listed(row("2", ours, "deleted"), 2));
  CHECK(s.host.expect("POST", "/hooks").body ==
        R"({"object":"company","event":"created","url":")" + ours + R"(","secret":"word"})");
  s.host.answer(201, "{}");
  CHECK(s.host.outcome().error.empty());
  CHECK(s.host.outcome().registered_until == 0);
}

TEST_CASE("where all is there nothing is asked for, and one that another made meanwhile is no failure",
          "[sdk][subscriptions]") {
  subscribed s;
  s.host.register_webhooks();
  s.host.answer(200, listed(row("1", ours, "created") + ',' + row("2", ours, "deleted")));
  CHECK(s.host.outcome().error.empty());

  s.host.register_webhooks();
  s.host.answer(200, R"({"hooks":[]})");  // without a number of pages there is one
  s.host.answer(409, "");
  s.host.answer(201, "");
  CHECK(s.host.outcome().error.empty());

  s.host.register_webhooks();
  s.host.answer(200, listed(""));
  s.host.answer(403, "");
  CHECK(s.host.outcome().error == "scope_missing");
}

TEST_CASE("a subscription that is dead is removed and made again, before those that are missing",
          "[sdk][subscriptions]") {
  const auto with = [](const std::string& of, const std::string& frozen_at) {
    return of.substr(0, of.size() - 1) + R"(,"delivery":{"frozen_at":)" + frozen_at + "}}";
  };
  subscribed s;
  s.host.register_webhooks();
  s.host.answer(200, listed(with(row("1", ours, "created"), R"("2026-01-31T12:00:00.000-0600")") + ',' +
                            with(row("2", ours, "deleted"), "null") + ',' +
                            with(row("3", "https://elsewhere.example", "created"), R"("2026-01-31T12:00:00Z")")));
  s.host.expect("DELETE", "/hooks/1");
  s.host.answer(200, "");
  CHECK(s.host.expect("POST", "/hooks").json("/event") == R"("created")");
  s.host.answer(201, "{}");
  CHECK(s.host.outcome().error.empty());

  // What says that it lives is not null alone.
  s.host.register_webhooks();
  s.host.answer(200, listed(with(row("1", ours, "created"), "false") + ',' + with(row("2", ours, "deleted"), R"("")")));
  CHECK(s.host.outcome().error.empty());
}

TEST_CASE("a list may have other names for what a subscription is about", "[sdk][subscriptions]") {
  subscribed s;
  s.host.register_webhooks();
  s.host.answer(200, listed(R"({"id":"1","url":")" + ours + R"(","object_code":"company","event_type":"created"})"));
  CHECK(s.host.expect("POST", "/hooks").body ==
        R"({"object":"company","event":"deleted","url":")" + ours + R"(","secret":"word"})");
  s.host.answer(201, "{}");
  CHECK(s.host.outcome().error.empty());
}

TEST_CASE("what is ours is removed, what is of others stays, and what is gone already is no failure",
          "[sdk][subscriptions]") {
  subscribed s;
  s.host.remove_webhooks();
  s.host.answer(200, listed(row("1", ours, "created") + ',' + row("2", "https://elsewhere.example", "created"), 2));
  s.host.answer(200, listed(row("3", ours, "of another time"), 2));
  s.host.expect("DELETE", "/hooks/1");
  s.host.answer(404, "");
  s.host.expect("DELETE", "/hooks/3");
  s.host.answer(204, "");
  CHECK(s.host.outcome().error.empty());

  s.host.remove_webhooks();
  s.host.answer(200, listed(row("1", ours, "created")));
  s.host.answer(500, "");
  CHECK(s.host.outcome().error == "try_again");
}

TEST_CASE("an answer without the list is no empty list, and numbers are ids", "[sdk][subscriptions]") {
  subscribed s;
  s.host.remove_webhooks();
  s.host.answer(200, R"({"error":{"message":"You are not currently logged in."}})");
  CHECK_FALSE(s.host.outcome().error.empty());
  s.host.register_webhooks();
  s.host.answer(200, R"({"error":{"message":"You are not currently logged in."}})");
  CHECK_FALSE(s.host.outcome().error.empty());

  s.host.remove_webhooks();
  s.host.answer(200, listed(R"({"id":4711,"url":")" + ours + R"(","object":"company","event":"created"})"));
  s.host.expect("DELETE", "/hooks/4711");
  s.host.answer(204, "");
  CHECK(s.host.outcome().error.empty());
  s.host.remove_webhooks();
  s.host.answer(200, listed(R"({"url":")" + ours + R"("})"));
  CHECK_FALSE(s.host.outcome().error.empty());
}
