// SPDX-License-Identifier: Apache-2.0
// The names of the knobs, and what each does.
#include "teamleader/knobs.hpp"

namespace koppel::provider_sim::teamleader {

knob_list knobs::list() {
  constexpr std::int64_t any = std::numeric_limits<std::int32_t>::max();
  knob_list out;
  out.add("updated_since_exclusive", updated_since_exclusive, "a record of exactly that second is left out")
      .add("list_active_only", list_active_only, "lists without filter.status leave deactivated records out")
      .add("denial_drops_state", denial_drops_state, "state is not echoed when access is denied")
      .add("old_access_survives", old_access_survives, "a refresh leaves the old access token alive until it expires")
      .add("plain_code_errors", plain_code_errors, R"({"error":...} instead of the envelope when a code is refused)")
      .add("code_error", code_error, {"invalid_grant", "invalid_request"}, "title of the refusal of a code")
      .add("retry_after", retry_after, "429 carries Retry-After")
      .add("reset_header_utc", reset_header_utc, "X-RateLimit-Reset as +00:00, no milliseconds")
      .add("webhook_disorder", webhook_disorder, "deliveries of one change come shuffled, every tenth twice")
      .add("webhook_https_only", webhook_https_only, "a url that is not https is refused")
      .add("webhook_extra_members", webhook_extra_members, "bodies have account and timestamp too")
      .add("webhook_again", webhook_again, {"merge", "refuse", "double"},
           "a url and type that is registered already: no change, refused, or delivered twice from then on")
      .add("webhook_limit", webhook_limit, 0, any, "urls per client and account, 0 for no limit")
      .add("webhook_retries", webhook_retries, 0, 100, "further attempts at a delivery")
      .add("webhook_retry_pause_ms", webhook_retry_pause, 0, any, "before each further attempt")
      .add("webhook_patience_ms", webhook_patience, 1, any, "how long a receiver may take to answer")
      .add("rate_limit", rate_limit, 1, any, "requests in a window, per client and account")
      .add("rate_window_seconds", rate_window, 1, any, "length of the window")
      .called("rate-window")
      .add("access_life_seconds", access_life, 1, any, "life of the access tokens issued from now on");
  return out;
}

}  // namespace koppel::provider_sim::teamleader
