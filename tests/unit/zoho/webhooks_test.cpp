// SPDX-License-Identifier: Apache-2.0
// The notification channels, one a module: made, renewed, found again where only some were made, refused by themselves.
#include <koppel/testing/scripted_host.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
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

const std::string good = made("2023-11-14T23:13:20+00:00");

std::string failed(const std::string& code) {
  return R"({"code":")" + code + R"(","details":{},"message":"no","status":"error"})";
}

std::string rows(const std::vector<std::string>& all) {
  std::string out;
  for (const auto& each : all) out += (out.empty() ? "" : ",") + each;
  return R"({"watch":[)" + out + "]}";
}

/// What was asked for: "1001 Accounts.all".
std::vector<std::string> channels_in(const std::string& body) {
  std::vector<std::string> out;
  const auto document = boost::json::parse(body);
  for (const auto& each : document.at("watch").as_array()) {
    CHECK(each.at("token") == std::string(scripted_host::webhook_token).c_str());
    CHECK(each.at("notify_url") == std::string(scripted_host::webhook_address).c_str());
    REQUIRE(each.at("events").as_array().size() == 1);
    out.push_back(std::string(each.at("channel_id").as_string().c_str()) + ' ' +
                  each.at("events").at(0).as_string().c_str());
  }
  return out;
}

bool warned(const scripted_host& host, const std::string& text) {
  for (const auto& line : host.log())
    if (line.find(text) != std::string::npos) return true;
  return false;
}

}  // namespace

TEST_CASE("each module has a channel of its own, until the earliest end that the answer names", "[zoho][webhooks]") {
  scripted_host host(load_plugin(ZOHO_PLUGIN));
  host.register_webhooks(with_channel());
  const auto first = std::stoll(host.remembered().at("webhook_channel"));
  CHECK(channels_in(host.expect("POST", watch).body) ==
        std::vector<std::string>{std::to_string(first) + " Accounts.all", std::to_string(first + 1) + " Contacts.all",
                                 std::to_string(first + 2) + " users.all"});
  host.answer(201, rows({made("2023-11-15T20:00:00+00:00"), good, made("2023-11-15T20:00:00+00:00")}));
  CHECK(host.outcome().error.empty());
  CHECK(host.outcome().registered_until == 1'700'003'600'000);
}

TEST_CASE("a module that cannot be watched takes no other's news away, and that is told", "[zoho][webhooks]") {
  scripted_host host(load_plugin(ZOHO_PLUGIN));
  for (const auto* code : {"INVALID_DATA", "INVALID_MODULE", "NO_PERMISSION"}) {
    INFO(code);
    host.register_webhooks(with_channel());
    host.expect("POST", watch);
    host.answer(207, rows({good, failed(code), good}));
    CHECK(host.outcome().error.empty());
    CHECK(host.outcome().registered_until == 1'700'003'600'000);
    CHECK(warned(host, "Zoho does not tell of Contacts: " + std::string(code)));
  }
  // It is asked for again at each renewal.
  host.register_webhooks(with_channel("1001"));
  CHECK(channels_in(host.expect("PUT", watch).body).size() == 3);
  host.answer(207, rows({good, failed("INVALID_DATA"), good}));
  CHECK(channels_in(host.expect("POST", watch).body) == std::vector<std::string>{"1002 Contacts.all"});
  host.answer(400, rows({failed("INVALID_DATA")}));
  CHECK(host.outcome().error.empty());
  CHECK(host.outcome().registered_until == 1'700'003'600'000);
}

TEST_CASE("channels of which none may be are a failure", "[zoho][webhooks]") {
  scripted_host host(load_plugin(ZOHO_PLUGIN));
  host.register_webhooks(with_channel());
  host.answer(400, rows({failed("INVALID_DATA"), failed("INVALID_DATA"), failed("INVALID_DATA")}));
  CHECK(host.outcome().error == "bug");
  CHECK_THAT(host.outcome().detail, Contains("400") && Contains("INVALID_DATA"));
}

TEST_CASE("channels that were made in part count as failed, and are known from before they were asked for",
          "[zoho][webhooks]") {
  const std::vector<std::pair<int, std::string>> in_part{{207, rows({good, failed("INTERNAL_ERROR"), good})},
                                                         {201, rows({good, failed("INTERNAL_ERROR"), good})},
                                                         {202, rows({good, good, good})},
                                                         {201, rows({good, good})}};
  for (const auto& [status, body] : in_part) {
    INFO(status << ' ' << body);
    scripted_host host(load_plugin(ZOHO_PLUGIN));
    host.register_webhooks(with_channel());
    const auto channel = host.remembered().at("webhook_channel");
    CHECK_FALSE(channel.empty());
    host.answer(status, body);
    CHECK(host.outcome().error == "try_again");
    CHECK_THAT(host.outcome().detail, Contains("a part"));
    CHECK(host.remembered().at("webhook_channel") == channel);

    host.remove_webhooks(with_channel("1001"));
    CHECK(host.expect("DELETE", watch).query == "channel_ids=1001,1002,1003");
    host.answer(207, rows({good, failed("INTERNAL_ERROR"), good}));
    CHECK(host.outcome().error == "try_again");
    // Those that have ended are gone, whether some have or all.
    host.remove_webhooks(with_channel("1001"));
    host.answer(207, rows({good, failed("INVALID_DATA"), failed("INVALID_DATA")}));
    CHECK(host.outcome().error.empty());
    host.remove_webhooks(with_channel("1001"));
    host.answer(207, rows({good, good, good, failed("INVALID_DATA"), failed("INVALID_DATA")}));
    CHECK(host.outcome().error.empty());
    host.remove_webhooks(with_channel("1001"));
    host.answer(400, rows({failed("INVALID_DATA"), failed("INVALID_DATA"), failed("INVALID_DATA")}));
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
  host.answer(201, rows({good, good, good}));
  CHECK(host.outcome().error.empty());
}

TEST_CASE("channels that have ended, and those that an older version never had, are made with their ids",
          "[zoho][webhooks]") {
  scripted_host host(load_plugin(ZOHO_PLUGIN));
  host.register_webhooks(with_channel("77"));
  CHECK(channels_in(host.expect("PUT", watch).body) ==
        std::vector<std::string>{"77 Accounts.all", "78 Contacts.all", "79 users.all"});
  host.answer(207, rows({good, failed("INVALID_DATA"), failed("INVALID_DATA")}));
  CHECK(channels_in(host.expect("POST", watch).body) == std::vector<std::string>{"78 Contacts.all", "79 users.all"});
  host.answer(201, rows({good, good}));
  CHECK(host.outcome().error.empty());

  for (const auto* none : {R"({"code":"INVALID_DATA","details":{},"message":"no","status":"error"})", "<html>"}) {
    host.register_webhooks(with_channel("77"));
    host.answer(404, none);
    CHECK(channels_in(host.expect("POST", watch).body).size() == 3);
    host.answer(201, rows({good, good, good}));
    CHECK(host.outcome().error.empty());
  }
}
