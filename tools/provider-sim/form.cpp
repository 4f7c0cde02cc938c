// SPDX-License-Identifier: Apache-2.0
// Fields are split by hand, because Boost.URL refuses the bare brackets that real clients send; it does the escapes.
#include "form.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/pct_string_view.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>

namespace koppel::provider_sim {
namespace {

std::string decode(std::string_view text) {
  const auto checked = boost::urls::make_pct_string_view(text);
  if (!checked) return std::string(text);
  boost::urls::encoding_opts options;
  options.space_as_plus = true;
  return checked->decode(options);
}

/// "filter[ids][]" -> {"filter", "ids", ""}
std::vector<std::string_view> split_brackets(std::string_view name) {
  std::vector<std::string_view> parts{name.substr(0, name.find('['))};
  auto at = name.find('[');
  while (at != std::string_view::npos) {
    const auto end = name.find(']', at);
    if (end == std::string_view::npos) break;
    parts.push_back(name.substr(at + 1, end - at - 1));
    at = name.find('[', end);
  }
  return parts;
}

bool is_index(std::string_view part) {
  return part.empty() || std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
}

void put(boost::json::value& node, const std::vector<std::string_view>& parts, std::size_t depth,
         const std::string& text) {
  if (depth == parts.size()) {
    node = text;
    return;
  }
  const auto part = parts[depth];
  if (depth > 0 && is_index(part)) {
    if (!node.is_array()) node = boost::json::array();
    auto& list = node.as_array();
    // `sort[0][field]` and `sort[0][order]` describe one element; `ids[]` always starts a new one.
    if (part.empty() || std::to_string(list.size()) == part || list.empty()) list.emplace_back(nullptr);
    put(list.back(), parts, depth + 1, text);
    return;
  }
  if (!node.is_object()) node = boost::json::object();
  put(node.as_object()[part], parts, depth + 1, text);
}

}  // namespace

form_fields decode_form(std::string_view text) {
  form_fields fields;
  while (!text.empty()) {
    const auto pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    const auto value = equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1);
    fields.emplace_back(decode(pair.substr(0, equals)), decode(value));
  }
  return fields;
}

const std::string* find_field(const form_fields& fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const auto& field) { return field.first == name; });
  return found == fields.end() ? nullptr : &found->second;
}

boost::json::object nest_form(const form_fields& fields) {
  boost::json::value root = boost::json::object();
  for (const auto& [name, text] : fields) put(root, split_brackets(name), 0, text);
  return std::move(root.as_object());
}

std::string percent_encode(std::string_view text) { return boost::urls::encode(text, boost::urls::unreserved_chars); }

std::string escape_html(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

}  // namespace koppel::provider_sim
