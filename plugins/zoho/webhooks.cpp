// SPDX-License-Identifier: Apache-2.0
// One channel a connection, with an id of our choice, which is remembered. Zoho grants a channel at most a day; one
// over the maximum is silently an hour, so that what counts is the end that the answer names.
#include "webhooks.hpp"

#include <algorithm>
#include <string>

namespace koppel::zoho {

using namespace koppel::sdk;

namespace {

constexpr std::string_view path = "/actions/watch", remembered = "webhook_channel";
constexpr std::chrono::hours wanted_life{23};

json_object watch(const webhook_run& run, const std::string& channel) {
  const auto end = format_seconds(run.now() + wanted_life);
  auto events = json_array().add("Accounts.all").add("Contacts.all").add("users.all");
  auto one = json_object().add("channel_id", channel).add("events", std::move(events)).add("channel_expiry", end);
  return json_object().add("watch", json_array().add(std::move(one)
                                                         .add("token", run.token())
                                                         .add("notify_url", run.address())
                                                         .add("return_affected_field_values", false)
                                                         .add("notify_on_related_action", false)));
}

/// The channel that there is, or may be; empty: none.
std::string channel_of(const webhook_run& run) { return std::string(run.setting(remembered).value_or("")); }

void demand_success(const request& asked, const response& answer) {
  if (answer.ok()) return;
  if (!answer.is_page() && answer.json()["code"].text() == "OAUTH_SCOPE_MISMATCH")
    throw job_failure(verdict::scope_missing, "the grant does not include Zoho's notifications");
  throw http_error(asked, answer);
}

/// Each element of an answer speaks for itself: 202 and 207 say that some failed, but not which.
void demand_all(const request& asked, const response& answer) {
  demand_success(asked, answer);
  bool whole = answer.status != 202 && answer.status != 207;
  std::string codes;
  for (const auto& row : answer.json()["watch"].items()) {
    if (row["status"].text().value_or("success") == "success") continue;
    whole = false;
    codes += ' ' + safe_code(row["code"].text().value_or(""));
  }
  if (!whole) throw job_failure(verdict::try_again, "Zoho did only a part of what was asked for:" + codes);
}

}  // namespace

task<> register_webhooks(webhook_run& run) {
  const bool known = !channel_of(run).empty();
  const auto channel = known ? channel_of(run) : std::to_string(run.now().time_since_epoch().count());
  run.remember(remembered, channel);  // first: what fails half-way leaves a channel that has to be found again
  auto asked = run.to(known ? "PUT" : "POST", path).json(watch(run, channel));
  auto answer = co_await run.http_any(asked);
  if (known && (answer.status == 400 || answer.status == 404)) {  // it has ended, and is made again
    asked = run.post(path).json(watch(run, channel));
    answer = co_await run.http_any(asked);
  }
  // The grant does not let us. Any other refusal may be that of a repetition, whose first answer was lost.
  if (!known && (answer.status == 401 || answer.status == 403)) run.remember(remembered, "");
  demand_all(asked, answer);
  auto end = run.now() + wanted_life;
  for (const auto& row : answer.json()["watch"].items())
    for (const auto& event : row["details"]["events"].items())
      if (const auto granted = parse_time(event["channel_expiry"].text().value_or(""))) end = std::min(end, *granted);
  run.registered_until(end);
}

task<> remove_webhooks(webhook_run& run) {
  const auto channel = channel_of(run);
  if (channel.empty()) co_return;
  auto asked = run.to("DELETE", std::string(path) + "?channel_ids=" + channel);
  const auto answer = co_await run.http_any(asked);
  if (answer.status != 400 && answer.status != 404) demand_all(asked, answer);  // else it has ended already
}

}  // namespace koppel::zoho
