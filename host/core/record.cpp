// SPDX-License-Identifier: Apache-2.0
// Merging what a plugin says of a record with what is known of it, and the form in which the ledger keeps the result.
// Values are compared as bytes: the SDK writes equal values with equal bytes.

#include "host/core/record.hpp"

#include <sodium/crypto_generichash.h>

#include <algorithm>
#include <array>
#include <list>
#include <msgpack.hpp>

#include "host/core/fields.hpp"

namespace koppel::core {
namespace {

constexpr std::uint32_t blob_format = 1;
constexpr std::size_t checksum_bytes = 8;
constexpr std::size_t digest_bytes = 16;

template <std::size_t Size>
std::string blake2b(std::string_view bytes) {
  std::string out(Size, '\0');
  crypto_generichash_blake2b(reinterpret_cast<unsigned char*>(out.data()), Size,
                             reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), nullptr, 0);
  return out;
}

struct sink {
  std::string& out;
  void write(const char* bytes, std::size_t size) { out.append(bytes, size); }
};
using packer = msgpack::packer<sink>;

void put_text(packer& to, std::string_view text) {
  to.pack_str(static_cast<std::uint32_t>(text.size()));
  to.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
}

void put_bytes(packer& to, std::string_view bytes) {
  to.pack_bin(static_cast<std::uint32_t>(bytes.size()));
  to.pack_bin_body(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
}

failure broken(const char* why) {
  return {make_error_code(boost::system::errc::bad_message), std::string("A stored record is broken: ") + why + "."};
}

/// The facets' bytes in the order that counts: "core" first, then by name.
std::vector<std::string_view> ordered(const stored_record& r) {
  std::vector<std::string_view> out;
  if (const auto core = r.facets.find("core"); core != r.facets.end()) out.emplace_back(core->second);
  for (const auto& [name, bytes] : r.facets)
    if (name != "core") out.emplace_back(bytes);
  return out;
}

/// One record out of its facets. Lists that were joined need bytes of their own: they are put into `made`.
field_views fields_in(const stored_record& r, std::list<std::string>& made) {
  if (r.facets.size() == 1) return split_fields(r.facets.begin()->second).value_or(field_views{});
  std::map<std::string_view, std::vector<std::string_view>> said;
  for (const auto bytes : ordered(r)) {
    const auto fields = split_fields(bytes);
    if (!fields) continue;
    for (const auto& [name, value] : *fields) said[name].push_back(value);
  }
  field_views out;
  for (const auto& [name, values] : said) {
    const bool lists = std::any_of(values.begin(), values.end(), is_list);
    const auto chosen = std::find_if(values.begin(), values.end(), [](auto value) { return !is_null(value); });
    std::string_view value = chosen == values.end() ? values.front() : *chosen;
    if (lists && values.size() > 1) value = made.emplace_back(concatenated(values));
    out.emplace_hint(out.end(), name, value);
  }
  return out;
}

/// What is known of a facet, with what came now over it.
std::string laid_over(std::string_view known, const field_views& fields) {
  auto all = split_fields(known);
  if (!all) return join_fields(fields);
  for (const auto& [name, value] : fields) (*all)[name] = value;
  return join_fields(*all);
}

std::vector<std::string> difference(const field_views& before, const field_views& after) {
  std::vector<std::string> names;
  for (const auto& [name, value] : after) {
    const auto old = before.find(name);
    if (old == before.end() || old->second != value) names.emplace_back(name);
  }
  return names;
}

record_change deletion(const std::optional<stored_record>& previous) {
  record_change out;
  out.what = record_change::kind::ignored;
  if (!previous || previous->deleted) return out;
  out.what = record_change::kind::deleted;
  out.next = *previous;
  out.next.deleted = true;
  ++out.next.revision;
  return out;
}

}  // namespace

std::string stored_record::encode() const {
  std::string out;
  std::size_t size = 64 + updated_at.size();
  for (const auto& [name, bytes] : facets) size += 16 + name.size() + bytes.size();
  out.reserve(size);
  sink into{out};
  packer to(into);
  to.pack_array(6);
  to.pack(blob_format);
  to.pack(revision);
  to.pack(deleted);
  to.pack(mapping_version);
  put_text(to, updated_at);
  to.pack_map(static_cast<std::uint32_t>(facets.size()));
  for (const auto& [name, bytes] : facets) {
    put_text(to, name);
    put_bytes(to, bytes);
  }
  return out.append(blake2b<16>(out), 0, checksum_bytes);
}

result<stored_record> stored_record::decode(std::string_view blob) {
  if (blob.size() <= checksum_bytes) return broken("it is cut off");
  const auto body = blob.substr(0, blob.size() - checksum_bytes);
  if (blake2b<16>(body).substr(0, checksum_bytes) != blob.substr(body.size())) return broken("its checksum differs");
  try {
    msgpack::zone zone;
    std::size_t used = 0;
    bool referenced = false;
    const auto refer = [](msgpack::type::object_type, std::size_t, void*) { return true; };
    const msgpack::object root = msgpack::unpack(zone, body.data(), body.size(), used, referenced, refer);
    const auto items = root.as<std::vector<msgpack::object>>();
    if (items.size() != 6 || items[0].as<std::uint32_t>() != blob_format) return broken("its format is not 1");
    stored_record r;
    r.revision = items[1].as<std::uint64_t>();
    r.deleted = items[2].as<bool>();
    r.mapping_version = items[3].as<std::uint32_t>();
    r.updated_at = items[4].as<std::string>();
    for (auto& [name, bytes] : items[5].as<std::map<std::string, std::string>>()) r.facets.emplace(name, bytes);
    return r;
  } catch (const std::exception&) {
    return broken("its parts have other types");
  }
}

std::string digest_of(const messages::facet& f, std::uint32_t mapping_version) {
  crypto_generichash_blake2b_state state;
  crypto_generichash_blake2b_init(&state, nullptr, 0, digest_bytes);
  const std::array<std::uint64_t, 2> head{mapping_version, f.name.size()};
  const auto add = [&state](const void* bytes, std::size_t size) {
    crypto_generichash_blake2b_update(&state, static_cast<const unsigned char*>(bytes), size);
  };
  add(head.data(), sizeof head);
  add(f.name.data(), f.name.size());
  add(f.fields.data(), f.fields.size());
  std::string out(digest_bytes, '\0');
  crypto_generichash_blake2b_final(&state, reinterpret_cast<unsigned char*>(out.data()), digest_bytes);
  return out;
}

std::string fields_of(const stored_record& r) {
  std::list<std::string> made;
  return join_fields(fields_in(r, made));
}

record_change merge(const std::optional<stored_record>& previous, const messages::record& incoming,
                    std::uint32_t mapping_version) {
  if (incoming.gone) return deletion(previous);
  using kind = record_change::kind;
  record_change out;
  if (previous) out.next = *previous;
  out.next.mapping_version = mapping_version;
  for (const auto& part : incoming.facets) {
    const auto fields = split_fields(part.fields);
    if (!fields) {
      out.what = kind::ignored;
      return out;
    }
    auto& stored = out.next.facets[part.name];
    stored = laid_over(stored, *fields);
  }

  std::list<std::string> made;
  const auto after = fields_in(out.next, made);
  const bool visible = previous && !previous->deleted;
  out.changed = difference(visible ? fields_in(*previous, made) : field_views{}, after);
  if (visible && out.changed.empty()) return out;

  out.what = previous && previous->deleted ? kind::restored : kind::upserted;
  out.mapping_only = visible && previous->mapping_version != mapping_version;
  out.next.deleted = false;
  ++out.next.revision;
  if (!incoming.updated_at.empty()) out.next.updated_at = incoming.updated_at;
  out.data = join_fields(after);
  return out;
}

}  // namespace koppel::core
