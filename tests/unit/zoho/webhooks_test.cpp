// SPDX-License-Identifier: Apache-2.0
// The notification channel: made, renewed, and found again where only a part of it was made.
#include <koppel/testing/scripted_host.hpp>

#include <catch2/catch.hpp>

using namespace koppel::testing;
using Catch::Contains;

namespace {

constexpr const char* watch = "/crm/v8/actions/watch";

job_options with_channel(const std::string& channel = "") {
  job_options out;
  out.settings = {{"region", "eu"}, {"region.api", "www.zohoapis.eu"}};
  if (!channel.empty()) out.settings["webhook_channel"] = channel;
  return out;
}

std::string made(const std::string& until) {
  return R"({"code":"SUCCESS","details":{"events":[{"channel_expiry":")" + until +
         R"(","resource_name":"Accounts","channel_id":"1"}]},"message":"","status":"success"})";
}

std::string failed(const std::string& code) {
  return R"({"code":")" + code + R"(","details":{},"message":"no","status":"error"})";
}

std::string rows(const std::string& all) { return R"({"watch":[)" + all + "]}"; }

}  // namespace

TEST_CASE("a channel is registered until the end that the answer names", "[zoho][webhooks]") {
  scripted_host host(load_plugin(ZOHO_PLUGIN));
  host.register_webhooks(with_channel());
  const auto& request = host.expect("POST", watch);
  CHECK_THAT(request.body, Contains(std::string(scripted_host::webhook_address)) &&
                               Contains(std::string(scripted_host::webhook_token)));
  const auto channel = host.remembered().at("webhook_channel");
  CHECK_THAT(request.body, Contains(channel));
  host.answer(201, rows(made("2023-11-14T23:13:20+00:00")));
  CHECK(host.outcome().error.empty());
  CHECK(host.outcome().registered_until == 1'700'003'600'000);
}

TEST_CASE("a channel that was made in part counts as failed, and is known from before it was asked for",
          "[zoho][webhooks]") {
  for (const int status : {202, 207, 201}) {
    INFO(status);
    scripted_host host(load_plugin(ZOHO_PLUGIN));
    host.register_webhooks(with_channel());
    const auto channel = host.remembered().at("webhook_channel");
    CHECK_FALSE(channel.empty());
    host.answer(status, rows(made("2023-11-14T23:13:20+00:00") + "," + failed("NO_PERMISSION")));
    CHECK(host.outcome().error == "try_again");
    CHECK_THAT(host.outcome().detail, Contains("a part") && Contains("NO_PERMISSION"));
    CHECK(host.remembered().at("webhook_channel") == channel);

    host.register_webhooks(with_channel(channel));
    host.expect("PUT", watch);
    host.answer(207, rows(made("2023-11-14T23:13:20+00:00")));
    CHECK(host.outcome().error == "try_again");

    host.remove_webhooks(with_channel(channel));
    host.answer(status == 201 ? 207 : status, rows(made("2023-11-14T23:13:20+00:00") + "," + failed("INTERNAL_ERROR")));
    CHECK(host.outcome().error == "try_again");
    host.remove_webhooks(with_channel(channel));
    CHECK(host.expect("DELETE", watch).query == "channel_ids=" + channel);
    host.answer(200, rows(made("2023-11-14T23:13:20+00:00")));
    CHECK(host.outcome().error.empty());
  }
}

TEST_CASE("a channel that was refused is none, and nothing is asked for its removal", "[zoho][webhooks]") {
  scripted_host host(load_plugin(ZOHO_PLUGIN));
  host.register_webhooks(with_channel());
  host.expect("POST", watch);
  host.answer(401, failed("OAUTH_SCOPE_MISMATCH"));
  CHECK(host.outcome().error == "scope_missing");
  CHECK(host.remembered().at("webhook_channel").empty());

  auto known = with_channel();
  known.settings["webhook_channel"] = "";
  host.remove_webhooks(known);
  CHECK(host.outcome().error.empty());
  host.register_webhooks(known);
  host.expect("POST", watch);
  host.answer(201, rows(made("2023-11-14T23:13:20+00:00")));
  CHECK(host.outcome().error.empty());
}

TEST_CASE("a channel that has ended is made again with its id", "[zoho][webhooks]") {
  scripted_host host(load_plugin(ZOHO_PLUGIN));
  host.register_webhooks(with_channel("77"));
  host.expect("PUT", watch);
  host.answer(400, rows(failed("INVALID_DATA")));
  CHECK_THAT(host.expect("POST", watch).body, Contains("77"));
  host.answer(201, rows(made("2023-11-14T23:13:20+00:00")));
  CHECK(host.outcome().error.empty());
}
