// SPDX-License-Identifier: Apache-2.0
// Bytes to messages, for bytes that may come from a hostile or broken neighbour. Two passes of msgpack-c: the first
// only counts (depth, promised elements), so that the second, which allocates, never allocates more than the bytes
// could fill.
#include "fields.hpp"
#include "utf8.hpp"

#include <msgpack/null_visitor.hpp>
#include <msgpack/parse.hpp>
#include <msgpack/unpack.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace koppel::messages {
namespace {

constexpr int max_depth = 16;
// A page of a hundred records has some two thousand. An element of one byte costs up to 160 once it is a struct.
constexpr std::uint64_t max_elements = 1u << 18;

// Every element takes at least one byte, so all containers together cannot hold more elements than there are bytes.
struct counting : msgpack::null_visitor {
  explicit counting(std::uint64_t bytes) : elements_left(std::min(bytes, max_elements)) {}

  bool enter(std::uint64_t elements) {
    if (++depth > max_depth) return refuse("nested deeper than 16");
    if (elements > elements_left) return refuse("more elements than bytes, or than 262144");
    elements_left -= elements;
    return true;
  }
  bool refuse(const char* why) {
    reason = why;
    return false;
  }
  bool start_array(std::uint32_t elements) { return enter(elements); }
  bool end_array() { return --depth, true; }
  bool start_map(std::uint32_t pairs) { return enter(std::uint64_t{2} * pairs); }
  bool end_map() { return --depth, true; }
  void parse_error(std::size_t, std::size_t) { refuse("not msgpack"); }
  void insufficient_bytes(std::size_t, std::size_t) { refuse("cut off"); }

  std::uint64_t elements_left;
  int depth = 0;
  const char* reason = nullptr;
};

using object = msgpack::object;

std::optional<std::string_view> text_of(const object& from) {
  if (from.type != msgpack::type::STR) return std::nullopt;
  return std::string_view(from.via.str.ptr, from.via.str.size);
}

template <class Struct>
bool get_fields(const object& from, Struct& into, std::string& reason);

template <class Integer>
requires std::is_integral_v<Integer>
bool get(const object& from, Integer& into, wire, std::string&) {
  if (from.type == msgpack::type::NEGATIVE_INTEGER) {
    if (!std::in_range<Integer>(from.via.i64)) return false;
    into = static_cast<Integer>(from.via.i64);
    return true;
  }
  if (from.type != msgpack::type::POSITIVE_INTEGER || !std::in_range<Integer>(from.via.u64)) return false;
  into = static_cast<Integer>(from.via.u64);
  return true;
}

bool get(const object& from, bool& into, wire, std::string&) {
  if (from.type != msgpack::type::BOOLEAN) return false;
  into = from.via.boolean;
  return true;
}

bool get(const object& from, std::string& into, wire as, std::string&) {
  if (as == wire::bytes) {
    if (from.type != msgpack::type::BIN) return false;
    into.assign(from.via.bin.ptr, from.via.bin.size);
    return true;
  }
  const auto text = text_of(from);
  if (!text || !is_utf8(*text)) return false;
  into = *text;
  return true;
}

bool get(const object& from, std::vector<std::string>& into, wire as, std::string& reason) {
  if (from.type != msgpack::type::ARRAY) return false;
  into.resize(from.via.array.size);
  for (std::size_t i = 0; i < into.size(); ++i)
    if (!get(from.via.array.ptr[i], into[i], as, reason)) return false;
  return true;
}

bool get(const object& from, header_list& into, wire, std::string& reason) {
  if (from.type != msgpack::type::ARRAY) return false;
  into.resize(from.via.array.size);
  for (std::size_t i = 0; i < into.size(); ++i) {
    const auto& pair = from.via.array.ptr[i];
    if (pair.type != msgpack::type::ARRAY || pair.via.array.size != 2) return false;
    if (!get(pair.via.array.ptr[0], into[i].first, wire::text, reason)) return false;
    if (!get(pair.via.array.ptr[1], into[i].second, wire::bytes, reason)) return false;
  }
  return true;
}

bool get(const object& from, std::map<std::string, std::string>& into, wire as, std::string& reason) {
  if (from.type != msgpack::type::MAP) return false;
  for (std::uint32_t i = 0; i < from.via.map.size; ++i) {
    std::string name, value;
    if (!get(from.via.map.ptr[i].key, name, as, reason) || !get(from.via.map.ptr[i].val, value, as, reason))
      return false;
    if (!into.emplace(std::move(name), std::move(value)).second) return false;
  }
  return true;
}

template <class Struct>
requires requires { schema<Struct>::fields; }
bool get(const object& from, std::vector<Struct>& into, wire, std::string& reason) {
  if (from.type != msgpack::type::ARRAY) return false;
  // An element of a wire byte may be a struct of a hundred: grow with what was really read.
  for (std::uint32_t i = 0; i < from.via.array.size; ++i)
    if (!get_fields(from.via.array.ptr[i], into.emplace_back(), reason)) return false;
  return true;
}

// Fills `into` from a map. Unknown keys are skipped; a known key that comes twice is refused, for which one counts?
template <class Struct>
bool get_fields(const object& from, Struct& into, std::string& reason) {
  if (from.type != msgpack::type::MAP) return false;
  std::array<bool, std::tuple_size_v<decltype(schema<Struct>::fields)>> seen{};
  for (std::uint32_t i = 0; i < from.via.map.size; ++i) {
    const auto key = text_of(from.via.map.ptr[i].key);
    if (!key) {
      reason = "a key that is not a string";
      return false;
    }
    const object& value = from.via.map.ptr[i].val;
    const auto take = [&](std::size_t index, const auto& f) {
      if (f.name != *key) return true;
      if (!seen[index] && get(value, into.*f.member, f.as, reason)) return seen[index] = true;
      if (reason.empty()) reason = (seen[index] ? "field twice: " : "wrong type of field: ") + std::string(f.name);
      return false;
    };
    const bool good = std::apply(
        [&](const auto&... f) {
          std::size_t index = 0;
          return (... && take(index++, f));
        },
        schema<Struct>::fields);
    if (!good) return false;
  }
  return true;
}

decoded malformed(std::string reason) { return {decoded::verdict::malformed, {}, std::move(reason)}; }

template <class Struct>
decoded decode_as(const object& root) {
  decoded out{decoded::verdict::known, message(std::in_place_type<Struct>), {}};
  if (get_fields(root, std::get<Struct>(out.value), out.reason)) return out;
  return malformed(std::string(schema<Struct>::name) + ": " + (out.reason.empty() ? "not a map" : out.reason));
}

template <class... Struct>
decoded decode_named(std::string_view name, const object& root, const std::variant<Struct...>*) {
  decoded out{decoded::verdict::unknown, {}, {}};
  (void)(... || (name == schema<Struct>::name && (out = decode_as<Struct>(root), true)));
  return out;
}

std::string check(std::string_view bytes) {
  counting count(bytes.size());
  std::size_t used = 0;
  const bool good = msgpack::parse(bytes.data(), bytes.size(), used, count);
  if (count.reason) return count.reason;
  if (!good) return "not msgpack";
  if (used != bytes.size()) return "bytes after the message";
  return {};
}

}  // namespace

decoded decode(std::string_view bytes) {
  if (bytes.empty()) return malformed("empty");
  if (auto fault = check(bytes); !fault.empty()) return malformed(std::move(fault));

  const auto refer = [](msgpack::type::object_type, std::size_t, void*) { return true; };
  msgpack::zone zone;
  std::size_t used = 0;
  bool referenced = false;
  const object root = msgpack::unpack(zone, bytes.data(), bytes.size(), used, referenced, refer);
  if (root.type != msgpack::type::MAP) return malformed("not a map");

  std::optional<std::string_view> name;
  for (std::uint32_t i = 0; i < root.via.map.size; ++i) {
    if (text_of(root.via.map.ptr[i].key) != "t") continue;
    if (name) return malformed("field twice: t");
    name = text_of(root.via.map.ptr[i].val);
    if (!name) return malformed("wrong type of field: t");
  }
  if (!name) return malformed("no field t");
  return decode_named(*name, root, static_cast<const message*>(nullptr));
}

}  // namespace koppel::messages
