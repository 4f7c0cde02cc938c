// SPDX-License-Identifier: Apache-2.0
// What bodies of webhooks say, and what they may not say.

#include "host/core/webhook_reading.hpp"

#include <catch2/catch.hpp>

using namespace koppel::core;

namespace {

webhook_rules::record_rule rule(std::vector<std::string> when, std::string stream, std::vector<std::string> ids) {
  return {std::move(when), std::move(stream), std::move(ids)};
}

webhook_rules teamleader() {
  webhook_rules r;
  r.word = {"/type"};
  r.records = {rule({"company.*"}, "companies", {"/subject/id"}),
               rule({"contact.updated"}, "contacts", {"/subject/id"})};
  return r;
}

webhook_rules zoho() {
  webhook_rules r;
  r.word = {"/module"};
  r.token_pointer = "/token";
  r.records = {rule({"Accounts"}, "accounts", {"/ids"}), rule({"users"}, "users", {})};
  return r;
}

webhook_rules workfront() {
  webhook_rules r;
  r.word = {"/newState/objCode", "/oldState/objCode"};
  r.token_header = "authorization";
  r.token_prefix = "Bearer ";
  r.records = {rule({"CMPY"}, "companies", {"/newState/ID", "/oldState/ID"})};
  return r;
}

using hints = std::vector<webhook_hint>;

}  // namespace

TEST_CASE("a body names a record by a word and an id", "[webhooks]") {
  const auto read = read_webhook(teamleader(), R"({"type":"company.linked","subject":{"type":"x","id":"a-1"}})");
  CHECK(read.hints == hints{{"companies", "a-1"}});
  CHECK(read.reason.empty());
  CHECK(read_webhook(teamleader(), R"({"type":"contact.updated","subject":{"id":"b"}})").hints ==
        hints{{"contacts", "b"}});
}

TEST_CASE("the first pointer that leads to something counts", "[webhooks]") {
  CHECK(read_webhook(workfront(), R"({"newState":{},"oldState":{"objCode":"CMPY","ID":"5"}})").hints ==
        hints{{"companies", "5"}});
  CHECK(read_webhook(workfront(), R"({"newState":{"objCode":"CMPY","ID":"6"},"oldState":{"objCode":"PROJ"}})").hints ==
        hints{{"companies", "6"}});
}

TEST_CASE("a body may name many records, each of which counts once", "[webhooks]") {
  CHECK(read_webhook(zoho(), R"({"module":"Accounts","ids":["7","8","7",9007199254740993]})").hints ==
        hints{{"accounts", "7"}, {"accounts", "8"}, {"accounts", "9007199254740993"}});
  CHECK(read_webhook(zoho(), R"({"module":"users","ids":["7"]})").hints == hints{{"users", ""}});
}

TEST_CASE("a body with more than a thousand ids means the whole stream", "[webhooks]") {
  const auto body = [](std::size_t count) {
    std::string ids;
    for (std::size_t i = 0; i < count; ++i) ids += (i ? ",\"" : "\"") + std::to_string(i) + "\"";
    return R"({"module":"Accounts","ids":[)" + ids + "]}";
  };
  CHECK(read_webhook(zoho(), body(most_hinted_ids)).hints.size() == most_hinted_ids);
  CHECK(read_webhook(zoho(), body(most_hinted_ids + 1)).hints == hints{{"accounts", ""}});
}

TEST_CASE("what is about nothing that is read here is understood and says so", "[webhooks]") {
  for (const auto* body : {R"({"type":"deal.won","subject":{"id":"a"}})", R"({"type":"contact.updatedLink"})"}) {
    const auto read = read_webhook(teamleader(), body);
    CHECK(read.hints.empty());
    CHECK(read.understood);
    CHECK(read.reason == "It is about nothing that is read here.");
  }
}

TEST_CASE("what nobody can read has a reason that repeats nothing of it", "[webhooks]") {
  const std::string control = R"({"type":"company.x","subject":{"id":"a\u0000b"}})";
  const std::string deep(10'000, '[');
  const std::string long_id = R"({"type":"company.x","subject":{"id":")" + std::string(257, 'x') + "\"}}";
  for (const std::string& body :
       {std::string(), std::string("junk"), std::string("[]"), deep, std::string(R"({"type":1})"),
        std::string(R"({"subject":{"id":"a"}})"), std::string(R"({"type":"company.x"})"),
        std::string(R"({"type":"company.x","subject":{"id":null}})"),
        std::string(R"({"type":"company.x","subject":{"id":{"a":1}}})"),
        std::string(R"({"type":"company.x","subject":{"id":1.5}})"),
        std::string(R"({"type":"company.x","subject":{"id":[]}})"),
        std::string(R"({"type":"company.x","subject":{"id":["a",[]]}})"),
        std::string(R"({"type":"company.x","type":"company.y","subject":{"id":"a"}})"), control, long_id}) {
    INFO(body.substr(0, 60));
    const auto read = read_webhook(teamleader(), body);
    CHECK(read.hints.empty());
    CHECK_FALSE(read.understood);
    CHECK_FALSE(read.reason.empty());
    CHECK(read.reason.find("xxx") == std::string::npos);
  }
}

TEST_CASE("a token in the body is demanded, and is not kept", "[webhooks]") {
  const secret token("s3cret-word");
  const std::string body = R"({"token":"s3cret-word","module":"Accounts","ids":["1"]})";
  CHECK(bears_token(zoho(), body, "", token));
  for (const auto* wrong :
       {R"({"token":"s3cret-worD"})", R"({"token":"s3cret"})", R"({"token":["s3cret-word"]})", R"({})", "junk", ""})
    CHECK_FALSE(bears_token(zoho(), wrong, "s3cret-word", token));
  CHECK_FALSE(bears_token(zoho(), R"({"token":""})", "", secret()));
  const auto kept = without_token(zoho(), body);
  CHECK(kept.find("s3cret") == std::string::npos);
  CHECK(read_webhook(zoho(), kept).hints == hints{{"accounts", "1"}});
  CHECK(without_token(zoho(), "s3cret-word").empty());
}

TEST_CASE("a token in a header is demanded with its prefix", "[webhooks]") {
  const secret token("s3cret-word");
  CHECK(bears_token(workfront(), "{}", "Bearer s3cret-word", token));
  for (const auto* wrong : {"", "s3cret-word", "bearer s3cret-word", "Bearer s3cret-wor", "Bearer s3cret-word "})
    CHECK_FALSE(bears_token(workfront(), "{}", wrong, token));
  CHECK(without_token(workfront(), "anything") == "anything");
  CHECK(bears_token(teamleader(), "", "", token));
}
