// SPDX-License-Identifier: Apache-2.0
// Reading a request's JSON body: typed fields, unknown ones refused by name, names checked. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/core/setting_value.hpp"

namespace koppel::api {

/// A customer's id has at most so many bytes.
inline constexpr std::size_t longest_customer = 256;

/// Collects the first complaint about a body; every accessor is safe to call after one.
class input {
 public:
  /// `known`: the fields that this request has; any other is a complaint.
  input(const boost::json::object& body, std::initializer_list<std::string_view> known);

  std::string required(std::string_view field, std::size_t max_size = 4096);
  /// As a provider shows it: a space at either end came with the copying, and would be refused far from here.
  std::string credential(std::string_view field, std::size_t max_size);
  std::string optional(std::string_view field, std::size_t max_size = 4096);
  /// Line ends and tabs are welcome: a document.
  std::string optional_text(std::string_view field, std::size_t max_size);
  bool flag(std::string_view field);
  /// A whole number from `least` to `most`; `otherwise` where it is not there.
  std::int64_t number(std::string_view field, std::int64_t least, std::int64_t most, std::int64_t otherwise);
  /// A name that may stand in topics and addresses: [a-z0-9-]{1,64}, not beginning or ending with "-".
  std::string name(std::string_view field);
  std::map<std::string, std::string> text_map(std::string_view field);
  /// A list of strings, which has to be there.
  std::vector<std::string> words(std::string_view field);
  /// Not there, or null.
  bool absent(std::string_view field) const { return find(field) == nullptr; }
  const boost::json::object* object(std::string_view field);

  void complain(std::string what);
  /// Empty when all was well.
  const std::string& complaint() const { return complaint_; }

 private:
  const boost::json::value* find(std::string_view field) const;
  std::string text(std::string_view field, bool required, std::size_t max_size, bool lines = false);

  const boost::json::object& body_;
  std::string complaint_;
};

using core::settings_refusal;

/// Why an address cannot be a redirect address; empty when it can: absolute, https (or http on loopback), no fragment.
std::string redirect_uri_refusal(const std::string& uri);

}  // namespace koppel::api
