// SPDX-License-Identifier: Apache-2.0
// Records: what a plugin said of one, checked; the newest version that the ledger keeps; and what the difference is.
// A record is the union of named facets (Teamleader's list gives "core", its detail call "detail" too). An absent field
// never wipes a known one: not within a facet that another call left out, nor because a facet was not read this time.
// Where several facets fill the same list, the record's list is their concatenation, in the order of the facets' names
// ("core" first).
#pragma once

#include <cstdint>
#include <koppel/messages.hpp>
#include <koppel/result.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace koppel::core {

/// Canonical fields as msgpack: one encoded value per field name.
using field_map = std::map<std::string, std::string, std::less<>>;

/// The newest version of a record, as the ledger keeps it.
struct stored_record {
  std::uint64_t revision = 0;
  bool deleted = false;
  std::uint32_t mapping_version = 0;
  std::string updated_at;
  std::map<std::string, std::string, std::less<>> facets;  ///< facet name -> msgpack map of fields, keys sorted

  std::string encode() const;  ///< the ledger's blob (docs/state.md)
  static result<stored_record> decode(std::string_view blob);
};

/// What one incoming record makes of the stored one.
struct record_change {
  enum class kind { unchanged, upserted, restored, deleted, ignored } what = kind::unchanged;
  stored_record next;  ///< to be stored, unless ignored; when unchanged, only facets and mapping version are new
  std::string data;    ///< the full canonical record as a msgpack map (upserted, restored)
  std::vector<std::string> changed;  ///< field names that differ from the previous revision
  bool mapping_only = false;         ///< differs because the mapping version does
};

/// UTF-8 without control characters.
bool is_plain_text(std::string_view text);
/// 1..256 bytes of UTF-8 without control characters: what an id or a name may be.
bool is_good_name(std::string_view text);

/// Checks a plugin's record against the canonical fields of docs/bus.md: entity declared, id 1..256 bytes of UTF-8,
/// known fields of the right shape (unknown ones are refused by name unless they start with the plugin's name and a
/// dot), depth at most 8. Returns why not, without personal data; empty when good.
std::string record_refusal(const messages::record& r, std::string_view plugin);

/// The digest that decides "unchanged" without reading the stored record: 16 bytes of BLAKE2b over the mapping version,
/// the facet's name and its bytes as the plugin gave them. A facet that was merged once changes nothing when it is
/// merged again.
std::string digest_of(const messages::facet& f, std::uint32_t mapping_version);

/// The record's facets as one canonical map of fields, msgpack with sorted keys.
std::string fields_of(const stored_record& r);

/// Restored means: it was deleted; its revision goes on, and facets that this time were not read are as they were
/// before. Where several facets give one field that is no list, the first in the facets' order that is not null counts.
/// `gone` of a record that is unknown or deleted is ignored, and so are fields that are no msgpack map.
/// Pure: the previous version (if any) and what the plugin said, to what is to be stored and published.
record_change merge(const std::optional<stored_record>& previous, const messages::record& incoming,
                    std::uint32_t mapping_version);

}  // namespace koppel::core
