// SPDX-License-Identifier: Apache-2.0

#include "host/api/control_api.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <charconv>
#include <utility>

#include "host/api/input.hpp"
#include "host/core/auth_texts.hpp"
#include "host/core/connection_manifest.hpp"
#include "host/core/secret_end.hpp"
#include "host/plugins/errors.hpp"

namespace koppel::api {
namespace json = boost::json;
using ledger::transaction;
using runtime::awaitable;

control_api::control_api(api_surroundings around)
    : around_(std::move(around)),
      tokens_(around_.ledger, around_.clock, around_.supervisor),
      started_at_(around_.clock.now()) {}

void control_api::connection_changed(const ledger::connection&) { changed_.notify_all(); }

void control_api::attempt_refused(const ledger::connection& c) {
  auto& last = refusals_[c.id];
  ++last.number;
  const auto m = core::manifest_for(around_.plugins.find(c.provider), c.settings, c.learned);
  last.outcome = core::status_data(c.auth, m.get());
  changed_.notify_all();
}

answer failure_answer(const failure& f) {
  if (f.code == ledger::errc::not_found) return error_answer(404, "not_found", f.detail);
  if (f.code == ledger::errc::exists) return error_answer(409, "exists", f.detail);
  if (f.code == ledger::errc::in_use) return error_answer(409, "in_use", f.detail);
  if (f.code == plugins::make_error_code(plugins::errc::busy)) return error_answer(409, "in_use", f.detail);
  if (f.code == ledger::errc::disk_full) return error_answer(503, "disk_full", f.detail);
  if (f.code.category() == ledger::ledger_category()) return error_answer(503, "ledger", f.detail);
  return error_answer(422, "refused", f.detail);
}

json::array control_api::shown_plugins() const {
  json::array all;
  for (const auto& p : around_.plugins.statuses()) all.push_back(view(p, around_.plugins.find(p.name).get()));
  return all;
}

json::array control_api::shown_consumers(transaction& tx) const {
  const auto connected = around_.connected_consumers();
  const auto head = tx.head();
  json::array all;
  for (const auto& c : tx.consumers()) {
    const bool now = std::find(connected.begin(), connected.end(), c.name) != connected.end();
    all.push_back(view(c, head, now));
  }
  return all;
}

awaitable<answer> control_api::get_status(call) {
  json::object body;
  const auto read = [&](transaction& tx) -> result<> {
    json::object by_status;
    std::size_t total = 0;
    for (const auto& c : tx.connections()) {
      auto& count = by_status[to_string(c.auth.status)];
      count = (count.is_int64() ? count.get_int64() : 0) + 1;
      ++total;
    }
    body["head"] = std::to_string(tx.head());
    const auto history = tx.history();
    body["horizon"] = std::to_string(history.horizon);
    body["history_bytes"] = std::to_string(history.bytes);
    body["connections"] = json::object{{"total", total}, {"by_status", std::move(by_status)}};
    body["consumers"] = shown_consumers(tx);
    json::array warnings;
    for (const auto& a : tx.apps())
      if (auto warning = core::warning_of_end(a.provider + "/" + a.name, a.secret_ends_at, tx.now()); !warning.empty())
        warnings.emplace_back(warning);
    for (const auto& h : tx.held_streams()) {
      const auto c = tx.find_connection(h.connection_id);
      if (!c || h.held == 0) continue;
      const auto what = c->provider + "/" + c->name + " " + h.stream;
      warnings.emplace_back("The deletion of " + std::to_string(h.held) + " of " + std::to_string(h.known) + " " +
                            h.entity + " records of " + c->provider + "/" + c->name + " is held since " +
                            core::to_rfc3339(h.since) + ": look with koppelctl held show " + what +
                            ", then confirm or reject it.");
    }
    body["warnings"] = std::move(warnings);
    return {};
  };
  if (auto done = co_await around_.ledger.write(read); !done) co_return failure_answer(done.error());
  body["version"] = around_.version;
  body["epoch"] = around_.ledger.epoch();
  body["disk"] = view(around_.ledger.space());
  body["started_at"] = core::to_rfc3339(started_at_);
  const auto until = around_.certificate_until ? around_.certificate_until() : std::nullopt;
  body["ingress"] = json::object{{"address", around_.ingress_address},
                                 {"public_url", around_.public_url},
                                 {"certificate_until", until ? json::value(core::to_rfc3339(*until)) : nullptr}};
  body["admin"] = json::object{{"address", rest_address_}};
  body["bus"] = json::object{{"folder", around_.bus_folder}};
  body["plugins"] = shown_plugins();
  co_return json_answer(200, body);
}

awaitable<answer> control_api::get_plugins(call) {
  co_return json_answer(200, json::object{{"plugins", shown_plugins()}});
}

awaitable<answer> control_api::post_rescan(call c) {
  const input in(c.body, {});
  if (!in.complaint().empty()) co_return error_answer(400, "bad_request", in.complaint());
  auto changes = co_await around_.plugins.rescan();
  if (!changes) co_return failure_answer(changes.error());
  around_.sync.plugins_changed();
  if (around_.plugins_changed) around_.plugins_changed();
  json::array shown;
  for (const auto& change : *changes) shown.push_back(view(change));
  co_return json_answer(200, json::object{{"changes", std::move(shown)}});
}

awaitable<answer> control_api::get_consumers(call) {
  json::array consumers;
  const auto read = [&](transaction& tx) -> result<> {
    consumers = shown_consumers(tx);
    return {};
  };
  if (auto done = co_await around_.ledger.write(read); !done) co_return failure_answer(done.error());
  co_return json_answer(200, json::object{{"consumers", std::move(consumers)}});
}

awaitable<answer> control_api::get_syncs(call c) {
  std::size_t limit = 20;
  if (const auto text = c.query("limit"); !text.empty()) {
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), limit);
    if (ec != std::errc{} || end != text.data() + text.size() || limit == 0 || limit > 1000)
      co_return error_answer(400, "bad_limit", "\"limit\" has to be a number from 1 to 1000.");
  }
  const auto provider = c.query("provider");
  const auto name = c.query("connection");
  const auto& who = c.who;

  std::vector<ledger::run> runs;
  std::map<std::string, ledger::connection> connections;
  const auto read = [&](transaction& tx) -> result<> {
    for (auto& connection : tx.connections()) connections.emplace(connection.id, std::move(connection));
    runs = tx.runs(limit, {.provider = provider, .connection = name, .customer = who.customer});
    return {};
  };
  if (auto done = co_await around_.ledger.write(read); !done) co_return failure_answer(done.error());

  const auto wanted = [&](const std::string& id) -> const ledger::connection* {
    const auto found = connections.find(id);
    if (found == connections.end()) return nullptr;
    const auto& known = found->second;
    if (!who.sees(known.customer)) return nullptr;
    return (provider.empty() || known.provider == provider) && (name.empty() || known.name == name) ? &known : nullptr;
  };
  // What is stored lags behind what runs: the live counts replace it.
  for (const auto& live : around_.sync.live_runs())
    for (auto& stored : runs)
      if (stored.id == live.id) stored = live;
  json::array shown;
  for (auto& run : runs) {
    if (who.customer) run.error = told_to_customers(run.error);
    if (const auto* known = wanted(run.connection_id)) shown.push_back(view(run, known->provider, known->name));
  }
  json::array queued;
  for (const auto& [id, stream] : around_.sync.queued())
    if (const auto* known = wanted(id))
      queued.push_back(json::object{{"provider", known->provider}, {"connection", known->name}, {"stream", stream}});
  co_return json_answer(200, json::object{{"runs", std::move(shown)}, {"queued", std::move(queued)}});
}

awaitable<answer> control_api::post_sync(call c) {
  input in(c.body, {"provider", "connection", "stream", "full"});
  const auto provider = in.name("provider");
  const auto name = in.name("connection");
  const auto stream = in.optional("stream", 64);
  const bool full = in.flag("full");
  if (!in.complaint().empty()) co_return error_answer(400, "bad_request", in.complaint());

  auto connection = co_await find(provider, name, c.who);
  if (!connection) co_return failure_answer(connection.error());
  // What would be read could not be kept.
  const auto look = [](transaction& tx) { return tx.room(); };
  if (auto room = co_await around_.ledger.write(look); !room) co_return failure_answer(room.error());
  auto streams = around_.sync.request(connection->id, stream, full);
  if (!streams) co_return failure_answer(streams.error());
  json::array taken;
  for (const auto& s : *streams) taken.push_back(json::string(s));
  co_return json_answer(202, json::object{{"streams", std::move(taken)}});
}

}  // namespace koppel::api
