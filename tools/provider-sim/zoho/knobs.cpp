// SPDX-License-Identifier: Apache-2.0
// The names of the knobs, and what each does.
#include "zoho/knobs.hpp"

namespace koppel::provider_sim::zoho {

knob_list knobs::list() {
  constexpr std::int64_t any = std::numeric_limits<std::int32_t>::max();
  knob_list out;
  out.add("throttle_with_400", throttle_with_400, "Access Denied comes with HTTP 400 instead of 200")
      .add("no_multi_dc", no_multi_dc, "a client is known only where its account lives")
      .add("no_scope_in_answer", no_scope_in_answer, "token answers have no scope")
      .add("modified_since_exclusive", modified_since_exclusive, "a row of exactly that second is left out")
      .add("unknown_id_is_400", unknown_id_is_400, "400 INVALID_DATA instead of 204 for an id that is not there")
      .add("all_users_has_deleted", all_users_has_deleted, "type=AllUsers lists deleted users too")
      .add("notify_https_only", notify_https_only, "a notify_url that is not https is refused")
      .add("channel_id_as_number", channel_id_as_number, "channel_id is a number in notifications")
      .add("api_domain", api_domain, {}, "of token answers, in place of the account's own")
      .add("hidden_module", hidden_module, {"none", "Accounts", "Contacts"}, "as if the organisation did not have it")
      .add("channel_again", channel_again, {"replace", "refuse"}, "what POST does to a channel that exists")
      .add("notification_operations", notification_operations, {"past", "event"},
           "insert, update and delete, or create, edit and delete")
      .add("ids_per_notification", ids_per_notification, 1, 1000, "at most")
      .add("notification_retries", notification_retries, 0, 100, "further attempts at a notification")
      .add("channel_life_seconds", channel_life, 1, any, "where none, or one that is too long, is asked for")
      .add("longest_channel_life_seconds", longest_channel_life, 1, any, "that may be asked for")
      .add("code_life_seconds", code_life, 1, any, "life of the codes issued from now on")
      .add("access_life_seconds", access_life, 1, any, "life of the access tokens issued from now on")
      .add("page_token_life_seconds", page_token_life, 1, any, "life of the page tokens issued from now on")
      .add("live_access_tokens", live_access_tokens, 1, any, "per refresh token; the next one kills the oldest")
      .add("tokens_per_window", tokens_per_window, 1, any, "access tokens per refresh token in ten minutes")
      .add("refresh_tokens", refresh_tokens, 1, any, "per user and client; the next one kills the oldest")
      .add("credits", credits, 1, any, "requests per organisation in 24 hours")
      .add("concurrency_limit", concurrency_limit, 1, any, "requests of a client for an organisation at a time")
      .add("work_ms", work, 0, 60'000, "that every API request takes")
      .add("utc_offset_minutes", utc_offset, -720, 840, "of the organisation's times");
  return out;
}

}  // namespace koppel::provider_sim::zoho
