// SPDX-License-Identifier: Apache-2.0

#include "host/core/auth_texts.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <array>
#include <utility>

#include "host/core/code_age.hpp"
#include "host/core/oauth.hpp"

namespace koppel::core {
namespace json = boost::json;
namespace {

using r = auth_reason;
using s = auth_status;

// The words of "New code" are those of the customers' manual: log out of Pro+ first, press the button, save within
// minutes.
constexpr std::string_view new_code_nl =
    " Maak een nieuwe autorisatiecode: log eerst uit uit Pro+, open de link opnieuw, klik opnieuw op 'GEEF TOEGANG', "
    "neem de "
    "volledige waarde na 'code=' over en sla ze zo snel mogelijk op, binnen {life}.";
constexpr std::string_view new_code_fr =
    " Générez un nouveau code d'autorisation : déconnectez-vous d'abord de Pro+, rouvrez le lien, cliquez à nouveau "
    "sur "
    "« DONNER ACCÈS », prenez la valeur complète après « code= » et enregistrez-la le plus rapidement possible, dans "
    "les {life}.";
constexpr std::string_view new_code_en =
    " Make a new authorization code: log out of Pro+ first, open the link again, click 'Give access' again, take the "
    "whole "
    "value after 'code=' and save it as soon as possible, within {life}.";

constexpr std::string_view again_nl =
    " Open de link opnieuw, meld u aan bij {provider} met een beheerdersaccount en klik op 'GEEF TOEGANG'.";
constexpr std::string_view again_fr =
    " Rouvrez le lien, connectez-vous à {provider} avec un compte administrateur et cliquez sur « DONNER ACCÈS ».";
constexpr std::string_view again_en =
    " Open the link again, log in to {provider} with an administrator's account and click 'Give access'.";

// What follows the wait of a provider that was asked too often.
struct after_wait {
  std::string_view new_code, same_code;
};
constexpr after_wait after_nl{
    " Open pas daarna de link opnieuw en klik opnieuw op 'GEEF TOEGANG': de code van nu is dan verlopen, want een code "
    "van {provider} is slechts {life} geldig.",
    " Probeer het daarna opnieuw met dezelfde code, of maak een nieuwe."};
constexpr after_wait after_fr{
    " Ensuite seulement, rouvrez le lien et cliquez à nouveau sur « DONNER ACCÈS » : le code actuel aura expiré, car "
    "un code de {provider} n'est valable que pendant {life}.",
    " Ensuite, réessayez avec le même code, ou générez-en un nouveau."};
constexpr after_wait after_en{
    " Only then open the link again and click 'Give access' again: the code of now is over by then, for a code of "
    "{provider} is valid for {life} only.",
    " Then try again with the same code, or make a new one."};

// What is known of a code's age, and no more: {at_least} is how long we have had it, {at_most} how old its link is.
struct age_words {
  std::string_view at_least, at_most, both, not_expired;
};
constexpr age_words age_nl{
    " Deze code was minstens {at_least} oud.", " Deze code was hoogstens {at_most} oud.",
    " Deze code was {at_least} tot {at_most} oud.",
    " Deze code was hoogstens {at_most} oud en dus niet verlopen: ze werd al gebruikt of niet volledig overgenomen."};
constexpr age_words age_fr{
    " Ce code avait au moins {at_least}.", " Ce code avait au plus {at_most}.",
    " Ce code avait entre {at_least} et {at_most}.",
    " Ce code avait au plus {at_most}, il n'avait donc pas expiré : il a déjà été utilisé ou n'a pas été copié en "
    "entier."};
constexpr age_words age_en{
    " This code was at least {at_least} old.", " This code was at most {at_most} old.",
    " This code was between {at_least} and {at_most} old.",
    " This code was at most {at_most} old, so it had not expired: it was used before, or not copied whole."};

constexpr std::array<reason_row, 17> rows{{
    {r::code_expired, s::needs_reauth, "authorization code expired", "reauthorise", "customer",
     "De autorisatiecode is verlopen: een code van {provider} is slechts {life} geldig.{age}{new_code}",
     "Le code d'autorisation a expiré : un code de {provider} n'est valable que pendant {life}.{age}{new_code}",
     "The authorization code has expired: a code of {provider} is valid for {life} only.{age}{new_code}"},
    {r::code_refused, s::needs_reauth, "authorization code refused", "reauthorise", "customer",
     "{provider} heeft de autorisatiecode geweigerd: ze is verlopen (een code is slechts {life} geldig) of werd al "
     "eerder "
     "gebruikt (een code dient één keer).{age}{new_code}",
     "{provider} a refusé le code d'autorisation : il a expiré (un code n'est valable que pendant {life}) ou il a déjà "
     "été "
     "utilisé (un code ne sert qu'une fois).{age}{new_code}",
     "{provider} refused the authorization code: it has expired (a code is valid for {life} only) or was used before "
     "(a code "
     "serves once).{age}{new_code}"},
    {r::redirect_mismatch, s::misconfigured, "redirect address differs", "fix_settings", "customer",
     "Het redirect-adres komt niet overeen met dat van de integratie bij {provider}. Voeg het daar toe bij 'Toegestane "
     "redirect URI's', teken voor teken gelijk, of pas het hier aan.",
     "L'adresse de redirection ne correspond pas à celle de l'intégration chez {provider}. Ajoutez-la sous « URI de "
     "redirection autorisés », identique caractère par caractère, ou corrigez-la ici.",
     "The redirect address differs from that of the integration at {provider}. Add it there under 'Valid redirect "
     "URIs', "
     "the same to the letter, or correct it here."},
    {r::client_unknown, s::misconfigured, "client id unknown", "fix_settings", "customer",
     "{provider} kent deze Client ID niet. Kopieer de Client ID opnieuw onder 'OAuth2-inloggegevens' van de "
     "integratie.",
     "{provider} ne connaît pas cet ID Client. Copiez à nouveau l'ID Client sous « Identifiants OAuth2 » de "
     "l'intégration.",
     "{provider} does not know this client id. Copy it again from 'OAuth 2 credentials' of the integration."},
    {r::secret_wrong, s::misconfigured, "client secret wrong", "fix_settings", "customer",
     "{provider} weigert de Client Secret. Kopieer ze opnieuw onder 'OAuth2-inloggegevens' van de integratie (knop "
     "'TOON').",
     "{provider} refuse le Secret client. Copiez-le à nouveau sous « Identifiants OAuth2 » de l'intégration (bouton « "
     "MONTRER »).",
     "{provider} refuses the client secret. Copy it again from 'OAuth 2 credentials' of the integration (button "
     "'Show')."},
    {r::scope_missing, s::authorized, "", "reauthorise", "customer",
     "De verbinding werkt, maar een deel van de gegevens is niet toegankelijk. Selecteer {boxes} bij de "
     "OAuth-scopes van de integratie bij {provider}, geef daarna opnieuw toegang en laat daarbij alles aangevinkt.",
     "La connexion fonctionne, mais une partie des données n'est pas accessible. Sélectionnez {boxes} dans les "
     "étendues OAuth de l'intégration chez {provider}, puis donnez à nouveau accès en laissant tout coché.",
     "The connection works, but part of the data may not be read. Select {boxes} under the OAuth scopes of the "
     "integration at {provider}, then give access again and leave every box ticked."},
    {r::wrong_data_centre, s::misconfigured, "wrong data centre", "fix_settings", "customer",
     "Dit account staat in een ander datacentrum of een andere omgeving van {provider} dan deze verbinding. Plak het "
     "volledige adres waarop u uitkomt (het noemt het datacentrum), of kies het juiste in de instellingen van de "
     "integratie en van deze verbinding.",
     "Ce compte se trouve dans un autre centre de données ou un autre environnement de {provider} que cette connexion. "
     "Collez l'adresse entière à laquelle vous arrivez (elle nomme le centre), ou choisissez le bon dans les "
     "paramètres "
     "de l'intégration et de cette connexion.",
     "This account lives in another data centre or environment of {provider} than this connection. Paste the whole "
     "address that you arrive at (it names the data centre), or choose the right one in the settings of the "
     "integration "
     "and of this connection."},
    {r::access_denied, s::needs_reauth, "access denied", "reauthorise", "customer",
     "De toegang werd niet gegeven.{again}", "L'accès n'a pas été accordé.{again}", "Access was not given.{again}"},
    {r::revoked, s::needs_reauth, "access revoked", "reauthorise", "customer",
     "{provider} aanvaardt de verleende toegang niet meer: ze werd ingetrokken of de integratie werd "
     "verwijderd.{again}",
     "{provider} n'accepte plus l'accès accordé : il a été révoqué ou l'intégration a été supprimée.{again}",
     "{provider} no longer accepts the access that was given: it was revoked, or the integration was removed.{again}"},
    {r::refresh_outcome_unknown, s::needs_reauth, "renewal interrupted", "reauthorise", "customer",
     "De vernieuwing van de toegang werd onderbroken en {provider} aanvaardt de vorige niet meer.{again}",
     "Le renouvellement de l'accès a été interrompu et {provider} n'accepte plus le précédent.{again}",
     "The renewal of the access was interrupted, and {provider} no longer accepts the former one.{again}"},
    {r::account_mismatch, std::nullopt, "other account", "reauthorise", "operator",
     "De toegang werd gegeven voor een ander account dan dat van deze verbinding. Meld u bij {provider} aan met het "
     "juiste "
     "account en geef opnieuw toegang.",
     "L'accès a été donné pour un autre compte que celui de cette connexion. Connectez-vous à {provider} avec le bon "
     "compte "
     "et donnez à nouveau accès.",
     "Access was given for another account than this connection's. Log in to {provider} with the right account and "
     "give "
     "access again."},
    {r::account_in_use, std::nullopt, "account already connected", "reauthorise", "operator",
     "Dit account is al verbonden door een andere verbinding. Gebruik die, of meld u bij {provider} aan met een ander "
     "account.",
     "Ce compte est déjà connecté par une autre connexion. Utilisez celle-ci, ou connectez-vous à {provider} avec un "
     "autre "
     "compte.",
     "This account is already connected by another connection. Use that one, or log in to {provider} with another "
     "account."},
    {r::customer_key_invalid, s::needs_reauth, "key invalid", "reauthorise", "customer",
     "{provider} weigert de sleutel. Maak een nieuwe sleutel en vul ze hier in.",
     "{provider} refuse la clé. Créez une nouvelle clé et saisissez-la ici.",
     "{provider} refuses the key. Make a new key and enter it here."},
    {r::partner_key_invalid, s::misconfigured, "partner key invalid", "fix_settings", "operator",
     "{provider} weigert de partnersleutel. De beheerder van Koppel moet ze vervangen.",
     "{provider} refuse la clé du partenaire. L'opérateur de Koppel doit la remplacer.",
     "{provider} refuses the partner key. The operator of Koppel has to replace it."},
    {r::throttled, s::needs_reauth, "too many requests", "wait", "customer",
     "{provider} kreeg op korte tijd te veel aanvragen en geeft nu even geen toegang. Met het account en de "
     "instellingen is niets mis. Wacht {wait}.{then}",
     "{provider} a reçu trop de demandes en peu de temps et ne donne pas accès pour l'instant. Le compte et les "
     "paramètres sont en ordre. Attendez {wait}.{then}",
     "{provider} was asked too often in a short time, and gives no access for now. Nothing is wrong with the account "
     "or the settings. Wait {wait}.{then}"},
    {r::by_operator, std::nullopt, "", "none", "none", "De beheerder heeft deze verbinding uitgezet of verwijderd.",
     "L'opérateur a désactivé ou supprimé cette connexion.", "The operator turned this connection off or removed it."},
    {r::unclear, s::needs_reauth, "reason unclear", "reauthorise", "customer",
     "{provider} gaf geen toegang en de reden is onduidelijk.{again} Lukt het weer niet, verwittig dan de beheerder.",
     "{provider} n'a pas donné accès et la raison n'est pas claire.{again} Si cela échoue encore, prévenez "
     "l'opérateur.",
     "{provider} gave no access and the reason is unclear.{again} Should it fail once more, tell the operator."},
}};

/// Of some refusals the error says more than the reason, and something else is to be done first.
struct mending_row {
  std::string_view nl, fr, en;
};
constexpr mending_row without_refresh_token{
    "De toegang die {provider} gaf, is niet blijvend: er kwam geen refresh token bij, dus werd ze niet bewaard. Laat "
    "de beheerder de link om blijvende toegang doen vragen (bij Google met access_type=offline&prompt=consent, elders "
    "vaak met de scope offline_access) en geef daarna opnieuw toegang.",
    "L'accès donné par {provider} n'est pas durable : il est venu sans jeton d'actualisation et n'a donc pas été "
    "conservé. L'opérateur doit faire demander un accès durable par le lien (chez Google avec "
    "access_type=offline&prompt=consent, ailleurs souvent avec le scope offline_access) ; donnez ensuite à nouveau "
    "accès.",
    "The access that {provider} gave does not last: it came without a refresh token, so it was not kept. The operator "
    "has to have the link ask for lasting access (with access_type=offline&prompt=consent at Google, often with the "
    "scope offline_access elsewhere); then give access again."};
constexpr mending_row scopes_refused{
    "{provider} weigert de scopes waar de link om vraagt: minstens één is er onbekend of is de integratie niet "
    "toegestaan. De beheerder moet ze verbeteren, in de instellingen van deze verbinding of van de integratie; geef "
    "daarna opnieuw toegang.",
    "{provider} refuse les scopes demandés par le lien : au moins l'un d'eux y est inconnu ou n'est pas permis à "
    "l'intégration. L'opérateur doit les corriger, dans les paramètres de cette connexion ou de l'intégration ; donnez "
    "ensuite à nouveau accès.",
    "{provider} refuses the scopes that the link asks for: at least one is unknown there, or not allowed to the "
    "integration. The operator has to mend them, in the settings of this connection or of the integration; then give "
    "access again."};

const mending_row* mending_of(const auth_state& state) {
  if (state.reason != r::access_denied) return nullptr;
  if (state.provider_error == no_refresh_token) return &without_refresh_token;
  return is_about_scopes(state.provider_error) ? &scopes_refused : nullptr;
}

/// What a status says by itself, without a reason.
struct status_row {
  auth_status status;
  std::string_view action, action_by, nl, fr, en;
};

constexpr std::array<status_row, 8> by_status{{
    {s::unconfigured, "wait", "operator", "Deze verbinding is nog niet gestart: de beheerder moet een link maken.",
     "Cette connexion n'a pas encore commencé : l'opérateur doit créer un lien.",
     "This connection was not started yet: the operator has to make a link."},
    {s::waiting, "wait", "customer",
     "Open de link, meld u aan bij {provider} met een beheerdersaccount en klik op 'GEEF TOEGANG'. Een code die u moet "
     "kopiëren, is slechts {life} geldig.",
     "Ouvrez le lien, connectez-vous à {provider} avec un compte administrateur et cliquez sur « DONNER ACCÈS ». Un "
     "code à "
     "copier n'est valable que pendant {life}.",
     "Open the link, log in to {provider} with an administrator's account and click 'Give access'. A code that has to "
     "be "
     "copied is valid for {life} only."},
    {s::awaiting_confirmation, "wait", "operator",
     "Er werd toegang gegeven tot het account hieronder. De beheerder moet bevestigen dat dit het juiste is.",
     "L'accès au compte ci-dessous a été donné. L'opérateur doit confirmer que c'est le bon.",
     "Access to the account below was given. The operator has to confirm that it is the right one."},
    {s::authorized, "none", "none", "Er is niets te doen.", "Il n'y a rien à faire.", "There is nothing to do."},
    {s::needs_reauth, "reauthorise", "customer", "Geef opnieuw toegang.{again}", "Donnez à nouveau accès.{again}",
     "Give access again.{again}"},
    {s::misconfigured, "fix_settings", "operator", "Controleer de instellingen van deze verbinding.",
     "Vérifiez les paramètres de cette connexion.", "Check the settings of this connection."},
    {s::disabled, "none", "none", "De beheerder heeft deze verbinding uitgezet.",
     "L'opérateur a désactivé cette connexion.", "The operator turned this connection off."},
    {s::removed, "none", "none", "Deze verbinding is verwijderd.", "Cette connexion a été supprimée.",
     "This connection was removed."},
}};

struct words {
  std::string_view provider, a_while, minutes, seconds, new_code, again;
  const age_words& age;
  const after_wait& then;
  std::string_view open, close, and_,
      missing_boxes;  ///< how scopes are quoted and listed, and what stands for unknown ones
  std::string localized::*language;
};
constexpr words nl_words{"de provider", "enkele minuten", "minuten", "seconden", new_code_nl, again_nl,
                         age_nl,        after_nl,         "'",       "'",        " en ",      "de ontbrekende opties",
                         &localized::nl};
constexpr words fr_words{
    "le fournisseur", "quelques minutes", "minutes", "secondes", new_code_fr, again_fr,
    age_fr,           after_fr,           "« ",      " »",       " et ",      "les options manquantes",
    &localized::fr};
constexpr words en_words{"the provider", "a few minutes", "minutes", "seconds", new_code_en, again_en,
                         age_en,         after_en,        "'",       "'",       " and ",     "the missing options",
                         &localized::en};

void fill_in(std::string& text, std::string_view placeholder, std::string_view value) {
  for (auto at = text.find(placeholder); at != std::string::npos; at = text.find(placeholder, at + value.size()))
    text.replace(at, placeholder.size(), value);
}

std::string life_of_code(const words& w, const manifest* m) {
  if (!m) return std::string(w.a_while);
  const auto life = m->auth.code_lifetime;
  if (life < std::chrono::minutes{2}) return std::to_string(life.count()) + " " + std::string(w.seconds);
  return std::to_string(std::chrono::floor<std::chrono::minutes>(life).count()) + " " + std::string(w.minutes);
}

/// Never shorter than it is.
std::string wait_of(const auth_state& state, const words& w) {
  if (!state.throttled) return std::string(w.a_while);
  const auto wait = state.throttled->wait;
  if (wait < std::chrono::minutes{2}) return std::to_string(wait.count()) + " " + std::string(w.seconds);
  return std::to_string(std::chrono::ceil<std::chrono::minutes>(wait).count()) + " " + std::string(w.minutes);
}

/// What the provider's pages call a scope: the label of the first stream that has one for it, else its own name.
std::string_view name_of(const std::string& scope, const words& w, const manifest* m) {
  if (m)
    for (const auto& stream : m->streams)
      if (stream.scope == scope && !(stream.scope_label.*w.language).empty()) return stream.scope_label.*w.language;
  return scope;
}

/// "'Contacten' en 'Departementen'": the boxes to tick.
std::string boxes(const std::vector<std::string>& scopes, const words& w, const manifest* m) {
  if (scopes.empty()) return std::string(w.missing_boxes);
  std::string out;
  for (std::size_t i = 0; i < scopes.size(); ++i) {
    if (i > 0) out += i + 1 == scopes.size() ? w.and_ : ", ";
    out.append(w.open).append(name_of(scopes[i], w, m)).append(w.close);
  }
  return out;
}

std::string age_sentence(const auth_state& state, const words& w, const manifest* m) {
  if (!state.code) return {};
  const auto& age = *state.code;
  const bool had_it = age.at_least > std::chrono::seconds{0};
  const bool young = state.reason == r::code_refused && age.at_most && m && *age.at_most < m->auth.code_lifetime;
  if (!had_it && !age.at_most) return {};
  std::string text(young                   ? w.age.not_expired
                   : had_it && age.at_most ? w.age.both
                   : had_it                ? w.age.at_least
                                           : w.age.at_most);
  fill_in(text, "{at_least}", shown_age(age.at_least));
  if (age.at_most) fill_in(text, "{at_most}", shown_age(*age.at_most));
  return text;
}

std::string filled(std::string_view text, const auth_state& state, const words& w, const manifest* m) {
  std::string out(text);
  fill_in(out, "{age}", age_sentence(state, w, m));
  fill_in(out, "{wait}", wait_of(state, w));
  fill_in(out, "{then}", state.throttled && state.throttled->same_code ? w.then.same_code : w.then.new_code);
  fill_in(out, "{new_code}", w.new_code);
  fill_in(out, "{again}", w.again);
  fill_in(out, "{life}", life_of_code(w, m));
  fill_in(out, "{boxes}", boxes(state.scopes_missing, w, m));
  // A name stays as it is written: "accounts.example.com", "monday.com".
  const bool nameless = !m || m->title.empty();
  fill_in(out, "{provider}", nameless ? w.provider : std::string_view(m->title));
  if (nameless && !out.empty() && out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 'a' + 'A');
  return out;
}

const status_row& row_of(auth_status status) {
  return *std::find_if(by_status.begin(), by_status.end(), [&](const status_row& row) { return row.status == status; });
}

json::array names(const std::vector<std::string>& values) { return json::array(values.begin(), values.end()); }

}  // namespace

std::span<const reason_row> reason_table() { return rows; }

const reason_row* find_row(auth_reason reason) {
  const auto* row = std::find_if(rows.begin(), rows.end(), [&](const reason_row& one) { return one.reason == reason; });
  return row == rows.end() ? nullptr : row;
}

std::string display_of(const auth_state& state) {
  switch (state.status) {
    case s::unconfigured:
    case s::waiting:
    case s::awaiting_confirmation:
    case s::disabled:
    case s::removed:
      return "";
    case s::authorized:
    case s::needs_reauth:
    case s::misconfigured:
      break;
  }
  const auto* row = find_row(state.reason);
  if (state.status == s::authorized && (!row || row->display.empty())) return "Success";
  if (state.http_status && *state.http_status >= 400)
    return "Failed, Status code: " + http_status_name(*state.http_status);
  return "Failed, " + std::string(row && !row->display.empty() ? row->display : "reason unclear");
}

bool is_to_be_mended_first(const auth_state& state) { return mending_of(state) != nullptr; }

localized hint_of(const auth_state& state, const manifest* m) {
  const auto texts = [&](const auto& row) {
    return localized{filled(row.nl, state, nl_words, m), filled(row.fr, state, fr_words, m),
                     filled(row.en, state, en_words, m)};
  };
  if (const auto* first = mending_of(state)) return texts(*first);
  // Of an operator's act the status says which one it was.
  const auto* row = state.reason == r::by_operator ? nullptr : find_row(state.reason);
  return row ? texts(*row) : texts(row_of(state.status));
}

json::object status_data(const auth_state& state, const manifest* m) {
  const auto* row = find_row(state.reason);
  const auto& plain = row_of(state.status);
  const auto hint = hint_of(state, m);
  json::object data;
  data["status"] = to_string(state.status);
  data["display"] = display_of(state);
  data["since"] = to_rfc3339(state.since);
  data["generation"] = state.generation;
  data["reason"] = row ? json::value(to_string(state.reason)) : json::value(nullptr);
  data["http_status"] = state.http_status ? json::value(*state.http_status) : json::value(nullptr);
  data["provider_error"] = state.provider_error.empty() ? json::value(nullptr) : json::value(state.provider_error);
  data["action"] = row ? row->action : plain.action;
  data["action_by"] = row ? row->action_by : plain.action_by;
  data["hint"] = json::object{{"nl", hint.nl}, {"fr", hint.fr}, {"en", hint.en}};
  data["account"] =
      state.who ? json::value(json::object{
                      {"id", state.who->id}, {"name", state.who->name}, {"environment", state.who->environment}})
                : json::value(nullptr);
  data["api_version"] = nullptr;
  data["data_centre"] = nullptr;
  data["scopes_missing"] = names(state.scopes_missing);
  data["streams_affected"] = names(state.streams_affected);
  data["reauthorise_before"] = nullptr;
  return data;
}

}  // namespace koppel::core
