// SPDX-License-Identifier: Apache-2.0
// Records as they are handed to the host: an id and facets of canonical fields.
// A facet is what one kind of answer says (a list row, a read by id). A record is the union of its facets; a list that
// several facets fill is their concatenation, in the order in which they were added. The host keeps facets that a
// record does not mention, so a thin list row never wipes what a read by id found.
#pragma once

#include <koppel/sdk/json.hpp>
#include <koppel/sdk/time.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace koppel::sdk {

/// A canonical value in its wire form. Equal values have equal bytes: integers are minimal, keys of maps are sorted.
class packed {
 public:
  packed() = default;  ///< absent: setting a field to it does nothing
  bool is_absent() const { return bytes_.empty(); }

  static packed null();
  static packed text(std::string_view value);
  static packed integer(std::int64_t value);
  static packed real(double value);
  static packed flag(bool value);
  static packed list(const std::vector<packed>& items);
  static packed map(const std::map<std::string_view, packed>& members);
  /// Whatever JSON this is, except that "" and [] become null, as providers use them for "empty".
  static packed plain(const json& value);

  const std::string& bytes() const { return bytes_; }

 private:
  explicit packed(std::string bytes) : bytes_(std::move(bytes)) {}
  std::string bytes_;
};

// Here for values of the standard library; entities.hpp has the others.
packed pack(std::string_view value);
packed pack(time_point value);
packed pack(const std::vector<std::string>& value);
inline packed pack(bool value) { return packed::flag(value); }
inline packed pack(std::int64_t value) { return packed::integer(value); }
inline packed pack(double value) { return packed::real(value); }

/// A canonical field: its name in events and the type of its value. entities.hpp lists them.
template <class T>
struct field {
  std::string_view name;
};

class facet {
 public:
  explicit facet(std::string name) : name_(std::move(name)) {}

  /// Says what a field is. A field that is never set stays absent: "the provider did not say".
  template <class T>
  facet& set(field<T> of, const std::type_identity_t<T>& value) {
    return set_packed(of.name, pack(value));
  }
  /// Says that a field is known to be empty: null, or the empty list.
  template <class T>
  facet& clear(field<T> of) {
    if constexpr (requires(T list) { list.push_back(list.front()); })
      return set_packed(of.name, packed::list({}));
    else
      return set_packed(of.name, packed::null());
  }
  /// The last word on a name counts.
  facet& set_packed(std::string_view field_name, packed value);

  const std::string& name() const { return name_; }
  bool empty() const { return fields_.empty(); }
  /// The msgpack map, keys sorted.
  std::string bytes() const;

 private:
  std::string name_;
  std::map<std::string, packed, std::less<>> fields_;
};

struct record {
  record(std::string_view of_entity, std::string_view of_id) : entity(of_entity), id(of_id) {}

  /// A read by id said that there is no such record. Nothing else means that.
  static record not_there(std::string_view entity, std::string_view id) {
    record out(entity, id);
    out.gone = true;
    return out;
  }

  /// Throws unmappable unless it is the record that was asked for.
  record of_id(std::string_view asked_for) &&;

  /// The facet of this name, added at the end if it is new.
  facet& in(std::string_view facet_name);

  std::string entity;
  std::string id;
  std::string updated_at;  ///< RFC 3339 UTC (format_time), or empty
  bool gone = false;
  std::vector<facet> facets;
  std::vector<std::string>
      left_out;  ///< why fields were, of which the row says something; the SDK logs each once a job
};

}  // namespace koppel::sdk
