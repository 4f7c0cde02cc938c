// SPDX-License-Identifier: Apache-2.0

#include "host/api/customer_names.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>

namespace koppel::api {
namespace {

constexpr std::string_view prefix = "customer-";
constexpr std::size_t longest_as_it_is = 40;
constexpr std::size_t longest_part = 32;
constexpr std::size_t digits = 12;

bool fits(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

/// Nothing that is as it is can look like what was made: that ends in as many digits of a digest.
bool looks_made(std::string_view id) {
  const auto hyphen = id.rfind('-');
  const auto end = hyphen == std::string_view::npos ? id : id.substr(hyphen + 1);
  return end.size() == digits && end.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool fits_as_it_is(std::string_view id) {
  return !id.empty() && id.size() <= longest_as_it_is && fits(id.front()) && fits(id.back()) && !looks_made(id) &&
         std::all_of(id.begin(), id.end(), [](char c) { return fits(c) || c == '-'; });
}

std::string digest_of(std::string_view text) {
  std::array<unsigned char, crypto_generichash_BYTES> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                     nullptr, 0);
  std::array<char, digits + 1> hex{};
  sodium_bin2hex(hex.data(), hex.size(), hash.data(), digits / 2);
  return hex.data();
}

}  // namespace

bool is_name_of_customer(std::string_view name) { return name.starts_with(prefix); }

std::string name_of_customer(std::string_view customer) {
  std::string name(prefix);
  if (fits_as_it_is(customer)) return name.append(customer);
  for (char c : customer) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (fits(c))
      name += c;
    else if (name.back() != '-')
      name += '-';
    if (name.size() == prefix.size() + longest_part) break;
  }
  return name + (name.back() == '-' ? "" : "-") + digest_of(customer);
}

}  // namespace koppel::api
