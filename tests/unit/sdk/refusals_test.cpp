// SPDX-License-Identifier: Apache-2.0
// What an answer means, and whose account it is.
#include <koppel/sdk/plugin.hpp>
#include <koppel/testing/scripted_host.hpp>

#include <catch2/catch.hpp>

using namespace koppel::sdk;
using koppel::testing::job_options;
using koppel::testing::scripted_host;

namespace {

constexpr refusal refusals_of_acme[] = {
    {.means = verdict::authorise_again, .status = 401},
    {.means = verdict::scope_missing, .code = "NO_SCOPE"},
    {.means = verdict::permanent, .status = 400, .code_part = "NotFound"},
    {.means = verdict::bad_settings, .message_part = "no such version", .advice = "check the version"},
};

std::string meaning_of(int status, std::string_view code, std::string_view message = {}) {
  const auto* line = find_refusal(refusals_of_acme, status, code, message);
  return line ? std::string(to_text(line->means)) : "none";
}

/// Its account is the organisation, or else the user; its two streams are one refused request each.
class chooser : public connector {
 public:
  std::string base_url(const job& run) const override { return "https://" + std::string(run.needed_setting("host")); }
  task<> probe(probe_run& run) override {
    for (const auto* path : {"/first", "/second"}) {
      auto asking = ask_of_stream(run, "things", run.get(path));
      co_await asking;
    }
    auto asking = ask(run, run.get("/me"));
    const auto me = co_await asking;
    run.account(choose_account(run, {{"org", me["org"]}, {"user", me["user"], "user:"}}), "");
  }
};

struct probed {
  scripted_host host{&detail::entry<chooser>::table, ""};
  koppel::testing::seen_outcome run(const std::string& me, std::map<std::string, std::string> settings = {},
                                    int first = 200, int second = 200) {
    job_options with;
    with.settings = std::move(settings);
    with.settings["host"] = "api.example";
    host.probe(with);
    host.answer(first, "{}");
    host.answer(second, "{}");
    host.answer(200, me);
    return host.outcome();
  }
};

}  // namespace

TEST_CASE("the first line of a table that fits says what a refusal means", "[sdk][refusals]") {
  CHECK(meaning_of(401, "NO_SCOPE") == "authorise_again");
  CHECK(meaning_of(403, "NO_SCOPE") == "scope_missing");
  CHECK(meaning_of(403, "NO_SCOPES") == "none");
  CHECK(meaning_of(400, "ObjectNotFoundException") == "permanent");
  CHECK(meaning_of(404, "ObjectNotFoundException") == "none");
  CHECK(meaning_of(200, "", "there is no such version") == "bad_settings");
  CHECK(meaning_of(500, "") == "none");
}

TEST_CASE("a refusal is told with its code and what can be done, never with the provider's words", "[sdk][refusals]") {
  const request asked("GET", "https://api.example/rows?mail=a@b.example");
  const auto wrong =
      refused(asked, response(400, {}, "an@maes.be"), refusals_of_acme, "OLD", "no such version, an@maes.be");
  CHECK(wrong.reason() == verdict::bad_settings);
  CHECK(wrong.http_status == 400);
  CHECK(std::string(wrong.what()) == "GET /rows was answered with 400 OLD: check the version");

  const auto by_status = refused(asked, response(429, {{"retry-after", "7"}}, ""), refusals_of_acme, "SLOW");
  CHECK(by_status.reason() == verdict::try_again);
  CHECK(by_status.retry_after == std::chrono::seconds(7));
  CHECK(std::string(by_status.what()) == "GET /rows was answered with 429 SLOW");
}

TEST_CASE("the account is that of the first source that says, and remains that of the one it was", "[sdk][refusals]") {
  const std::string both = R"({"org":"o1","user":7})";
  probed p;
  CHECK(p.run(both).account_id == "o1");
  CHECK(p.host.remembered().at("account_source") == "org");
  CHECK(p.run(R"({"user":7})", p.host.remembered()).account_id == "user:7");
  CHECK(p.run(both, p.host.remembered()).account_id == "user:7");
  CHECK(p.run(R"({"org":"o1"})", p.host.remembered()).account_id == "o1");

  const auto nobody = p.run(R"({"org":null,"user":""})");
  CHECK(nobody.error == "scope_missing");
  CHECK(nobody.http_status == 403);
  CHECK(nobody.detail == "neither org nor user says whose account this is");
}

TEST_CASE("a stream that needs what is not permitted is refused, once", "[sdk][refusals]") {
  using streams = std::vector<std::string>;
  probed p;
  CHECK(p.run(R"({"org":"o"})").streams_refused.empty());
  CHECK(p.run(R"({"org":"o"})", {}, 403).streams_refused == streams{"things"});
  CHECK(p.run(R"({"org":"o"})", {}, 403, 403).streams_refused == streams{"things"});
  p.host.probe({.settings = {{"host", "api.example"}}});
  p.host.answer(500, "");
  CHECK(p.host.outcome().error == "try_again");
}

TEST_CASE("a setting that is needed and missing ends the job as wrong settings, with its name", "[sdk][refusals]") {
  scripted_host host(&detail::entry<chooser>::table, "");
  for (const auto& settings : {std::map<std::string, std::string>{}, {{"host", ""}}}) {
    job_options with;
    with.settings = settings;
    host.probe(with);
    CHECK(host.outcome().error == "bad_settings");
    CHECK(host.outcome().detail == "the setting host is missing");
  }
}
