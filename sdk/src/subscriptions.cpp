// SPDX-License-Identifier: Apache-2.0
#include <koppel/sdk/kinds.hpp>
#include <koppel/sdk/subscriptions.hpp>

#include <set>

namespace koppel::sdk {
namespace {

struct subscriptions_found {
  std::set<std::vector<std::string>> about;  ///< those that live
  std::vector<std::string> ids, dead_ids;    ///< all; those among them that do not
};

/// A text, or a whole number in its digits.
std::string text_in(const json& row, const std::string& member) { return part_reader().id(row[member]).value_or(""); }

std::vector<std::string> about_of(const json& row, const subscription_list& list) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < list.about.size(); ++i) {
    auto said = text_in(row, list.about[i]);
    if (said.empty() && i < list.about_in_lists.size()) said = text_in(row, list.about_in_lists[i]);
    out.push_back(std::move(said));
  }
  return out;
}

/// null, false and "" say that it lives.
bool is_dead(const json& row, const subscription_list& list) {
  const auto said = list.dead.empty() ? json() : row.at(list.dead);
  return !said.is_absent() && !said.is_null() && said.boolean() != false && said.text() != "";
}

/// Those that lead to us.
task<subscriptions_found> find_ours(webhook_run& run, const subscription_list& list) {
  subscriptions_found found;
  for (std::int64_t page = 1, pages = 1; page <= pages; ++page) {
    auto asked = run.get(list.page + std::to_string(page));
    const auto answer = co_await run.http(std::move(asked));
    for (const auto& row : answer.array(list.rows)) {  // an error with status 200 is no empty list
      if (row[list.address].text() != run.address()) continue;
      auto id = text_in(row, list.id);
      if (id.empty()) throw job_failure(verdict::bug, "a subscription of ours has no id");
      if (is_dead(row, list))
        found.dead_ids.push_back(id);
      else
        found.about.insert(about_of(row, list));
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

task<> remove_each(webhook_run& run, const subscription_list& list, const std::vector<std::string>& ids) {
  for (const auto& id : ids) {
    auto asked = run.to("DELETE", list.at + '/' + id);
    const auto answer = co_await run.http_any(asked);
    if (!answer.ok() && answer.status != 404) throw http_error(asked, answer);
  }
}

}  // namespace

task<> register_subscriptions(webhook_run& run, subscription_list_of describe) {
  const auto list = describe(run);
  auto finding = find_ours(run, list);
  const auto there = co_await finding;
  auto removing = remove_each(run, list, there.dead_ids);
  co_await removing;
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
  auto removing = remove_each(run, list, there.ids);
  co_await removing;
}

}  // namespace koppel::sdk
