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
    "Hier wordt toegang gegeven met een sleutel, niet met een knop. Maak de sleutel zoals hieronder staat en geef hem "
    "aan wie u deze link stuurde, in Pro+ of op een andere veilige weg, niet per mail.",
    "L'accès se donne ici par une clé, et non par un bouton. Créez la clé comme indiqué ci-dessous et donnez-la à la "
    "personne qui vous a envoyé ce lien, dans Pro+ ou par une autre voie sûre, pas par courriel.",
    "Access is given by a key here, not by a button. Make the key as it says below, and hand it to whoever sent you "
    "this "
    "link, in Pro+ or by another safe way, not by mail."};
const localized button{"Verder naar", "Continuer vers", "Go on to"};
const localized steps{"Wat u vooraf nodig hebt", "Ce qu'il vous faut au préalable", "What you need beforehand"};
const localized last_time{"De vorige poging lukte niet", "La tentative précédente a échoué",
                          "The former try did not work"};

const std::string& in(const localized& text, language l) {
  return l == language::nl ? text.nl : l == language::fr ? text.fr : text.en;
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
  body += "<p>" + in(has_link ? what_happens : by_key, l) + "</p>";
  if (has_link)
    body += "<form method=\"post\"><button type=\"submit\">" + in(button, l) + " " + title + "</button></form>";
  if (!m.guide.empty()) {
    body += std::string("<details") + (has_link ? "" : " open") + "><summary>" + in(steps, l) + "</summary><ol>";
    for (const auto& step : m.guide) body += "<li>" + escaped(in(step, l)) + "</li>";
    body += "</ol></details>";
  }
  return whole_page(l, {in(heading, l) + " " + title, body, !p.last, ""});
}

}  // namespace koppel::auth
