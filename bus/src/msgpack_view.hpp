// SPDX-License-Identifier: Apache-2.0
// Strict reading of msgpack. msgpack-c limits nothing by default, so every visitor here begins with these checks:
// depth, element counts that the bytes could never hold, keys that are no strings, strings that are no UTF-8.
#pragma once

#include <koppel/bus/limits.hpp>
#include <msgpack.hpp>
#include <string>
#include <string_view>

namespace koppel::bus {

bool is_utf8(std::string_view text);

/// Base of the visitors. A derived visitor calls the base first and gives up when it says false.
class strict_visitor : public msgpack::null_visitor {
 public:
  explicit strict_visitor(std::size_t input_bytes) : input_bytes_(input_bytes) {}

  bool visit_nil() { return is_value(); }
  bool visit_boolean(bool) { return is_value(); }
  bool visit_positive_integer(std::uint64_t) { return is_value(); }
  bool visit_negative_integer(std::int64_t) { return is_value(); }
  bool visit_float32(float) { return is_value(); }
  bool visit_float64(double) { return is_value(); }
  bool visit_str(const char* text, std::uint32_t size) { return is_utf8({text, size}); }
  bool visit_bin(const char*, std::uint32_t) { return is_value(); }
  bool visit_ext(const char*, std::uint32_t) { return is_value(); }
  bool start_array(std::uint32_t count) { return enter(count); }
  bool end_array() { return leave(); }
  bool start_map(std::uint32_t count) { return enter(count); }
  bool end_map() { return leave(); }
  bool start_map_key() { return in_key_ = true; }
  bool end_map_key() { return !(in_key_ = false); }

  /// Filled when a check failed; empty when the bytes themselves are broken or cut.
  const std::string& complaint() const { return complaint_; }

 protected:
  bool in_key() const { return in_key_; }
  std::size_t depth() const { return depth_; }
  bool refuse(const char* why) {
    complaint_ = why;
    return false;
  }

 private:
  bool is_value() { return !in_key_ || refuse("a map key is not a string"); }
  bool enter(std::uint32_t count) {
    if (in_key_) return refuse("a map key is not a string");
    if (count > input_bytes_) return refuse("a map or array claims more elements than there are bytes");
    return ++depth_ <= limits::msgpack_depth || refuse("nested too deeply");
  }
  bool leave() {
    --depth_;
    return true;
  }

  std::size_t input_bytes_;
  std::size_t depth_ = 0;
  bool in_key_ = false;
  std::string complaint_;
};

/// Parses one object at `offset`; on success `offset` is behind it. Never throws.
template <class Visitor>
bool parse_one(std::string_view bytes, std::size_t& offset, Visitor& visitor) noexcept {
  try {
    return offset < bytes.size() && msgpack::parse(bytes.data(), bytes.size(), offset, visitor);
  } catch (const msgpack::unpack_error&) {  // an ext of 2^32-1 bytes, where size_t is too small
    return false;
  }
}

/// Lets msgpack-c write straight into a string.
class string_sink {
 public:
  explicit string_sink(std::string& out) : out_(out) {}
  void write(const char* bytes, std::size_t size) { out_.append(bytes, size); }

 private:
  std::string& out_;
};
using packer = msgpack::packer<string_sink>;

inline void pack_text(packer& to, std::string_view text) {
  to.pack_str(static_cast<std::uint32_t>(text.size()));
  to.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
}

}  // namespace koppel::bus
