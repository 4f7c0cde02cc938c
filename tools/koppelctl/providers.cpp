// SPDX-License-Identifier: Apache-2.0
// koppelctl provider show, webhook list: what is to be registered at a provider, and what it has sent.

#include <ostream>

#include "tools/koppelctl/commands.hpp"
#include "tools/koppelctl/json_read.hpp"
#include "tools/koppelctl/table.hpp"
#include "tools/koppelctl/text.hpp"

namespace koppel::koppelctl {
namespace {

/// Small letters, digits and hyphens: what may stand in a path.
bool is_name(const std::string& text) {
  return !text.empty() && text.size() <= 64 &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
}

void print_settings(terminal& t, const json::array& settings, const std::string& language) {
  table shown({{"SETTING"}, {"VALUE"}, {"DEFAULT"}, {"WHAT"}});
  each_object(settings, [&](const json::object& s) {
    std::string values = text_of(s, "type"), choices;
    for (const auto& choice : array_of(s, "choices"))
      if (choice.is_string()) choices += (choices.empty() ? "" : " or ") + std::string(choice.get_string());
    if (!choices.empty()) values = choices;
    const auto what = text_of(object_of(s, "help"), language);
    shown.add({text_of(s, "name") + (flag_of(s, "required") ? " (needed)" : ""), values, text_of(s, "default"),
               what.empty() ? text_of(object_of(s, "label"), language) : what});
  });
  if (shown.empty()) return;
  t.out << "\n";
  shown.print(t.out, t.colours);
}

void print_presets(terminal& t, const json::array& presets) {
  table shown({{"PRESET"}, {"PROVIDER"}, {"HOW"}});
  each_object(presets, [&](const json::object& p) {
    const auto plugin = text_of(p, "plugin");
    shown.add({text_of(p, "name"), text_of(p, "title"),
               plugin.empty() ? "--preset " + text_of(p, "name")
                              : "has a plugin of its own: koppelctl connection add " + plugin + "/NAME"});
  });
  if (shown.empty()) return;
  t.out << "\n";
  shown.print(t.out, t.colours);
}

void print_limits(terminal& t, const json::array& limits) {
  table shown({{"LIMIT"}, {"REQUESTS"}, {"OF EACH"}});
  each_object(limits, [&](const json::object& l) {
    std::string parts;
    for (const auto& part : array_of(l, "of_each"))
      if (part.is_string()) parts += (parts.empty() ? "" : " and ") + std::string(part.get_string());
    shown.add({text_of(l, "name"),
               std::to_string(number_of(l, "requests")) + " in " + std::to_string(number_of(l, "window_s")) + " s",
               parts});
  });
  if (shown.empty()) return;
  t.out << "\n";
  shown.print(t.out, t.colours);
}

}  // namespace

ending show_provider(surroundings& s, const std::string& name, const std::string& language) {
  if (!is_name(name)) return fail(errc::usage, "A provider's name has small letters, digits and hyphens alone.");
  const auto answer = s.daemon.get("/v1/providers/" + name);
  if (!answer) return answer.error();
  auto& t = s.console;
  if (t.json) {
    print_document(t, *answer);
    return exit_code::ok;
  }
  t.out << printable(text_of(*answer, "title")) << "\n\n";
  if (text_of(*answer, "kind") == "authorization_code")
    t.out << "Redirect address   " << printable(text_of(*answer, "own_callback")) << "\n";
  if (const auto manual = text_of(*answer, "default_redirect_uri"); !manual.empty())
    t.out << "  of the manuals   " << printable(manual) << "\n";
  const auto& webhooks = array_of(*answer, "webhooks");
  each_object(webhooks, [&](const json::object& one) {
    t.out << "Webhook of app " << printable(text_of(one, "app")) << "\n  " << printable(text_of(one, "url")) << "\n";
  });
  if (flag_of(*answer, "takes_webhooks"))
    t.out << (webhooks.empty()
                  ? "Webhook            every app has an address of its own: koppelctl app add " + name + "/NAME\n"
                  : std::string("Register it at the provider, and show it to nobody else.\n"));
  print_settings(t, array_of(*answer, "settings"), language);
  print_presets(t, array_of(*answer, "presets"));
  print_limits(t, array_of(*answer, "limits"));
  const auto& guide = array_of(*answer, "guide");
  if (!guide.empty()) t.out << "\n";
  int number = 0;
  each_object(guide, [&](const json::object& step) {
    t.out << ++number << ". " << printable(text_of(step, language)) << "\n";
  });
  return exit_code::ok;
}

ending list_webhooks(surroundings& s, std::size_t limit) {
  const auto answer = s.daemon.get("/v1/webhooks?limit=" + std::to_string(limit));
  if (!answer) return answer.error();
  auto& t = s.console;
  if (t.json) {
    print_document(t, *answer);
    return exit_code::ok;
  }
  table shown({{"RECEIVED (UTC)"}, {"FROM"}, {"STATE"}, {"CONNECTION"}, {"REASON"}});
  each_object(array_of(*answer, "webhooks"), [&](const json::object& w) {
    const auto state = text_of(w, "state");
    const auto connection = text_of(w, "connection");
    shown.add({short_time(text_of(w, "received_at")),
               text_of(w, "app").empty() ? text_of(w, "provider") : text_of(w, "provider") + "/" + text_of(w, "app"),
               {state, state == "done"                            ? colour::good
                       : state == "pending" || state == "waiting" ? colour::waiting
                                                                  : colour::bad},
               connection.empty() ? cell("-", colour::faint) : cell(connection),
               text_of(w, "reason")});
  });
  if (shown.empty())
    t.out
        << "Nothing has come by webhook yet. Whether they are registered: koppelctl connection show PROVIDER/NAME. The "
           "address: koppelctl webhook address PROVIDER/NAME; of an app: koppelctl provider show PROVIDER\n";
  else
    shown.print(t.out, t.colours);
  return exit_code::ok;
}

ending show_webhook_address(surroundings& s, const full_name& name) {
  const auto answer = s.daemon.get(path_of(name) + "/webhook-address");
  if (!answer) return answer.error();
  auto& t = s.console;
  if (t.json) {
    print_document(t, *answer);
    return exit_code::ok;
  }
  t.out << "Address  " << printable(text_of(*answer, "url")) << "\n";
  const auto token = text_of(*answer, "token");
  if (!token.empty()) t.out << "Token    " << printable(token) << "\n";
  t.out << "Show " << (token.empty() ? "it" : "them") << " to nobody but the provider.\n";
  return exit_code::ok;
}

}  // namespace koppel::koppelctl
