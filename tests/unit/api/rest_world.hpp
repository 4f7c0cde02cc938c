// SPDX-License-Identifier: Apache-2.0
// The small host behind REST's door, without its socket.
#pragma once

#include "host/api/rest_door.hpp"
#include "tests/unit/api/api_world.hpp"

namespace koppel::test {

struct rest_world : api_world {
  rest_world() : door(*api_, api::names_of("127.0.0.1", 8401, "")) {}

  std::string token(const std::string& name, std::optional<std::string> customer, std::vector<std::string> scopes) {
    ledger::api_token t;
    t.name = name;
    t.customer = std::move(customer);
    t.scopes = std::move(scopes);
    auto made = run(api_->tokens().add(std::move(t)));
    REQUIRE(made);
    return std::string(made->reveal());
  }

  api::answer call(const std::string& method, const std::string& path, const std::string& token,
                   net::header_list headers = {}, const std::string& body = "") {
    net::inbound_request r;
    r.method = method;
    r.path = path;
    r.body = body;
    r.headers = std::move(headers);
    r.headers.emplace_back("host", "127.0.0.1:8401");
    if (!token.empty()) r.headers.emplace_back("authorization", "Bearer " + token);
    if (!body.empty()) r.headers.emplace_back("content-type", "application/json");
    return run(door(std::move(r)));
  }

  /// Customer 4711's connection with a provider at this address, with the operator's registration and a token that is
  /// over.
  ledger::connection working_at(const std::string& address) {
    auto c = add("operators", "atlas", {{"host", address}});
    write([&](ledger::transaction& tx) {
      c.name = "of-4711";
      c.customer = "4711";
      c.auth.status = core::auth_status::authorized;
      c.pinned = core::account{"42", "Acme", ""};
      c = *tx.insert_connection(c);
    });
    store(c, "old-token", clock.now(), "old-refresh");
    return c;
  }

  api::rest_door door;
};

}  // namespace koppel::test
