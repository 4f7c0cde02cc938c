// SPDX-License-Identifier: Apache-2.0
// Texts and JSON with placeholders: "{page}", "updated gt {since}". What has no value at present (there is no {since}
// in a complete read) is left out of a query or a body, with whatever it stands in.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace koppel::declarative {

/// What a placeholder stands for. A number is one in JSON too, where it stands alone.
struct placed {
  std::string text;
  bool number = false;
};
using finder = std::function<std::optional<placed>(std::string_view placeholder)>;

std::string percent_encoded(std::string_view text);
/// As a JSON string, with its quotes.
std::string quoted(std::string_view text);

class text_template {
 public:
  /// "{{" and "}}" are braces. What is wrong goes to `wrong`.
  static text_template parse(std::string_view text, std::string& wrong);

  enum class use { as_it_is, in_a_path };
  /// Nothing where a placeholder has no value.
  std::optional<std::string> fill(const finder& find, use how = use::as_it_is) const;
  std::optional<std::string> fill_json(const finder& find) const;
  void add_placeholders(std::set<std::string>& to) const;

 private:
  struct part {
    std::string text;
    bool placeholder = false;
  };
  std::vector<part> parts_;
};

struct json_template {
  enum class kind { literal, text, object, list } what = kind::object;
  std::string literal;  ///< JSON
  text_template text;
  std::vector<std::string> names;    ///< of an object's members
  std::vector<json_template> items;  ///< members or elements

  /// Nothing where nothing of it has a value. What is written empty stays.
  std::optional<std::string> fill(const finder& find) const;
  void add_placeholders(std::set<std::string>& to) const;
};

}  // namespace koppel::declarative
