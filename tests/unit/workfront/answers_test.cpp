// SPDX-License-Identifier: Apache-2.0
// What Workfront's errors mean: `error` counts before the status, and the session may end with any status.
#include <koppel/testing/scripted_host.hpp>

#include <catch2/catch.hpp>

using namespace koppel::testing;

namespace {

seen_outcome after(int status, const std::string& body, header_list headers = {}) {
  scripted_host host(load_plugin(WORKFRONT_PLUGIN));
  job_options with;
  with.settings = {{"host", "acme.my.workfront.com"}};
  host.sync("projects", with);
  host.answer(status, body, std::move(headers));
  CHECK(host.pages().empty());
  return host.outcome();
}

std::string envelope(const std::string& name, const std::string& message = "x") {
  return R"({"error":{"class":")" + name + R"(","message":")" + message + R"("}})";
}

}  // namespace

TEST_CASE("each refusal says what is to be done", "[workfront]") {
  CHECK(after(401, "").error == "authorise_again");
  CHECK(after(403, "").error == "scope_missing");
  CHECK(after(400, envelope("com.attask.X")).error == "bug");
  CHECK(after(422, envelope("com.attask.X")).error == "bug");
  CHECK(after(500, envelope("com.attask.X")).error == "try_again");
  CHECK(after(503, "<html>").error == "try_again");
  const auto busy = after(429, envelope("com.attask.X"), {{"retry-after", "7"}});
  CHECK(busy.error == "try_again");
  CHECK(busy.retry_after == 7000);
  CHECK(busy.http_status == 429);
}

TEST_CASE("an error in a successful answer is an error", "[workfront]") {
  CHECK(after(200, envelope("com.attask.common.ProjectStatusViolationException")).error == "bug");
  CHECK(after(200, R"({"statusCode":400,"error":true,"type":"X","message":"y"})").error == "bug");
  CHECK(after(200, R"({"error":true,"data":[]})").error == "bug");
  CHECK(after(200, R"({"error":"unclear","data":[]})").error == "bug");
  CHECK(after(200, envelope("com.attask.common.InsufficientRightsException")).error == "scope_missing");
  CHECK(after(200, R"({"error":{},"data":[]})").error == "bug");
  // These say that there is none.
  for (const auto* none : {"false", "null", R"("")"}) {
    scripted_host host(load_plugin(WORKFRONT_PLUGIN));
    job_options with;
    with.settings = {{"host", "acme.my.workfront.com"}};
    host.sync("projects", with);
    host.answer(200, R"({"data":[],"error":)" + std::string(none) + "}");
    CHECK(host.outcome().error.empty());
  }
}

TEST_CASE("a session that is over is told by status, class or words", "[workfront]") {
  for (const auto& outcome :
       {after(401, envelope("x")), after(200, envelope("com.attask.common.AuthenticationException")),
        after(403, envelope("com.attask.common.AuthenticationException")),
        after(200, envelope("x", "You are not currently logged in."))}) {
    CHECK(outcome.error == "authorise_again");
    CHECK(outcome.http_status == 401);
  }
}

TEST_CASE("a version that is gone, or a field that it does not have, is a matter of the settings", "[workfront]") {
  for (const auto& outcome :
       {after(410, ""), after(404, "<html>"),
        after(422,
              envelope("java.lang.IllegalArgumentException", "APIModel V20_0 does not support field xyz (Project)")),
        after(200, envelope("java.lang.IllegalArgumentException", "APIModel V9 does not support field x (Project)"))}) {
    CHECK(outcome.error == "bad_settings");
    CHECK(outcome.detail.find("api_version") != std::string::npos);
  }
  CHECK(after(422, envelope("java.lang.IllegalArgumentException", "no such limit")).error == "bug");
}

TEST_CASE("what is told to operators has the class of an error, and nothing else of the answer", "[workfront]") {
  const auto outcome = after(422, envelope("com.attask.common.SomeException", "Bakkerij Maes is a secret"));
  CHECK(outcome.detail == "GET /attask/api/v20.0/proj/search was answered with 422 SomeException");
  CHECK(after(422, envelope("com.attask.Bakkerij Maes")).detail ==
        "GET /attask/api/v20.0/proj/search was answered with 422");
  CHECK(after(422, envelope(std::string(65, 'a'))).detail == "GET /attask/api/v20.0/proj/search was answered with 422");
}

TEST_CASE("an answer that is no list ends the run, and is no end of the list", "[workfront][hostile]") {
  for (const auto* body : {"{}", R"({"data":null})", R"({"data":{}})", R"({"data":{"count":3}})"})
    CHECK(after(200, body).error == "bug");
  for (const auto* body : {"", "<html>", "[]"}) CHECK(after(200, body).error == "try_again");  // a gateway's
}
