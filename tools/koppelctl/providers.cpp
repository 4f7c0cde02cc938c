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
  table shown({{"RECEIVED (UTC)"}, {"APP"}, {"STATE"}, {"CONNECTION"}, {"REASON"}});
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
    t.out << "Nothing has come by webhook yet. Which address to register: koppelctl provider show NAME\n";
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
  if (const auto token = text_of(*answer, "token"); !token.empty()) t.out << "Token    " << printable(token) << "\n";
  t.out << "Show them to nobody but the provider.\n";
  return exit_code::ok;
}

}  // namespace koppel::koppelctl
