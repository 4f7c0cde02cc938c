// SPDX-License-Identifier: Apache-2.0
// Kinds of value: how a JSON value of a provider's row becomes a canonical one. A manifest's [stream.fields] names them
// (docs/provider-without-code.md); those that only one provider has are functions of its plugin, added by name.
#pragma once

#include <koppel/sdk/entities.hpp>
#include <koppel/sdk/json.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace koppel::sdk {

/// What ids of a provider mean, where a row gives an id alone: read beforehand, from a list of countries say.
using lookup = std::map<std::string, std::string, std::less<>>;

/// A text that says something; nothing for "", null, absent and other types.
std::optional<std::string> some_text(const json& value);

/// `read` gets a value that is there and not null. It may answer "absent"; it returns nothing if the value is of
/// another type: the field is then left out too, and reported once a job.
struct kind {
  std::string name;
  shape gives;
  std::function<std::optional<packed>(const json& value, const lookup& known)> read;
  bool of_row = false;  ///< it gets the whole row, and a line of the table lists the paths that it reads there
};

/// Those of the SDK, and what a plugin adds: `kind_list().add("account type", shape::texts, read_roles)`.
class kind_list {
 public:
  using reader = std::optional<packed> (*)(const json& value);
  using reader_with = std::optional<packed> (*)(const json& value, const lookup& known);

  kind_list();
  kind_list& add(std::string_view name, shape gives, reader read);
  /// For values that hold an id to look up.
  kind_list& add(std::string_view name, shape gives, reader_with read);
  /// For a value that is made of several fields of the row. `read` is asked where at least one of them is there.
  kind_list& add_of_row(std::string_view name, shape gives, reader read);
  /// Any other name is one too, of which nothing is known: for who shows tables and maps no row.
  static kind_list with_unknown();

  /// nullptr: there is none of this name.
  const kind* named(std::string_view name) const;
  /// The one that a field of this shape has unless its line names another; nullptr: none reads it from one value.
  const kind* usual(shape of) const;
  /// "text, flag, ...".
  std::string names() const;
  bool has_unknown() const { return unknown_; }

 private:
  std::vector<kind> all_;
  std::size_t own_ = 0;  ///< the first so many are the SDK's
  bool unknown_ = false;
};

namespace kinds {
std::optional<packed> read_text(const json& value);  ///< "" is known to be empty: null
std::optional<packed> read_flag(const json& value);
std::optional<packed> read_time(const json& value);          ///< any RFC 3339, becomes UTC
std::optional<packed> read_date(const json& value);          ///< "YYYY-MM-DD", a real day
std::optional<packed> read_tags(const json& value);          ///< a set: sorted, each once
std::optional<packed> read_named_tags(const json& value);    ///< [{name}]
std::optional<packed> read_emails(const json& value);        ///< [{type, email}]
std::optional<packed> read_phones(const json& value);        ///< [{type, number}]
std::optional<packed> read_vat_number(const json& value);    ///< normalized
std::optional<packed> read_reference(const json& value);     ///< {id, name}
std::optional<packed> read_integer_text(const json& value);  ///< a number that is a name: a customer number
std::optional<packed> read_text_or_integer(const json& value);
std::optional<packed> read_day(const json& value);       ///< of a time, as it stands there, whatever its zone
std::optional<packed> read_language(const json& value);  ///< "nl_BE" -> "nl"
std::optional<packed> read_number(const json& value);
std::optional<packed> read_company_links(const json& value);  ///< an id, or a list of ids or of objects with an id
}  // namespace kinds

}  // namespace koppel::sdk
