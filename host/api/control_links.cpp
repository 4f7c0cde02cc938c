// SPDX-License-Identifier: Apache-2.0
// The routes about connect links: one is made for a connection and shown this once, listed, and revoked.

#include <spdlog/spdlog.h>

#include <boost/json/array.hpp>
#include <charconv>
#include <utility>

#include "host/api/control_api.hpp"
#include "host/api/input.hpp"
#include "host/core/auth_texts.hpp"
#include "host/core/connect_link.hpp"
#include "host/core/connection_manifest.hpp"

namespace koppel::api {
namespace json = boost::json;
using ledger::transaction;
using runtime::awaitable;

namespace {

json::object view(const ledger::connect_link& l, core::instant now, const core::manifest* m) {
  const auto expected = l.confirmation.find(':');
  return {{"id", l.id},
          {"state", core::to_string(core::standing_of(l.state, l.expires_at, now))},
          {"created_at", core::to_rfc3339(l.created_at)},
          {"expires_at", core::to_rfc3339(l.expires_at)},
          {"made_by", l.made_by},
          {"expected_account",
           expected == std::string::npos ? json::value(nullptr) : json::value(l.confirmation.substr(expected + 1))},
          {"outcome", l.outcome ? json::value(core::status_data(*l.outcome, m)) : json::value(nullptr)}};
}

}  // namespace

awaitable<answer> control_api::post_link(call c) {
  input in(c.body, {"days", "expected_account"});
  const auto days = in.number("days", core::shortest_link_life.count(), core::longest_link_life.count(),
                              core::usual_link_life.count());
  auth::confirmation how;
  how.account_id = in.optional("expected_account", 255);
  if (!how.account_id.empty()) how.how = auth::confirmation::mode::expect;
  if (!in.complaint().empty()) co_return error_answer(400, "bad_request", in.complaint());
  auto finding = find(c.path["provider"], c.path["name"], c.who);
  const auto found = co_await std::move(finding);
  if (!found) co_return failure_answer(found.error());
  auto making = around_.auth.make_link(found->id, std::move(how), std::chrono::days{days}, c.who.token);
  const auto made = co_await std::move(making);
  if (!made) co_return failure_answer(made.error());
  co_return json_answer(
      201, json::object{{"id", made->id}, {"url", made->url}, {"expires_at", core::to_rfc3339(made->expires_at)}});
}

awaitable<answer> control_api::get_links(call c) {
  auto finding = find(c.path["provider"], c.path["name"], c.who);
  const auto found = co_await std::move(finding);
  if (!found) co_return failure_answer(found.error());
  std::vector<ledger::connect_link> links;
  core::instant now{};
  const std::function<result<void>(transaction&)> read = [&](transaction& tx) -> result<> {
    links = tx.connect_links(found->id);
    now = tx.now();
    return {};
  };
  auto reading = around_.ledger.write(read);
  if (auto done = co_await std::move(reading); !done) co_return failure_answer(done.error());
  const auto m = core::manifest_for(around_.plugins.find(found->provider), found->settings, found->learned);
  json::array shown;
  for (const auto& l : links) shown.push_back(view(l, now, m.get()));
  co_return json_answer(200, json::object{{"links", std::move(shown)}});
}

awaitable<answer> control_api::delete_link(call c) {
  auto finding = find(c.path["provider"], c.path["name"], c.who);
  const auto found = co_await std::move(finding);
  if (!found) co_return failure_answer(found.error());
  const std::string id = c.path["id"];
  const std::function<result<void>(transaction&)> revoke = [&](transaction& tx) -> result<> {
    const auto link = tx.find_connect_link(id);
    // By its id alone: whoever has nothing but a digest made no link.
    if (!link || link->id != id || link->connection_id != found->id)
      return failure{ledger::errc::not_found, "This connection has no such connect link."};
    if (link->state == core::link_state::used)
      return failure{ledger::errc::in_use, "This connect link has served: there is nothing to revoke."};
    tx.mark_connect_link(id, core::link_state::revoked);
    return {};
  };
  // It takes access away: also on a full disk.
  auto revoking = around_.ledger.write(revoke, ledger::urgency::cannot_wait);
  if (auto done = co_await std::move(revoking); !done) co_return failure_answer(done.error());
  spdlog::info("{}/{}: the connect link {} was revoked", found->provider, found->name, id);
  co_return json_answer(200, json::object{{"revoked", id}});
}

}  // namespace koppel::api
