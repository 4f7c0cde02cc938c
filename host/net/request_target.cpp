// SPDX-License-Identifier: Apache-2.0

#include "host/net/request_target.hpp"

#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace koppel::net {
namespace {

/// Well-formed UTF-8 (no overlong forms, no surrogates) without control characters.
bool is_plain_text(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x20 || lead == 0x7f) return false;
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || i + length > text.size()) return false;
    const auto second = static_cast<unsigned char>(text[i + 1]);
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) || (lead == 0xf0 && second < 0x90) ||
        (lead == 0xf4 && second > 0x8f)) {
      return false;
    }
    for (std::size_t k = 1; k < length; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80) return false;
    }
    i += length;
  }
  return true;
}

}  // namespace

std::optional<decoded_target> decode_target(std::string_view target) {
  if (target.empty() || target[0] != '/') return std::nullopt;
  const auto parsed = boost::urls::parse_origin_form(boost::urls::string_view{target.data(), target.size()});
  if (!parsed) return std::nullopt;
  decoded_target decoded;
  // Cut by hand: a path of "//x" is one with an empty segment, whatever a URL library makes of it.
  const std::string_view raw_path = target.substr(0, target.find('?'));
  for (std::size_t begin = 1; begin <= raw_path.size();) {
    const std::size_t end = std::min(raw_path.find('/', begin), raw_path.size());
    const auto segment =
        boost::urls::make_pct_string_view(boost::urls::string_view{raw_path.data() + begin, end - begin});
    if (!segment) return std::nullopt;
    std::string text;
    text.resize(segment->decoded_size());
    (*segment).decode({}, boost::urls::string_token::assign_to(text));
    const bool ambiguous = text == "." || text == ".." || text.find_first_of("/\\") != std::string::npos;
    if (ambiguous || !is_plain_text(text)) return std::nullopt;
    decoded.path += '/' + text;
    begin = end + 1;
  }
  boost::urls::encoding_opts form;
  form.space_as_plus = true;
  for (const auto& parameter : parsed->encoded_params()) {
    std::string name, value;
    parameter.key.decode(form, boost::urls::string_token::assign_to(name));
    parameter.value.decode(form, boost::urls::string_token::assign_to(value));
    if (!is_plain_text(name) || !is_plain_text(value)) return std::nullopt;
    if (!name.empty() || parameter.has_value) decoded.query.emplace_back(std::move(name), std::move(value));
  }
  return decoded;
}

}  // namespace koppel::net
