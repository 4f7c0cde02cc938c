// SPDX-License-Identifier: Apache-2.0

#include "host/auth/connect_page.hpp"

#include "host/core/auth_texts.hpp"

namespace koppel::auth {
namespace {

using core::localized;

const localized heading{"Toegang geven tot", "Donner accès à", "Give access to"};
const localized customer_is{"Klant", "Client", "Customer"};
const localized what_happens{
    "Klik op de knop, meld u aan als beheerder van het account en sta de toegang toe. Daarna komt u hier terug en "
    "leest "
    "u of het gelukt is.",
    "Cliquez sur le bouton, connectez-vous en tant qu'administrateur du compte et autorisez l'accès. Vous reviendrez "
    "ensuite ici et lirez si cela a réussi.",
    "Press the button, log in as the account's administrator and allow the access. You will then come back here and "
    "read whether it worked."};
const localized by_key{
    "Hier wordt toegang gegeven met een sleutel. Maak de sleutel zoals hieronder staat en plak hem in het veld. Hij "
    "wordt "
    "meteen geprobeerd en versleuteld bewaard.",
    "L'accès se donne ici par une clé. Créez la clé comme indiqué ci-dessous et collez-la dans le champ. Elle est "
    "essayée "
    "aussitôt et conservée chiffrée.",
    "Access is given by a key here. Make the key as it says below, and paste it into the field. It is tried at once "
    "and "
    "kept encrypted."};
const localized or_by_key{"Hebt u de sleutel al? Plak hem dan hier.", "Avez-vous déjà la clé ? Collez-la ici.",
                          "Do you have the key already? Paste it here."};
const localized key_label{"Sleutel", "Clé", "Key"};
const localized key_button{"Sleutel gebruiken", "Utiliser la clé", "Use the key"};
const localized not_a_key{
    "Wat u invulde is geen sleutel: kopieer hem in zijn geheel, zonder spaties ertussen, en plak hem opnieuw.",
    "Ce que vous avez saisi n'est pas une clé : copiez-la en entier, sans espaces, et collez-la à nouveau.",
    "What you entered is no key: copy the whole of it, without spaces within, and paste it again."};
const localized button{"Verder naar", "Continuer vers", "Go on to"};
const localized leads_to{"De knop leidt naar", "Le bouton mène à", "The button leads to"};
const localized steps{"Wat u vooraf nodig hebt", "Ce qu'il vous faut au préalable", "What you need beforehand"};
const localized last_time{"De vorige poging lukte niet", "La tentative précédente a échoué",
                          "The former try did not work"};

const std::string& in(const localized& text, language l) {
  return l == language::nl ? text.nl : l == language::fr ? text.fr : text.en;
}

/// A browser neither shows nor remembers what is typed into it.
std::string key_form(language l, bool beside_a_button) {
  std::string form;
  if (beside_a_button) form += "<p>" + in(or_by_key, l) + "</p>";
  return form + "<form method=\"post\"><p><label>" + in(key_label, l) +
         " <input type=\"password\" name=\"key\" autocomplete=\"off\" spellcheck=\"false\" required></label></p>"
         "<button type=\"submit\">" +
         in(key_button, l) + "</button></form>";
}

}  // namespace

std::string connect_html(const connect_page& p, language l) {
  const auto& m = *p.provider;
  const auto title = escaped(m.title);
  const bool has_link = m.auth.kind == core::auth_rules::grant::authorization_code || !m.auth.activation.url.empty();
  std::string body;
  if (!p.customer.empty()) body += "<p>" + in(customer_is, l) + ": <b>" + escaped(p.customer) + "</b></p>";
  if (p.last) {
    const auto display = core::display_of(*p.last);
    body += "<p class=\"bad\">" + in(last_time, l) + ". " + escaped(in(core::hint_of(*p.last, p.provider), l)) + "</p>";
    if (!display.empty()) body += "<p class=\"code\">Auth Status: " + escaped(display) + "</p>";
  }
  if (p.no_key) body += "<p class=\"bad\">" + in(not_a_key, l) + "</p>";
  body += "<p>" + in(has_link ? what_happens : by_key, l) + "</p>";
  if (has_link)
    body += "<form method=\"post\"><button type=\"submit\">" + in(button, l) + " " + title + "</button></form>";
  // The name is somebody's word: where the password is going to be asked for, the visitor reads here.
  if (has_link && !p.leads_to.empty() && p.leads_to != m.title)
    body += "<p class=\"code\">" + in(leads_to, l) + " " + escaped(p.leads_to) + ".</p>";
  if (m.auth.kind == core::auth_rules::grant::client_key) body += key_form(l, has_link);
  if (!m.guide.empty()) {
    body += std::string("<details") + (has_link ? "" : " open") + "><summary>" + in(steps, l) + "</summary><ol>";
    for (const auto& step : m.guide) body += "<li>" + escaped(in(step, l)) + "</li>";
    body += "</ol></details>";
  }
  return whole_page(l, {in(heading, l) + " " + title, body, !p.last && !p.no_key, ""});
}

}  // namespace koppel::auth
