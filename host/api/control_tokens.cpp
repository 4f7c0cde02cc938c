// SPDX-License-Identifier: Apache-2.0
// The control socket's routes about API tokens.

#include <boost/json/array.hpp>
#include <utility>

#include "host/api/control_api.hpp"
#include "host/api/input.hpp"

namespace koppel::api {
namespace json = boost::json;
using runtime::awaitable;

namespace {

json::object view(const ledger::api_token& t) {
  json::array scopes;
  for (const auto& s : t.scopes) scopes.emplace_back(s);
  return {{"name", t.name},
          {"customer", t.customer ? json::value(*t.customer) : json::value(nullptr)},
          {"scopes", std::move(scopes)},
          {"created_at", core::to_rfc3339(t.created_at)},
          {"last_used_at", t.last_used_at ? json::value(core::to_rfc3339(*t.last_used_at)) : json::value(nullptr)}};
}

void check_scopes(input& in, const ledger::api_token& t) {
  if (t.scopes.empty()) in.complain("\"scopes\" is empty");
  for (const auto& word : t.scopes) {
    if (word != "read" && word != "connect" && word != "sync" && word != "admin")
      in.complain("\"scopes\" has to be of read, connect, sync and admin");
    if (word == "admin" && t.customer) in.complain("A token that is bound to a customer cannot have the scope admin");
  }
}

}  // namespace

awaitable<answer> control_api::get_tokens(call) {
  json::array shown;
  for (const auto& t : tokens_.all()) shown.push_back(view(t));
  co_return json_answer(200, json::object{{"tokens", std::move(shown)}});
}

awaitable<answer> control_api::post_token(call c) {
  input in(c.body, {"name", "customer", "scopes"});
  ledger::api_token t;
  t.name = in.name("name");
  // An empty customer is a slip of a script, not a token that sees everything.
  if (c.body.contains("customer")) t.customer = in.required("customer", longest_customer);
  t.scopes = in.words("scopes");
  check_scopes(in, t);
  if (!in.complaint().empty()) co_return error_answer(400, "bad_request", in.complaint());
  const auto name = t.name;
  auto made = co_await tokens_.add(std::move(t));
  if (!made) co_return failure_answer(made.error());
  for (const auto& stored : tokens_.all()) {
    if (stored.name != name) continue;
    auto shown = view(stored);
    shown["token"] = made->reveal();
    co_return json_answer(201, shown);
  }
  co_return error_answer(404, "not_found", "The token was revoked meanwhile.");
}

awaitable<answer> control_api::delete_token(call c) {
  const std::string name = c.path["name"];
  if (auto done = co_await tokens_.revoke(name); !done) co_return failure_answer(done.error());
  changed_.notify_all();  // its long polls end
  co_return json_answer(200, json::object{{"revoked", name}});
}

}  // namespace koppel::api
