// SPDX-License-Identifier: Apache-2.0
// Plain lists; names with accents, apostrophes and particles are in them on purpose.
#include "vocabulary.hpp"

#include <array>
#include <utility>

namespace koppel::provider_sim {
namespace {

using words = std::string_view;

constexpr place flemish_places[] = {
    {"9000", "Gent"},     {"2000", "Antwerpen"}, {"8500", "Kortrijk"},  {"3000", "Leuven"},       {"8000", "Brugge"},
    {"9300", "Aalst"},    {"2800", "Mechelen"},  {"3500", "Hasselt"},   {"9100", "Sint-Niklaas"}, {"8800", "Roeselare"},
    {"2300", "Turnhout"}, {"1700", "Dilbeek"},   {"9700", "Oudenaarde"}};
constexpr place dutch_places[] = {{"4811 AB", "Breda"},      {"5611 EM", "Eindhoven"},        {"3511 LX", "Utrecht"},
                                  {"1012 JS", "Amsterdam"},  {"5211 JW", "'s-Hertogenbosch"}, {"6211 CE", "Maastricht"},
                                  {"4331 GT", "Middelburg"}, {"9712 CP", "Groningen"},        {"3011 GA", "Rotterdam"}};
constexpr place walloon_places[] = {{"4000", "Liège"},     {"5000", "Namur"}, {"7000", "Mons"},
                                    {"6000", "Charleroi"}, {"1300", "Wavre"}, {"7500", "Tournai"},
                                    {"4800", "Verviers"},  {"6700", "Arlon"}, {"1050", "Ixelles"}};

constexpr words flemish_streets[] = {"Dok Noord",          "Kerkstraat", "Stationsstraat", "Nieuwe Steenweg",
                                     "Kortrijksesteenweg", "Veldstraat", "Industrielaan",  "Molenstraat",
                                     "Sint-Jansplein",     "Ringlaan",   "Schoolstraat",   "Grote Markt",
                                     "Heirbaan",           "Oude Vest"};
constexpr words dutch_streets[] = {"Keizersgracht", "Dorpsstraat", "Julianalaan",    "Marktplein", "Van Goghstraat",
                                   "Oude Haven",    "Handelsweg",  "Wilhelminapark", "'t Zand"};
constexpr words walloon_streets[] = {
    "Rue de la Station", "Avenue Reine Élisabeth", "Chaussée de Bruxelles", "Place du Marché",
    "Rue Neuve",         "Quai des Ardennes",      "Rue de l'Église",       "Boulevard Tirou"};

constexpr words flemish_families[] = {"Peeters",       "Janssens",  "Maes",    "Jacobs",         "Mertens", "Willems",
                                      "Claes",         "Goossens",  "De Smet", "Van den Broeck", "Wouters", "De Clercq",
                                      "Vermeulen",     "Van Damme", "D'Hondt", "Verstraete",     "Baert",   "Lievens",
                                      "Van Hoorebeke", "Desmedt",   "Cools",   "Thienpont"};
constexpr words dutch_families[] = {"de Jong", "Jansen",     "de Vries", "van den Berg", "Bakker",       "Visser",
                                    "Smit",    "Meijer",     "de Boer",  "Mulder",       "van der Meer", "Hoekstra",
                                    "Kuipers", "van 't Hof", "Brouwer",  "Dekker"};
constexpr words walloon_families[] = {"Dubois",  "Lambert", "Martin",  "Dupont",  "Simon",  "Leclercq", "Noël",
                                      "Lejeune", "Renard",  "Delvaux", "Lefèvre", "Bodart", "François", "Collard"};

constexpr words flemish_women[] = {"An",      "Els",   "Lotte", "Griet",    "Sofie",
                                   "Marijke", "Hilde", "Tine",  "Anneleen", "Eline"};
constexpr words flemish_men[] = {"Jan",   "Koen",  "Bart",   "Wim",   "Pieter-Jan",
                                 "Stijn", "Joris", "Lieven", "Dries", "Tom"};
constexpr words dutch_women[] = {"Sanne", "Femke", "Anouk", "Marloes", "Ilse", "Fleur", "Zoë", "Roos"};
constexpr words dutch_men[] = {"Daan", "Sjoerd", "Maarten", "Thijs", "Ruben", "Gijs", "Jeroen", "Bram"};
constexpr words walloon_women[] = {"Amélie", "Céline", "Hélène", "Sophie", "Aurore", "Valérie", "Anne-Marie"};
constexpr words walloon_men[] = {"Benoît", "Jérôme", "François", "Olivier", "Jean-Luc", "Frédéric", "Loïc"};

constexpr words flemish_trades[] = {"Bakkerij",  "Garage",      "Schrijnwerkerij", "Studio",    "Advocatenkantoor",
                                    "Drukkerij", "Bouwbedrijf", "Apotheek",        "Transport", "Tuinaanleg",
                                    "Brouwerij", "Elektro",     "Accountancy",     "Dakwerken"};
constexpr words dutch_trades[] = {"Schildersbedrijf", "Loodgietersbedrijf",  "Kwekerij", "Rijwielhandel",
                                  "Adviesbureau",     "Installatietechniek", "Slagerij", "Uitgeverij"};
constexpr words walloon_trades[] = {"Boulangerie", "Menuiserie", "Imprimerie", "Pharmacie", "Toitures",
                                    "Garage",      "Brasserie",  "Cabinet",    "Jardins"};

constexpr words belgian_forms[] = {"BV", "NV", "BVBA", "& Zonen BV", "VOF", "CommV", "VZW"};
constexpr words dutch_forms[] = {"B.V.", "V.O.F.", "N.V.", "Holding B.V.", "en Zn. B.V."};
constexpr words walloon_forms[] = {"SRL", "SA", "SPRL", "& Fils SRL", "ASBL"};

constexpr region all_regions[] = {
    {"BE", "nl", "+32", flemish_places, flemish_streets, flemish_families, flemish_women, flemish_men, flemish_trades,
     belgian_forms},
    {"NL", "nl", "+31", dutch_places, dutch_streets, dutch_families, dutch_women, dutch_men, dutch_trades, dutch_forms},
    {"BE", "fr", "+32", walloon_places, walloon_streets, walloon_families, walloon_women, walloon_men, walloon_trades,
     walloon_forms},
};

constexpr words titles[] = {
    "Zaakvoerder",          "Boekhouder",           "Aankoper",      "CEO",      "Gérante", "Office manager",
    "IT-verantwoordelijke", "Directeur commercial", "Projectleider", "Comptable"};
constexpr words division_words[] = {"Verkoop", "Administratie", "Achats", "Techniek", "HR", "Logistiek"};
constexpr words tags[] = {"prospect", "expo",        "Klant",         "leverancier",
                          "VIP",      "nieuwsbrief", "Batibouw 2025", "partenaire"};
constexpr words remarks[] = {"Belt liefst **na 14u**.", "Contrat annuel, renouvellement en mars.",
                             "Levering achteraan:\n\n* poort 3\n* code bij onthaal",
                             "Betaalt stipt. Gevraagd: offerte v2 — \"zie mail\".", "Ne plus appeler le vendredi."};

/// Latin letters with accents as they occur above, in UTF-8.
constexpr std::array<std::pair<words, char>, 15> accents{{{"é", 'e'},
                                                          {"è", 'e'},
                                                          {"ê", 'e'},
                                                          {"ë", 'e'},
                                                          {"É", 'e'},
                                                          {"î", 'i'},
                                                          {"ï", 'i'},
                                                          {"ô", 'o'},
                                                          {"ö", 'o'},
                                                          {"à", 'a'},
                                                          {"â", 'a'},
                                                          {"ç", 'c'},
                                                          {"û", 'u'},
                                                          {"ü", 'u'},
                                                          {"ù", 'u'}}};

char fold(words letter) {
  for (const auto& [accented, plain] : accents)
    if (accented == letter) return plain;
  return '-';
}

}  // namespace

std::span<const region> regions() { return all_regions; }
std::span<const std::string_view> job_titles() { return titles; }
std::span<const std::string_view> divisions() { return division_words; }
std::span<const std::string_view> tag_words() { return tags; }
std::span<const std::string_view> remark_lines() { return remarks; }

std::string slug(std::string_view text) {
  std::string out;
  const auto add = [&out](char c) {
    if (c != '-' || (!out.empty() && out.back() != '-')) out += c;
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c >= 'A' && c <= 'Z') {
      add(static_cast<char>(c - 'A' + 'a'));
    } else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      add(c);
    } else if (static_cast<unsigned char>(c) >= 0xc0 && at + 1 < text.size()) {
      add(fold(text.substr(at++, 2)));
    } else if (c != '\'' && c != '.') {
      add('-');
    }
  }
  if (!out.empty() && out.back() == '-') out.pop_back();
  return out;
}

}  // namespace koppel::provider_sim
