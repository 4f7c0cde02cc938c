// SPDX-License-Identifier: Apache-2.0
// What REST promises apart from a socket: its document, its names, its tokens, who is let in and who sees what.

#include <boost/json/parse.hpp>
#include <fstream>
#include <set>

#include "host/api/customer_names.hpp"
#include "host/api/input.hpp"
#include "host/api/openapi.hpp"
#include "host/core/json_body.hpp"
#include "tests/support/read_file.hpp"
#include "tests/unit/api/rest_world.hpp"

using namespace koppel;
using Catch::Contains;
using namespace std::chrono_literals;
using test::api_world;
using test::rest_world;
namespace json = boost::json;

namespace {

std::string document() { return api::pretty(api::openapi(api::control_api::routes())); }

/// A value of the field's type, or of none that it takes.
json::value value_of(const api::field& f, bool right) {
  if (!right) return 7.5;
  if (f.type == "boolean") return true;
  if (f.type == "integer") return 1;
  if (f.type == "object") return json::object{};
  if (f.type == "strings") return json::array{"read"};
  if (f.type == "confirmation") return json::object{{"mode", "yes"}};
  if (f.name == "expires") return "2099-01-31";
  return f.name == "version" ? "V2" : f.name == "redirect_uri" ? "https://x.example/" : "a";
}

}  // namespace

TEST_CASE("every route of the table is in the OpenAPI document with its parameters and its security", "[api][rest]") {
  const auto parsed = json::parse(document());
  const auto& paths = parsed.at("paths").as_object();
  std::size_t described = 0;
  for (const auto& [path, methods] : paths) described += methods.as_object().size();
  std::size_t open = 0;
  for (const auto& r : api::control_api::routes()) {
    CAPTURE(r.method, r.path);
    if (r.open_to != api::route::doors::both) continue;
    ++open;
    std::string method = r.method;
    for (auto& c : method) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const auto& o = paths.at(r.path).at(method).as_object();
    CHECK(o.at("security").as_array().empty() == (r.needs == api::scope::none));
    std::set<std::string> in_path, in_query;
    if (const auto* list = o.if_contains("parameters"))
      for (const auto& p : list->as_array())
        (p.at("in") == "path" ? in_path : in_query).emplace(p.at("name").as_string().c_str());
    CHECK(in_path.size() == static_cast<std::size_t>(std::count(r.path.begin(), r.path.end(), '{')));
    CHECK(in_query.size() == r.query.size());
    for (const auto& name : in_path) CHECK_THAT(r.path, Contains("{" + name + "}"));
    CHECK(o.contains("requestBody") == !r.body.empty());
    CHECK(o.at("responses").as_object().contains(std::to_string(r.success)));
  }
  CHECK(described == open);
  // Whatever is referred to is there.
  const auto text = document();
  const std::string reference = "\"#/components/";
  for (auto at = text.find(reference); at != std::string::npos; at = text.find(reference, at + 1)) {
    const auto end = text.find('"', at + 1);
    const auto pointer = text.substr(at + 2, end - at - 2);
    CAPTURE(pointer);
    boost::system::error_code ec;
    CHECK(parsed.find_pointer(pointer, ec) != nullptr);
  }
}

TEST_CASE("docs/openapi.json is the document that is served", "[api][rest]") {
  const auto stored = test::read_file(SOURCES "/docs/openapi.json");
  // Where it differs: test_api "docs/openapi.json is written anew"
  CHECK((stored == document()));
}

TEST_CASE("docs/openapi.json is written anew", "[.]") {
  std::ofstream(SOURCES "/docs/openapi.json", std::ios::binary) << document();
}

TEST_CASE("each member that the document names is known, checked, and the only one", "[api][rest]") {
  api_world w;
  for (const auto& r : api::control_api::routes()) {
    if (r.body.empty()) continue;
    auto path = r.path;
    for (auto at = path.find('{'); at != std::string::npos; at = path.find('{'))
      path.replace(at, path.find('}') - at + 1, "a");
    json::object good;
    for (const auto& f : r.body)
      if (f.required) good[f.name] = value_of(f, true);
    auto more = good;
    more["bogus"] = 1;
    CAPTURE(r.method, path);
    const auto unknown = w.ask(r.method, path, json::serialize(more));
    CHECK(unknown.status == 400);
    CHECK_THAT(unknown.body, Contains("\\\"bogus\\\" is not a field"));
    for (const auto& f : r.body) {
      CAPTURE(f.name);
      auto wrong = good;
      wrong[f.name] = value_of(f, false);
      const auto refused = w.ask(r.method, path, json::serialize(wrong));
      CHECK(refused.status == 400);
      CHECK_THAT(refused.body, Contains("\\\"" + f.name + "\\\""));
      auto right = good;
      right[f.name] = value_of(f, true);
      CHECK_THAT(w.ask(r.method, path, json::serialize(right)).body, !Contains("bad_request"));
      if (!f.required) continue;
      auto fewer = good;
      fewer.erase(f.name);
      CHECK_THAT(w.ask(r.method, path, json::serialize(fewer)).body, Contains("\\\"" + f.name + "\\\" is missing"));
    }
  }
}

TEST_CASE("no two customers have one name, and each name is fit for a connection", "[api][rest]") {
  const std::vector<std::string> customers{"4711",
                                           "acme",
                                           "acme-nv",
                                           "Acme NV",
                                           "acme nv",
                                           "ACME-NV",
                                           "acme_nv",
                                           " ",
                                           "é",
                                           "-",
                                           "acme-",
                                           "acme-nv-0123456789ab",
                                           std::string(256, 'a'),
                                           std::string(40, 'a'),
                                           std::string(41, 'a'),
                                           "株式会社",
                                           "../..",
                                           "1 OR 1=1"};
  std::set<std::string> names;
  for (const auto& customer : customers) {
    const auto name = api::name_of_customer(customer);
    CAPTURE(customer, name);
    json::object body{{"name", name}};
    api::input in(body, {"name"});
    CHECK(in.name("name") == name);
    CHECK(names.insert(name).second);
  }
  CHECK(api::name_of_customer("4711") == "customer-4711");
  CHECK_THAT(api::name_of_customer("Acme NV"), Catch::Matchers::StartsWith("customer-acme-nv-"));
  // What a made name looks like cannot be chosen as an id.
  const auto made = api::name_of_customer("Acme NV").substr(9);
  CHECK(api::name_of_customer(made) != "customer-" + made);
}

TEST_CASE("a token is known whole or not at all, and opens nothing once it is revoked", "[api][rest]") {
  rest_world w;
  const auto token = w.token("acme", "4711", {"read"});
  auto& tokens = w.api_->tokens();
  CHECK(token.size() == 50);
  REQUIRE(tokens.identify(token));
  CHECK(tokens.identify(token)->customer == "4711");
  CHECK(tokens.identify(token)->may(api::scope::read));
  CHECK_FALSE(tokens.identify(token)->may(api::scope::sync));
  for (std::size_t n = 0; n < token.size(); ++n) CHECK_FALSE(tokens.identify(token.substr(0, n)));
  CHECK_FALSE(tokens.identify(token + "a"));
  CHECK_FALSE(tokens.identify(tokens.all()[0].hash));

  const auto known = w.call("GET", "/v1/connections", token);
  CHECK(known.status == 200);
  REQUIRE(w.run(tokens.revoke("acme")));
  const auto revoked = w.call("GET", "/v1/connections", token);
  const auto unknown = w.call("GET", "/v1/connections", "koppel_" + std::string(43, 'x'));
  const auto none = w.call("GET", "/v1/connections", "");
  const auto nowhere = w.call("GET", "/v1/nowhere", "");
  REQUIRE(revoked.status == 401);
  for (const auto* other : {&unknown, &none, &nowhere}) {
    CHECK(other->status == 401);
    CHECK(other->body == revoked.body);
    CHECK(other->headers == revoked.headers);
  }
  CHECK(revoked.headers.front() == std::pair<std::string, std::string>{"WWW-Authenticate", "Bearer realm=\"koppel\""});
}

TEST_CASE("the use of a token is noted once an hour and survives a restart", "[api][rest]") {
  rest_world w;
  const auto token = w.token("acme", std::nullopt, {"read"});
  const auto stored = [&] {
    std::optional<core::instant> at;
    w.write([&](ledger::transaction& tx) { at = tx.api_tokens().at(0).last_used_at; });
    return at;
  };
  const auto first = w.clock.now();
  CHECK_FALSE(stored());
  CHECK(w.call("GET", "/v1/connections", token).status == 200);
  CHECK(stored() == first);
  w.clock.advance(59min);
  CHECK(w.call("GET", "/v1/connections", token).status == 200);
  CHECK(stored() == first);
  w.clock.advance(1min);
  CHECK(w.call("GET", "/v1/connections", token).status == 200);
  CHECK(stored() == first + 1h);

  api::token_keeper again(*w.book, w.clock, w.supervisor);
  CHECK_FALSE(again.identify(token));
  REQUIRE(w.run(again.load()));
  CHECK(again.identify(token)->scopes == std::vector<std::string>{"read"});
}

TEST_CASE("a token is made only with a name, scopes that exist, and no admin for a customer", "[api][rest]") {
  api_world w;
  const std::vector<std::pair<std::string, std::string>> wrong{
      {R"({"name":"a"})", "scopes"},
      {R"({"name":"a","scopes":[]})", "scopes"},
      {R"({"name":"a","scopes":"read"})", "has to be a list"},
      {R"({"name":"a","scopes":["read","write"]})", "read, connect, sync and admin"},
      {R"({"name":"a","scopes":[1]})", "strings alone"},
      {R"({"name":"a","scopes":["admin"],"customer":"4711"})", "cannot have the scope admin"},
      {R"({"name":"a","scopes":["read"],"customer":""})", "customer"},
      {R"({"name":"a","scopes":["read"],"customer":null})", "customer"},
      {R"({"name":"A","scopes":["read"]})", "lower-case letters"},
  };
  for (const auto& [body, word] : wrong) {
    INFO(body);
    const auto refused = w.ask("POST", "/v1/tokens", body);
    CHECK(refused.status == 400);
    CHECK_THAT(refused.body, Contains(word));
    CHECK(w.api_->tokens().all().empty());
  }
}

TEST_CASE("why a read failed is told to a customer in a plain sentence, and to the operator as it was", "[api][rest]") {
  rest_world w;
  auto c = w.connected("acme");
  const std::string told = "try_again: the ledger /var/lib/koppel/canary.db cannot be written (disk I/O error)";
  w.write([&](ledger::transaction& tx) {
    c.name = "of-4711";
    c.customer = "4711";
    c.pinned.reset();
    c = *tx.insert_connection(c);
    auto run = *tx.begin_run(c, "companies", "company", ledger::run_mode::full, "manual");
    run.state = "failed";
    run.error = told;
    if (!tx.end_run(run)) FAIL("not ended");
  });
  const auto customer = w.token("x", "4711", {"read"}), everybody = w.token("y", std::nullopt, {"read"});
  for (const auto* path : {"/v1/connections", "/v1/connections/nameplate/of-4711", "/v1/syncs",
                           "/v1/customers/4711/providers/nameplate"}) {
    INFO(path);
    CHECK_THAT(w.call("GET", path, customer).body,
               Contains("try_again: It could not be read at the moment") && !Contains("canary"));
    CHECK_THAT(w.call("GET", path, everybody).body, Contains("cannot be written (disk I/O error)"));
  }
  CHECK(api::told_to_customers("").empty());
  CHECK(api::told_to_customers("the connection was removed").starts_with("failed: "));
  CHECK(api::told_to_customers("bug: /srv/x").starts_with("failed: "));
}

TEST_CASE("a token that is bound to a customer sees that customer's things alone, by any route", "[api][rest]") {
  rest_world w;
  auto mine = w.connected("mine"), theirs = w.connected("theirs");
  std::vector<ledger::connection> named_ones;
  w.write([&](ledger::transaction& tx) {
    for (auto* c : {&mine, &theirs}) {
      ledger::connection named = *c;
      named.name += "-of";
      named.customer = c == &mine ? "4711" : "4712";
      named.pinned->id += "-of";
      named_ones.push_back(*tx.insert_connection(named));
      REQUIRE(tx.begin_run(*tx.find_connection(c->id), "people", "contact", ledger::run_mode::full, "manual"));
    }
  });
  const auto token = w.token("x", "4711", {"read", "connect", "sync"});

  const auto listed = w.call("GET", "/v1/connections", token).body;
  CHECK_THAT(listed, Contains("mine-of") && !Contains("theirs") && !Contains(mine.id));
  CHECK(w.call("GET", "/v1/connections/nameplate/mine-of", token).status == 200);
  const auto hidden = w.call("GET", "/v1/connections/nameplate/theirs-of", token);
  const auto absent = w.call("GET", "/v1/connections/nameplate/nobody", token);
  CHECK(hidden.status == 404);
  CHECK(hidden.body == absent.body);
  // Connections of no customer are nobody's.
  CHECK(w.call("GET", "/v1/connections/nameplate/mine", token).body == absent.body);
  CHECK(w.call("GET", "/v1/customers/4712/providers/nameplate", token).body == absent.body);
  const auto saved = w.call("PUT", "/v1/customers/4712/providers/nameplate", token, {}, R"({"client_id":7})");
  CHECK(saved.status == 404);
  CHECK(saved.body == absent.body);
  for (const auto& c : named_ones) w.sync_->connection_changed(c);
  // What waits for its turn is no more theirs to see than what ran.
  for (const auto* name : {"mine-of", "theirs-of"})
    CHECK(w.ask("POST", "/v1/syncs", R"({"provider":"nameplate","connection":")" + std::string(name) + "\"}").status ==
          202);
  const auto all = w.call("GET", "/v1/syncs", w.token("all", std::nullopt, {"read"})).body;
  CHECK_THAT(all, Contains("mine-of") && Contains("theirs-of") && Contains("\"runs\":[{"));
  CHECK(w.call("GET", "/v1/syncs", token).body ==
        R"({"runs":[],"queued":[{"provider":"nameplate","connection":"mine-of","stream":"companies"}]})"
        "\n");
  CHECK(w.call("DELETE", "/v1/connections/nameplate/mine-of", token).status == 403);
  CHECK(w.call("GET", "/v1/apps", token).status == 403);
}

TEST_CASE("a customer's token makes, sees and revokes the links of its own connections alone", "[api][rest][link]") {
  rest_world w;
  w.write([&](ledger::transaction& tx) {
    for (const auto* customer : {"4711", "4712"}) {
      ledger::app a;
      a.provider = "nameplate";
      a.name = customer;
      a.client_id = "x";
      ledger::connection c;
      c.provider = "nameplate";
      c.name = "of-" + std::string(customer);
      c.customer = customer;
      c.app_id = tx.insert_app(a, core::secret("s"))->id;
      REQUIRE(tx.insert_connection(c));
    }
  });
  const auto token = w.token("x", "4711", {"read", "connect"}), sees = w.token("y", "4711", {"read"});
  const std::string mine = "/v1/connections/nameplate/of-4711/links",
                    theirs = "/v1/connections/nameplate/of-4712/links";

  const auto made = w.call("POST", mine, token, {}, R"({"days":2,"expected_account":"42"})");
  REQUIRE(made.status == 201);
  const auto shown = json::parse(made.body);
  const std::string id(shown.at("id").as_string()), url(shown.at("url").as_string());
  CHECK_THAT(url, Contains("https://koppel.example/connect/"));
  CHECK(w.call("POST", mine, sees, {}, "{}").status == 403);
  CHECK(w.call("POST", theirs, token, {}, "{}").status == 404);
  const auto other = w.ask("POST", theirs, "{}");
  REQUIRE(other.status == 201);
  const std::string id_of_other(json::parse(other.body).at("id").as_string());

  const auto listed = w.call("GET", mine, sees).body;
  CHECK_THAT(listed, Contains(id) && Contains(R"("state":"usable")") && Contains(R"("expected_account":"42")") &&
                         Contains(R"("made_by":"x")") && !Contains(url.substr(31)));
  CHECK(w.call("GET", theirs, token).status == 404);
  CHECK(w.call("DELETE", theirs + "/" + id_of_other, token).status == 404);
  CHECK(w.call("DELETE", mine + "/" + id_of_other, token).status == 404);
  CHECK(w.call("DELETE", mine + "/" + id, sees).status == 403);
  CHECK(w.call("DELETE", mine + "/" + id, token).status == 200);
  CHECK_THAT(w.call("GET", mine, token).body, Contains(R"("state":"revoked")"));
  for (const auto* days : {"0", "31", "1.5", "\"7\""})
    CHECK(w.call("POST", mine, token, {}, "{\"days\":" + std::string(days) + "}").status == 400);
}

TEST_CASE("an app's secret may be of a region that there is, or end on a day that comes", "[api][rest]") {
  api_world w;
  const auto c = w.add("acme", "nameplate");
  const std::string path = "/v1/apps/nameplate/acme/secret";
  CHECK_THAT(w.ask("POST", path, R"({"client_secret":"s","region":"eu"})").body,
             Contains("bad_region") && Contains("no data centres"));
  CHECK_THAT(w.ask("POST", path, R"({"client_secret":"s","expires":"soon"})").body, Contains("such as 2027-01-31"));
  CHECK_THAT(w.ask("POST", path, R"({"client_secret":"s","expires":"2020-01-31"})").body, Contains("in the past"));
  CHECK_THAT(w.ask("GET", "/v1/status").body, Contains("\"warnings\":[]"));
  CHECK_THAT(w.ask("POST", path, R"({"client_secret":"s","expires":"2026-02-14"})").body,
             Contains("\"secret_ends_at\":\"2026-02-14"));
  CHECK_THAT(w.ask("GET", "/v1/status").body, Contains("nameplate/acme ends on 2026-02-14 (13 days left)"));
  // Another secret, of whose end nothing is said.
  CHECK_THAT(w.ask("POST", path, R"({"client_secret":"t"})").body, Contains("\"secret_ends_at\":null"));
  CHECK_THAT(w.ask("GET", "/v1/status").body, Contains("\"warnings\":[]"));
}

TEST_CASE("one token waits for so many changes at once, and for none once it is revoked", "[api][rest]") {
  rest_world w;
  w.connected("acme");
  const auto token = w.token("x", std::nullopt, {"read"}), other = w.token("y", std::nullopt, {"read"});
  std::vector<int> ended;
  const auto wait_with = [&](const std::string& with) {
    net::inbound_request r;
    r.method = "GET";
    r.path = "/v1/connections/nameplate/acme";
    r.query = {{"after_generation", "3"}};
    r.headers = {{"host", "127.0.0.1:8401"}, {"authorization", "Bearer " + with}};
    boost::asio::co_spawn(w.io, w.door(std::move(r)),
                          [&ended](std::exception_ptr, api::answer a) { ended.push_back(a.status); });
  };
  for (int i = 0; i < 17; ++i) wait_with(token);
  test::run_until(w.io, [&] { return !ended.empty(); });
  CHECK(ended == std::vector<int>{429});
  wait_with(other);
  // Another of the same name is another token.
  REQUIRE(w.ask("DELETE", "/v1/tokens/x").status == 200);
  w.token("x", std::nullopt, {"read"});
  test::run_until(w.io, [&] { return ended.size() == 17; });
  CHECK(std::count(ended.begin(), ended.end(), 401) == 16);
  REQUIRE(w.ask("DELETE", "/v1/tokens/y").status == 200);
  test::run_until(w.io, [&] { return ended.size() == 18; });
  CHECK(ended.back() == 401);
}

TEST_CASE("a customer's token reads nothing of our disk", "[api][rest]") {
  rest_world w;
  const auto token = w.token("x", "4711", {"connect"});
  w.call("GET", "/v1/connections", token);
  w.free_bytes = 0;

  const auto refused = w.call("PUT", "/v1/customers/4711/providers/nameplate", token, {},
                              R"({"client_id":"a","client_secret":"b","code":"c"})");

  CHECK(refused.status == 503);
  CHECK_THAT(refused.body, Contains("\"unavailable\"") && !Contains("disk"));
}

TEST_CASE("the operator's apps cannot be named like a customer's own", "[api][rest]") {
  api_world w;
  const auto refused = w.ask("POST", "/v1/apps",
                             R"({"provider":"nameplate","name":"customer-4711","client_id":"a","client_secret":"b"})");
  CHECK(refused.status == 400);
  CHECK_THAT(refused.body, Contains("customer-"));
}

TEST_CASE("on a full disk nothing is saved, and a token can be taken away", "[api][rest]") {
  rest_world w;
  const auto token = w.token("x", std::nullopt, {"connect"});
  w.call("GET", "/v1/connections", token);
  w.free_bytes = 0;
  const std::string here = "/v1/customers/4711/providers/nameplate";
  const auto refused = w.call("PUT", here, token, {}, R"({"client_id":"a","client_secret":"b","code":"c"})");
  CHECK(refused.status == 503);
  CHECK_THAT(refused.body, Contains("disk_full"));
  w.write([](ledger::transaction& tx) { CHECK(tx.apps().empty()); });
  CHECK(w.ask("POST", "/v1/tokens", R"({"name":"y","scopes":["read"]})").status == 503);
  CHECK(w.ask("DELETE", "/v1/tokens/x").status == 200);
  CHECK(w.call("GET", here, token).status == 401);
}

TEST_CASE("the listener answers to its own names alone", "[api][rest]") {
  const auto names = api::names_of("127.0.0.1", 8401, "koppel.internal");
  for (const char* own : {"localhost", "localhost:8401", "127.0.0.1:8401", "[::1]:8401", "Koppel.Internal:8401"})
    CHECK(api::is_called(names, own));
  for (const char* other : {"", "evil.example", "127.0.0.1.evil.example", "127.0.0.1:80", "localhost:8401:8401",
                            "localhost.", "0.0.0.0:8401", "2130706433", "127.1", "[::]", "a@localhost", "xlocalhost"})
    CHECK_FALSE(api::is_called(names, other));
  CHECK(api::is_called(api::names_of("fd00::1", 1, ""), "[fd00::1]:1"));
  CHECK_FALSE(api::is_called(api::names_of("0.0.0.0", 1, ""), "0.0.0.0:1"));
}

TEST_CASE("a body is one object with each name once", "[api][rest]") {
  CHECK(core::read_json_body(R"({"a":"\":{","b":{"a":[{"a":1},{"a":2}]}})").complaint.empty());
  CHECK_THAT(core::read_json_body(R"({"a":1,"a":2})").complaint, Contains("a name twice"));
  CHECK_THAT(core::read_json_body(R"({"b":[{"a":1,"\u0061":":"}]})").complaint, Contains("a name twice"));
  for (const char* bad : {"", "[]", "{", "{}{}", "{\"a\":NaN}", "{\"a\":1,}", "{\"a\":\"\\ud800\"}", "\xef\xbb\xbf{}"})
    CHECK_FALSE(core::read_json_body(bad).complaint.empty());
}
