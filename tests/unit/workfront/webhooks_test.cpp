// SPDX-License-Identifier: Apache-2.0
// The event subscriptions of Workfront, in the two spellings of its list.
#include <koppel/testing/scripted_host.hpp>

#include <catch2/catch.hpp>

#include <set>

using namespace koppel::testing;

namespace {

const std::string subscriptions_path = "/attask/eventsubscription/api/v1/subscriptions";
const std::string our_address(scripted_host::webhook_address);

job_options at_acme() {
  job_options with;
  with.settings = {{"host", "acme.my.workfront.com"}};
  return with;
}

/// All nine of ours; `row` makes one of a number, an object and an event.
template <class Row>
std::string list_of_nine(Row row) {
  std::string rows;
  int number = 0;
  for (const auto* object : {"CMPY", "PROJ", "USER"})
    for (const auto* event : {"CREATE", "UPDATE", "DELETE"})
      rows += (rows.empty() ? "" : ",") + row(std::to_string(++number), object, event);
  return R"({"subscriptions":[)" + rows + R"(],"meta":{"page":1,"limit":1000,"page_count":1,"total_count":9}})";
}

std::string as_on_the_wire(const std::string& id, const std::string& object, const std::string& event) {
  return R"({"id":")" + id + R"(","objCode":")" + object + R"(","eventType":")" + event + R"(","url":")" + our_address +
         "\"}";
}

std::string as_documented(const std::string& id, const std::string& object, const std::string& event,
                          const std::string& frozen_at) {
  return R"({"id":")" + id + R"(","obj_code":")" + object + R"(","event_type":")" + event + R"(","url":")" +
         our_address + R"(","subscription_url":{"url":")" + our_address + R"(","disabled_at":null,"frozen_at":)" +
         frozen_at + "}}";
}

}  // namespace

TEST_CASE("where all nine subscriptions are there, in either spelling, nothing is asked for", "[workfront][webhooks]") {
  const auto living = [](const std::string& id, const std::string& object, const std::string& event) {
    return as_documented(id, object, event, "null");
  };
  for (const auto& list : {list_of_nine(as_on_the_wire), list_of_nine(living)}) {
    scripted_host host(load_plugin(WORKFRONT_PLUGIN));
    host.register_webhooks(at_acme());
    CHECK(host.expect("GET", subscriptions_path).query == "limit=1000&page=1");
    host.answer(200, list);
    CHECK(host.outcome().error.empty());
  }
}

TEST_CASE("subscriptions with a frozen URL are all removed, and then made again", "[workfront][webhooks]") {
  scripted_host host(load_plugin(WORKFRONT_PLUGIN));
  host.register_webhooks(at_acme());
  host.answer(200, list_of_nine([](const std::string& id, const std::string& object, const std::string& event) {
                return as_documented(id, object, event, R"("2026-01-31T12:00:00.000-0600")");
              }));
  for (int number = 1; number <= 9; ++number) {
    host.expect("DELETE", subscriptions_path + '/' + std::to_string(number));
    host.answer(200, "");
  }
  std::set<std::string> made;
  for (int number = 1; number <= 9; ++number) {
    const auto& asked = host.expect("POST", subscriptions_path);
    made.insert(asked.json("/objCode") + asked.json("/eventType"));
    host.answer(201, R"({"id":"x","version":"v2"})");
  }
  CHECK(made.size() == 9);
  CHECK(host.outcome().error.empty());
}
