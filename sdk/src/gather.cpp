// SPDX-License-Identifier: Apache-2.0
#include <koppel/sdk/gather.hpp>

#include <algorithm>
#include <array>

namespace koppel::sdk {
namespace {

template <class Item>
std::optional<packed> gather(const json& row, std::span<const typed_field> fields) {
  std::vector<Item> out;
  bool said = false;
  for (const auto& each : fields) {
    const auto value = row.at(each.from);
    said = said || value;
    if (auto text = some_text(value)) out.push_back({each.type, *std::move(text)});
  }
  return said ? pack(out) : packed();
}

struct country {
  std::string_view code, names;  // names in lower case, each between two bars
};
constexpr std::array countries{
    country{"AT", "|austria|österreich|oostenrijk|autriche|"},
    country{"BE", "|belgium|belgië|belgie|belgique|belgien|"},
    country{"CA", "|canada|"},
    country{"CH", "|switzerland|schweiz|zwitserland|suisse|svizzera|"},
    country{"CZ", "|czech republic|czechia|tsjechië|tchéquie|česko|"},
    country{"DE", "|germany|deutschland|duitsland|allemagne|"},
    country{"DK", "|denmark|danmark|denemarken|danemark|"},
    country{"ES", "|spain|españa|spanje|espagne|"},
    country{"FI", "|finland|finlande|suomi|"},
    country{"FR", "|france|frankrijk|"},
    country{"GB", "|united kingdom|great britain|verenigd koninkrijk|groot-brittannië|royaume-uni|grande-bretagne|"},
    country{"IE", "|ireland|ierland|irlande|"},
    country{"IN", "|india|inde|"},
    country{"IT", "|italy|italia|italië|italie|"},
    country{"LU", "|luxembourg|luxemburg|"},
    country{"NL", "|netherlands|the netherlands|nederland|pays-bas|"},
    country{"NO", "|norway|norge|noorwegen|norvège|"},
    country{"PL", "|poland|polska|polen|pologne|"},
    country{"PT", "|portugal|"},
    country{"SE", "|sweden|sverige|zweden|suède|"},
    country{"US", "|united states|united states of america|usa|verenigde staten|états-unis|"},
};

}  // namespace

std::optional<packed> gather_emails(const json& row, std::span<const typed_field> fields) {
  return gather<email>(row, fields);
}

std::optional<packed> gather_phones(const json& row, std::span<const typed_field> fields) {
  return gather<phone>(row, fields);
}

std::optional<packed> gather_addresses(const json& row, std::span<const address_fields> addresses) {
  std::vector<address> out;
  bool said = false;
  for (const auto& each : addresses) {
    const auto part = [&](const std::string& path) {
      const auto value = path.empty() ? json() : row.at(path);
      said = said || value;
      return some_text(value);
    };
    address found{each.type,    part(each.line_1), part(each.postal_code), part(each.city), part(each.region),
                  std::nullopt, std::nullopt};
    if (const auto written = part(each.country)) found.country = country_code(*written);
    if (found.line_1 || found.postal_code || found.city || found.region || found.country)
      out.push_back(std::move(found));
  }
  return said ? pack(out) : packed();
}

std::optional<std::string> country_code(std::string_view as_written) {
  // ASCII only: "BELGIË" is not found, and nothing is what we then say.
  std::string name, code;
  for (const char c : as_written) {
    name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) code += static_cast<char>(c & ~0x20);
  }
  if (as_written.size() == 2 && code.size() == 2) return code == "UK" ? "GB" : code;
  if (name.empty() || name.find('|') != name.npos) return std::nullopt;
  for (const auto& each : countries)
    if (each.names.find('|' + name + '|') != each.names.npos) return std::string(each.code);
  return std::nullopt;
}

}  // namespace koppel::sdk
