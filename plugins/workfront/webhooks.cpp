// SPDX-License-Identifier: Apache-2.0
// A subscription is about one kind of object and one kind of event, has no end, and cannot be changed. Only a system
// administrator may make any: others are answered 403, and their connections are read by the schedule alone.
#include "webhooks.hpp"

#include <array>
#include <set>
#include <string>
#include <utility>

namespace koppel::workfront {

using namespace koppel::sdk;

namespace {

using about = std::pair<std::string, std::string>;  ///< objCode and eventType
constexpr std::array objects{"CMPY", "PROJ", "USER"}, events{"CREATE", "UPDATE", "DELETE"};

std::string subscriptions(const webhook_run& run) {
  const auto host = run.setting("host");
  if (!host) throw job_failure(verdict::bad_settings, "the setting host is missing");
  return "https://" + std::string(*host) + "/attask/eventsubscription/api/v1/subscriptions";
}

struct ours {
  std::set<about> known;
  std::vector<std::string> ids;
};

task<ours> find_ours(webhook_run& run) {
  ours found;
  for (std::int64_t page = 1, pages = 1; page <= pages; ++page) {
    auto asked = run.get(subscriptions(run) + "?limit=1000&page=" + std::to_string(page));
    const auto answer = (co_await run.http(std::move(asked))).json();
    for (const auto& one : answer["subscriptions"].items()) {
      if (one["url"].text() != run.address()) continue;
      found.known.emplace(one["objCode"].text().value_or(""), one["eventType"].text().value_or(""));
      if (const auto id = one["id"].text()) found.ids.emplace_back(*id);
    }
    pages = answer["meta"]["page_count"].integer().value_or(1);
  }
  co_return found;
}

}  // namespace

task<> register_webhooks(webhook_run& run) {
  auto finding = find_ours(run);
  const auto there = co_await finding;
  for (const auto* object : objects)
    for (const auto* event : events) {
      if (there.known.contains({object, event})) continue;
      auto asked = run.post(subscriptions(run))
                       .json(json_object()
                                 .add("objCode", object)
                                 .add("eventType", event)
                                 .add("url", run.address())
                                 .add("authToken", run.token()));
      const auto answer = co_await run.http_any(asked);
      if (!answer.ok() && answer.status != 409) throw http_error(asked, answer);  // 409: it is there
    }
}

task<> remove_webhooks(webhook_run& run) {
  auto finding = find_ours(run);
  const auto there = co_await finding;
  for (const auto& id : there.ids) {
    auto asked = run.to("DELETE", subscriptions(run) + "/" + id);
    const auto answer = co_await run.http_any(asked);
    if (!answer.ok() && answer.status != 404) throw http_error(asked, answer);
  }
}

}  // namespace koppel::workfront
