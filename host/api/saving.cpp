// SPDX-License-Identifier: Apache-2.0

#include "host/api/saving.hpp"

#include <sodium.h>

#include <utility>

#include "host/api/customer_names.hpp"

#include <koppel/bus/event_types.hpp>

namespace koppel::api {
using ledger::transaction;

namespace {

bool same(const core::secret& a, const core::secret& b) {
  return a.reveal().size() == b.reveal().size() &&
         sodium_memcmp(a.reveal().data(), b.reveal().data(), a.reveal().size()) == 0;
}

std::string joined(const std::vector<std::string>& hosts) {
  std::string all;
  for (const auto& host : hosts) all += (all.empty() ? "" : " ") + host;
  return all;
}

}  // namespace

bool works(const core::auth_state& s) {
  return s.status == core::auth_status::authorized || s.status == core::auth_status::awaiting_confirmation;
}

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

/// The customer's own app: made for the first Save, changed later. An app of the operator's, which others may share,
/// is used as long as it says the same, and never changed; whoever wants something else has to bring a whole
/// registration. Else the operator's secret would go where the customer's settings point.
result<ledger::app> control_api::saving::registration(transaction& tx, const std::optional<ledger::connection>& of) {
  std::optional<ledger::app> current, own;
  if (of) current = tx.find_app(of->app_id);
  if (!named.empty() && current) return *current;
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
    const bool other_settings = of && settings && !core::same_settings(*manifest, of->settings, *settings);
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
  if (!settings || core::same_settings(*manifest, connection.settings, *settings)) return {};
  connection.settings = *settings;
  changed = true;
  if (auto done = tx.update_connection(connection); !done) return done;
  auth::auth_service::question_refused_grant(tx, connection);
  return {};
}

result<> control_api::saving::keep_operators_settings(const std::map<std::string, std::string>& stored) {
  if (!settings || who.may(scope::admin)) return {};
  if (const auto setting = core::operators_setting(*manifest, stored, *settings); !setting.empty())
    return failure{make_error_code(boost::system::errc::operation_not_permitted),
                   "The setting \"" + setting + "\" is for whoever operates Koppel: leave it out."};
  for (const auto& rule : manifest->settings)
    if (const auto set = stored.find(rule.name); rule.operator_only && set != stored.end())
      settings->insert_or_assign(set->first, set->second);
  return {};
}

std::string control_api::saving::guard_refusal(const core::new_places& places, const ledger::connection& of) const {
  if (places.another_address) return "Another address needs an authorization code from there: save both together.";
  return "The setting \"" + places.list + "\" would let the token of a grant that works be used at " +
         joined(places.added) +
         " too. That needs an authorization code, saved together with it; or it is done where Koppel runs: koppelctl "
         "connection set " +
         of.provider + "/" + of.name + " " + places.list + "=HOSTS.";
}

result<> control_api::saving::guard_grant(transaction& tx, const ledger::connection& of) {
  if (!settings) return {};
  const auto places = core::leads_to(*manifest, of.settings, *settings);
  if (places.none()) return {};
  const auto stored = tx.find_credentials(of.id);
  if (!stored) return stored.error();
  // Whoever runs Koppel has the tokens in his ledger already, and says himself what is asked of a host that he adds. A
  // token of the API, which may be stolen, brings nobody a grant's token (docs/generic-oauth2.md).
  if (!places.another_address && who.is_local()) {
    if (*stored) widened = joined(places.added);
    return {};
  }
  // An operator may give up a grant that works no more, and will not again.
  const bool alive = works(of.auth) || auth::auth_service::may_come_back(tx, of);
  if (*stored && !with_code && (named.empty() || alive))
    return failure{make_error_code(boost::system::errc::invalid_argument), guard_refusal(places, of)};
  if (*stored && !works(of.auth) && !on_trial)
    if (auto done = tx.delete_credentials(of.id); !done) return done;
  tx.delete_attempts(of.id);
  return {};
}

result<std::optional<ledger::connection>> control_api::saving::find(transaction& tx) const {
  if (named.empty()) return connection_of(tx, provider, customer);
  auto one = tx.find_connection(named);
  if (!one || one->auth.status == core::auth_status::removed)
    return failure{ledger::errc::not_found, "The connection was removed meanwhile."};
  return std::optional(std::move(*one));
}

std::map<std::string, std::string> control_api::saving::merged_with(
    const std::map<std::string, std::string>& stored) const {
  auto merged = stored;
  // What a former version of the plugin knew is nobody's to mend; to empty it is no mistake.
  std::erase_if(merged, [&](const auto& one) { return !manifest->find_setting(one.first); });
  for (const auto& [name, value] : *settings)
    if (!value.empty() || manifest->find_setting(name) || !stored.contains(name)) merged.insert_or_assign(name, value);
  return core::stored_settings(*manifest, std::move(merged));
}

result<> control_api::saving::merge_settings(const std::map<std::string, std::string>& stored) {
  settings = merged_with(stored);
  if (auto why = core::settings_refusal(*manifest, *settings); !why.empty())
    return failure{make_error_code(boost::system::errc::invalid_argument), std::move(why)};
  return {};
}

bool control_api::saving::needs_trial(transaction& tx, const ledger::connection& of) const {
  return needs_trial(tx, of, !settings ? of.settings : named.empty() ? *settings : merged_with(of.settings));
}

bool control_api::saving::needs_trial(transaction& tx, const ledger::connection& of,
                                      const std::map<std::string, std::string>& wanted) const {
  if (!with_code) return false;
  if (works(of.auth)) return true;
  return !core::leads_to(*manifest, of.settings, wanted).none() && auth::auth_service::may_come_back(tx, of);
}

result<> control_api::saving::store(transaction& tx) {
  const auto done = store_all(tx);
  was_stored = done.has_value();
  return done;
}

result<> control_api::saving::store_all(transaction& tx) {
  if (auto room = tx.room(); !room) return room;
  auto found = find(tx);
  if (!found) return found.error();
  if (!named.empty())
    if (auto merged = merge_settings((*found)->settings); !merged) return merged;
  const std::map<std::string, std::string> none;
  if (auto kept = keep_operators_settings(*found ? (*found)->settings : none); !kept) return kept;
  if (*found) {
    connection.id = (*found)->id;
    // Only what is undone may leave a grant where it does not belong.
    if (!on_trial && needs_trial(tx, **found, settings.value_or((*found)->settings)))
      return failure{ledger::errc::in_use, "The connection has changed meanwhile: save it again."};
    if (auto guarded = guard_grant(tx, **found); !guarded) return guarded;
  }
  if (*found && on_trial) before = former{(*found)->app_id, (*found)->settings, {}, {}};
  auto app = registration(tx, *found);
  if (!app) return app.error();
  if (*found) {
    connection = std::move(**found);
    if (connection.app_id != app->id) {
      if (auto moved = tx.move_connection(connection.id, app->id); !moved) return moved;
      connection.app_id = app->id;
    }
    if (auto done = change_settings(tx); !done) return done;
  } else {
    if (auto done = create(tx, *app); !done) return done;
  }
  // A text that would not be sent takes everything with it: what was asked for is saved whole, or not at all.
  if (with_code) return auth::auth_service::look_at_pasted(tx, connection, *app, manifest, code);
  return {};
}

std::string control_api::saving::what_stands(bool undone) const {
  if (!changed) return "";
  if (undone) return " The settings are as they were.";
  return created ? " The settings were saved and the connection was made: only the code is missing."
                 : " The settings were saved: only the code is missing.";
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

}  // namespace koppel::api
