// SPDX-License-Identifier: Apache-2.0
// Dutch, with the button names of the customers' manual. No script, nothing from elsewhere.
#include "teamleader/consent_page.hpp"

#include <map>

#include "form.hpp"

namespace koppel::provider_sim::teamleader {
namespace {

/// The boxes of the integration's page, as the manual shows them.
const std::string& scope_label(const std::string& scope) {
  static const std::map<std::string, std::string> labels{
      {"companies", "Bedrijven"},        {"contacts", "Contacten"}, {"deals", "Deals"},
      {"departments", "Departementen"},  {"events", "Events"},      {"invoices", "Facturen"},
      {"products", "Producten"},         {"projects", "Projecten"}, {"quotations", "Offertes"},
      {"subscriptions", "Abonnementen"}, {"tickets", "Tickets"},    {"users", "Gebruikers"}};
  const auto found = labels.find(scope);
  return found == labels.end() ? scope : found->second;
}

}  // namespace

std::string consent_page(const client& integration, const std::string& hidden) {
  std::string scopes;
  for (const auto& scope : integration.scopes)
    scopes += "      <li data-scope=\"" + escape_html(scope) + "\">" + escape_html(scope_label(scope)) + "</li>\n";
  const auto name = escape_html(integration.name);
  return R"(<!doctype html>
<html lang="nl">
<head>
  <meta charset="utf-8">
  <title>Toegang geven aan )" +
         name + R"(</title>
  <style>
    body { font-family: sans-serif; max-width: 32rem; margin: 4rem auto; line-height: 1.5; }
    button { font-size: 1rem; padding: .6rem 1.2rem; }
  </style>
</head>
<body>
  <h1>)" +
         name +
         R"( vraagt toegang</h1>
  <p>Account: <strong id="account">)" +
         escape_html(integration.of.name) + R"(</strong></p>
  <p>Deze integratie krijgt toegang tot:</p>
  <ul>
)" + scopes +
         R"(  </ul>
  <form method="post">
    <input type="hidden" name="request" value=")" +
         hidden + R"(">
    <button type="submit" name="decision" value="allow">Geef toegang</button>
    <button type="submit" name="decision" value="deny">Weiger</button>
  </form>
</body>
</html>
)";
}

}  // namespace koppel::provider_sim::teamleader
