// SPDX-License-Identifier: Apache-2.0
// Canonical values and facets to msgpack, in one way only, so that equal records have equal bytes.
#include <koppel/sdk/failure.hpp>
#include <koppel/sdk/record.hpp>

#include "json_access.hpp"

#include <msgpack/adaptor/bool.hpp>
#include <msgpack/adaptor/float.hpp>
#include <msgpack/adaptor/int.hpp>
#include <msgpack/pack.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace koppel::sdk {
namespace {

struct sink {
  std::string& out;
  void write(const char* bytes, std::size_t size) { out.append(bytes, size); }
};
using packer = msgpack::packer<sink>;

template <class Write>
std::string written(const Write& write) {
  std::string out;
  sink into{out};
  packer to(into);
  write(to);
  return out;
}

void put_text(packer& to, std::string_view text) {
  to.pack_str(static_cast<std::uint32_t>(text.size()));
  to.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
}

template <class Map>
std::string map_bytes(const Map& members) {
  auto out = written([&](packer& to) { to.pack_map(static_cast<std::uint32_t>(members.size())); });
  for (const auto& [name, value] : members) {
    out += written([&](packer& to) { put_text(to, name); });
    out += value.bytes();
  }
  return out;
}

packed plain_value(const boost::json::value& of) {
  namespace bj = boost::json;
  switch (of.kind()) {
    case bj::kind::null:
      return packed::null();
    case bj::kind::bool_:
      return packed::flag(of.get_bool());
    case bj::kind::int64:
      return packed::integer(of.get_int64());
    case bj::kind::uint64:
      return packed::real(static_cast<double>(of.get_uint64()));  // beyond int64: as JSON readers do
    case bj::kind::double_:
      return packed::real(of.get_double());
    case bj::kind::string: {
      const auto& text = of.get_string();
      return text.empty() ? packed::null() : packed::text({text.data(), text.size()});
    }
    case bj::kind::array: {
      std::vector<packed> items;
      for (const auto& item : of.get_array()) items.push_back(plain_value(item));
      return items.empty() ? packed::null() : packed::list(items);
    }
    case bj::kind::object:
      break;
  }
  std::map<std::string_view, packed> members;
  for (const auto& [name, value] : of.get_object())
    members.insert_or_assign(std::string_view(name.data(), name.size()), plain_value(value));
  return packed::map(members);
}

}  // namespace

packed packed::null() {
  return packed(written([](packer& to) { to.pack_nil(); }));
}
packed packed::text(std::string_view value) {
  return packed(written([&](packer& to) { put_text(to, value); }));
}
packed packed::integer(std::int64_t value) {
  return packed(written([&](packer& to) { to.pack(value); }));
}
packed packed::real(double value) {
  return packed(written([&](packer& to) { to.pack_double(value); }));
}
packed packed::flag(bool value) {
  return packed(written([&](packer& to) { to.pack(value); }));
}
packed packed::list(const std::vector<packed>& items) {
  auto out = written([&](packer& to) { to.pack_array(static_cast<std::uint32_t>(items.size())); });
  for (const auto& item : items) out += item.bytes();
  return packed(std::move(out));
}
packed packed::map(const std::map<std::string_view, packed>& members) { return packed(map_bytes(members)); }

packed packed::plain(const json& value) { return value ? plain_value(*json_access::value(value)) : packed(); }

facet& facet::set_packed(std::string_view field_name, packed value) {
  if (!value.is_absent()) fields_.insert_or_assign(std::string(field_name), std::move(value));
  return *this;
}

std::string facet::bytes() const { return map_bytes(fields_); }

facet& record::in(std::string_view facet_name) {
  for (auto& known : facets)
    if (known.name() == facet_name) return known;
  return facets.emplace_back(std::string(facet_name));
}

record record::of_id(std::string_view asked_for) && {
  if (id != asked_for) throw unmappable("another record than was asked for");
  return std::move(*this);
}

}  // namespace koppel::sdk
