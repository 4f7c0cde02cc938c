// SPDX-License-Identifier: Apache-2.0
// koppelctl token: keys to the REST API. One is shown when it is made, and never again.

#include <boost/json/array.hpp>
#include <ostream>

#include "tools/koppelctl/commands.hpp"
#include "tools/koppelctl/json_read.hpp"
#include "tools/koppelctl/table.hpp"
#include "tools/koppelctl/text.hpp"

namespace koppel::koppelctl {
namespace {

std::string scopes_text(const json::object& token) {
  std::string text;
  for (const auto& scope : array_of(token, "scopes"))
    if (scope.is_string()) text += (text.empty() ? "" : ", ") + std::string(scope.get_string());
  return printable(text);
}

/// What may stand in a path; anything else is no token's name.
bool is_name(const std::string& text) {
  return !text.empty() && text.size() <= 64 &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
}

}  // namespace

ending add_token(surroundings& s, const new_token& what) {
  json::array scopes;
  for (const auto& scope : what.scopes) scopes.emplace_back(scope);
  if (scopes.empty()) scopes.emplace_back("read");
  json::object body{{"name", what.name}, {"scopes", std::move(scopes)}};
  if (what.of_customer) body["customer"] = what.customer;
  const auto answer = s.daemon.post("/v1/tokens", body);
  if (!answer) return answer.error();
  auto& t = s.console;
  if (t.json) {
    print_document(t, *answer);
    return exit_code::ok;
  }
  t.out << text_of(*answer, "token") << "\n";
  // Beside the output, so that a script gets the token alone.
  t.err << "Keep it: it is not shown again. It goes into the header Authorization: Bearer TOKEN\n";
  return exit_code::ok;
}

ending list_tokens(surroundings& s) {
  const auto answer = s.daemon.get("/v1/tokens");
  if (!answer) return answer.error();
  auto& t = s.console;
  if (t.json) {
    print_document(t, *answer);
    return exit_code::ok;
  }
  table shown({{"TOKEN"}, {"CUSTOMER"}, {"SCOPES"}, {"CREATED (UTC)"}, {"LAST USED (UTC)"}});
  each_object(array_of(*answer, "tokens"), [&](const json::object& one) {
    const auto customer = text_of(one, "customer");
    shown.add({text_of(one, "name"), customer.empty() ? cell("all", colour::faint) : cell(customer), scopes_text(one),
               short_time(text_of(one, "created_at")), short_time(text_of(one, "last_used_at"))});
  });
  if (shown.empty())
    t.out << "No tokens yet. Make one: koppelctl token add NAME --scope read\n";
  else
    shown.print(t.out, t.colours);
  return exit_code::ok;
}

ending revoke_token(surroundings& s, const std::string& name) {
  if (!is_name(name)) return fail(errc::usage, "A token's name has small letters, digits and hyphens alone.");
  const auto answer = s.daemon.remove("/v1/tokens/" + name);
  if (!answer) return answer.error();
  if (s.console.json)
    print_document(s.console, *answer);
  else
    s.console.out << "Token " << name << " opens nothing any more.\n";
  return exit_code::ok;
}

}  // namespace koppel::koppelctl
