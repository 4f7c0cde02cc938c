// SPDX-License-Identifier: Apache-2.0
#include <koppel/sdk/gather.hpp>

#include <algorithm>
#include <array>

namespace koppel::sdk {
namespace {

/// Takes the parts of one field out of a row, and says in the end what is known of it.
class row_parts {
 public:
  row_parts(const json& row, absence means) : row_(row), means_(means) {}

  std::optional<std::string> text(const std::string& path) { return take(path, &part_reader::text); }
  std::optional<std::string> id(const std::string& path) { return take(path, &part_reader::id); }

  field_value done(packed made) const {
    if (!wrong_.empty()) return field_value::unreadable(wrong_);
    if (means_ == absence::empty) return made;
    if (!said_) return packed();
    return missing_.empty() ? field_value(std::move(made)) : field_value::incomplete(missing_);
  }

 private:
  std::optional<std::string> take(const std::string& path,
                                  std::optional<std::string> (part_reader::*read)(const json& part)) {
    if (path.empty()) return std::nullopt;
    const auto value = row_.at(path);
    if (value)
      said_ = true;
    else if (missing_.empty())
      missing_ = path;
    auto out = (part_.*read)(value);
    if ((!part_.sound() || leads_through_a_value(path)) && wrong_.empty()) wrong_ = path;
    return out;
  }

  /// "/land/id" of a row whose `land` is a text: that is no absence.
  bool leads_through_a_value(const std::string& path) const {
    for (auto end = path.find('/', 1); end != path.npos; end = path.find('/', end + 1))
      if (const auto place = row_.at(path.substr(0, end)); place && !place.is_object() && !place.is_null()) return true;
    return false;
  }

  const json& row_;
  absence means_;
  part_reader part_;
  bool said_ = false;
  std::string missing_, wrong_;  // paths, the first of each
};

template <class Item>
field_value gather(const json& row, std::span<const typed_field> fields, absence means) {
  row_parts parts(row, means);
  std::vector<Item> out;
  for (const auto& each : fields)
    if (auto text = parts.text(each.from)) out.push_back({each.type, *std::move(text)});
  return parts.done(pack(out));
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

field_value gather_emails(const json& row, std::span<const typed_field> fields, absence means) {
  return gather<email>(row, fields, means);
}

field_value gather_phones(const json& row, std::span<const typed_field> fields, absence means) {
  return gather<phone>(row, fields, means);
}

field_value gather_addresses(const json& row, std::span<const address_fields> addresses, const lookup& countries,
                             absence means) {
  row_parts parts(row, means);
  std::vector<address> out;
  for (const auto& each : addresses) {
    address found{each.type,
                  parts.text(each.line_1),
                  parts.text(each.postal_code),
                  parts.text(each.city),
                  parts.text(each.region),
                  std::nullopt,
                  parts.text(each.addressee)};
    if (const auto written = parts.text(each.country)) found.country = country_code(*written);
    if (const auto code = parts.text(each.country_code); code && code->size() == 2) found.country = country_code(*code);
    const auto land = countries.find(parts.id(each.country_id).value_or(""));
    if (found.line_1 || found.postal_code || found.city || found.region || found.country || found.addressee) {
      if (land != countries.end()) found.country = land->second;
      out.push_back(std::move(found));
    }
  }
  return parts.done(pack(out));
}

field_value gather_owner(const json& row, const std::string& id, const std::string& name) {
  row_parts parts(row, absence::unknown);
  const auto who = parts.id(id);
  if (!who) return parts.done(packed::null());
  // Who he is, is known also where nobody says what he is called: another's id would be worse than no name.
  const bool named = !name.empty() && row.at(name);
  const owner_ref known{*who, named ? parts.text(name) : std::nullopt};
  return parts.done(pack(known));
}

field_value gather_text(const json& row, std::span<const std::string> from, std::string_view between, absence means) {
  row_parts parts(row, means);
  std::string all;
  for (const auto& path : from)
    if (const auto part = parts.text(path)) all.append(all.empty() ? std::string_view() : between).append(*part);
  return parts.done(all.empty() ? packed::null() : packed::text(all));
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
