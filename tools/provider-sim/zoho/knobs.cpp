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
      .add("code_life_seconds", code_life, 1, any, "life of the codes issued from now on")
      .add("access_life_seconds", access_life, 1, any, "life of the access tokens issued from now on")
      .add("page_token_life_seconds", page_token_life, 1, any, "life of the page tokens issued from now on")
      .add("live_access_tokens", live_access_tokens, 1, any, "per refresh token; the next one kills the oldest")
      .add("tokens_per_window", tokens_per_window, 1, any, "access tokens per refresh token in ten minutes")
      .add("refresh_tokens", refresh_tokens, 1, any, "per user and client; the next one kills the oldest")
      .add("credits", credits, 1, any, "requests per organisation in 24 hours")
      .add("utc_offset_minutes", utc_offset, -720, 840, "of the organisation's times");
  return out;
}

}  // namespace koppel::provider_sim::zoho
