// SPDX-License-Identifier: Apache-2.0
// What the manual calls Save and Auth Status: a customer's settings at a provider and the code, in one request; and the
// providers, with what an administrator has to do there.

#include <sodium.h>
#include <spdlog/spdlog.h>

#include <boost/json/array.hpp>
#include <utility>

#include "host/api/control_api.hpp"
#include "host/api/customer_names.hpp"
#include "host/api/input.hpp"
#include "host/api/openapi.hpp"
#include "host/core/auth_texts.hpp"
#include "host/core/connection_manifest.hpp"
#include "host/core/setting_value.hpp"
#include "host/runtime/shielded.hpp"

#include <koppel/bus/event_types.hpp>

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
  return failure_answer(why);
}

bool same(const core::secret& a, const core::secret& b) {
  return a.reveal().size() == b.reveal().size() &&
         sodium_memcmp(a.reveal().data(), b.reveal().data(), a.reveal().size()) == 0;
}

bool works(const core::auth_state& s) {
  return s.status == core::auth_status::authorized || s.status == core::auth_status::awaiting_confirmation;
}

/// The customer's connection at the provider: the only one, or of several the one that was made here.
result<std::optional<ledger::connection>> connection_of(transaction& tx, const std::string& provider,
                                                        const std::string& customer) {
  std::vector<ledger::connection> found;
  for (auto& c : tx.connections())
    if (c.provider == provider && c.customer == customer) found.push_back(std::move(c));
  if (found.empty()) return std::optional<ledger::connection>{};
  if (found.size() == 1) return std::optional(std::move(found.front()));
  for (auto& c : found)
    if (c.name == name_of_customer(customer)) return std::optional(std::move(c));
  return failure{ledger::errc::in_use,
                 "This customer has several connections with this provider: use /v1/connections, by name."};
}

}  // namespace

/// One Save: what was asked for, and what the ledger made of it.
struct control_api::saving {
  std::string provider, customer, version;
  std::optional<std::string> client_id, redirect_uri;  ///< absent: as it was
  std::optional<core::secret> client_secret;
  std::optional<std::map<std::string, std::string>> settings;
  std::string settings_refused;  ///< why a new connection could not have them
  std::shared_ptr<const core::manifest> manifest;
  core::secret code;
  bool with_code = false;
  auth::confirmation how;
  caller who;

  ledger::connection connection;
  bool created = false, changed = false;
  /// What a grant that works was made with, to be put back where the code gives no access.
  struct former {
    std::string app_id;
    std::map<std::string, std::string> settings;
    std::optional<ledger::app> own;  ///< the customer's own app, where this save changed it ...
    core::secret client_secret;      ///< ... with its secret
  };
  std::optional<former> before;

  std::string read(const call& c);
  result<> store(transaction& tx);
  result<> put_back(transaction& tx) const;

 private:
  result<> create(transaction& tx, const ledger::app& app);
  /// What only an operator may set stays as it is.
  void keep_operators_settings(const ledger::connection& of);
  /// A grant, and a code that is under way, go to no other address than the one that they came from.
  result<> guard_grant(transaction& tx, const ledger::connection& of) const;
  result<> change_settings(transaction& tx);
  result<ledger::app> registration(transaction& tx, const std::optional<ledger::connection>& of);
  result<ledger::app> change(transaction& tx, ledger::app app, bool other_id, bool other_secret);
};

/// The customer's own app: made for the first Save, changed later. An app of the operator's, which others may share,
/// is used as long as it says the same, and never changed; whoever wants something else has to bring a whole
/// registration. Else the operator's secret would go where the customer's settings point.
result<ledger::app> control_api::saving::registration(transaction& tx, const std::optional<ledger::connection>& of) {
  std::optional<ledger::app> current, own;
  if (of) current = tx.find_app(of->app_id);
  for (auto& a : tx.apps())
    if (a.provider == provider && a.name == name_of_customer(customer)) own = std::move(a);
  if (!current) current = own;
  if (!current && !(client_id && client_secret))
    return failure{make_error_code(boost::system::errc::invalid_argument),
                   std::string("\"") + (client_id ? "client_secret" : "client_id") + "\" is missing."};

  if (current) {
    auto stored = tx.client_secret(current->id);
    if (!stored) return stored.error();
    const bool other_id = client_id && *client_id != current->client_id;
    const bool other_secret = client_secret && !same(*client_secret, *stored);
    const bool other_address = redirect_uri && *redirect_uri != current->redirect_uri;
    const bool is_own = own && own->id == current->id;
    const bool other_settings = of && settings && *settings != of->settings;
    if (!is_own && (other_id || other_address || other_settings) && !(client_id && client_secret))
      return failure{make_error_code(boost::system::errc::invalid_argument),
                     "This connection uses a registration of the operator's: give client_id and client_secret of your "
                     "own with what you change."};
    if (!other_id && !other_secret && !other_address) return *current;
    if (of && works(of->auth) && other_id && !with_code)
      return failure{make_error_code(boost::system::errc::invalid_argument),
                     "Another client id needs an authorization code of its integration: save both together."};
    if (before && is_own) {
      before->own = *current;
      before->client_secret = stored->clone();
    }
    // What is not said stays, also where the registration moves.
    if (!client_id) client_id = current->client_id;
    if (!client_secret) client_secret = std::move(*stored);
    if (!redirect_uri) redirect_uri = current->redirect_uri;
    if (is_own) return change(tx, std::move(*own), other_id, other_secret);
  }
  changed = true;
  if (!own) {
    ledger::app made;
    made.provider = provider;
    made.name = name_of_customer(customer);
    made.client_id = *client_id;
    made.redirect_uri = redirect_uri.value_or("");
    return tx.insert_app(made, client_secret->clone());
  }
  return change(tx, std::move(*own), true, true);
}

result<ledger::app> control_api::saving::change(transaction& tx, ledger::app app, bool other_id, bool other_secret) {
  for (const auto& c : tx.connections())
    if (c.app_id == app.id && c.customer != customer)
      return failure{ledger::errc::in_use, "The registration of this name is in use: ask the operator."};
    else if (c.app_id == app.id && c.id != connection.id && other_id && works(c.auth))
      return failure{ledger::errc::in_use, "Another connection of this customer works with this client id."};
  app.client_id = *client_id;
  app.redirect_uri = *redirect_uri;
  if (auto done = tx.update_app(app); !done) return done.error();
  if (auto done = tx.update_app_secret(app.id, client_secret->clone()); !done) return done.error();
  if (other_id || other_secret) auth::auth_service::question_refused_grants(tx, app.id);
  changed = true;
  return app;
}

result<> control_api::saving::create(transaction& tx, const ledger::app& app) {
  if (!settings_refused.empty())
    return failure{make_error_code(boost::system::errc::invalid_argument), settings_refused};
  connection.provider = provider;
  connection.name = name_of_customer(customer);
  connection.customer = customer;
  connection.app_id = app.id;
  connection.settings = settings.value_or(std::map<std::string, std::string>{});
  connection.auth.since = tx.now();
  auto inserted = tx.insert_connection(connection);
  if (!inserted) return inserted.error();
  connection = std::move(*inserted);
  created = changed = true;
  ledger::event_draft draft;
  draft.type = bus::event_types::connection_created;
  draft.about = &connection;
  draft.data = {{"app", app.name}};
  return tx.append(draft);
}

result<> control_api::saving::change_settings(transaction& tx) {
  if (!settings || *settings == connection.settings) return {};
  connection.settings = *settings;
  changed = true;
  return tx.update_connection(connection);
}

void control_api::saving::keep_operators_settings(const ledger::connection& of) {
  if (!settings || who.may(scope::admin)) return;
  for (const auto& rule : manifest->settings)
    if (const auto set = of.settings.find(rule.name); rule.operator_only && set != of.settings.end())
      settings->insert_or_assign(set->first, set->second);
}

result<> control_api::saving::guard_grant(transaction& tx, const ledger::connection& of) const {
  if (!settings || !core::leads_elsewhere(*manifest, of.settings, *settings)) return {};
  const auto stored = tx.find_credentials(of.id);
  if (!stored) return stored.error();
  if (*stored && !with_code)
    return failure{make_error_code(boost::system::errc::invalid_argument),
                   "Another address needs an authorization code from there: save both together."};
  if (*stored && !works(of.auth))
    if (auto done = tx.delete_credentials(of.id); !done) return done;
  tx.delete_attempts(of.id);
  return {};
}

result<> control_api::saving::store(transaction& tx) {
  if (auto room = tx.room(); !room) return room;
  auto found = connection_of(tx, provider, customer);
  if (!found) return found.error();
  if (*found) {
    connection.id = (*found)->id;
    keep_operators_settings(**found);
    if (auto guarded = guard_grant(tx, **found); !guarded) return guarded;
  }
  if (*found && with_code && works((*found)->auth)) before = former{(*found)->app_id, (*found)->settings, {}, {}};
  auto app = registration(tx, *found);
  if (!app) return app.error();
  if (!*found) return create(tx, *app);
  connection = std::move(**found);
  if (connection.app_id != app->id) {
    if (auto moved = tx.move_connection(connection.id, app->id); !moved) return moved;
    connection.app_id = app->id;
  }
  return change_settings(tx);
}

result<> control_api::saving::put_back(transaction& tx) const {
  if (!before) return {};
  if (before->own) {
    if (auto done = tx.update_app(*before->own); !done) return done;
    if (auto done = tx.update_app_secret(before->own->id, before->client_secret.clone()); !done) return done;
    if (auto done = tx.set_secret_end(before->own->id, before->own->secret_ends_at); !done) return done;
  }
  auto now = tx.find_connection(connection.id);
  if (!now || now->auth.status == core::auth_status::removed) return {};
  if (now->app_id != before->app_id)
    if (auto done = tx.move_connection(now->id, before->app_id); !done) return done;
  now->settings = before->settings;
  return tx.update_connection(*now);
}

awaitable<answer> control_api::show_saved(int status, std::string id, const core::auth_state* outcome, caller who) {
  auto all = co_await show([&id](const ledger::connection& c) { return c.id == id; });
  if (!all) co_return failure_answer(all.error());
  if (all->empty()) co_return nothing_there();
  auto connection = all->front().as_object();
  connection["open_link"] = shown_link(id, who);
  const std::string provider(connection.at("provider").as_string());
  json::object body;
  body["auth"] =
      outcome ? json::value(core::status_data(*outcome, around_.plugins.find(provider).get())) : connection.at("auth");
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
  input in(c.body, {"version", "client_id", "client_secret", "code", "redirect_uri", "settings", "expected_account"});
  if (customer.size() > longest_customer) in.complain("The customer's id is longer than 256 bytes");
  version = in.optional("version", 16);
  if (!in.absent("client_id")) client_id = in.required("client_id", 512);
  if (!in.absent("client_secret")) client_secret = core::secret(in.required("client_secret", 4096));
  code = core::secret(in.optional("code", 16 << 10));
  if (!in.absent("redirect_uri")) redirect_uri = in.required("redirect_uri", 2048);
  if (redirect_uri && in.complaint().empty())
    if (auto why = redirect_uri_refusal(*redirect_uri); !why.empty()) in.complain(why.substr(0, why.size() - 1));
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
  if (s.settings) s.settings = core::stored_settings(*m, std::move(*s.settings));
  if (const auto setting = s.settings && !c.who.may(scope::admin) ? core::operators_setting(*m, *s.settings) : "";
      !setting.empty())
    co_return error_answer(403, "operators_setting",
                           "The setting \"" + setting + "\" is for whoever operates Koppel: leave it out.");
  s.settings_refused = settings_refusal(*m, s.settings.value_or(std::map<std::string, std::string>{}));
  if (s.settings && !s.settings_refused.empty()) co_return error_answer(422, "bad_setting", s.settings_refused);

  // Two at once could put back what the other changed.
  const auto key = s.provider + "/" + s.customer;
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
  // With a code over a grant that works, it is a trial: nobody else speaks for the connection before it has ended well,
  // or was undone. Else a renewal would go out with a registration, or to a host, that gave no access.
  std::optional<ledger::connection> working;
  const std::function<result<void>(transaction&)> look = [&](transaction& tx) -> result<> {
    auto found = connection_of(tx, s.provider, s.customer);
    if (!found) return found.error();
    if (*found && works((*found)->auth)) working = std::move(**found);
    return {};
  };
  auth::trial trial;
  trial.store = [&s](transaction& tx) { return s.store(tx); };
  trial.undo = [&s](transaction& tx) { return s.put_back(tx); };

  auto looking = around_.ledger.write(look);
  auto stored = co_await std::move(looking);
  const bool tried = stored && working && s.with_code;
  result<ledger::connection> after = ledger::connection{};
  if (tried) {
    auto pasting = around_.auth.paste(working->id, std::move(s.code), s.how, std::move(trial));
    after = co_await std::move(pasting);
    // What was refused as settings was stored no more than the code was sent.
    if (!after && s.connection.provider.empty()) stored = after.error();
  } else if (stored) {
    auto storing = around_.ledger.write(trial.store);
    stored = co_await std::move(storing);
  }
  if (!stored) co_return refusal_of(stored.error());
  spdlog::info("{}/{}: settings of its customer were saved{} by {}", s.provider, s.connection.name,
               s.with_code ? " with a code" : (s.changed ? "" : ", which changed nothing,"),
               s.who.token.empty() ? "the control socket" : "the token " + s.who.token);
  const bool undone = tried && !(after && works(after->auth));
  if (s.changed) {
    auto known = s.connection;
    if (undone)
      known = *working;
    else if (tried)
      known.auth = after->auth;  // newer than what was stored before the code was tried
    around_.sync.connection_changed(known);
    if (around_.changed) around_.changed(known);
    around_.supervisor.run("grants that the former settings could not renew", around_.auth.app_changed(known.app_id));
  }
  const int status = s.created ? 201 : 200;
  if (!s.with_code) co_return co_await show_saved(status, s.connection.id, nullptr, s.who);
  if (!tried) {
    auto pasting = around_.auth.paste(s.connection.id, std::move(s.code), s.how);
    after = co_await std::move(pasting);
  }
  if (!after) co_return failure_answer(after.error());
  co_return co_await show_saved(status, s.connection.id, &after->auth, s.who);
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
