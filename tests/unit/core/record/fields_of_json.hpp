// SPDX-License-Identifier: Apache-2.0
// Canonical fields for tests, written as JSON: packed as the SDK does, with sorted keys, and read back.
#pragma once

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <koppel/bus/event.hpp>
#include <koppel/messages.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace koppel::tests {

inline boost::json::value sorted(const boost::json::value& v) {
  if (v.is_array()) {
    boost::json::array out;
    for (const auto& item : v.as_array()) out.push_back(sorted(item));
    return out;
  }
  if (!v.is_object()) return v;
  std::vector<std::string> keys;
  for (const auto& member : v.as_object()) keys.emplace_back(member.key());
  std::sort(keys.begin(), keys.end());
  boost::json::object out;
  for (const auto& key : keys) out.emplace(key, sorted(v.as_object().at(key)));
  return out;
}

inline std::string packed(std::string_view json) { return bus::msgpack_from_json(sorted(boost::json::parse(json))); }

/// The JSON text of msgpack bytes, keys in the order of the bytes.
inline std::string unpacked(std::string_view bytes) {
  const auto value = bus::json_from_msgpack(bytes);
  return value ? boost::json::serialize(*value) : "not msgpack: " + value.error().detail;
}

inline messages::record said(std::string id, std::vector<messages::facet> facets, std::string updated_at = "") {
  messages::record r;
  r.entity = "company";
  r.id = std::move(id);
  r.updated_at = std::move(updated_at);
  r.facets = std::move(facets);
  return r;
}

inline messages::facet core_facet(std::string_view json) { return {"core", packed(json)}; }

inline messages::record gone(std::string id) {
  messages::record r;
  r.entity = "company";
  r.id = std::move(id);
  r.gone = true;
  return r;
}

}  // namespace koppel::tests
