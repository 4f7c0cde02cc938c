// SPDX-License-Identifier: Apache-2.0
// msgpack <-> JSON: a visitor that builds the tree, and a packer that walks one.

#include "msgpack_json.hpp"

#include <sodium.h>

#include <boost/json/value.hpp>
#include <cmath>
#include <koppel/bus/error.hpp>
#include <koppel/bus/event.hpp>
#include <vector>

#include "msgpack_view.hpp"

namespace koppel::bus {
namespace {

namespace json = boost::json;

json::string base64(std::string_view bytes) {
  constexpr int variant = sodium_base64_VARIANT_ORIGINAL;
  std::string out(sodium_base64_encoded_len(bytes.size(), variant), '\0');
  sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                    variant);
  out.pop_back();  // the terminating zero
  return json::string(out);
}

class tree_builder : public strict_visitor {
 public:
  tree_builder(std::size_t input_bytes, bins how) : strict_visitor(input_bytes), how_(how) {}

  json_tree take() { return {std::move(root_), blob_, blob_key_}; }

  bool visit_nil() { return strict_visitor::visit_nil() && add(nullptr); }
  bool visit_boolean(bool v) { return strict_visitor::visit_boolean(v) && add(v); }
  bool visit_positive_integer(std::uint64_t v) { return strict_visitor::visit_positive_integer(v) && add(v); }
  bool visit_negative_integer(std::int64_t v) {
    if (v >= 0) return visit_positive_integer(static_cast<std::uint64_t>(v));  // written as signed, which is allowed
    return strict_visitor::visit_negative_integer(v) && add(v);
  }
  bool visit_float32(float v) { return visit_float64(v); }
  bool visit_float64(double v) {
    if (!strict_visitor::visit_float64(v)) return false;
    return std::isfinite(v) ? add(v) : add(nullptr);
  }
  bool visit_str(const char* text, std::uint32_t size) {
    if (!strict_visitor::visit_str(text, size)) return refuse("a string is not UTF-8");
    if (in_key()) {
      open_.back().key = {text, size};
      return true;
    }
    return add(json::string(text, size));
  }
  bool visit_bin(const char* v, std::uint32_t size) {
    if (!strict_visitor::visit_bin(v, size)) return false;
    if (how_ == bins::base64) return add(base64({v, size}));
    if (how_ == bins::refuse || depth() != 1 || !blob_key_.empty()) return refuse("bytes where none belong");
    blob_ = {v, size};
    blob_key_ = open_.back().key;
    return true;
  }
  /// An ext begins with its type byte; what it means is not ours to say, so all of it is shown.
  bool visit_ext(const char* v, std::uint32_t size) {
    if (!strict_visitor::visit_ext(v, size)) return false;
    return how_ == bins::base64 ? add(base64({v, size})) : refuse("an extension type");
  }
  bool start_array(std::uint32_t count) {
    if (!strict_visitor::start_array(count)) return false;
    open_.push_back({json::array(), {}});
    return true;
  }
  bool start_map(std::uint32_t count) {
    if (!strict_visitor::start_map(count)) return false;
    open_.push_back({json::object(), {}});
    return true;
  }
  bool end_array() { return strict_visitor::end_array() && close(); }
  bool end_map() { return strict_visitor::end_map() && close(); }

 private:
  struct container {
    json::value value;
    std::string_view key;
  };

  bool close() {
    json::value done = std::move(open_.back().value);
    open_.pop_back();
    return add(std::move(done));
  }
  bool add(json::value value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return true;
    }
    container& into = open_.back();
    if (into.value.is_array()) {
      into.value.get_array().push_back(std::move(value));
      return true;
    }
    return into.value.get_object().emplace(into.key, std::move(value)).second || refuse("a key is there twice");
  }

  bins how_;
  json::value root_;
  std::vector<container> open_;
  std::string_view blob_, blob_key_;
};

void pack(packer& to, const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      to.pack_nil();
      return;
    case json::kind::bool_:
      value.get_bool() ? to.pack_true() : to.pack_false();
      return;
    case json::kind::int64:
      to.pack_int64(value.get_int64());
      return;
    case json::kind::uint64:
      to.pack_uint64(value.get_uint64());
      return;
    case json::kind::double_:
      to.pack_double(value.get_double());
      return;
    case json::kind::string:
      pack_text(to, value.get_string());
      return;
    case json::kind::array:
      to.pack_array(static_cast<std::uint32_t>(value.get_array().size()));
      for (const json::value& item : value.get_array()) pack(to, item);
      return;
    case json::kind::object:
      to.pack_map(static_cast<std::uint32_t>(value.get_object().size()));
      for (const auto& [key, item] : value.get_object()) {
        pack_text(to, key);
        pack(to, item);
      }
      return;
  }
}

}  // namespace

result<json_tree> tree_from_msgpack(std::string_view bytes, bins how) {
  tree_builder builder(bytes.size(), how);
  std::size_t end = 0;
  const auto malformed = [](const std::string& why) { return failure{errc::malformed, "Not msgpack: " + why + "."}; };
  if (!parse_one(bytes, end, builder))
    return malformed(builder.complaint().empty() ? "the bytes are broken or cut off" : builder.complaint());
  if (end != bytes.size()) return malformed("bytes follow the object");
  return builder.take();
}

result<json::value> json_from_msgpack(std::string_view bytes) {
  auto tree = tree_from_msgpack(bytes, bins::base64);
  if (!tree) return tree.error();
  return std::move(tree->root);
}

std::string msgpack_from_json(const json::value& value) {
  std::string out;
  string_sink sink(out);
  packer to(sink);
  pack(to, value);
  return out;
}

result<json::object> data_as_json(const event& e) {
  if (e.data.empty()) return json::object();
  auto value = json_from_msgpack(e.data);
  if (!value) return value.error();
  if (!value->is_object()) return failure{errc::malformed, "The data of event " + e.id + " is not a map."};
  return std::move(value->get_object());
}

result<json::object> to_json(const event& e) {
  json::object out;
  out["specversion"] = "1.0";
  const auto put = [&out](std::string_view key, const std::string& value) {
    if (!value.empty()) out[key] = value;
  };
  put("id", e.id);
  put("source", e.source);
  put("type", e.type);
  put("subject", e.subject);
  put("time", e.time);
  put("epoch", e.epoch);
  if (e.seq != 0) out["seq"] = std::to_string(e.seq);
  put("provider", e.provider);
  put("connection_id", e.connection_id);
  put("connection", e.connection);
  put("customer", e.customer);
  if (!e.data.empty()) {
    auto data = data_as_json(e);
    if (!data) return data.error();
    out["data"] = std::move(*data);
  }
  return out;
}

}  // namespace koppel::bus
