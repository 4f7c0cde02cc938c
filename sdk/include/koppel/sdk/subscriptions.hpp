// SPDX-License-Identifier: Apache-2.0
// Webhooks at providers that keep a list of subscriptions, each of which is about one thing, has an id and no end, and
// is never changed. A connector describes the list, `webhooks(&describe)` in its constructor does the rest: what is
// missing is made, what is ours is removed, and those of others are left alone.
#pragma once

#include <koppel/sdk/job.hpp>

#include <string>
#include <vector>

namespace koppel::sdk {

struct subscription_list {
  std::string at;          ///< POST makes a subscription here, DELETE of `at`/<id> ends it
  std::string page;        ///< GET of this, and the page's number behind it, lists them: "https://.../hooks?page="
  std::string rows;        ///< the member of a page's answer that has them
  std::string page_count;  ///< the path of the number of pages; without one in the answer there is one

  // Members of a subscription, in the list and where it is made.
  std::string id, address;
  std::string token;               ///< empty: it bears none
  std::vector<std::string> about;  ///< what it is about

  // What a list may have besides.
  std::vector<std::string> about_in_lists;  ///< other names of `about`'s members there; empty: none
  std::string dead;  ///< path of what says that nothing will come of it any more; such a one is made anew

  std::vector<std::vector<std::string>> wanted;  ///< a subscription each: what `about` is
};

using subscription_list_of = subscription_list (*)(const webhook_run& run);

/// Ends well where all are there: 409 means that one is. One that is dead is removed, and made again.
task<> register_subscriptions(webhook_run& run, subscription_list_of describe);
/// Ends well where none is there: 404 means that one is not.
task<> remove_subscriptions(webhook_run& run, subscription_list_of describe);

}  // namespace koppel::sdk
