// SPDX-License-Identifier: Apache-2.0
// Splitting and joining msgpack maps. msgpack-c finds where each key and value ends; only the headers of the outermost
// map and of lists are read here.

#include "host/core/fields.hpp"

#include <algorithm>
#include <cstdint>
#include <msgpack/null_visitor.hpp>
#include <msgpack/pack.hpp>
#include <msgpack/parse.hpp>
#include <msgpack/unpack.hpp>

namespace koppel::core {
namespace {

struct header {
  std::uint32_t count = 0;
  std::size_t size = 0;  ///< bytes of the header itself
};

std::uint32_t big_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

/// Maps and arrays are built alike: a fix form of four bits, and forms with a count of 16 and of 32 bits.
std::optional<header> container(std::string_view bytes, unsigned fix, unsigned with_16) {
  if (bytes.empty()) return std::nullopt;
  const auto first = static_cast<unsigned char>(bytes[0]);
  if ((first & 0xF0u) == fix) return header{first & 0x0Fu, 1};
  if (first == with_16 && bytes.size() >= 3) return header{big_endian(bytes.substr(1, 2)), 3};
  if (first == with_16 + 1 && bytes.size() >= 5) return header{big_endian(bytes.substr(1, 4)), 5};
  return std::nullopt;
}

std::optional<header> map_header(std::string_view bytes) { return container(bytes, 0x80, 0xDE); }
std::optional<header> list_header(std::string_view bytes) { return container(bytes, 0x90, 0xDC); }

struct key_visitor : msgpack::null_visitor {
  std::optional<std::string_view> text;
  bool visit_str(const char* at, std::uint32_t size) {
    text = std::string_view(at, size);
    return true;
  }
  bool start_array(std::uint32_t) { return false; }
  bool start_map(std::uint32_t) { return false; }
};

template <class Visitor>
bool parse_one(std::string_view bytes, std::size_t& offset, Visitor& visitor) {
  return offset < bytes.size() && msgpack::parse(bytes.data(), bytes.size(), offset, visitor);
}

struct sink {
  std::string& out;
  void write(const char* bytes, std::size_t size) { out.append(bytes, size); }
};

}  // namespace

std::optional<field_views> split_fields(std::string_view map) {
  const auto outer = map_header(map);
  if (!outer) return std::nullopt;
  field_views fields;
  // What a hostile header claims is not believed: a field takes two bytes at least.
  fields.reserve(std::min<std::size_t>(outer->count, map.size() / 2));
  std::size_t at = outer->size;
  for (std::uint32_t i = 0; i < outer->count; ++i) {
    key_visitor key;
    if (!parse_one(map, at, key) || !key.text) return std::nullopt;
    const std::size_t from = at;
    msgpack::null_visitor value;
    if (!parse_one(map, at, value)) return std::nullopt;
    // Keys come sorted as a rule: the hint makes that one comparison each.
    const auto before = fields.size();
    fields.emplace_hint(fields.end(), *key.text, map.substr(from, at - from));
    if (fields.size() == before) return std::nullopt;
  }
  if (at != map.size()) return std::nullopt;
  return fields;
}

std::string join_fields(const field_views& fields) {
  std::size_t size = 5;
  for (const auto& [name, value] : fields) size += 5 + name.size() + value.size();
  std::string out;
  out.reserve(size);
  sink to{out};
  msgpack::packer<sink> pack(to);
  pack.pack_map(static_cast<std::uint32_t>(fields.size()));
  for (const auto& [name, value] : fields) {
    pack.pack_str(static_cast<std::uint32_t>(name.size()));
    pack.pack_str_body(name.data(), static_cast<std::uint32_t>(name.size()));
    out.append(value);
  }
  return out;
}

bool is_null(std::string_view value) { return value.size() == 1 && static_cast<unsigned char>(value[0]) == 0xC0; }
bool is_list(std::string_view value) { return list_header(value).has_value(); }

std::string concatenated(std::span<const std::string_view> lists) {
  std::uint32_t count = 0;
  std::string items;
  for (const auto list : lists) {
    const auto head = list_header(list);
    if (!head) continue;
    count += head->count;
    items.append(list.substr(head->size));
  }
  std::string out;
  out.reserve(items.size() + 5);
  sink to{out};
  msgpack::packer<sink>(to).pack_array(count);
  return out.append(items);
}

}  // namespace koppel::core
