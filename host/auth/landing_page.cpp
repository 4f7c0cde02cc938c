// SPDX-License-Identifier: Apache-2.0

#include "host/auth/landing_page.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "host/core/auth_texts.hpp"

namespace koppel::auth {
namespace {

using core::auth_status;
using core::localized;

const std::string& in(const localized& text, language l) {
  return l == language::nl ? text.nl : l == language::fr ? text.fr : text.en;
}

/// Already escaped where it has to be.
struct content {
  std::string heading, text;
  bool good = false;
};

content of_outcome(language l, const core::auth_state& s, const core::manifest* m) {
  const std::string who = s.who ? s.who->name.empty() ? s.who->id : s.who->name : "";
  const std::string provider = m ? m->title : "";
  if (s.status == auth_status::authorized && core::display_of(s) == "Success") {
    static const localized heading{"Verbonden", "Connecté", "Connected"};
    static const localized text{"is verbonden. U kunt dit venster sluiten.",
                                "est connecté. Vous pouvez fermer cette fenêtre.",
                                "is connected. You may close this window."};
    std::string more;
    if (s.reason != core::auth_reason::none) more = "</p><p>" + escaped(in(core::hint_of(s, m), l));
    return {in(heading, l), "<b>" + escaped(who) + "</b> (" + escaped(provider) + ") " + in(text, l) + more, true};
  }
  if (s.status == auth_status::awaiting_confirmation) {
    static const localized heading{"Bijna klaar", "Presque terminé", "Nearly done"};
    static const localized text{
        "wordt verbonden zodra de beheerder het account bevestigt. U kunt dit venster sluiten.",
        "sera connecté dès que l'opérateur aura confirmé le compte. Vous pouvez fermer cette fenêtre.",
        "will be connected once the operator has confirmed the account. You may close this window."};
    return {in(heading, l), "<b>" + escaped(who) + "</b> (" + escaped(provider) + ") " + in(text, l), true};
  }
  static const localized heading{"Niet verbonden", "Non connecté", "Not connected"};
  const auto display = core::display_of(s);
  return {in(heading, l), escaped(in(core::hint_of(s, m), l)) +
                              (display.empty() ? "" : "</p><p class=\"code\">Auth Status: " + escaped(display))};
}

/// The text with the provider's name, escaped, in place of {provider}.
std::string naming_provider(const localized& text, language l, const core::manifest* m) {
  static const localized nameless{"De provider", "Le fournisseur", "The provider"};
  static const localized nameless_inside{"de provider", "le fournisseur", "the provider"};
  constexpr std::string_view place = "{provider}";
  auto out = in(text, l);
  const auto at = out.find(place);
  const bool named = m && !m->title.empty();
  out.replace(at, place.size(), named ? escaped(m->title) : in(at == 0 ? nameless : nameless_inside, l));
  return out;
}

content of_kind(page_kind kind, language l, const core::auth_state& state, const core::manifest* m) {
  static const localized nothing_done{"Niet verbonden", "Non connecté", "Not connected"};
  static const localized stale{"Deze link werd al gebruikt of is te oud. Vraag een nieuwe link aan de beheerder.",
                               "Ce lien a déjà été utilisé ou est trop ancien. Demandez un nouveau lien à l'opérateur.",
                               "This link was used before or is too old. Ask the operator for a new one."};
  static const localized no_code{
      "Dit adres bevat geen bruikbaar antwoord. Open de link die u kreeg opnieuw en geef toegang.",
      "Cette adresse ne contient pas de réponse utilisable. Rouvrez le lien que vous avez reçu et donnez accès.",
      "This address holds no usable answer. Open the link that you were given again and give access."};
  static const localized denied{
      "De toegang werd niet gegeven. Open de link die u kreeg opnieuw en klik op 'GEEF TOEGANG'.",
      "L'accès n'a pas été accordé. Rouvrez le lien que vous avez reçu et cliquez sur « DONNER ACCÈS ».",
      "Access was not given. Open the link that you were given again and click 'Give access'."};
  static const localized unreachable{
      "{provider} is op dit ogenblik niet bereikbaar. Uw toestemming is nog niet gebruikt: laad deze pagina zo meteen "
      "opnieuw.",
      "{provider} est injoignable pour le moment. Votre accord n'a pas encore été utilisé : rechargez cette page dans "
      "un instant.",
      "{provider} cannot be reached right now. Your consent was not used yet: reload this page in a moment."};
  static const localized trouble{"Er ging aan onze kant iets mis. Verwittig de beheerder.",
                                 "Un problème est survenu de notre côté. Prévenez l'opérateur.",
                                 "Something went wrong on our side. Tell the operator."};
  static const localized foreign{
      "Deze knop werd door een andere website ingedrukt. Open zelf de link die u kreeg, en klik daar.",
      "Ce bouton a été actionné par un autre site. Ouvrez vous-même le lien que vous avez reçu, et cliquez-y.",
      "The page of another site pressed this button. Open the link that you were given yourself, and press it there."};
  static const localized one_moment{"Even geduld", "Un instant", "One moment"};
  static const localized waiting{
      "We wachten op de sleutel van de provider. Deze pagina gaat vanzelf verder: laat dit venster open.",
      "Nous attendons la clé du fournisseur. Cette page continue d'elle-même : laissez cette fenêtre ouverte.",
      "We are waiting for the provider's key. This page goes on by itself: leave this window open."};
  static const localized nothing_arrived{
      "Er is niets aangekomen. Open de activatielink die u kreeg opnieuw en klik nog eens op 'Koppeling instellen'. "
      "Helpt dat niet, verwittig dan de beheerder.",
      "Rien n'est arrivé. Rouvrez le lien d'activation que vous avez reçu et cliquez à nouveau sur « Koppeling "
      "instellen ». Si cela n'aide pas, prévenez l'opérateur.",
      "Nothing arrived. Open the activation link that you were given again, and click 'Koppeling instellen' once more. "
      "If that does not help, tell the operator."};
  static const localized arrived{
      "De sleutel is aangekomen, maar de provider kan nu niet zeggen van wie hij is. We blijven het proberen: u hoeft "
      "niets te doen en kunt dit venster sluiten.",
      "La clé est arrivée, mais le fournisseur ne peut pas encore dire à qui elle appartient. Nous continuons "
      "d'essayer : vous n'avez rien à faire et pouvez fermer cette fenêtre.",
      "The key has arrived, but the provider cannot say yet whose it is. We go on trying: there is nothing for you to "
      "do, and you may close this window."};
  static const localized given{
      "Uw toegang is aangekomen, maar {provider} kan nu niet zeggen bij welk account ze hoort. We blijven het "
      "proberen: u hoeft niets te doen en kunt dit venster sluiten.",
      "Votre accès est arrivé, mais {provider} ne peut pas encore dire à quel compte il appartient. Nous continuons "
      "d'essayer : vous n'avez rien à faire et pouvez fermer cette fenêtre.",
      "Your access has arrived, but {provider} cannot say yet which account it belongs to. We go on trying: there is "
      "nothing for you to do, and you may close this window."};
  switch (kind) {
    case page_kind::outcome:
      return of_outcome(l, state, m);
    case page_kind::stale_link:
      return {in(nothing_done, l), in(stale, l)};
    case page_kind::no_code:
      return {in(nothing_done, l), in(no_code, l)};
    case page_kind::denied:
      return {in(nothing_done, l), in(denied, l)};
    case page_kind::unreachable:
      return {in(nothing_done, l), naming_provider(unreachable, l, m)};
    case page_kind::waiting:
      return {in(one_moment, l), in(waiting, l)};
    case page_kind::nothing_arrived:
      return {in(nothing_done, l), in(nothing_arrived, l)};
    case page_kind::arrived:
      return {in(one_moment, l), in(arrived, l)};
    case page_kind::given:
      return {in(one_moment, l), naming_provider(given, l, m)};
    case page_kind::foreign_click:
      return {in(nothing_done, l), in(foreign, l)};
    case page_kind::own_trouble:
      break;
  }
  return {in(nothing_done, l), in(trouble, l)};
}

constexpr std::string_view style =
    "body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f4f5f7;color:#1d2129}"
    "main{max-width:34rem;margin:12vh auto;padding:2rem;background:#fff;border-top:4px solid #b3261e;border-radius:4px}"
    "main.good{border-color:#1b7f3b}h1{font-size:1.4rem;margin:0 0 1rem}.code{color:#5b6270;font-size:.9rem}"
    ".bad{color:#b3261e}button{font:inherit;padding:.6rem 1.2rem;border:0;border-radius:4px;background:#1d4ed8;"
    "color:#fff}input{font:inherit;padding:.5rem;width:100%;box-sizing:border-box}details{margin-top:1.5rem}";

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        if (static_cast<unsigned char>(c) >= 0x20) out += c;
    }
  }
  return out;
}

language language_of(std::string_view accept) {
  language best = language::en;
  double best_weight = 0;
  while (!accept.empty()) {
    auto part = accept.substr(0, accept.find(','));
    accept.remove_prefix(std::min(accept.size(), part.size() + 1));
    while (part.starts_with(' ')) part.remove_prefix(1);
    double weight = 1;
    if (const auto q = part.find(";q="); q != std::string_view::npos)
      if (std::from_chars(part.data() + q + 3, part.data() + part.size(), weight).ec != std::errc{}) continue;
    std::string tag(part.substr(0, part.find_first_of("-;")));
    std::transform(tag.begin(), tag.end(), tag.begin(), [](unsigned char c) { return static_cast<char>(c | 0x20); });
    constexpr std::array<std::pair<std::string_view, language>, 3> ours{
        {{"nl", language::nl}, {"fr", language::fr}, {"en", language::en}}};
    for (const auto& [name, l] : ours)
      if (tag == name && weight > best_weight) best = l, best_weight = weight;
  }
  return best;
}

std::string whole_page(language l, const page_content& c) {
  const std::string_view code = l == language::nl ? "nl" : l == language::fr ? "fr" : "en";
  std::string page = "<!doctype html><html lang=\"" + std::string(code) + "\"><head><meta charset=\"utf-8\">";
  page += "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">" + c.head;
  page += "<title>Koppel: " + c.heading + "</title><style>" + std::string(style) + "</style></head><body>";
  page += std::string("<main") + (c.good ? " class=\"good\"" : "") + "><h1>" + c.heading + "</h1>";
  page += c.body + "</main></body></html>\n";
  return page;
}

std::string landing_html(page_kind kind, language l, const core::auth_state& state, const core::manifest* m,
                         const next_look& next, const std::string& again) {
  static const localized try_again{"Opnieuw proberen", "Réessayer", "Try again"};
  const auto shown = of_kind(kind, l, state, m);
  std::string head = "<meta name=\"referrer\" content=\"no-referrer\">";
  if (next.after_s > 0)
    head +=
        "<meta http-equiv=\"refresh\" content=\"" + std::to_string(next.after_s) + ";url=" + escaped(next.url) + "\">";
  std::string body = "<p>" + shown.text + "</p>";
  if (!again.empty() && !shown.good) body += "<p><a href=\"" + escaped(again) + "\">" + in(try_again, l) + "</a></p>";
  return whole_page(l, {shown.heading, body, shown.good, head});
}

}  // namespace koppel::auth
