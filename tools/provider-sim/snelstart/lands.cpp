// SPDX-License-Identifier: Apache-2.0
#include "snelstart/lands.hpp"

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace koppel::provider_sim::snelstart {
namespace {

struct land {
  std::string_view two, three, name;
};

/// The real list has some 250. `Onbekend` stands for entries that are no country.
constexpr std::array<land, 18> all{{{"NL", "NLD", "Nederland"},
                                    {"BE", "BEL", "België"},
                                    {"DE", "DEU", "Duitsland"},
                                    {"FR", "FRA", "Frankrijk"},
                                    {"LU", "LUX", "Luxemburg"},
                                    {"GB", "GBR", "Verenigd Koninkrijk"},
                                    {"ES", "ESP", "Spanje"},
                                    {"IT", "ITA", "Italië"},
                                    {"PT", "PRT", "Portugal"},
                                    {"AT", "AUT", "Oostenrijk"},
                                    {"CH", "CHE", "Zwitserland"},
                                    {"DK", "DNK", "Denemarken"},
                                    {"SE", "SWE", "Zweden"},
                                    {"PL", "POL", "Polen"},
                                    {"IE", "IRL", "Ierland"},
                                    {"US", "USA", "Verenigde Staten"},
                                    {"GR", "GRC", "Griekenland"},
                                    {"", "", "Onbekend"}}};

uuid id_at(std::size_t at) { return {0x5a1d000000000000ULL + at, 0xb0de000000000000ULL + 7919 * at}; }

}  // namespace

boost::json::array lands() {
  boost::json::array out;
  for (std::size_t at = 0; at < all.size(); ++at) {
    const auto id = id_at(at).text();
    out.push_back({{"id", id},
                   {"uri", "/landen/" + id},
                   {"naam", all[at].name},
                   {"landcodeISO", all[at].three},
                   {"landcode", all[at].two}});
  }
  return out;
}

uuid land_id(std::string_view two_letters) {
  for (std::size_t at = 0; at < all.size(); ++at)
    if (all[at].two == two_letters) return id_at(at);
  return id_at(0);
}

}  // namespace koppel::provider_sim::snelstart
