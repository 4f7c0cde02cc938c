// SPDX-License-Identifier: Apache-2.0
// What koppelctl says of an outcome in one line, by language; what to do comes from the daemon (host/core/auth_texts).

#include "tools/koppelctl/outcome.hpp"

#include <array>

#include "tools/koppelctl/json_read.hpp"
#include "tools/koppelctl/text.hpp"

namespace koppel::koppelctl {
namespace {

struct wording {
  std::string_view word, nl, fr, en;

  std::string_view in(language l) const { return l == language::nl ? nl : l == language::fr ? fr : en; }
};

constexpr std::array reasons{
    wording{"code_expired", "De code is vervallen.", "Le code a expiré.", "The code has expired."},
    wording{"code_refused", "De provider weigert de code: vervallen of al gebruikt.",
            "Le fournisseur refuse le code : expiré ou déjà utilisé.",
            "The provider refuses the code: expired, or used before."},
    wording{"redirect_mismatch", "Het omleidingsadres is niet dat van de app bij de provider.",
            "L'adresse de redirection n'est pas celle de l'application chez le fournisseur.",
            "The redirect address is not the one that the app has at the provider."},
    wording{"client_unknown", "De provider kent de client id niet.", "Le fournisseur ne connaît pas le client id.",
            "The provider does not know the client id."},
    wording{"secret_wrong", "Het client secret is verkeerd.", "Le client secret est incorrect.",
            "The client secret is wrong."},
    wording{"scope_missing", "Er ontbreken toegangsrechten.", "Des droits d'accès manquent.",
            "Access rights are missing."},
    wording{"wrong_data_centre", "Het account staat in een ander datacenter.",
            "Le compte se trouve dans un autre centre de données.", "The account lives in another data centre."},
    wording{"access_denied", "De toegang is geweigerd in het scherm van de provider.",
            "L'accès a été refusé dans l'écran du fournisseur.", "Access was denied on the provider's page."},
    wording{"revoked", "De toegang is ingetrokken bij de provider.", "L'accès a été révoqué chez le fournisseur.",
            "Access was revoked at the provider."},
    wording{"refresh_outcome_unknown", "Het vernieuwen van de toegang is afgebroken.",
            "Le renouvellement de l'accès a été interrompu.", "Renewing the access was interrupted."},
    wording{"account_mismatch", "Dit is een ander account dan het verbonden account.",
            "Ce compte n'est pas celui qui était connecté.", "This is another account than the connected one."},
    wording{"account_in_use", "Dit account is al verbonden onder een andere naam.",
            "Ce compte est déjà connecté sous un autre nom.", "This account is connected already, under another name."},
    wording{"customer_key_invalid", "De sleutel van de klant is ongeldig.", "La clé du client n'est pas valide.",
            "The customer's key is not valid."},
    wording{"partner_key_invalid", "De sleutel van de partner is ongeldig.", "La clé du partenaire n'est pas valide.",
            "The partner's key is not valid."},
    wording{"throttled", "De provider kreeg te veel aanvragen na elkaar en geeft even geen toegang.",
            "Le fournisseur a reçu trop de demandes à la suite et ne donne pas accès pour l'instant.",
            "The provider was asked too often, and gives no access for now."},
    wording{"by_operator", "De beheerder heeft dit zo ingesteld.", "L'opérateur en a décidé ainsi.",
            "The operator decided so."},
    wording{"unclear", "De provider weigert zonder duidelijke reden.", "Le fournisseur refuse sans raison claire.",
            "The provider refuses without a clear reason."},
};

constexpr std::array people{
    wording{"customer", "De klant", "Le client", "The customer"},
    wording{"operator", "De beheerder", "L'opérateur", "The operator"},
    wording{"provider", "De provider", "Le fournisseur", "The provider"},
};

constexpr std::array actions{
    wording{"wait", " moet even afwachten.", " doit patienter.", " has to wait."},
    wording{"reauthorise", " moet opnieuw toegang geven.", " doit à nouveau donner accès.",
            " has to give access again."},
    wording{"fix_settings", " moet de instellingen verbeteren.", " doit corriger les paramètres.",
            " has to correct the settings."},
    wording{"contact_provider", " moet de provider contacteren.", " doit contacter le fournisseur.",
            " has to contact the provider."},
};

template <std::size_t N>
std::string find(const std::array<wording, N>& table, std::string_view word, language in) {
  for (const auto& row : table)
    if (row.word == word) return std::string(row.in(in));
  return {};
}

}  // namespace

std::string reason_sentence(std::string_view reason, language in) {
  auto sentence = find(reasons, reason, in);
  return sentence.empty() ? printable(reason) : sentence;
}

std::string turn_sentence(std::string_view action, std::string_view by, language in) {
  const auto what = find(actions, action, in);
  const auto who = find(people, by, in);
  return what.empty() || who.empty() ? "" : who + what;
}

std::string failure_text(const boost::json::object& auth, language in) {
  std::string text;
  const auto line = [&](const std::string& sentence) {
    if (!sentence.empty()) text += sentence + "\n";
  };
  const auto display = printable(text_of(auth, "display"));
  line(display.empty() ? printable(text_of(auth, "status")) : display);
  line(reason_sentence(text_of(auth, "reason"), in));
  line(turn_sentence(text_of(auth, "action"), text_of(auth, "action_by"), in));
  const auto* tag = in == language::nl ? "nl" : in == language::fr ? "fr" : "en";
  line(printable(text_of(object_of(auth, "hint"), tag)));
  return text;
}

std::string sentence_of_next_link(language in) {
  static constexpr wording next{
      "", "Een nieuwe link voor de volgende poging, een uur geldig:",
      "Un nouveau lien pour le prochain essai, valable une heure :", "A new link for the next try, good for an hour:"};
  return std::string(next.in(in));
}

std::string account_text(const boost::json::object& account) {
  const auto id = printable(text_of(account, "id"));
  if (id.empty()) return {};
  const auto name = printable(text_of(account, "name"));
  const auto environment = printable(text_of(account, "environment"));
  return (name.empty() ? "" : "«" + name + "» ") + "(id " + id + (environment.empty() ? "" : ", " + environment) + ")";
}

}  // namespace koppel::koppelctl
