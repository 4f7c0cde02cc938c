// SPDX-License-Identifier: Apache-2.0
// The envelope's codec: a packer straight into one buffer, and a visitor that only points into the bytes.

#include <sodium.h>

#include <array>
#include <koppel/bus/error.hpp>
#include <koppel/bus/event.hpp>

#include "msgpack_view.hpp"

namespace koppel::bus {
namespace {

constexpr std::string_view type_prefix = "eu.koppel.";
constexpr std::string_view type_version = ".v1";
constexpr std::string_view schema_prefix = "urn:koppel:schema:";
constexpr std::size_t digest_bytes = 8;

failure malformed(std::string why) { return {errc::malformed, "Not an event: " + std::move(why) + "."}; }

std::string digest_of(std::string_view bytes) {
  // crypto_generichash asks for at least 16 bytes of output by its constants; the low-level BLAKE2b takes 8.
  std::array<unsigned char, digest_bytes> out{};
  crypto_generichash_blake2b(out.data(), out.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                             nullptr, 0);
  std::array<char, digest_bytes * 2 + 1> hex{};
  sodium_bin2hex(hex.data(), hex.size(), out.data(), out.size());
  return {hex.data(), digest_bytes * 2};
}

/// Collects the attributes of the map at depth 1; values elsewhere are only checked.
class envelope_visitor : public strict_visitor {
 public:
  using strict_visitor::strict_visitor;

  event_view view;
  std::string_view specversion;
  const char* data_at = nullptr;  ///< where the value of `data` begins

  bool start_map(std::uint32_t count) { return strict_visitor::start_map(count) && not_an_attribute(); }
  bool start_array(std::uint32_t count) { return strict_visitor::start_array(count) && not_an_attribute(); }
  bool visit_nil() { return strict_visitor::visit_nil() && not_an_attribute(); }
  bool visit_boolean(bool v) { return strict_visitor::visit_boolean(v) && not_an_attribute(); }
  bool visit_negative_integer(std::int64_t v) {
    if (v >= 0) return visit_positive_integer(static_cast<std::uint64_t>(v));  // written as signed, which is allowed
    return strict_visitor::visit_negative_integer(v) && not_an_attribute();
  }
  bool visit_float32(float v) { return strict_visitor::visit_float32(v) && not_an_attribute(); }
  bool visit_float64(double v) { return strict_visitor::visit_float64(v) && not_an_attribute(); }
  bool visit_bin(const char* v, std::uint32_t size) { return strict_visitor::visit_bin(v, size) && not_an_attribute(); }
  bool visit_ext(const char* v, std::uint32_t size) { return strict_visitor::visit_ext(v, size) && not_an_attribute(); }
  bool visit_positive_integer(std::uint64_t v) {
    if (!strict_visitor::visit_positive_integer(v)) return false;
    if (depth() == 1 && seq_next_) {
      view.seq = v;
      seq_next_ = false;
      return v != 0 || refuse("seq is 0");
    }
    return not_an_attribute();
  }
  bool visit_str(const char* text, std::uint32_t size) {
    if (!strict_visitor::visit_str(text, size)) return refuse("a string is not UTF-8");
    const std::string_view value{text, size};
    if (depth() == 1 && in_key()) return choose(value);
    if (depth() == 1 && target_ != nullptr) {
      // An empty attribute is written as none; a present but empty one would be another encoding of the same.
      *target_ = value;
      target_ = nullptr;
      return !value.empty() || refuse("an attribute is empty");
    }
    return not_an_attribute();
  }

 private:
  bool choose(std::string_view key) {
    struct row {
      std::string_view key;
      std::string_view event_view::*member;
    };
    static constexpr row rows[] = {{"id", &event_view::id},
                                   {"source", &event_view::source},
                                   {"type", &event_view::type},
                                   {"subject", &event_view::subject},
                                   {"time", &event_view::time},
                                   {"epoch", &event_view::epoch},
                                   {"provider", &event_view::provider},
                                   {"connection_id", &event_view::connection_id},
                                   {"connection", &event_view::connection},
                                   {"customer", &event_view::customer}};
    for (const row& r : rows) {
      if (key != r.key) continue;
      target_ = &(view.*r.member);
      return target_->data() == nullptr || refuse("an attribute is there twice");
    }
    if (key == "specversion") {
      target_ = &specversion;
      return target_->data() == nullptr || refuse("an attribute is there twice");
    }
    if (key == "seq") {
      seq_next_ = true;
      return view.seq == 0 || refuse("an attribute is there twice");
    }
    if (key == "data") {
      if (data_at != nullptr) return refuse("data is there twice");
      data_at = key.data() + key.size();
    }
    return true;
  }
  bool not_an_attribute() { return (target_ == nullptr && !seq_next_) || refuse("an attribute has the wrong type"); }

  std::string_view* target_ = nullptr;
  bool seq_next_ = false;
};

bool begins_map(std::string_view bytes) {
  const auto first = static_cast<unsigned char>(bytes.empty() ? 0 : bytes.front());
  return (first & 0xF0) == 0x80 || first == 0xDE || first == 0xDF;
}

/// The bytes of `data`, from where its value begins.
bool take_data(envelope_visitor& envelope, std::string_view raw) {
  if (envelope.data_at == nullptr) return true;
  const std::string_view rest = raw.substr(static_cast<std::size_t>(envelope.data_at - raw.data()));
  if (!begins_map(rest)) return false;
  msgpack::null_visitor skip;  // the strict visitor has been over these bytes
  std::size_t end = 0;
  if (!parse_one(rest, end, skip)) return false;
  envelope.view.data = rest.substr(0, end);
  return true;
}

}  // namespace

std::string_view short_type(std::string_view type) {
  std::string_view rest = type;
  if (!rest.starts_with(type_prefix)) return type;
  rest.remove_prefix(type_prefix.size());
  // Another major version is another type: what it means is unknown here.
  if (!rest.ends_with(type_version)) return type;
  rest.remove_suffix(type_version.size());
  return rest;
}

std::string long_type(std::string_view short_name) {
  std::string out{type_prefix};
  out.append(short_name).append(type_version);
  return out;
}

std::string topic_of(const event& e) {
  std::string out;
  const auto part = [&out](std::string_view text) { out.append(text.empty() ? "-" : text).push_back('/'); };
  part(e.provider);
  part(e.connection);
  part(short_type(e.type));
  return out;
}

std::string encode(event& e) {
  std::string out;
  out.reserve(e.data.size() + 512);
  string_sink sink(out);
  packer to(sink);

  const bool with_id = e.seq != 0 || !e.id.empty();
  std::uint32_t count = 3 + (with_id ? 1 : 0) + (e.seq != 0 ? 1 : 0) + (e.data.empty() ? 0 : 2);
  for (const std::string* attribute :
       {&e.source, &e.subject, &e.time, &e.epoch, &e.provider, &e.connection_id, &e.connection, &e.customer})
    count += attribute->empty() ? 0 : 1;
  to.pack_map(count);

  const auto put = [&to](std::string_view key, std::string_view value) {
    if (value.empty()) return;
    pack_text(to, key);
    pack_text(to, value);
  };
  put("specversion", "1.0");
  put("type", e.type);
  put("source", e.source);
  put("subject", e.subject);
  put("time", e.time);
  pack_text(to, "dataschema");
  to.pack_str(static_cast<std::uint32_t>(schema_prefix.size() + e.type.size()));
  out.append(schema_prefix).append(e.type);
  put("epoch", e.epoch);
  if (e.seq != 0) {
    pack_text(to, "seq");
    to.pack_uint64(e.seq);
  }
  put("provider", e.provider);
  put("connection_id", e.connection_id);
  put("connection", e.connection);
  put("customer", e.customer);
  if (!e.data.empty()) {
    put("datacontenttype", "application/msgpack");
    pack_text(to, "data");
    out.append(e.data);
  }
  // The id comes last, so that its digest is over all that stands before it.
  if (e.id.empty() && e.seq != 0) e.id = e.epoch + "-" + std::to_string(e.seq) + "-" + digest_of(out);
  put("id", e.id);
  return out;
}

result<event_view> peek(std::string_view bytes) {
  if (!begins_map(bytes)) return malformed("it is not a map");
  // What follows in a concatenation is not this event's business: one event never needs more than the limit.
  const std::string_view window = bytes.substr(0, limits::event_bytes);
  envelope_visitor envelope(window.size());
  std::size_t end = 0;
  if (!parse_one(window, end, envelope)) {
    if (!envelope.complaint().empty()) return malformed(envelope.complaint());
    if (bytes.size() > window.size()) return failure{errc::malformed, "Not an event: over 64 KiB, or broken."};
    return malformed("the bytes are broken or cut off");
  }
  event_view& view = envelope.view;
  view.raw = bytes.substr(0, end);
  if (envelope.specversion != "1.0") return malformed("specversion is not 1.0");
  for (const auto& [name, value] : {std::pair{"id", view.id},
                                    {"source", view.source},
                                    {"type", view.type},
                                    {"time", view.time},
                                    {"epoch", view.epoch}})
    if (value.empty()) return malformed(std::string("the attribute ") + name + " is missing");
  if (!take_data(envelope, view.raw)) return malformed("data is not a map");
  return view;
}

event copy_of(const event_view& v) {
  event e;
  e.id = v.id;
  e.source = v.source;
  e.type = v.type;
  e.subject = v.subject;
  e.time = v.time;
  e.epoch = v.epoch;
  e.seq = v.seq;
  e.provider = v.provider;
  e.connection_id = v.connection_id;
  e.connection = v.connection;
  e.customer = v.customer;
  e.data = v.data;
  return e;
}

result<event> decode(std::string_view bytes) {
  if (bytes.size() > limits::event_bytes) return malformed("it is larger than 64 KiB");
  const auto view = peek(bytes);
  if (!view) return view.error();
  if (view->raw.size() != bytes.size()) return malformed("bytes follow the event");
  return copy_of(*view);
}

}  // namespace koppel::bus
