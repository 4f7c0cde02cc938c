// SPDX-License-Identifier: Apache-2.0
// A subscription is about one kind of object and one kind of event, has no end, and cannot be changed. Only a system
// administrator may make any: others are answered 403, and their connections are read by the schedule alone.
#include "webhooks.hpp"

namespace koppel::workfront {

sdk::subscription_list event_subscriptions(const sdk::webhook_run& run) {
  sdk::subscription_list out;
  out.at = "https://" + std::string(run.needed_setting("host")) + "/attask/eventsubscription/api/v1/subscriptions";
  out.page = out.at + "?limit=1000&page=";
  out.rows = "subscriptions";
  out.page_count = "/meta/page_count";
  out.id = "id";
  out.address = "url";
  out.token = "authToken";
  out.about = {"objCode", "eventType"};
  out.about_in_lists = {"obj_code", "event_type"};  // as the documents have them
  out.dead = "/subscription_url/frozen_at";         // it never wakes by itself
  for (const auto* object : {"CMPY", "PROJ", "USER"})
    for (const auto* event : {"CREATE", "UPDATE", "DELETE"}) out.wanted.push_back({object, event});
  return out;
}

}  // namespace koppel::workfront
