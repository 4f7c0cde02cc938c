// SPDX-License-Identifier: Apache-2.0
// The routes about apps, connections and their authorisation. (Removing one: control_removal.cpp.)

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <utility>

#include "host/api/control_api.hpp"
#include "host/api/customer_names.hpp"
#include "host/api/input.hpp"
#include "host/core/auth_texts.hpp"
#include "host/core/connection_manifest.hpp"

#include <koppel/bus/event_types.hpp>

namespace koppel::api {
namespace json = boost::json;
using ledger::transaction;
using runtime::awaitable;

namespace {

failure not_found(std::string why) { return {ledger::errc::not_found, std::move(why)}; }

std::optional<ledger::app> find_named_app(transaction& tx, const std::string& provider, const std::string& name) {
  for (auto& a : tx.apps())
    if (a.provider == provider && a.name == name) return std::move(a);
  return std::nullopt;
}

std::optional<ledger::held_stream> held_of(const std::vector<ledger::held_stream>& all,
                                           const std::string& connection_id, const std::string& stream) {
  for (const auto& h : all)
    if (h.connection_id == connection_id && h.stream == stream) return h;
  return std::nullopt;
}

/// {"mode":"ask|yes|expect","account"} as the body of an attempt or a code carries it.
auth::confirmation read_confirmation(input& in) {
  auth::confirmation c;
  const auto* o = in.object("confirmation");
  if (!o) return c;
  input inner(*o, {"mode", "account"});
  const auto mode = inner.required("mode");
  c.account_id = inner.optional("account", 256);
  if (mode == "yes")
    c.how = auth::confirmation::mode::yes;
  else if (mode == "expect")
    c.how = auth::confirmation::mode::expect;
  else if (mode != "ask")
    inner.complain("\"confirmation.mode\" has to be ask, yes or expect");
  if (c.how == auth::confirmation::mode::expect && c.account_id.empty())
    inner.complain("\"confirmation.account\" has to name the account that is expected");
  if (!inner.complaint().empty()) in.complain(inner.complaint().substr(0, inner.complaint().size() - 1));
  return c;
}

}  // namespace

std::optional<ledger::connection> find_named(transaction& tx, const std::string& provider, const std::string& name) {
  for (auto& c : tx.connections())
    if (c.provider == provider && c.name == name && c.auth.status != core::auth_status::removed) return std::move(c);
  return std::nullopt;
}

awaitable<result<ledger::connection>> control_api::find(std::string provider, std::string name, caller who) {
  std::optional<ledger::connection> found;
  const auto read = [&](transaction& tx) -> result<> {
    found = find_named(tx, provider, name);
    return {};
  };
  if (auto done = co_await around_.ledger.write(read); !done) co_return done.error();
  // The same words for what is another customer's and for what is not there, without the name that was asked for.
  if (who.customer && !(found && who.sees(found->customer))) co_return not_found("There is no such connection.");
  if (!found) co_return not_found("There is no connection " + provider + "/" + name + ".");
  co_return std::move(*found);
}

awaitable<result<json::array>> control_api::show(std::function<bool(const ledger::connection&)> wanted, caller who) {
  json::array shown;
  // Looked up here: the work below runs on the ledger's thread, and plugins belong to this one.
  std::map<std::string, std::shared_ptr<const core::manifest>> manifests;
  for (const auto& m : around_.plugins.manifests()) manifests[m->name] = m;
  const auto read = [&](transaction& tx) -> result<> {
    const auto held = tx.held_streams();
    for (const auto& c : tx.connections()) {
      if (c.auth.status == core::auth_status::removed || !wanted(c)) continue;
      const auto known = manifests.find(c.provider);
      const auto of_provider = known == manifests.end() ? nullptr : known->second;
      const auto own = core::manifest_for(of_provider, c.settings, c.learned);
      const auto* m = own.get();
      std::vector<stream_view> streams;
      if (m)
        for (const auto& rule : m->streams)
          streams.push_back({rule, tx.find_stream(c.id, rule.name).value_or(ledger::stream_state{}),
                             tx.known_records(c.id, rule.entity), held_of(held, c.id, rule.name)});
      if (who.customer)
        for (auto& s : streams) s.state.last_error = told_to_customers(s.state.last_error);
      const auto app = tx.find_app(c.app_id);
      shown.push_back(view(c, app ? app->name : "", m, streams));
      shown.back().as_object()["webhooks"] = view(tx.find_webhook_state(c.id));
    }
    return {};
  };
  if (auto done = co_await around_.ledger.write(read); !done) co_return done.error();
  co_return std::move(shown);
}

awaitable<answer> control_api::show_one(int status, std::string id, caller who) {
  auto showing = show([&id](const ledger::connection& c) { return c.id == id; }, who);
  auto shown = co_await std::move(showing);
  if (!shown) co_return failure_answer(shown.error());
  if (shown->empty()) co_return error_answer(404, "not_found", "The connection was removed.");
  auto connection = shown->front().as_object();
  connection["open_link"] = shown_link(id, who);
  co_return json_answer(status, connection);
}

json::value control_api::shown_link(const std::string& connection_id, const caller& who) const {
  if (!who.may(scope::connect)) return nullptr;
  const auto link = around_.auth.open_link(connection_id);
  if (!link) return nullptr;
  return view(*link);
}

awaitable<answer> control_api::get_apps(call) {
  json::array shown;
  const auto read = [&](transaction& tx) -> result<> {
    for (const auto& a : tx.apps()) shown.push_back(view(a));
    return {};
  };
  if (auto done = co_await around_.ledger.write(read); !done) co_return failure_answer(done.error());
  co_return json_answer(200, json::object{{"apps", std::move(shown)}});
}

awaitable<answer> control_api::post_app(call c) {
  input in(c.body, {"provider", "name", "client_id", "client_secret", "redirect_uri"});
  ledger::app app;
  app.provider = in.name("provider");
  app.name = in.name("name");
  app.client_id = in.credential("client_id", 512);
  core::secret client_secret(in.credential("client_secret", 4096));
  app.redirect_uri = in.optional("redirect_uri", 2048);
  if (!app.redirect_uri.empty())
    if (auto why = redirect_uri_refusal(app.redirect_uri); !why.empty()) in.complain(why.substr(0, why.size() - 1));
  // By such a name a customer's own registration is known, which that customer may change.
  if (is_name_of_customer(app.name))
    in.complain("\"name\" may not begin with \"customer-\": such names are for the registrations that customers save");
  if (!in.complaint().empty()) co_return error_answer(400, "bad_request", in.complaint());
  if (!around_.plugins.find(app.provider))
    co_return error_answer(422, "no_plugin",
                           "No plugin of provider \"" + app.provider + "\" is running: see koppelctl plugin list.");
  const auto insert = [&](transaction& tx) -> result<> {
    app.created_at = tx.now();
    auto inserted = tx.insert_app(app, std::move(client_secret));
    if (!inserted) return inserted.error();
    app = *inserted;
    return {};
  };
  if (auto done = co_await around_.ledger.write(insert); !done) co_return failure_answer(done.error());
  co_return json_answer(201, view(app));
}

awaitable<answer> control_api::post_secret(call c) {
  input in(c.body, {"client_secret", "region", "expires"});
  core::secret client_secret(in.credential("client_secret", 4096));
  const auto region = in.optional("region", 64), expires = in.optional("expires", 10);
  const auto ends_at = core::from_iso8601(expires + "T00:00:00Z");
  if (!expires.empty() && !ends_at) in.complain("\"expires\" has to be a date such as 2027-01-31");
  if (!expires.empty() && ends_at && *ends_at <= around_.clock.now())
    in.complain("\"expires\" lies in the past: when does the provider end the secret?");
  if (!expires.empty() && !region.empty())
    in.complain("\"expires\" is of the secret that serves everywhere, not of a region's");
  if (!in.complaint().empty()) co_return error_answer(400, "bad_request", in.complaint());
  const std::string provider = c.path["provider"], name = c.path["name"];
  if (!region.empty()) {
    const auto m = around_.plugins.find(provider);
    if (!m)
      co_return error_answer(422, "no_plugin", "No plugin of this provider is running: see koppelctl plugin list.");
    if (auto why = auth::region_refusal(*m, region); !why.empty()) co_return error_answer(422, "bad_region", why);
  }
  ledger::app changed;
  const auto update = [&](transaction& tx) -> result<> {
    auto found = find_named_app(tx, provider, name);
    if (!found) return not_found("There is no app " + provider + "/" + name + ".");
    changed = std::move(*found);
    auth::auth_service::question_refused_grants(tx, changed.id);
    if (!region.empty()) {
      if (auto done = tx.update_regional_secret(changed.id, region, std::move(client_secret)); !done) return done;
    } else {
      if (auto done = tx.update_app_secret(changed.id, std::move(client_secret)); !done) return done;
      if (auto done = tx.set_secret_end(changed.id, expires.empty() ? std::nullopt : ends_at); !done) return done;
    }
    changed = *tx.find_app(changed.id);
    return {};
  };
  if (auto done = co_await around_.ledger.write(update); !done) co_return failure_answer(done.error());
  around_.supervisor.run("grants that the former secret could not renew", around_.auth.app_changed(changed.id));
  co_return json_answer(200, view(changed));
}

awaitable<answer> control_api::get_connections(call c) {
  const auto who = c.who;
  const auto status = c.query("status");
  if (!status.empty() && !core::auth_status_from(status))
    co_return error_answer(400, "bad_status", "\"status\" has to be one of the words of auth.status (docs/bus.md).");
  const auto wanted = [&](const ledger::connection& one) {
    return who.sees(one.customer) && (status.empty() || core::to_string(one.auth.status) == status);
  };
  auto showing = show(wanted, who);
  auto shown = co_await std::move(showing);
  if (!shown) co_return failure_answer(shown.error());
  co_return json_answer(200, json::object{{"connections", std::move(*shown)}});
}

awaitable<answer> control_api::post_connection(call c) {
  input in(c.body, {"provider", "name", "customer", "app", "preset", "settings"});
  ledger::connection connection;
  connection.provider = in.name("provider");
  connection.name = in.name("name");
  connection.customer = in.optional("customer", 256);
  const auto app_name = in.name("app");
  const auto preset = in.optional("preset", 64);
  connection.settings = in.text_map("settings");
  if (!in.complaint().empty()) co_return error_answer(400, "bad_request", in.complaint());
  const auto m = around_.plugins.find(connection.provider);
  if (!m)
    co_return error_answer(
        422, "no_plugin",
        "No plugin of provider \"" + connection.provider + "\" is running: see koppelctl plugin list.");
  auto with = core::add_preset(*m, preset, std::move(connection.settings));
  if (!with.complaint.empty()) co_return error_answer(422, "bad_preset", with.complaint);
  connection.settings = core::stored_settings(*m, std::move(with.settings));
  if (auto why = settings_refusal(*m, connection.settings); !why.empty())
    co_return error_answer(422, "bad_setting", why);

  const auto insert = [&](transaction& tx) -> result<> {
    const auto app = find_named_app(tx, connection.provider, app_name);
    if (!app)
      return not_found("There is no app " + connection.provider + "/" + app_name + ": add it with koppelctl app add.");
    connection.app_id = app->id;
    connection.created_at = tx.now();
    connection.auth.since = tx.now();
    auto inserted = tx.insert_connection(connection);
    if (!inserted) return inserted.error();
    connection = *inserted;
    ledger::event_draft draft;
    draft.type = bus::event_types::connection_created;
    draft.about = &connection;
    draft.data = {{"app", app_name}};
    return tx.append(draft);
  };
  if (auto done = co_await around_.ledger.write(insert); !done) co_return failure_answer(done.error());
  around_.sync.connection_changed(connection);
  co_return co_await show_one(201, connection.id, c.who);
}

awaitable<answer> control_api::get_connection(call c) {
  auto found = co_await find(c.path["provider"], c.path["name"], c.who);
  if (!found) co_return failure_answer(found.error());
  const auto after = c.query("after_generation");
  if (after.empty()) co_return co_await show_one(200, found->id, c.who);

  std::uint64_t generation = 0;
  int wait_s = 20;
  const auto number = [](const std::string& text, auto& value) {
    const auto end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, value);
    return error == std::errc{} && at == end;
  };
  const auto wait_text = c.query("wait_s"), refusals_text = c.query("after_refusals");
  std::uint64_t refusals = refusals_[found->id].number;
  if (!number(after, generation) || (!wait_text.empty() && !number(wait_text, wait_s)) ||
      (!refusals_text.empty() && !number(refusals_text, refusals)))
    co_return error_answer(400, "bad_request",
                           "\"after_generation\", \"after_refusals\" and \"wait_s\" have to be numbers.");
  auto& polls = polls_[c.who.token];
  if (!c.who.token.empty() && polls >= polls_of_a_token) {
    auto refused = error_answer(
        429, "too_many",
        "This token waits for as many changes as it may at once: " + std::to_string(polls_of_a_token) + ".");
    refused.headers.emplace_back("Retry-After", "5");
    co_return refused;
  }
  struct one_poll {
    std::size_t& all;
    explicit one_poll(std::size_t& of) : all(++of) {}
    ~one_poll() { --all; }
  };
  const one_poll until_answered(polls);
  const auto deadline = around_.clock.now() + std::chrono::seconds{std::clamp(wait_s, 0, 25)};
  const auto nothing_new = [&] {
    return found->auth.generation <= generation && refusals_[found->id].number <= refusals;
  };
  while (nothing_new() && around_.clock.now() < deadline && !around_.supervisor.stopping()) {
    // Woken by any connection's change; at least once a second, so that a shutdown is not held up.
    const auto limit = std::chrono::steady_clock::now() +
                       std::min<std::chrono::milliseconds>(deadline - around_.clock.now(), std::chrono::seconds{1});
    co_await changed_.wait_until(limit);
    if (!tokens_.opens(c.who)) co_return unknown_token();
    found = co_await find(c.path["provider"], c.path["name"], c.who);
    if (!found) co_return failure_answer(found.error());
  }
  auto shown = co_await show_one(200, found->id, c.who);
  const auto& last = refusals_[found->id];
  if (shown.status != 200 || last.number <= refusals) co_return shown;
  // An attempt that failed and harmed nothing: told to whoever waits for it.
  shown.body = "{\"connection\":" + shown.body + ",\"refusals\":" + std::to_string(last.number) +
               ",\"outcome\":" + json::serialize(last.outcome) + "}\n";
  co_return shown;
}

awaitable<answer> control_api::post_attempt(call c) {
  input in(c.body, {"confirmation", "redirect_uri"});
  const auto confirmation = read_confirmation(in);
  const auto redirect_uri = in.optional("redirect_uri", 2048);
  if (!redirect_uri.empty())
    if (auto why = redirect_uri_refusal(redirect_uri); !why.empty()) in.complain(why.substr(0, why.size() - 1));
  if (!in.complaint().empty()) co_return error_answer(400, "bad_request", in.complaint());
  auto found = co_await find(c.path["provider"], c.path["name"], c.who);
  if (!found) co_return failure_answer(found.error());
  auto started = co_await around_.auth.begin(found->id, confirmation, redirect_uri);
  if (!started) co_return failure_answer(started.error());
  // The status changed with the attempt: the caller waits for what comes after that.
  auto after = co_await find(c.path["provider"], c.path["name"], c.who);
  if (!after) co_return failure_answer(after.error());
  auto shown = view(*started);
  shown["generation"] = after->auth.generation;
  shown["refusals"] = refusals_[found->id].number;
  co_return json_answer(201, shown);
}

awaitable<answer> control_api::post_code(call c) {
  input in(c.body, {"pasted", "confirmation", "region"});
  core::secret pasted(in.required("pasted", 16 << 10));
  auto region = in.optional("region", 64);
  const auto confirmation = read_confirmation(in);
  if (!in.complaint().empty()) co_return error_answer(400, "bad_request", in.complaint());
  auto found = co_await find(c.path["provider"], c.path["name"], c.who);
  if (!found) co_return failure_answer(found.error());
  auto pasting = around_.auth.paste(found->id, std::move(pasted), confirmation, {}, std::move(region));
  auto after = co_await std::move(pasting);
  if (!after) co_return failure_answer(after.error());
  auto shown = co_await show_one(200, after->id, c.who);
  if (shown.status != 200) co_return shown;
  // The outcome of this code may differ from the connection's status: a refused code leaves an authorized one
  // authorized.
  const auto m = core::manifest_for(around_.plugins.find(after->provider), after->settings, after->learned);
  shown.body = "{\"connection\":" + shown.body +
               ",\"outcome\":" + json::serialize(core::status_data(after->auth, m.get())) + "}\n";
  co_return shown;
}

awaitable<answer> control_api::post_confirmation(call c) {
  input in(c.body, {"accept", "account"});
  if (!c.body.contains("accept")) in.complain("\"accept\" is missing");
  const bool accept = in.flag("accept");
  auto account = in.optional("account", 255);
  if (!in.complaint().empty()) co_return error_answer(400, "bad_request", in.complaint());
  auto found = co_await find(c.path["provider"], c.path["name"], c.who);
  if (!found) co_return failure_answer(found.error());
  auto after = co_await around_.auth.confirm(found->id, accept, std::move(account));
  if (!after) co_return failure_answer(after.error());
  co_return co_await show_one(200, found->id, c.who);
}

}  // namespace koppel::api
