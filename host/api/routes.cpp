// SPDX-License-Identifier: Apache-2.0
// The table of routes, and how each door takes its rows from it.

#include <algorithm>
#include <utility>

#include "host/api/control_api.hpp"

namespace koppel::api {
namespace {

using doors = route::doors;
using reach = route::reach;

std::string connection_path(std::string_view rest = "") {
  return "/v1/connections/{provider}/{name}" + std::string(rest);
}

constexpr const char* customer_path = "/v1/customers/{customer}/providers/{provider}";

const field confirmation{"confirmation", "confirmation",
                         "how the account's name is to be confirmed; absent: somebody is asked"};

}  // namespace

std::vector<route> control_api::make_routes() {
  using self = control_api;
  std::vector<route> all;
  const auto add = [&all](route r) { all.push_back(std::move(r)); };

  add({"GET",
       "/v1/openapi.json",
       doors::both,
       scope::none,
       reach::customers,
       &self::get_openapi,
       "This document.",
       {},
       {},
       200,
       "object"});
  add({"GET",
       customer_path,
       doors::both,
       scope::read,
       reach::customers,
       &self::get_customer_provider,
       "The customer's connection at this provider, with its Auth Status.",
       {},
       {},
       200,
       "saved"});
  add({"PUT",
       customer_path,
       doors::both,
       scope::connect,
       reach::customers,
       &self::put_customer_provider,
       "Saves the customer's settings; with a code, connects the account at once. 201 where a connection was made. "
       "The same once more, without a code, changes nothing.",
       {},
       {{"version", "string", "\"V2\"; \"V1\" is refused"},
        {"client_id", "string", "as the provider shows it; may be absent later, then it stays"},
        {"client_secret", "string", "likewise"},
        {"code", "string", "the authorization code, or the whole address that the browser ended at"},
        {"redirect_uri", "string", "where the provider sends the browser; absent: as it was, or the manual's"},
        {"preset", "string",
         "settings that the provider's plugin knows by this name; those that are given stand over them"},
        {"settings", "object", "what the provider's plugin asks for, name to text; absent: as they were"},
        {"expected_account", "string", "take this account (its id) and no other"}},
       200,
       "saved"});

  add({"GET",
       "/v1/providers",
       doors::both,
       scope::read,
       reach::customers,
       &self::get_providers,
       "The providers, with their settings and the steps of an administrator in nl, fr and en.",
       {},
       {},
       200,
       "providers"});
  // It shows the secret addresses of webhooks.
  add({"GET",
       "/v1/providers/{provider}",
       doors::both,
       scope::admin,
       reach::whole_daemon,
       &self::get_provider,
       "One provider, with the addresses to register there.",
       {},
       {},
       200,
       "object"});
  add({"GET",
       "/v1/webhooks",
       doors::both,
       scope::read,
       reach::whole_daemon,
       &self::get_webhooks,
       "What came at webhook addresses, newest first, without what was in it.",
       {{"limit", "integer", "1 to 1000 (50)"}},
       {},
       200,
       "object"});
  // It shows a secret.
  add({"GET",
       connection_path("/webhook-address"),
       doors::control,
       scope::admin,
       reach::whole_daemon,
       &self::get_webhook_address,
       "Where its webhooks are to be sent, for who registers them by hand.",
       {},
       {},
       200,
       "object"});
  add({"GET",
       "/v1/connections",
       doors::both,
       scope::read,
       reach::customers,
       &self::get_connections,
       "The connections.",
       {{"status", "string", "of this status alone, such as authorized"}},
       {},
       200,
       "connections"});
  add({"POST",
       "/v1/connections",
       doors::both,
       scope::admin,
       reach::whole_daemon,
       &self::post_connection,
       "Adds a connection of any customer, by name.",
       {},
       {{"provider", "string", "as its plugin is named", true},
        {"name", "string", "1 to 64 small letters, digits and hyphens", true},
        {"customer", "string", "your own id of the customer"},
        {"app", "string", "the name of the app that it uses", true},
        {"preset", "string",
         "settings that the provider's plugin knows by this name; those that are given stand over them"},
        {"settings", "object", "what the provider's plugin asks for, name to text"}},
       201,
       "connection"});
  add({"GET",
       connection_path(),
       doors::both,
       scope::read,
       reach::customers,
       &self::get_connection,
       "One connection; with after_generation, once its status is newer.",
       {{"after_generation", "integer", "wait until the status is newer than this"},
        {"after_refusals", "integer", "count attempts in vain from here on; an attempt's answer says where"},
        {"wait_s", "integer", "how long at most, in seconds (20; at most 25)"}},
       {},
       200,
       "connection|refused_attempt"});
  add({"PATCH",
       connection_path(),
       doors::both,
       scope::admin,
       reach::whole_daemon,
       &self::patch_connection,
       "Changes settings of a connection; what is not named stays. With a code, connects the account at once.",
       {},
       {{"settings", "object", "name to text; an empty text means the default", true},
        {"code", "string",
         "an authorization code, needed where a grant that works is led to another address, or to more hosts"},
        {"expected_account", "string", "take this account (its id) and no other"}},
       200,
       "saved"});
  add({"DELETE",
       connection_path(),
       doors::both,
       scope::admin,
       reach::whole_daemon,
       &self::delete_connection,
       "Removes a connection with its credentials.",
       {{"purge", "boolean", "true: erase its records too, also those of one that was removed before"}},
       {},
       200,
       "object"});
  add({"POST",
       connection_path("/attempts"),
       doors::both,
       scope::connect,
       reach::customers,
       &self::post_attempt,
       "Makes a link for the account's administrator, good for an hour.",
       {},
       {confirmation, {"redirect_uri", "string", "for this link alone; absent: the app's, else the daemon's callback"}},
       201,
       "attempt"});
  add({"POST",
       connection_path("/code"),
       doors::both,
       scope::connect,
       reach::customers,
       &self::post_code,
       "Takes a code, or the whole address that the browser ended at.",
       {},
       {{"pasted", "string", "the code or the address", true},
        confirmation,
        {"region", "string", "the account's data centre, where what is pasted does not name it"}},
       200,
       "outcome"});
  add({"POST",
       connection_path("/confirmation"),
       doors::both,
       scope::connect,
       reach::customers,
       &self::post_confirmation,
       "Accepts or rejects the account that waits for it.",
       {},
       {{"accept", "boolean", "whether it is the right one", true},
        {"account", "string", "only if this account is the one that waits"}},
       200,
       "connection"});

  add({"POST",
       connection_path("/fetch"),
       doors::both,
       scope::admin,
       reach::whole_daemon,
       &self::post_fetch,
       "Sends one request with the connection's credentials, where its plugin or its settings allow it to go.",
       {},
       {{"url", "string", "https; {{name}} in its path or query stands for a variable", true},
        {"method", "string", "GET, HEAD, POST, PUT, PATCH or DELETE (GET)"},
        {"body", "string", "JSON, with {{name}} for a variable"},
        {"variables", "object", "name to text"},
        {"select", "string", "the part of the answer that is wanted, such as data.0.last_name"}},
       200,
       "fetched"});

  add({"GET",
       connection_path("/links"),
       doors::both,
       scope::read,
       reach::customers,
       &self::get_links,
       "The connect links of a connection, newest first, without their addresses.",
       {},
       {},
       200,
       "links"});
  add({"POST",
       connection_path("/links"),
       doors::both,
       scope::connect,
       reach::customers,
       &self::post_link,
       "Makes an address to mail to the customer, and shows it this once. It begins attempts until one has served; the "
       "account waits for a confirmation, unless it is named here.",
       {},
       {{"days", "integer", "how long it is good for, 1 to 30 (7)"},
        {"expected_account", "string", "take this account (its id) and no other"}},
       201,
       "link"});
  add({"DELETE",
       connection_path("/links/{id}"),
       doors::both,
       scope::connect,
       reach::customers,
       &self::delete_link,
       "Revokes a connect link.",
       {},
       {},
       200,
       "object"});

  add({"GET",
       "/v1/syncs",
       doors::both,
       scope::read,
       reach::customers,
       &self::get_syncs,
       "What is queued, and the newest runs, newest first.",
       {{"provider", "string", "of this provider"},
        {"connection", "string", "of connections of this name"},
        {"limit", "integer", "1 to 1000 runs (20)"}},
       {},
       200,
       "syncs"});
  add({"POST",
       "/v1/syncs",
       doors::both,
       scope::sync,
       reach::customers,
       &self::post_sync,
       "Starts reading.",
       {},
       {{"provider", "string", "of the connection", true},
        {"connection", "string", "its name", true},
        {"stream", "string", "this one alone"},
        {"full", "boolean", "everything again, not only what changed"}},
       202,
       "started"});

  add({"GET",
       "/v1/held",
       doors::both,
       scope::read,
       reach::customers,
       &self::get_held,
       "Deletions that are held because they are too many, and those that were rejected.",
       {},
       {},
       200,
       "held"});
  // It names records.
  add({"GET",
       connection_path("/held/{stream}"),
       doors::both,
       scope::admin,
       reach::whole_daemon,
       &self::get_held_stream,
       "What would be deleted of one stream, with some of the records.",
       {{"limit", "integer", "1 to 1000 records (20)"}},
       {},
       200,
       "held_stream"});
  add({"POST",
       connection_path("/held/{stream}"),
       doors::both,
       scope::admin,
       reach::whole_daemon,
       &self::post_held_stream,
       "Confirms or rejects the held deletions of a stream: confirmed ones are published, rejected ones stay undone.",
       {},
       {{"accept", "boolean", "whether they are to be deleted", true},
        {"mark", "integer", "as it was shown: what was held later is not decided on", true}},
       202,
       "held_decision"});

  add({"GET",
       "/v1/status",
       doors::both,
       scope::read,
       reach::whole_daemon,
       &self::get_status,
       "The daemon at a glance.",
       {},
       {},
       200,
       "object"});
  add({"GET",
       "/v1/plugins",
       doors::both,
       scope::read,
       reach::whole_daemon,
       &self::get_plugins,
       "The plugins and how they are.",
       {},
       {},
       200,
       "object"});
  add({"POST",
       "/v1/plugins/rescan",
       doors::both,
       scope::admin,
       reach::whole_daemon,
       &self::post_rescan,
       "Looks at the plugin folder anew.",
       {},
       {},
       200,
       "object"});
  add({"GET",
       "/v1/consumers",
       doors::both,
       scope::read,
       reach::whole_daemon,
       &self::get_consumers,
       "Who follows the bus, and how far they are.",
       {},
       {},
       200,
       "object"});
  add({"GET",
       "/v1/apps",
       doors::both,
       scope::read,
       reach::whole_daemon,
       &self::get_apps,
       "The registrations at providers, without their secrets.",
       {},
       {},
       200,
       "object"});
  add({"POST",
       "/v1/apps",
       doors::both,
       scope::admin,
       reach::whole_daemon,
       &self::post_app,
       "Adds a registration.",
       {},
       {{"provider", "string", "as its plugin is named", true},
        {"name", "string", "1 to 64 small letters, digits and hyphens", true},
        {"client_id", "string", "as the provider shows it", true},
        {"client_secret", "string", "likewise", true},
        {"redirect_uri", "string", "where the provider sends the browser"}},
       201,
       "object"});
  add({"POST",
       "/v1/apps/{provider}/{name}/secret",
       doors::both,
       scope::admin,
       reach::whole_daemon,
       &self::post_secret,
       "Gives a registration another secret.",
       {},
       {{"client_secret", "string", "as the provider shows it", true},
        {"region", "string", "of this data centre alone, where the provider has a secret for each"},
        {"expires", "string", "the day on which the provider ends it, such as 2027-01-31: it is warned of ahead"}},
       200,
       "object"});

  // A token must not be able to make another: a stolen one would outlive its revocation.
  add({"GET",
       "/v1/tokens",
       doors::control,
       scope::admin,
       reach::whole_daemon,
       &self::get_tokens,
       "The tokens, without what they are made of.",
       {},
       {},
       200,
       "object"});
  add({"POST",
       "/v1/tokens",
       doors::control,
       scope::admin,
       reach::whole_daemon,
       &self::post_token,
       "Makes a token, and shows it this once.",
       {},
       {{"name", "string", "1 to 64 small letters, digits and hyphens", true},
        {"customer", "string", "the only one whose things it sees; absent: it sees all"},
        {"scopes", "strings", "read, connect, sync, admin", true}},
       201,
       "object"});
  add({"DELETE",
       "/v1/tokens/{name}",
       doors::control,
       scope::admin,
       reach::whole_daemon,
       &self::delete_token,
       "Revokes a token.",
       {},
       {},
       200,
       "object"});
  return all;
}

const std::vector<route>& control_api::routes() {
  static const std::vector<route> all = make_routes();
  return all;
}

void control_api::add_routes(router& r) {
  for (const auto& row : routes())
    r.add(row.method, row.path, [this, &row](call c) { return (this->*row.handle)(std::move(c)); });
}

runtime::awaitable<answer> control_api::serve_within_scope(control_api& self, const route& row, call c) {
  if (c.who.customer && row.of == reach::whole_daemon)
    co_return error_answer(403, "not_for_customers", "This token is bound to a customer: this is not for it.");
  if (!c.who.may(row.needs))
    co_return error_answer(403, "missing_scope",
                           "This token does not have the scope \"" + std::string(to_string(row.needs)) + "\".");
  const bool of_customer = c.who.customer.has_value();
  auto handled = (self.*row.handle)(std::move(c));
  auto answered = co_await std::move(handled);
  // What is the matter with our disk, and where it is, is the operator's to read.
  if (of_customer && answered.status == 503)
    co_return error_answer(503, "unavailable",
                           "Koppel cannot do this at the moment: try again later, or tell its operator.");
  co_return answered;
}

void control_api::add_rest_routes(router& r) {
  for (const auto& row : routes())
    if (row.open_to == doors::both)
      r.add(row.method, row.path, [this, &row](call c) { return serve_within_scope(*this, row, std::move(c)); });
}

}  // namespace koppel::api
