// SPDX-License-Identifier: Apache-2.0
// What is registered has neither id nor end: a registration is an address with types. What registering one twice does
// is not known, so that only what is missing is asked for.
#include "webhooks.hpp"

#include <array>
#include <set>

namespace koppel::teamleader {

using namespace koppel::sdk;

namespace {

// Nothing says that a link to a company moves a contact's `updated_at`, and lists do not show it.
constexpr std::array wanted{"company.added",
                            "company.updated",
                            "company.deleted",
                            "contact.added",
                            "contact.updated",
                            "contact.deleted",
                            "contact.linkedToCompany",
                            "contact.unlinkedFromCompany",
                            "contact.updatedLinkToCompany"};

json_object about(const webhook_run& run, const std::set<std::string, std::less<>>& types) {
  json_array list;
  for (const auto& type : types) list.add(type);
  return json_object().add("url", run.address()).add("types", std::move(list));
}

}  // namespace

task<> register_webhooks(webhook_run& run) {
  std::set<std::string, std::less<>> missing(wanted.begin(), wanted.end());
  auto asking = run.post("/webhooks.list").json(json_object());
  const auto there = co_await run.http(std::move(asking));
  for (const auto& one : there.array("data")) {
    if (one["url"].text() != run.address()) continue;
    for (const auto& type : one["types"].items()) missing.erase(std::string(type.text().value_or("")));
  }
  if (missing.empty()) co_return;
  auto request = run.post("/webhooks.register").json(about(run, missing));
  co_await run.http(std::move(request));
}

task<> remove_webhooks(webhook_run& run) {
  auto request = run.post("/webhooks.unregister").json(about(run, {wanted.begin(), wanted.end()}));
  co_await run.http(std::move(request));
}

}  // namespace koppel::teamleader
