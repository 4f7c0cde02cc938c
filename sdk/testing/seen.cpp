// SPDX-License-Identifier: Apache-2.0
// What a connector asked and handed over, in a form that tests can compare: JSON text.
#include <koppel/sdk/json.hpp>
#include <koppel/testing/scripted_host.hpp>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <msgpack/object.hpp>
#include <msgpack/unpack.hpp>

namespace koppel::testing {
namespace {

boost::json::value json_of(const msgpack::object& of) {
  switch (of.type) {
    case msgpack::type::BOOLEAN:
      return of.via.boolean;
    case msgpack::type::POSITIVE_INTEGER:
      return of.via.u64;
    case msgpack::type::NEGATIVE_INTEGER:
      return of.via.i64;
    case msgpack::type::FLOAT32:
    case msgpack::type::FLOAT64:
      return of.via.f64;
    case msgpack::type::STR:
      return boost::json::string(of.via.str.ptr, of.via.str.size);
    case msgpack::type::ARRAY: {
      boost::json::array out;
      for (std::uint32_t i = 0; i < of.via.array.size; ++i) out.push_back(json_of(of.via.array.ptr[i]));
      return out;
    }
    case msgpack::type::MAP: {
      boost::json::object out;
      for (std::uint32_t i = 0; i < of.via.map.size; ++i) {
        const auto& [key, value] = of.via.map.ptr[i];
        out.emplace(boost::json::string_view(key.via.str.ptr, key.via.str.size), json_of(value));
      }
      return out;
    }
    default:
      return nullptr;  // nil; a facet holds no binaries and no extensions
  }
}

std::string text_of(const msgpack::object& of) { return boost::json::serialize(json_of(of)); }

std::string_view key_of(const msgpack::object_kv& of) { return {of.key.via.str.ptr, of.key.via.str.size}; }

}  // namespace

std::string asked::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return {};
}

std::string asked::json(std::string_view at) const { return sdk::json::parse(body).at(at).dump(); }

std::string seen_record::field(std::string_view name) const {
  std::string found = "absent";
  for (const auto& each : facets) {
    const auto unpacked = msgpack::unpack(each.bytes.data(), each.bytes.size());
    const auto& members = unpacked.get().via.map;
    for (std::uint32_t i = 0; i < members.size; ++i) {
      if (key_of(members.ptr[i]) != name) continue;
      const auto text = text_of(members.ptr[i].val);
      const bool both_lists = found.front() == '[' && text.front() == '[';
      if (found == "absent" || !both_lists || found == "[]")
        found = text;
      else if (text != "[]")
        found = found.substr(0, found.size() - 1) + ',' + text.substr(1);
    }
  }
  return found;
}

std::string seen_record::facet(std::string_view of_name) const {
  for (const auto& each : facets)
    if (each.name == of_name) return each.bytes;
  return {};
}

std::string seen_record::facet_json(std::string_view of_name) const {
  const auto bytes = facet(of_name);
  return bytes.empty() ? "absent" : text_of(msgpack::unpack(bytes.data(), bytes.size()).get());
}

}  // namespace koppel::testing
