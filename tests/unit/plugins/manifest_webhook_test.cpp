// SPDX-License-Identifier: Apache-2.0
// [webhook] of a manifest.

#include <catch2/catch.hpp>

#include "host/core/connection_manifest.hpp"
#include "host/core/egress.hpp"
#include "host/plugins/manifest_parser.hpp"
#include "tests/support/read_file.hpp"

using koppel::plugins::parse_manifest;

namespace {

std::string text_of(const std::string& provider) {
  return koppel::test::read_file(SOURCES "/plugins/" + provider + "/manifest.toml");
}

std::string changed(const std::string& provider, const std::string& from, const std::string& to) {
  auto text = text_of(provider);
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), to);
  const auto m = parse_manifest(text);
  return m ? "" : m.error().detail;
}

}  // namespace

TEST_CASE("the rules for webhooks arrive where they belong", "[plugins][manifest]") {
  const auto zoho = parse_manifest(text_of("zoho"));
  REQUIRE(zoho.has_value());
  REQUIRE(zoho->webhook);
  CHECK(zoho->webhook->registered);
  CHECK(zoho->webhook->token_pointer == "/token");
  CHECK(zoho->webhook->asks_token());
  REQUIRE(zoho->webhook->records.size() == 3);
  CHECK(zoho->webhook->records[0].stream == "accounts");
  const auto workfront = parse_manifest(text_of("workfront"));
  REQUIRE(workfront.has_value());
  CHECK(workfront->webhook->token_header == "authorization");
  CHECK(workfront->webhook->token_prefix == "Bearer ");
  CHECK(workfront->webhook->word.size() == 2);
  CHECK_FALSE(parse_manifest(text_of("teamleader"))->webhook->asks_token());
  CHECK_FALSE(parse_manifest(text_of("snelstart"))->webhook);
}

TEST_CASE("what is wrong with a webhook's rules is named with its key", "[plugins][manifest]") {
  const auto named = [](const std::string& provider, const std::string& from, const std::string& to,
                        const std::string& key) {
    INFO(from << " -> " << to);
    const auto why = changed(provider, from, to);
    INFO(why);
    CHECK(why.find(key) != std::string::npos);
  };
  named("teamleader", "registration = \"plugin\"", "registration = \"later\"", "webhook.registration");
  named("teamleader", "word = [\"/type\"]", "word = [\"type\"]", "webhook.word");
  named("teamleader", "word = [\"/type\"]", "word = []", "webhook.word");
  named("teamleader", "stream = \"companies\"\nid", "stream = \"deals\"\nid", "stream");
  named("teamleader", "when = [\"company.*\"]", "when = [\"*.company\"]", "when");
  named("teamleader", "id = [\"/subject/id\"]", "id = [\"\"]", "id");
  named("teamleader", "for = \"webhooks\"", "for = \"hooks\"", "egress[2].for: must be \"webhooks\"");
  named("teamleader", "registration = \"plugin\"", "registration = \"by_hand\"",
        "egress: has an entry for = \"webhooks\", which nobody would use");
  named("snelstart", "methods = [\"GET\"]", "for = \"webhooks\"\nmethods = [\"GET\"]", "which nobody would use");
  named("zoho", "token = { pointer = \"/token\" }", "token = { }", "token");
  named("zoho", "token = { pointer = \"/token\" }", "token = { pointer = \"/t\", header = \"x\" }", "token");
  named("zoho", "token = { pointer = \"/token\" }", "token = { pointer = \"/t\", prefix = \"x\" }", "prefix");
  named("snelstart", "[[stream]]",
        "[webhook]\nregistration = \"by_hand\"\nword = [\"/a\"]\n[[webhook.record]]\nwhen = "
        "[\"a\"]\nstream = \"relaties\"\n\n[[stream]]",
        "webhook");
}

TEST_CASE("what plugins register webhooks with is closed to everything else", "[plugins][manifest]") {
  using koppel::core::egress_purpose;
  using koppel::core::egress_refusal;
  const auto closed = [](const std::string& provider, const std::string& method, const std::string& place) {
    INFO(provider << ' ' << place);
    const auto parsed = parse_manifest(text_of(provider));
    REQUIRE(parsed.has_value());
    const auto m = koppel::core::manifest_for(std::make_shared<const koppel::core::manifest>(*parsed),
                                              {{"host", "acme.my.workfront.com"}}, {});
    const auto url = "https://" + place;
    CHECK(egress_refusal(*m, method, url, egress_purpose::webhooks).empty());
    CHECK(egress_refusal(*m, method, url).find("but for the registration of webhooks") != std::string::npos);
  };
  for (const char* path : {"/webhooks.list", "/webhooks.register", "/webhooks.unregister"})
    closed("teamleader", "POST", std::string("api.focus.teamleader.eu") + path);
  closed("workfront", "GET", "acme.my.workfront.com/attask/eventsubscription/api/v1/subscriptions?limit=1000");
  closed("workfront", "DELETE", "acme.my.workfront.com/attask/eventsubscription/api/v1/subscriptions/1");
  for (const char* method : {"POST", "PUT", "DELETE"})
    closed("zoho", method, "www.zohoapis.com/crm/v8/actions/watch?channel_ids=1");
}
