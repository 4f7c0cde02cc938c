// SPDX-License-Identifier: Apache-2.0
// The data of a record's event, written key by key. For the sources of the ledger alone.
#pragma once

#include <cstdint>
#include <msgpack/adaptor/int.hpp>
#include <msgpack/pack.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace koppel::ledger {

/// A msgpack map that is written key by key.
class map_writer {
 public:
  explicit map_writer(std::uint32_t pairs) { to_.pack_map(pairs); }
  map_writer& text(std::string_view key, std::string_view value) {
    put(key);
    put(value);
    return *this;
  }
  map_writer& time(std::string_view key, std::string_view value) {
    if (!value.empty()) return text(key, value);
    put(key);
    to_.pack_nil();
    return *this;
  }
  map_writer& number(std::string_view key, std::uint64_t value) {
    put(key);
    to_.pack(value);
    return *this;
  }
  map_writer& texts(std::string_view key, const std::vector<std::string>& values) {
    put(key);
    to_.pack_array(static_cast<std::uint32_t>(values.size()));
    for (const auto& value : values) put(value);
    return *this;
  }
  /// A value that is msgpack already.
  map_writer& spliced(std::string_view key, std::string_view value) {
    put(key);
    out_.append(value);
    return *this;
  }
  std::string take() { return std::move(out_); }

 private:
  struct sink {
    std::string& out;
    void write(const char* bytes, std::size_t size) { out.append(bytes, size); }
  };
  void put(std::string_view text) {
    to_.pack_str(static_cast<std::uint32_t>(text.size()));
    to_.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
  }
  std::string out_;
  sink sink_{out_};
  msgpack::packer<sink> to_{sink_};
};

}  // namespace koppel::ledger
