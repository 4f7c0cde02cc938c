// SPDX-License-Identifier: Apache-2.0
// koppelctl connection add, set, list, show, remove.

#include <ostream>

#include "tools/koppelctl/commands.hpp"
#include "tools/koppelctl/json_read.hpp"
#include "tools/koppelctl/outcome.hpp"
#include "tools/koppelctl/table.hpp"
#include "tools/koppelctl/text.hpp"

namespace koppel::koppelctl {
namespace {

std::string settings_text(const json::object& settings) {
  std::string text;
  for (const auto& [key, value] : settings)
    text += (text.empty() ? "" : ", ") + std::string(key) + "=" + text_of(settings, key);
  return printable(text);
}

void print_streams(terminal& t, const json::array& streams, const std::string& name) {
  table shown(
      {{"STREAM"}, {"RECORDS", true}, {"LAST FULL (UTC)"}, {"LAST SUCCESS (UTC)"}, {"FAILURES", true}, {"LAST ERROR"}});
  each_object(streams, [&](const json::object& one) {
    shown.add({text_of(one, "stream"),
               grouped(number_of(one, "records")),
               short_time(text_of(one, "last_full_at")),
               short_time(text_of(one, "last_success_at")),
               text_of(one, "failures"),
               {text_of(one, "last_error"), colour::bad}});
  });
  if (!shown.empty()) {
    t.out << "\n";
    shown.print(t.out, t.colours);
  }
  each_object(streams, [&](const json::object& one) {
    const auto stream = printable(text_of(one, "stream"));
    if (const auto held = number_of(one, "held"); held > 0)
      t.out << "\nWarning: " << grouped(held) << " deletions of " << stream << " are held since "
            << short_time(text_of(one, "held_since")) << " UTC: koppelctl held show " << name << " " << stream << "\n";
    if (const auto rejected = number_of(one, "rejected"); rejected > 0)
      t.out << "\n"
            << grouped(rejected) << " records of " << stream
            << " stay though the provider does not have them: their deletion was rejected.\n";
  });
}

void print_connection(terminal& t, const json::object& c) {
  const auto line = [&](std::string_view title, const std::string& value) {
    if (!value.empty()) t.out << title << std::string(14 - title.size(), ' ') << value << "\n";
  };
  const auto& auth = object_of(c, "auth");
  const auto status = text_of(auth, "status");
  line("Connection", printable(text_of(c, "provider") + "/" + text_of(c, "name")));
  line("Id", printable(text_of(c, "id")));
  line("Customer", printable(text_of(c, "customer")));
  line("App", printable(text_of(c, "app")));
  line("Settings", settings_text(object_of(c, "settings")));
  line("Created", short_time(text_of(c, "created_at")) + " UTC");
  line("Status", shaded(printable(status), shade_of(status), t.colours) + ", since " +
                     short_time(text_of(auth, "since")) + " UTC");
  line("Auth Status", printable(text_of(auth, "display")));
  line("Account", account_text(object_of(auth, "account")));
  if (const auto reason = text_of(auth, "reason"); !reason.empty()) {
    line("Reason", reason_sentence(reason, t.speaks));
    line("Whose turn", turn_sentence(text_of(auth, "action"), text_of(auth, "action_by"), t.speaks));
    const auto* tag = t.speaks == language::nl ? "nl" : t.speaks == language::fr ? "fr" : "en";
    line("Hint", printable(text_of(object_of(auth, "hint"), tag)));
  }
  if (const auto& hooks = object_of(c, "webhooks"); !hooks.empty()) {
    const auto end = text_of(hooks, "ends_at"), last = text_of(hooks, "last_received_at"),
               why = text_of(hooks, "reason");
    line("Webhooks", printable(text_of(hooks, "state")) + (end.empty() ? "" : " until " + short_time(end) + " UTC") +
                         (last.empty() ? "" : ", the last at " + short_time(last) + " UTC") +
                         (why.empty() ? "" : ": " + printable(why)));
  }
  line("Open link", printable(text_of(object_of(c, "open_link"), "link")));
  print_streams(t, array_of(c, "streams"), printable(text_of(c, "provider") + "/" + text_of(c, "name")));
}

json::object object_from(const std::map<std::string, std::string>& settings) {
  json::object values;
  for (const auto& [key, value] : settings) values[key] = value;
  return values;
}

}  // namespace

ending add_connection(surroundings& s, const new_connection& what) {
  const auto settings = parse_settings(what.settings);
  if (!settings) return settings.error();
  json::object body{
      {"provider", what.name.provider}, {"name", what.name.name}, {"app", what.app}, {"customer", what.customer}};
  if (!what.preset.empty()) body["preset"] = what.preset;
  if (!settings->empty()) body["settings"] = object_from(*settings);
  const auto answer = s.daemon.post("/v1/connections", body);
  if (!answer) return answer.error();
  if (s.console.json)
    print_document(s.console, *answer);
  else
    s.console.out << "Connection " << what.name.text() << " added. Next: koppelctl connection connect "
                  << what.name.text() << "\n";
  return exit_code::ok;
}

ending set_connection(surroundings& s, const new_settings& what) {
  auto& t = s.console;
  const auto settings = parse_settings(what.settings, "connection set");
  if (!settings) return settings.error();
  json::object body{{"settings", object_from(*settings)}};
  if (what.paste) {
    const auto code =
        t.ask_secret("Paste the code, or the whole address of the page you were sent to (it is not shown):");
    if (!code || code->empty()) return fail(errc::usage, "No code was given.");
    body["code"] = *code;
    if (!what.expected_account.empty()) body["expected_account"] = what.expected_account;
  }
  const auto answer = s.daemon.patch(path_of(what.name), body);
  if (!answer) return answer.error();
  const auto& auth = object_of(*answer, "auth");
  const auto status = text_of(auth, "status");
  const bool well = !what.paste || status == "authorized" || status == "awaiting_confirmation";
  if (t.json) {
    print_document(t, *answer);
  } else if (!well) {
    t.out << failure_text(auth, t.speaks);
    if (text_of(object_of(object_of(*answer, "connection"), "auth"), "status") == "authorized")
      t.out << what.name.text() << " goes on with the access that it has, and with its former settings.\n";
  } else {
    t.out << "Settings of " << what.name.text() << ": "
          << settings_text(object_of(object_of(*answer, "connection"), "settings")) << "\n";
    if (status == "awaiting_confirmation")
      t.out << "An account waits for its confirmation: koppelctl connection confirm " << what.name.text() << "\n";
    else if (status != "authorized")
      t.out << "Next: koppelctl connection connect " << what.name.text() << "\n";
  }
  return well ? exit_code::ok : exit_code::refused;
}

ending list_connections(surroundings& s) {
  const auto answer = s.daemon.get("/v1/connections");
  if (!answer) return answer.error();
  auto& t = s.console;
  if (t.json) {
    print_document(t, *answer);
    return exit_code::ok;
  }
  table shown({{"CONNECTION"}, {"CUSTOMER"}, {"APP"}, {"STATUS"}, {"AUTH STATUS"}, {"ACCOUNT"}, {"RECORDS", true}});
  each_object(array_of(*answer, "connections"), [&](const json::object& c) {
    const auto& auth = object_of(c, "auth");
    const auto status = text_of(auth, "status");
    std::uint64_t records = 0;
    each_object(array_of(c, "streams"), [&](const json::object& one) { records += number_of(one, "records"); });
    shown.add({text_of(c, "provider") + "/" + text_of(c, "name"),
               text_of(c, "customer"),
               text_of(c, "app"),
               {status, shade_of(status)},
               text_of(auth, "display"),
               text_of(object_of(auth, "account"), "name"),
               grouped(records)});
  });
  if (shown.empty())
    t.out << "No connections yet. Add one: koppelctl connection add teamleader/acme --app main\n";
  else
    shown.print(t.out, t.colours);
  return exit_code::ok;
}

ending show_connection(surroundings& s, const full_name& name) {
  const auto answer = s.daemon.get(path_of(name));
  if (!answer) return answer.error();
  if (s.console.json)
    print_document(s.console, *answer);
  else
    print_connection(s.console, *answer);
  return exit_code::ok;
}

ending remove_connection(surroundings& s, const full_name& name, bool purge, bool yes) {
  auto& t = s.console;
  if (!yes) {
    if (!t.in_is_terminal) return fail(errc::usage, "There is no terminal to ask on. Add --yes if you are sure.");
    const auto what =
        purge ? ", and erase every record that came through it" : ", and keep the records that came through it";
    if (t.ask_yes_or_no("Remove " + name.text() + " with its credentials" + what + "? [y/N]") != reply::yes) {
      t.err << "Nothing was removed.\n";
      return exit_code::refused;
    }
  }
  const auto answer = s.daemon.remove(path_of(name) + (purge ? "?purge=true" : ""));
  if (!answer) return answer.error();
  if (t.json)
    print_document(t, *answer);
  else if (flag_of(*answer, "removed_before"))
    t.out << "Connection " << name.text() << " was removed before; its records are erased now.\n";
  else
    t.out << "Connection " << name.text() << " removed.\n";
  // The daemon forgets them with the connection: nobody says so again.
  if (const auto left = text_of(*answer, "webhooks_left"); !left.empty() && !t.json)
    t.err << printable(left) << "\nTo have the provider send nothing any more, remove them at " << name.provider
          << " by hand, as its administrator.\n";
  return exit_code::ok;
}

}  // namespace koppel::koppelctl
