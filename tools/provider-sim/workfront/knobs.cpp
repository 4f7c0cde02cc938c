// SPDX-License-Identifier: Apache-2.0
// The names of the knobs, and what each does.
#include "workfront/knobs.hpp"

namespace koppel::provider_sim::workfront {

knob_list knobs::list() {
  constexpr std::int64_t any = std::numeric_limits<std::int32_t>::max();
  knob_list out;
  out.add("keep_refresh_token", keep_refresh_token, "rotation is off: a refresh answers with the same refresh token")
      .add("refresh_ends_session", refresh_ends_session, "a refresh ends the session that the grant had before")
      .add("state_dropped", state_dropped, "the way back carries no state")
      .add("not_admin", not_admin, "the connected user is no system administrator: no event subscriptions")
      .add("customer_forbidden", customer_forbidden, "the connected user may not read CUST")
      .add("dot_dates", dot_dates, "a dot before the milliseconds in REST answers too")
      .add("null_update_dates", null_update_dates, "records that were never edited have no lastUpdateDate")
      .add("stable_order", stable_order, "pages without a sort neither repeat nor skip")
      .add("event_disorder", event_disorder, "events of one change come shuffled, every tenth twice")
      .add("expires_in", expires_in, 0, any, "what the token answer says")
      .add("session_life_seconds", session_life, 1, any, "life of the sessions that begin from now on")
      .add("refresh_life_seconds", refresh_life, 0, any, "life of the refresh tokens issued from now on, 0 for no end")
      .add("refresh_idle_seconds", refresh_idle, 0, any, "a refresh token that rests for so long dies, 0 for no end")
      .add("session_error_status", session_error_status, 200, 599, "of an answer to a dead session")
      .add("argument_error_status", argument_error_status, 200, 599, "of an IllegalArgumentException")
      .add("missing_status", missing_status, 200, 599, "of an object that is not there")
      .add("removed_status", removed_status, 200, 599, "of an API version that is gone")
      .add("oldest_version", oldest_version, 1, 999, "the oldest API version that is not removed")
      .add("newest_version", newest_version, 1, 999, "the newest API version")
      .add("utc_offset_minutes", utc_offset, -720, 840, "of the customer's times")
      .add("concurrency_limit", concurrency_limit, 1, any, "requests of one customer at once")
      .add("work_ms", work, 0, 60'000, "that every API request takes")
      .add("retry_after_seconds", retry_after, 0, any, "Retry-After of a 429, 0 for none")
      .add("event_attempts", event_attempts, 1, 100, "attempts at one event in all")
      .add("event_retry_ms", event_retry, 0, any, "pause before attempt n+1 is this times 2^n-1")
      .add("event_patience_ms", event_patience, 1, any, "how long a receiver may take to answer")
      .add("event_https_only", event_https_only, "a url that is not https is refused")
      .add("event_validation", event_validation, "the url of a new subscription gets a message with an empty object")
      .add("event_token_plain", event_token_plain, "the authorization of a delivery is the token without Bearer")
      .add("delete_in_new_state", delete_in_new_state, "a DELETE tells of the record in newState, not in oldState")
      .add("subscription_version", subscription_version, {"v2", "v1"}, "of new subscriptions")
      .add("events_listed", events_listed, {"wire", "documents"}, "the spelling of lists of subscriptions")
      .add("messages_before_judged", messages_before_judged, 1, any, "then a url is disabled where over 70 % failed")
      .add("failures_until_disabled", failures_until_disabled, 1, any, "in a row, of one url");
  return out;
}

}  // namespace koppel::provider_sim::workfront
