// SPDX-License-Identifier: Apache-2.0
// Messages to bytes: one msgpack map each, "t" first, then every field of the struct in the order of its field list.
#include "fields.hpp"

#include <msgpack/adaptor/bool.hpp>
#include <msgpack/adaptor/int.hpp>
#include <msgpack/pack.hpp>

namespace koppel::messages {
namespace {

struct sink {
  std::string& out;
  void write(const char* bytes, std::size_t size) { out.append(bytes, size); }
};
using packer = msgpack::packer<sink>;

template <class Struct>
void put_fields(packer& to, const Struct& value);

void put_text(packer& to, std::string_view text) {
  to.pack_str(static_cast<std::uint32_t>(text.size()));
  to.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
}

void put_bytes(packer& to, std::string_view bytes) {
  to.pack_bin(static_cast<std::uint32_t>(bytes.size()));
  to.pack_bin_body(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
}

template <class T>
void put(packer& to, const T& number, wire) {
  to.pack(number);
}

void put(packer& to, const std::string& value, wire as) {
  if (as == wire::text)
    put_text(to, value);
  else
    put_bytes(to, value);
}

// Names are text, values bytes: HTTP promises no charset for them.
void put(packer& to, const header_list& headers, wire) {
  to.pack_array(static_cast<std::uint32_t>(headers.size()));
  for (const auto& [name, value] : headers) {
    to.pack_array(2);
    put_text(to, name);
    put_bytes(to, value);
  }
}

void put(packer& to, const std::map<std::string, std::string>& entries, wire) {
  to.pack_map(static_cast<std::uint32_t>(entries.size()));
  for (const auto& [name, value] : entries) {
    put_text(to, name);
    put_text(to, value);
  }
}

void put(packer& to, const std::vector<std::string>& texts, wire) {
  to.pack_array(static_cast<std::uint32_t>(texts.size()));
  for (const auto& text : texts) put_text(to, text);
}

template <class Struct>
requires requires { schema<Struct>::fields; }
void put(packer& to, const std::vector<Struct>& values, wire) {
  to.pack_array(static_cast<std::uint32_t>(values.size()));
  for (const auto& value : values) {
    to.pack_map(std::tuple_size_v<decltype(schema<Struct>::fields)>);
    put_fields(to, value);
  }
}

template <class Struct>
void put_fields(packer& to, const Struct& value) {
  std::apply([&](const auto&... f) { (..., (put_text(to, f.name), put(to, value.*f.member, f.as))); },
             schema<Struct>::fields);
}

// Close enough that one allocation usually does for the messages that are large.
std::size_t expected_size(const message& m) {
  if (const auto* answer = std::get_if<reply>(&m)) return 4096 + answer->body.size();
  const auto* rows = std::get_if<page>(&m);
  if (!rows) return 256;
  std::size_t total = 256 + rows->cursor.size();
  for (const auto& row : rows->records) {
    total += 128;
    for (const auto& part : row.facets) total += 40 + part.fields.size();
  }
  return total;
}

}  // namespace

std::uint64_t job_of(const message& m) {
  return std::visit(
      [](const auto& of) -> std::uint64_t {
        if constexpr (requires { of.job; })
          return of.job;
        else
          return 0;
      },
      m);
}

std::string encode(const message& m) {
  std::string out;
  out.reserve(expected_size(m));
  sink into{out};
  packer to(into);
  std::visit(
      [&]<class Struct>(const Struct& of) {
        to.pack_map(1 + std::tuple_size_v<decltype(schema<Struct>::fields)>);
        put_text(to, "t");
        put_text(to, schema<Struct>::name);
        put_fields(to, of);
      },
      m);
  return out;
}

}  // namespace koppel::messages
