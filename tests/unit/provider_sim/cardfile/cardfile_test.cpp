// SPDX-License-Identifier: Apache-2.0
// The simulated Cardfile: its lists, its tokens, its limit.
#include "cardfile/cardfile.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include <catch2/catch.hpp>

#include <set>

#include "driven.hpp"
#include "form.hpp"

namespace koppel::provider_sim::cardfile {
namespace {

struct card_box : driven {
  std::string token;

  explicit card_box(std::size_t people = 45, cardfile::knobs settings = {})
      : driven(std::make_unique<card_file>(people, settings, first_of_2026()), first_of_2026()) {
    const auto code = order("POST", "/codes", R"({"client_id":"koppel-cards","redirect_uri":"https://a.example/"})");
    token = pair("grant_type=authorization_code&redirect_uri=https%3A%2F%2Fa.example%2F&code=" +
                 std::string(code.at("code").as_string()))
                .at("access_token")
                .as_string();
  }

  reply ask_for_token(const std::string& form) {
    request asked;
    asked.method = "POST";
    asked.host = login_host;
    asked.path = "/token";
    asked.body = "client_id=koppel-cards&client_secret=cards-secret-0f1e2d3c4b5a6978&" + form;
    return provider.serve(asked, now);
  }
  boost::json::object pair(const std::string& form) {
    last_pair = boost::json::parse(ask_for_token(form).body).as_object();
    return last_pair;
  }
  boost::json::object last_pair;

  reply get(const std::string& path, const std::string& query = "") {
    request asked;
    asked.method = "GET";
    asked.host = api_host;
    asked.path = path;
    asked.query = query;
    asked.authorization = "Bearer " + token;
    return provider.serve(asked, now);
  }
  boost::json::value shown(const std::string& path, const std::string& query = "") {
    const auto answer = get(path, query);
    if (answer.status != 200) throw std::runtime_error(path + ": " + answer.body);
    return boost::json::parse(answer.body);
  }
};

std::set<std::string> ids_in(const boost::json::value& list) {
  std::set<std::string> out;
  for (const auto& row : list.at("people").as_array()) out.emplace(row.at("id").as_string());
  return out;
}

std::string after(const boost::json::value& list) {
  const auto& next = list.at("meta").at("next");
  return next.is_null() ? "" : percent_encode(std::string(next.as_string()));
}

}  // namespace

TEST_CASE("cards are listed page by page, and a cursor stays good when its card is gone", "[cardfile]") {
  card_box box;
  const auto first = box.shown("/v2/people", "per_page=20");
  CHECK(ids_in(first).size() == 20);
  const auto last_of_first = std::string(first.at("people").at(19).at("id").as_string());
  box.order("POST", "/records/delete", R"({"entity":"person","ids":[")" + last_of_first + "\"]}");

  const auto second = box.shown("/v2/people", "per_page=20&after=" + after(first));
  const auto third = box.shown("/v2/people", "per_page=20&after=" + after(second));

  auto seen = ids_in(first);
  seen.merge(ids_in(second));
  seen.merge(ids_in(third));
  CHECK(seen.size() == 45);
  CHECK(after(third).empty());
  CHECK(box.get("/v2/people/" + last_of_first).status == 404);
  CHECK(box.get("/v2/people", "after=nonsense").status == 400);
  CHECK(box.get("/v2/people", "per_page=0").status == 400);
  CHECK(box.get("/v2/people", "changed_since=yesterday").status == 400);
}

TEST_CASE("what changed since a moment is listed, and the job is on the card alone", "[cardfile]") {
  card_box box;
  box.now += std::chrono::minutes{30};
  const auto changed = box.order("POST", "/records/change", R"({"entity":"person","count":3})").at("ids");

  const auto list = box.shown("/v2/people", "changed_since=2026-01-01T00%3A10%3A00Z");

  std::set<std::string> ids;
  for (const auto& id : changed.as_array()) ids.emplace(id.as_string());
  CHECK(ids_in(list) == ids);
  CHECK_FALSE(list.at("people").at(0).as_object().contains("job"));
  CHECK(box.shown("/v2/people/" + *ids.begin()).at("person").as_object().contains("job"));
  CHECK(box.shown("/v2/me").at("account").at("id") == "c-4711");
}

TEST_CASE("a renewal replaces both tokens, and a code serves once", "[cardfile]") {
  card_box box;
  const auto old = std::string(box.last_pair.at("refresh_token").as_string());
  const auto renewed = box.pair("grant_type=refresh_token&refresh_token=" + old);

  CHECK(box.get("/v2/me").status == 401);
  box.token = renewed.at("access_token").as_string();
  CHECK(box.get("/v2/me").status == 200);
  CHECK(box.ask_for_token("grant_type=refresh_token&refresh_token=" + old).status == 400);
  CHECK(box.ask_for_token("grant_type=authorization_code&code=card-none").status == 400);
  CHECK(box.ask_for_token("grant_type=password").status == 400);
}

TEST_CASE("more requests than the limit admits are told when to come again", "[cardfile]") {
  cardfile::knobs settings;
  settings.rate_limit = 2;
  card_box box(3, settings);
  CHECK(box.get("/v2/me").status == 200);
  CHECK(box.get("/v2/me").status == 200);
  const auto refused = box.get("/v2/me");
  CHECK(refused.status == 429);
  CHECK(box.header(refused, "Retry-After") == "60");
  box.now += std::chrono::seconds{60};
  CHECK(box.get("/v2/me").status == 200);
}

}  // namespace koppel::provider_sim::cardfile
