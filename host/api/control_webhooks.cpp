// SPDX-License-Identifier: Apache-2.0
// What an operator registers at a provider before anybody connects, what came at webhook addresses, and the
// addresses of connections.

#include <boost/json/array.hpp>
#include <charconv>
#include <map>
#include <utility>

#include "host/api/control_api.hpp"

namespace koppel::api {
namespace json = boost::json;
using ledger::transaction;
using runtime::awaitable;

awaitable<answer> control_api::get_provider(call c) {
  const std::string provider = c.path["provider"];
  const auto m = around_.plugins.find(provider);
  if (!m)
    co_return error_answer(404, "not_found",
                           "No plugin of provider \"" + provider + "\" is running: see koppelctl plugin list.");
  auto base = around_.public_url;
  while (base.ends_with('/')) base.pop_back();
  json::array webhooks;
  const std::function<result<void>(transaction&)> read = [&](transaction& tx) -> result<> {
    for (const auto& a : tx.apps()) {
      if (a.provider != provider) continue;
      const auto secret = tx.webhook_secret(a.id);
      if (!secret) return secret.error();
      webhooks.push_back(
          json::object{{"app", a.name}, {"url", base + "/webhook/" + provider + "/" + std::string(secret->reveal())}});
    }
    return {};
  };
  if (!m->auth.activation.url.empty()) {
    auto reading = around_.ledger.write(read);
    if (auto done = co_await std::move(reading); !done) co_return failure_answer(done.error());
  }
  auto shown = view(*m, around_.auth.own_callback(provider));
  shown["takes_webhooks"] = !m->auth.activation.url.empty();
  shown["webhooks"] = std::move(webhooks);
  co_return json_answer(200, shown);
}

awaitable<answer> control_api::get_webhook_address(call c) {
  auto finding = find(c.path["provider"], c.path["name"], c.who);
  const auto found = co_await std::move(finding);
  if (!found) co_return failure_answer(found.error());
  const auto m = around_.plugins.find(found->provider);
  if (!m || !m->webhook)
    co_return error_answer(404, "not_found", "This provider's connections have no webhook address of their own.");
  json::object shown;
  const bool shows_token = m->webhook->asks_token();
  const std::function<result<void>(transaction&)> read = [&](transaction& tx) -> result<> {
    if (!tx.find_webhook_state(found->id))
      return failure{make_error_code(ledger::errc::not_found),
                     "The connection has no address yet: it is made when it is authorized."};
    const auto address = tx.webhook_address_of(found->id);
    if (!address) return address.error();
    auto base = around_.public_url;
    while (base.ends_with('/')) base.pop_back();
    shown["url"] = base + "/webhook/" + found->provider + "/" + std::string(address->secret.reveal());
    if (shows_token) shown["token"] = address->token.reveal();
    return {};
  };
  auto reading = around_.ledger.write(read);
  if (auto done = co_await std::move(reading); !done) co_return failure_answer(done.error());
  co_return json_answer(200, shown);
}

awaitable<answer> control_api::get_webhooks(call c) {
  std::size_t limit = 50;
  if (const auto text = c.query("limit"); !text.empty()) {
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), limit);
    if (ec != std::errc{} || end != text.data() + text.size() || limit == 0 || limit > 1000)
      co_return error_answer(400, "bad_limit", "\"limit\" has to be a number from 1 to 1000.");
  }
  json::array shown;
  const std::function<result<void>(transaction&)> read = [&](transaction& tx) -> result<> {
    std::map<std::string, std::string> apps;
    for (const auto& a : tx.apps()) apps[a.id] = a.name;
    for (const auto& w : tx.webhooks(limit)) {
      const auto connection = w.connection_id.empty() ? std::nullopt : tx.find_connection(w.connection_id);
      shown.push_back(view(w, apps[w.app_id], connection ? connection->name : ""));
    }
    return {};
  };
  auto reading = around_.ledger.write(read);
  if (auto done = co_await std::move(reading); !done) co_return failure_answer(done.error());
  co_return json_answer(200, json::object{{"webhooks", std::move(shown)}});
}

}  // namespace koppel::api
