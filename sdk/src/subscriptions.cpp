// SPDX-License-Identifier: Apache-2.0
#include <koppel/sdk/kinds.hpp>
#include <koppel/sdk/subscriptions.hpp>

#include <set>

namespace koppel::sdk {
namespace {

struct subscriptions_found {
  std::set<std::vector<std::string>> about;
  std::vector<std::string> ids;
};

/// A text, or a whole number in its digits.
std::string text_in(const json& row, const std::string& member) { return part_reader().id(row[member]).value_or(""); }

/// Those that lead to us.
task<subscriptions_found> find_ours(webhook_run& run, const subscription_list& list) {
  subscriptions_found found;
  for (std::int64_t page = 1, pages = 1; page <= pages; ++page) {
    auto asked = run.get(list.page + std::to_string(page));
    const auto answer = co_await run.http(std::move(asked));
    for (const auto& row : answer.array(list.rows)) {  // an error with status 200 is no empty list
      if (row[list.address].text() != run.address()) continue;
      std::vector<std::string> about;
      for (const auto& member : list.about) about.push_back(text_in(row, member));
      found.about.insert(std::move(about));
      auto id = text_in(row, list.id);
      if (id.empty()) throw job_failure(verdict::bug, "a subscription of ours has no id");
      found.ids.push_back(std::move(id));
    }
    pages = answer.json().at(list.page_count).integer().value_or(1);
  }
  co_return found;
}

json_object subscription(const webhook_run& run, const subscription_list& list, const std::vector<std::string>& about) {
  json_object out;
  for (std::size_t i = 0; i < list.about.size(); ++i) out.add(list.about[i], about.at(i));
  out.add(list.address, run.address());
  if (!list.token.empty()) out.add(list.token, run.token());
  return out;
}

}  // namespace

task<> register_subscriptions(webhook_run& run, subscription_list_of describe) {
  const auto list = describe(run);
  auto finding = find_ours(run, list);
  const auto there = co_await finding;
  for (const auto& about : list.wanted) {
    if (there.about.contains(about)) continue;
    auto asked = run.post(list.at).json(subscription(run, list, about));
    const auto answer = co_await run.http_any(asked);
    if (!answer.ok() && answer.status != 409) throw http_error(asked, answer);
  }
}

task<> remove_subscriptions(webhook_run& run, subscription_list_of describe) {
  const auto list = describe(run);
  auto finding = find_ours(run, list);
  const auto there = co_await finding;
  for (const auto& id : there.ids) {
    auto asked = run.to("DELETE", list.at + '/' + id);
    const auto answer = co_await run.http_any(asked);
    if (!answer.ok() && answer.status != 404) throw http_error(asked, answer);
  }
}

}  // namespace koppel::sdk
