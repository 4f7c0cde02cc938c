// SPDX-License-Identifier: Apache-2.0
// koppelctl fetch: one request with a connection's credentials; the answer, or the part of it that was wanted, on the
// output alone.

#include <algorithm>
#include <cctype>
#include <ostream>

#include "tools/koppelctl/commands.hpp"
#include "tools/koppelctl/json_read.hpp"
#include "tools/koppelctl/table.hpp"
#include "tools/koppelctl/text.hpp"

namespace koppel::koppelctl {
namespace {

ending list_usable(surroundings& s) {
  const auto answer = s.daemon.get("/v1/connections?status=authorized");
  if (!answer) return answer.error();
  auto& t = s.console;
  if (t.json) {
    print_document(t, *answer);
    return exit_code::ok;
  }
  table shown({{"CONNECTION"}, {"CUSTOMER"}, {"ACCOUNT"}});
  each_object(array_of(*answer, "connections"), [&](const json::object& c) {
    shown.add({text_of(c, "provider") + "/" + text_of(c, "name"), text_of(c, "customer"),
               text_of(object_of(object_of(c, "auth"), "account"), "name")});
  });
  if (shown.empty())
    t.out << "No connection is authorized. See: koppelctl connection list\n";
  else
    shown.print(t.out, t.colours);
  return exit_code::ok;
}

/// On a terminal an answer could move the cursor: its controls are shown, but for what makes lines and columns.
std::string lines_of(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto end = text.find_first_of("\r\n\t");
    out += printable(text.substr(0, end));
    if (end == std::string_view::npos) break;
    if (text[end] != '\r') out += text[end];
    text.remove_prefix(end + 1);
  }
  if (!out.empty() && !out.ends_with('\n')) out += '\n';
  return out;
}

}  // namespace

ending fetch(surroundings& s, const fetch_wish& wish) {
  if (wish.list) return list_usable(s);
  if (wish.name.empty() || wish.url.empty())
    return fail(errc::usage,
                "A connection and an address are needed: koppelctl fetch generic/crm https://... "
                "(which connections there are: koppelctl fetch --list).");
  const auto name = parse_name(wish.name);
  if (!name) return name.error();
  const auto variables = parse_settings(wish.variables, "--var");
  if (!variables) return variables.error();
  json::object values;
  for (const auto& [key, value] : *variables) values[key] = value;
  std::string method = wish.method;
  std::transform(method.begin(), method.end(), method.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  json::object body{{"url", wish.url}, {"method", method}, {"variables", std::move(values)}};
  if (!wish.body.empty()) body["body"] = wish.body;
  if (!wish.select.empty()) body["select"] = wish.select;

  const auto answer = s.daemon.post(path_of(*name) + "/fetch", body);
  if (!answer) return answer.error();
  auto& t = s.console;
  if (t.json)
    print_document(t, *answer);
  else
    t.out << lines_of(text_of(*answer, wish.select.empty() ? "body" : "selected"));
  return exit_code::ok;
}

}  // namespace koppel::koppelctl
