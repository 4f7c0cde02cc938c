// SPDX-License-Identifier: Apache-2.0
// koppelctl connection link, links, unlink: addresses to mail to a customer. And connection confirm: the answer to the
// account that came by one.

#include <boost/json/array.hpp>
#include <ostream>

#include "tools/koppelctl/commands.hpp"
#include "tools/koppelctl/json_read.hpp"
#include "tools/koppelctl/outcome.hpp"
#include "tools/koppelctl/table.hpp"
#include "tools/koppelctl/text.hpp"

namespace koppel::koppelctl {
namespace {

bool is_id(const std::string& text) {
  return !text.empty() && text.size() <= 64 &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
}

}  // namespace

ending add_link(surroundings& s, const new_link& what) {
  json::object body{{"days", what.days}};
  if (!what.expected_account.empty()) body["expected_account"] = what.expected_account;
  const auto answer = s.daemon.post(path_of(what.name) + "/links", body);
  if (!answer) return answer.error();
  auto& t = s.console;
  if (t.json) {
    print_document(t, *answer);
    return exit_code::ok;
  }
  t.out << printable(text_of(*answer, "url")) << "\n";
  // Beside the output, so that a script gets the address alone.
  t.err << "Mail it to the customer: it is not shown again. It is good until "
        << short_time(text_of(*answer, "expires_at")) << " UTC, or until it has served.\n";
  if (what.expected_account.empty())
    t.err << "The account then waits for: koppelctl connection confirm " << what.name.text() << "\n";
  return exit_code::ok;
}

ending list_links(surroundings& s, const full_name& name) {
  const auto answer = s.daemon.get(path_of(name) + "/links");
  if (!answer) return answer.error();
  auto& t = s.console;
  if (t.json) {
    print_document(t, *answer);
    return exit_code::ok;
  }
  table shown({{"LINK"}, {"STATE"}, {"UNTIL (UTC)"}, {"EXPECTS"}, {"MADE BY"}, {"LATEST TRY"}});
  each_object(array_of(*answer, "links"), [&](const json::object& one) {
    const auto by = text_of(one, "made_by");
    shown.add({text_of(one, "id"), text_of(one, "state"), short_time(text_of(one, "expires_at")),
               text_of(one, "expected_account"), by.empty() ? cell("koppelctl", colour::faint) : cell(by),
               text_of(object_of(one, "outcome"), "display")});
  });
  if (shown.empty())
    t.out << "No connect links. Make one: koppelctl connection link " << name.text() << "\n";
  else
    shown.print(t.out, t.colours);
  return exit_code::ok;
}

ending revoke_link(surroundings& s, const full_name& name, const std::string& id) {
  if (!is_id(id)) return fail(errc::usage, "A link is named by its id, as koppelctl connection links shows it.");
  const auto answer = s.daemon.remove(path_of(name) + "/links/" + id);
  if (!answer) return answer.error();
  if (s.console.json)
    print_document(s.console, *answer);
  else
    s.console.out << "The link " << id << " opens nothing any more.\n";
  return exit_code::ok;
}

failure neither_yes_nor_no(const full_name& name) {
  return fail(errc::refused,
              "That was neither yes nor no: nothing was changed, and the account still waits. Say y to "
              "connect it, or n to throw its credentials away: koppelctl connection confirm " +
                  name.text() + " [--account ID | --reject].");
}

ending confirm_account(surroundings& s, const confirm_wish& wish) {
  const auto now = s.daemon.get(path_of(wish.name));
  if (!now) return now.error();
  const auto& auth = object_of(*now, "auth");
  auto& t = s.console;
  if (text_of(auth, "status") != "awaiting_confirmation")
    return fail(errc::refused, wish.name.text() + " does not wait for a confirmation: it is " +
                                   printable(text_of(auth, "status")) + ".");
  const auto& account = object_of(auth, "account");
  const auto id = text_of(account, "id");
  if (!wish.account.empty() && wish.account != id)
    return fail(errc::refused, "The account " + account_text(account) + " waits for a confirmation, not " +
                                   wish.account + ". Nothing was changed.");
  auto said = wish.reject ? reply::no : wish.account.empty() ? reply::nobody : reply::yes;
  if (said == reply::nobody && t.in_is_terminal && !t.json)
    said = t.ask_yes_or_no("The customer gave access to the account " + account_text(account) + ". Connect " +
                           wish.name.text() + " to it? [y/n]");
  if (said == reply::nobody)
    return fail(errc::usage, "The account " + account_text(account) +
                                 " waits. Nobody can be asked here: say --account ID to accept it, or --reject.");
  if (said == reply::unclear) return neither_yes_nor_no(wish.name);
  const bool accepted = said == reply::yes;
  // By its id: if another waits by then, nothing is confirmed.
  const auto after = s.daemon.post(path_of(wish.name) + "/confirmation", {{"accept", accepted}, {"account", id}});
  if (!after) return after.error();
  // An account that was accepted may be another connection's by now: what became of it, the daemon says.
  const auto& became = object_of(*after, "auth");
  const bool authorized = text_of(became, "status") == "authorized";
  if (t.json)
    print_document(t, *after);
  else if (!accepted)
    t.out << "Rejected: " << wish.name.text() << " was not connected to this account.\n";
  else if (authorized)
    t.out << wish.name.text() << " is connected to " << account_text(account) << ".\n";
  else
    t.out << failure_text(became, t.speaks);
  return authorized || wish.reject ? exit_code::ok : exit_code::refused;
}

}  // namespace koppel::koppelctl
