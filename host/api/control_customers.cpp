// SPDX-License-Identifier: Apache-2.0
// What the manual calls Save and Auth Status: a customer's settings at a provider and the code, in one request; and the
// providers, with what an administrator has to do there.

#include <spdlog/spdlog.h>

#include <boost/json/array.hpp>
#include <utility>

#include "host/api/control_api.hpp"
#include "host/api/input.hpp"
#include "host/api/openapi.hpp"
#include "host/api/saving.hpp"
#include "host/core/auth_texts.hpp"
#include "host/core/connection_manifest.hpp"
#include "host/core/setting_value.hpp"
#include "host/runtime/shielded.hpp"

namespace koppel::api {
namespace json = boost::json;
using ledger::transaction;
using runtime::awaitable;

namespace {

const core::localized& v1_is_over() {
  static const core::localized text{"API V1 wordt niet meer ondersteund: kies 'V2' als API-versie.",
                                    "L'API V1 n'est plus prise en charge : choisissez « V2 » comme version de l'API.",
                                    "API V1 is no longer supported: choose 'V2' as the API version."};
  return text;
}

/// Nothing where the version will do.
std::optional<answer> version_refusal(const std::string& version) {
  if (version.empty() || version == "V2" || version == "v2" || version == "2") return std::nullopt;
  if (version == "V1" || version == "v1" || version == "1")
    return json_answer(422, json::object{{"error", json::object{{"code", "version_not_supported"},
                                                                {"message", v1_is_over().en},
                                                                {"hint", shown(v1_is_over())}}}});
  return error_answer(400, "bad_request", "\"version\" has to be V2.");
}

answer nothing_there() { return error_answer(404, "not_found", "There is no such connection."); }

/// Why nothing was saved.
answer refusal_of(const failure& why) {
  if (why.code == boost::system::errc::invalid_argument) return error_answer(422, "bad_setting", why.detail);
  if (why.code == boost::system::errc::operation_not_permitted)
    return error_answer(403, "operators_setting", why.detail);
  return failure_answer(why);
}

}  // namespace

awaitable<answer> control_api::show_saved(int status, std::string id, const core::auth_state* outcome, caller who) {
  auto showing = show([&id](const ledger::connection& c) { return c.id == id; }, who);
  auto all = co_await std::move(showing);
  if (!all) co_return failure_answer(all.error());
  if (all->empty()) co_return nothing_there();
  auto connection = all->front().as_object();
  connection["open_link"] = shown_link(id, who);
  json::object body;
  body["auth"] = connection.at("auth");
  if (outcome) {
    const std::string provider(connection.at("provider").as_string());
    std::map<std::string, std::string> settings;
    for (const auto& [name, value] : connection.at("settings").as_object()) settings[name] = value.as_string().c_str();
    // Settings say whom people have to go to, and how long a code lives there.
    const auto m = core::manifest_for(around_.plugins.find(provider), settings, {});
    body["auth"] = core::status_data(*outcome, m.get());
  }
  body["connection"] = connection;
  co_return json_answer(status, body);
}

awaitable<answer> control_api::get_customer_provider(call c) {
  const std::string provider = c.path["provider"], customer = c.path["customer"];
  if (!c.who.sees(customer)) co_return nothing_there();
  std::optional<ledger::connection> found;
  const auto look = [&](transaction& tx) -> result<> {
    auto one = connection_of(tx, provider, customer);
    if (!one) return one.error();
    found = std::move(*one);
    return {};
  };
  if (auto done = co_await around_.ledger.write(look); !done) co_return failure_answer(done.error());
  if (!found) co_return nothing_there();
  co_return co_await show_saved(200, found->id, nullptr, c.who);
}

/// Reads the body; a complaint, or "".
std::string control_api::saving::read(const call& c) {
  input in(c.body,
           {"version", "client_id", "client_secret", "code", "redirect_uri", "preset", "settings", "expected_account"});
  if (customer.size() > longest_customer) in.complain("The customer's id is longer than 256 bytes");
  version = in.optional("version", 16);
  if (!in.absent("client_id")) client_id = in.credential("client_id", 512);
  if (!in.absent("client_secret")) client_secret = core::secret(in.credential("client_secret", 4096));
  code = core::secret(in.optional("code", 16 << 10));
  if (!in.absent("redirect_uri")) redirect_uri = in.required("redirect_uri", 2048);
  if (redirect_uri && in.complaint().empty())
    if (auto why = redirect_uri_refusal(*redirect_uri); !why.empty()) in.complain(why.substr(0, why.size() - 1));
  preset = in.optional("preset", 64);
  if (!in.absent("settings")) settings = in.text_map("settings");
  with_code = !code.empty();
  how.account_id = in.optional("expected_account", 255);
  // Whoever saves has the code from their own browser: nobody else is asked whose account it is.
  how.how = how.account_id.empty() ? auth::confirmation::mode::yes : auth::confirmation::mode::expect;
  return in.complaint();
}

awaitable<answer> control_api::put_customer_provider(call c) {
  saving s;
  s.provider = c.path["provider"];
  s.customer = c.path["customer"];
  s.who = c.who;
  if (!c.who.sees(s.customer)) co_return nothing_there();
  if (auto complaint = s.read(c); !complaint.empty()) co_return error_answer(400, "bad_request", complaint);
  if (auto refused = version_refusal(s.version)) co_return std::move(*refused);
  const auto m = around_.plugins.find(s.provider);
  if (!m) co_return error_answer(422, "no_plugin", "No plugin of this provider is running: see /v1/providers.");
  s.manifest = m;
  if (!s.preset.empty()) {
    auto with = core::add_preset(*m, s.preset, s.settings.value_or(std::map<std::string, std::string>{}));
    if (!with.complaint.empty()) co_return error_answer(422, "bad_preset", with.complaint);
    s.settings = std::move(with.settings);
  }
  if (s.settings) s.settings = core::stored_settings(*m, std::move(*s.settings));
  s.settings_refused = settings_refusal(*m, s.settings.value_or(std::map<std::string, std::string>{}));
  if (s.settings && !s.settings_refused.empty()) co_return error_answer(422, "bad_setting", s.settings_refused);

  auto work = save_alone(s);
  co_return co_await std::move(work);
}

awaitable<answer> control_api::patch_connection(call c) {
  input in(c.body, {"settings", "code", "expected_account"});
  saving s;
  s.provider = c.path["provider"];
  s.who = c.who;
  s.settings = in.text_map("settings");
  s.code = core::secret(in.optional("code", 16 << 10));
  s.with_code = !s.code.empty();
  s.how.account_id = in.optional("expected_account", 255);
  if (!s.how.account_id.empty()) s.how.how = auth::confirmation::mode::expect;
  if (in.absent("settings")) in.complain("\"settings\" is missing");
  if (!in.complaint().empty()) co_return error_answer(400, "bad_request", in.complaint());
  auto finding = find(s.provider, c.path["name"], c.who);
  const auto found = co_await std::move(finding);
  if (!found) co_return failure_answer(found.error());
  s.named = found->id;
  s.customer = found->customer;
  s.manifest = around_.plugins.find(s.provider);
  if (!s.manifest)
    co_return error_answer(422, "no_plugin", "No plugin of this provider is running: see koppelctl plugin list.");
  auto work = save_alone(s);
  co_return co_await std::move(work);
}

awaitable<answer> control_api::save_alone(saving& s) {
  // Two at once could put back what the other changed.
  const auto key = s.provider + "/" + (s.customer.empty() ? s.named : s.customer);
  if (!being_saved_.insert(key).second)
    co_return error_answer(409, "in_use", "These settings are being saved already: wait for that answer.");
  struct release {
    std::set<std::string>& all;
    const std::string& key;
    ~release() { all.erase(key); }
  };
  const release at_the_end{being_saved_, key};
  // Not given up half-way: a registration that has to be put back is put back.
  auto work = save(s);
  co_return co_await runtime::shielded(std::move(work));
}

awaitable<answer> control_api::save(saving& s) {
  // With a code over a grant that is not to be harmed, it is a trial: nobody else speaks for the connection before it
  // has ended well, or was undone. Else a renewal would go out with a registration, or to a host, that gave no access.
  std::optional<ledger::connection> spared;
  const std::function<result<void>(transaction&)> look = [&](transaction& tx) -> result<> {
    auto found = s.find(tx);
    if (!found) return found.error();
    if (*found && s.needs_trial(tx, **found)) spared = std::move(**found);
    return {};
  };
  auth::trial trial;
  trial.store = [&s](transaction& tx) { return s.store(tx); };
  trial.undo = [&s](transaction& tx) { return s.put_back(tx); };

  auto looking = around_.ledger.write(look);
  auto stored = co_await std::move(looking);
  const bool tried = stored && spared;
  s.on_trial = tried;
  result<ledger::connection> after = ledger::connection{};
  if (tried) {
    trial.former = spared->settings;
    auto pasting = around_.auth.paste(spared->id, s.code.clone(), s.how, std::move(trial));
    after = co_await std::move(pasting);
    // What was refused as it was looked at was stored no more than the code was sent.
    if (!after && !s.was_stored) stored = after.error();
  } else if (stored) {
    auto storing = around_.ledger.write(trial.store);
    stored = co_await std::move(storing);
  }
  if (!stored) co_return refusal_of(stored.error());
  spdlog::info("{}/{}: settings were saved{} by {}", s.provider, s.connection.name,
               s.with_code ? " with a code" : (s.changed ? "" : ", which changed nothing,"),
               s.who.token.empty() ? "the control socket" : "the token " + s.who.token);
  if (!s.widened.empty())
    spdlog::info("{}/{}: without a new grant, its token may be used at these hosts too, by the control socket: {}",
                 s.provider, s.connection.name, s.widened);
  const bool undone = tried && !(after && auth::gave_access(after->auth));
  if (s.changed) {
    auto telling = tell_changed(undone ? *spared : s.connection);
    co_await std::move(telling);
  }
  const int status = s.created ? 201 : 200;
  if (!s.with_code) co_return co_await show_saved(status, s.connection.id, nullptr, s.who);
  if (!tried) {
    auto pasting = around_.auth.paste(s.connection.id, std::move(s.code), s.how);
    after = co_await std::move(pasting);
  }
  if (!after) co_return failure_answer({after.error().code, after.error().detail + s.what_stands(undone)});
  co_return co_await show_saved(status, s.connection.id, &after->auth, s.who);
}

awaitable<void> control_api::tell_changed(ledger::connection known) {
  // Who keeps a copy has a newer one, perhaps, than what was known before a code was tried: its account, what was
  // learned of it. The row as it is now is handed on.
  const std::function<result<void>(transaction&)> look = [&known](transaction& tx) -> result<> {
    if (auto now = tx.find_connection(known.id)) known = std::move(*now);
    return {};
  };
  auto looking = around_.ledger.write(look);
  if (auto done = co_await std::move(looking); !done)
    spdlog::error("{}/{}: what was saved cannot be read again: {}", known.provider, known.name, done.error().detail);
  around_.sync.connection_changed(known);
  if (around_.changed) around_.changed(known);
  around_.supervisor.run("grants that the former settings could not renew", around_.auth.app_changed(known.app_id));
}

awaitable<answer> control_api::get_openapi(call) {
  answer a;
  a.body = pretty(openapi(routes()));
  co_return a;
}

awaitable<answer> control_api::get_providers(call) {
  json::array all;
  for (const auto& m : around_.plugins.manifests()) all.push_back(view(*m, around_.auth.own_callback(m->name)));
  co_return json_answer(200, json::object{{"providers", std::move(all)}});
}

}  // namespace koppel::api
