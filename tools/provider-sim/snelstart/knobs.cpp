// SPDX-License-Identifier: Apache-2.0
// The names of the knobs, and what each does.
#include "snelstart/knobs.hpp"

namespace koppel::provider_sim::snelstart {

knob_list knobs::list() {
  constexpr std::int64_t any = std::numeric_limits<std::int32_t>::max();
  knob_list out;
  out.add("subscription_key", subscription_key, {}, "the only one that the gateway takes")
      .add("app_short_name", app_short_name, {}, "the app's, in activation links")
      .add("webhook_url", webhook_url, {}, "registered for the app: http://127.0.0.1:port/...")
      .add("coupling_casing", coupling_casing, {"pascal", "camel"}, "how the names in webhooks are written")
      .add("removal_names_key", removal_names_key, "a Delete carries the key")
      .add("zone", zone, {"amsterdam", "utc"}, "of the stamps, which say none")
      .add("shuffle_lists", shuffle_lists, "each answer has an order of its own")
      .add("hide_inactive", hide_inactive, "lists leave nonactief relations out, reads by id answer ALG-0105")
      .add("unknown_is_400", unknown_is_400, "REL-0005 comes with 400, as its page says, and not with 404")
      .add("withdrawal_ends_tokens", withdrawal_ends_tokens, "tokens end with their key, not at the end of their hour")
      .add("hour_is_quota", hour_is_quota, "the hour's limit is a quota: 403 instead of 429")
      .add("retry_after", retry_after, "429 and a spent quota carry Retry-After")
      .add("minute_limit", minute_limit, 1, any, "requests in a minute, per administration")
      .add("hour_limit", hour_limit, 1, any, "requests in an hour, per administration")
      .add("access_life_seconds", access_life, 1, any, "life of the access tokens issued from now on");
  return out;
}

}  // namespace koppel::provider_sim::snelstart
