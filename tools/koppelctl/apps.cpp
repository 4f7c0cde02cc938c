// SPDX-License-Identifier: Apache-2.0
// koppelctl app: registrations at providers. A secret is asked for or read, never taken from an argument: arguments are
// everybody's to see.

#include <ostream>

#include "tools/koppelctl/commands.hpp"
#include "tools/koppelctl/json_read.hpp"
#include "tools/koppelctl/table.hpp"
#include "tools/koppelctl/text.hpp"

namespace koppel::koppelctl {

namespace {

result<std::string> ask_for_secret(terminal& t, bool from_input) {
  if (!t.in_is_terminal && !from_input)
    return fail(errc::usage,
                "There is no terminal to ask for the client secret. Pass it as the first line of the input, "
                "with --secret-stdin.");
  auto secret = t.ask_secret("Client secret (it is not shown):");
  if (!secret || secret->empty()) return fail(errc::usage, "No client secret was given.");
  return std::move(*secret);
}

std::string regions_of(const json::object& app) {
  std::string all;
  if (const auto* list = app.if_contains("secret_regions"); list && list->is_array())
    for (const auto& one : list->as_array())
      if (one.is_string()) all += (all.empty() ? "" : ", ") + std::string(one.as_string());
  return all;
}

}  // namespace

ending add_app(surroundings& s, const new_app& what) {
  auto& t = s.console;
  const auto secret = ask_for_secret(t, what.secret_from_input);
  if (!secret) return secret.error();

  json::object body{{"provider", what.name.provider},
                    {"name", what.name.name},
                    {"client_id", what.client_id},
                    {"client_secret", *secret}};
  if (!what.redirect_uri.empty()) body["redirect_uri"] = what.redirect_uri;
  const auto answer = s.daemon.post("/v1/apps", body);
  if (!answer) return answer.error();
  if (t.json)
    print_document(t, *answer);
  else
    t.out << "App " << what.name.text() << " added. Next: koppelctl connection add " << what.name.provider
          << "/NAME --app " << what.name.name << "\n";
  return exit_code::ok;
}

ending set_app_secret(surroundings& s, const full_name& name, const new_secret& what) {
  auto& t = s.console;
  const auto secret = ask_for_secret(t, what.from_input);
  if (!secret) return secret.error();
  json::object body{{"client_secret", *secret}};
  if (!what.region.empty()) body["region"] = what.region;
  if (!what.expires.empty()) body["expires"] = what.expires;
  const auto answer = s.daemon.post("/v1/apps/" + name.provider + "/" + name.name + "/secret", body);
  if (!answer) return answer.error();
  if (t.json)
    print_document(t, *answer);
  else
    t.out << "App " << name.text() << " has its new secret"
          << (what.region.empty() ? "" : " for the data centre " + what.region)
          << ". Connections that failed because of the old one: "
          << "koppelctl connection connect " << name.provider << "/NAME\n";
  return exit_code::ok;
}

ending list_apps(surroundings& s) {
  const auto answer = s.daemon.get("/v1/apps");
  if (!answer) return answer.error();
  auto& t = s.console;
  if (t.json) {
    print_document(t, *answer);
    return exit_code::ok;
  }
  table shown({{"APP"}, {"CLIENT ID"}, {"REDIRECT ADDRESS"}, {"CREATED (UTC)"}, {"SECRET ENDS"}, {"OWN SECRETS OF"}});
  each_object(array_of(*answer, "apps"), [&](const json::object& a) {
    shown.add({text_of(a, "provider") + "/" + text_of(a, "name"), text_of(a, "client_id"), text_of(a, "redirect_uri"),
               short_time(text_of(a, "created_at")), text_of(a, "secret_ends_at").substr(0, 10), regions_of(a)});
  });
  if (shown.empty())
    t.out << "No apps yet. Add one: koppelctl app add teamleader/main --client-id ID\n";
  else
    shown.print(t.out, t.colours);
  return exit_code::ok;
}

}  // namespace koppel::koppelctl
