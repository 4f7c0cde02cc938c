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
    if (auto text = some_text(value)) out.push_back({std::string(each.type), *std::move(text)});
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

std::optional<std::string> some_text(const json& value) {
  const auto said = value.text();
  return said && !said->empty() ? std::optional<std::string>(*said) : std::nullopt;
}

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
    const auto part = [&](std::string_view name) {
      const auto value = name.empty() ? json() : row.at(std::string(each.prefix) + std::string(name));
      said = said || value;
      return some_text(value);
    };
    address found{std::string(each.type), part(each.line_1), part(each.postal_code), part(each.city), part(each.region),
                  std::nullopt,           std::nullopt};
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
  if (as_written.size() == 2 && code.size() == 2) return code;
  if (name.empty() || name.find('|') != name.npos) return std::nullopt;
  for (const auto& each : countries)
    if (each.names.find('|' + name + '|') != each.names.npos) return std::string(each.code);
  return std::nullopt;
}

std::optional<packed> kinds::read_reference(const json& value) {
  const auto id = some_text(value["id"]);
  return id ? std::optional(pack(owner_ref{*id, some_text(value["name"])})) : std::nullopt;
}

std::optional<packed> kinds::read_named_tags(const json& value) {
  if (!value.is_array()) return std::nullopt;
  std::vector<std::string> names;
  for (const auto& item : value.items())
    if (auto name = some_text(item["name"])) names.push_back(*std::move(name));
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return pack(names);
}

}  // namespace koppel::sdk
