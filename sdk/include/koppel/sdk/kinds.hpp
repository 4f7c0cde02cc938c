// SPDX-License-Identifier: Apache-2.0
// Kinds of value: how a JSON value of a provider's row becomes a canonical one. A manifest's [stream.fields] names them
// (docs/provider-without-code.md); those that only one provider has are functions of its plugin, added by name.
#pragma once

#include <koppel/sdk/entities.hpp>
#include <koppel/sdk/json.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace koppel::sdk {

/// What ids of a provider mean, where a row gives an id alone: read beforehand, from a list of countries say.
using lookup = std::map<std::string, std::string, std::less<>>;

/// Reads the parts of one value. A part that is absent, null or "" is nothing, and so is one of another type: but that
/// makes the whole unsound, for it is not known without the part, and must not be published as if the part were empty.
class part_reader {
 public:
  std::optional<std::string> text(const json& part);
  /// A text, or a whole number as it is written: 7 is "7"; 7.0 and 1e3 are of another type.
  std::optional<std::string> id(const json& part);
  std::optional<std::int64_t> integer(const json& part);
  std::optional<bool> flag(const json& part);
  /// Of an object, or nothing.
  json object(const json& part);
  /// What must not be absent: what names an element of a list.
  const json& there(const json& part);

  bool sound() const { return sound_; }
  /// `made`; nothing if a part was unsound.
  std::optional<packed> done(packed made) const { return sound_ ? std::optional(std::move(made)) : std::nullopt; }

 private:
  bool sound_ = true;
};

/// What a line of a field table makes of a row: a value, "absent" where the row does not say, or "absent" and why the
/// field is left out although it does.
struct field_value {
  field_value() = default;
  field_value(packed known) : value(std::move(known)) {}  // NOLINT: what is known is said without ceremony
  static field_value unreadable(std::string_view path);
  static field_value incomplete(std::string_view missing_path);

  packed value;
  std::string why_left_out;  ///< goes on after "a company has ..."
};

/// `read` gets a value that is there and not null. It may answer "absent"; it returns nothing if the value, or a part
/// of it, is of another type: the field is then left out too, and reported once a job. Never does it make that empty,
/// for what is known to be empty wipes what consumers have.
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
  /// For a value that is made of several fields of the row. `read` is asked where all of them are there: where only
  /// some are, the value is not known.
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
/// The first so many characters and "…", unless there are fewer: what a list that cuts texts there has of them. Counted
/// as UTF-16, which is never less than what people count.
std::optional<packed> read_text_up_to(const json& value, std::size_t most);
std::optional<packed> read_flag(const json& value);
std::optional<packed> read_time(const json& value);             ///< any RFC 3339, becomes UTC
std::optional<packed> read_date(const json& value);             ///< "YYYY-MM-DD", a real day
std::optional<packed> read_tags(const json& value);             ///< a set: sorted, each once
std::optional<packed> read_named_tags(const json& value);       ///< [{name}]
std::optional<packed> read_emails(const json& value);           ///< [{type, email}]
std::optional<packed> read_phones(const json& value);           ///< [{type, number}]
std::optional<packed> read_vat_number(const json& value);       ///< normalized
std::optional<packed> read_reference(const json& value);        ///< {id, name}
std::optional<packed> read_payment_term(const json& value);     ///< {type, days}
std::optional<packed> read_integer_text(const json& value);     ///< a number that is a name: a customer number
std::optional<packed> read_text_or_integer(const json& value);  ///< a whole number as it is written
std::optional<packed> read_day(const json& value);              ///< of a time, as it stands there, whatever its zone
std::optional<packed> read_language(const json& value);         ///< "nl_BE" -> "nl"
std::optional<packed> read_number(const json& value);
std::optional<packed> read_company_links(const json& value);  ///< an id, or a list of ids or of objects with an id
}  // namespace kinds

}  // namespace koppel::sdk
