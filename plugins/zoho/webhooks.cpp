// SPDX-License-Identifier: Apache-2.0
// One channel a module: each succeeds or is refused by itself, so that a module which this organisation hides takes the
// news of no other away. Their ids are of our choice and in a row; the first is remembered. Zoho grants a channel at
// most a day; one over the maximum is silently an hour, so that what counts is the end that the answer names.
#include "webhooks.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

namespace koppel::zoho {

using namespace koppel::sdk;

namespace {

constexpr std::string_view path = "/actions/watch", remembered = "webhook_channel";
constexpr std::string_view modules[] = {"Accounts", "Contacts", "users"};
constexpr std::chrono::hours wanted_life{23};

struct channel {
  std::string id;
  std::string_view module;
  std::string refused{};  ///< Zoho's code
};

std::vector<channel> channels_from(std::string_view first) {
  std::int64_t id = 0;
  std::from_chars(first.data(), first.data() + first.size(), id);
  std::vector<channel> out;
  for (const auto module : modules) out.push_back({std::to_string(id++), module});
  return out;
}

json_object watch(const webhook_run& run, const std::vector<channel>& wanted) {
  const auto end = format_seconds(run.now() + wanted_life);
  json_array all;
  for (const auto& each : wanted)
    all.add(json_object()
                .add("channel_id", each.id)
                .add("events", json_array().add(std::string(each.module) + ".all"))
                .add("channel_expiry", end)
                .add("token", run.token())
                .add("notify_url", run.address())
                .add("return_affected_field_values", false)
                .add("notify_on_related_action", false));
  return json_object().add("watch", std::move(all));
}

job_failure done_in_part(const std::string& codes) {
  return {verdict::try_again, "Zoho did only a part of what was asked for: " + codes};
}

/// Those of `wanted` that were refused. Each element of an answer speaks for itself, in the order of the request. The
/// others end at `end` or later.
std::vector<channel> refused_of(const request& asked, const response& answer, std::vector<channel> wanted,
                                time_point& end) {
  if (answer.json_if_any()["code"].text() == "OAUTH_SCOPE_MISMATCH")
    throw job_failure(verdict::scope_missing, "the grant does not include Zoho's notifications");
  const auto rows = answer.json_if_any()["watch"].items();
  if (rows.empty() && (answer.status == 400 || answer.status == 404)) return wanted;
  const bool whole = !rows.empty() && rows.size() == wanted.size();
  if (!whole && !answer.ok()) throw http_error(asked, answer);
  if (!whole) throw done_in_part("it does not say which");
  std::vector<channel> refused;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (const auto& event : rows[i]["details"]["events"].items())
      if (const auto granted = parse_time(event["channel_expiry"].text().value_or(""))) end = std::min(end, *granted);
    if (rows[i]["status"].text().value_or("success") == "success") continue;
    wanted[i].refused = safe_code(rows[i]["code"].text().value_or(""));
    refused.push_back(std::move(wanted[i]));
  }
  // 202 and 207 say that some failed.
  if (refused.empty() && (answer.status == 202 || answer.status == 207)) throw done_in_part("it does not say which");
  return refused;
}

/// Asking again helps nobody: there is no such module here, or it is not this user's to see.
bool is_for_good(const channel& refused) {
  constexpr std::string_view codes[] = {"INVALID_DATA", "INVALID_MODULE", "NO_PERMISSION", "NOT_SUPPORTED"};
  return std::find(std::begin(codes), std::end(codes), refused.refused) != std::end(codes);
}

}  // namespace

task<> register_webhooks(webhook_run& run) {
  const std::string known(run.setting(remembered).value_or(""));
  const auto first = known.empty() ? std::to_string(run.now().time_since_epoch().count()) : known;
  run.remember(remembered, first);  // first: what fails half-way leaves channels that have to be found again
  auto end = run.now() + wanted_life;
  auto open = channels_from(first);
  if (!known.empty()) {
    const auto asked = run.to("PUT", path).json(watch(run, open));
    const auto answer = co_await run.http_any(asked);
    open = refused_of(asked, answer, std::move(open), end);
    if (open.empty()) {
      run.registered_until(end);
      co_return;
    }
  }
  // What has ended, or was never there, is made.
  const auto asked = run.post(path).json(watch(run, open));
  const auto answer = co_await run.http_any(asked);
  // The grant does not let us. Any other refusal may be that of a repetition, whose first answer was lost.
  if (known.empty() && (answer.status == 401 || answer.status == 403)) run.remember(remembered, "");
  const auto refused = refused_of(asked, answer, std::move(open), end);
  if (refused.size() == std::size(modules)) throw http_error(asked, answer).meaning(verdict::bug, refused[0].refused);
  for (const auto& each : refused)
    if (!is_for_good(each)) throw done_in_part(each.refused);
  for (const auto& each : refused)
    run.log("warn", "Zoho does not tell of " + std::string(each.module) + ": " + each.refused);
  run.registered_until(end);
}

task<> remove_webhooks(webhook_run& run) {
  const std::string first(run.setting(remembered).value_or(""));
  if (first.empty()) co_return;
  std::string ids;
  for (const auto& each : channels_from(first)) ids += (ids.empty() ? "" : ",") + each.id;
  const auto asked = run.to("DELETE", std::string(path) + "?channel_ids=" + ids);
  const auto answer = co_await run.http_any(asked);
  if (answer.status == 400 || answer.status == 404) co_return;  // all of them have ended already
  // An older version's one channel has an answer for each of its modules.
  std::vector<channel> all(answer.json_if_any()["watch"].items().size());
  auto unused = run.now();
  for (const auto& each : refused_of(asked, answer, std::move(all), unused))
    if (each.refused != "INVALID_DATA") throw done_in_part(each.refused);  // else this one has
}

}  // namespace koppel::zoho
