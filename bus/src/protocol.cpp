// SPDX-License-Identifier: Apache-2.0
// Writing and strictly reading the messages of the wire.

#include "protocol.hpp"

#include <algorithm>

#include "msgpack_json.hpp"
#include "msgpack_view.hpp"

namespace koppel::bus {
namespace {

namespace json = boost::json;

failure bad(std::string why) { return {errc::bad_request, "The request is refused: " + std::move(why) + "."}; }

bool has_only(std::string_view text, auto allowed) { return std::all_of(text.begin(), text.end(), allowed); }
bool is_name_char(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; }

/// A field that must be a string of at most `limit` bytes; absent is empty.
result<std::string> text_of(const json::object& in, std::string_view key, std::size_t limit) {
  const json::value* value = in.if_contains(key);
  if (value == nullptr) return std::string();
  if (!value->is_string()) return bad(std::string(key) + " is not a string");
  if (value->get_string().size() > limit) return bad(std::string(key) + " is too long");
  return std::string(value->get_string());
}

result<std::uint64_t> number_of(const json::object& in, std::string_view key) {
  const json::value* value = in.if_contains(key);
  // The codec gives what was written as unsigned as uint64, whatever its width; below zero stays int64.
  if (value == nullptr || !value->is_uint64()) return bad(std::string(key) + " is not an unsigned integer");
  return value->get_uint64();
}

result<position> position_of(const json::object& in, std::string_view key) {
  const json::value* value = in.if_contains(key);
  if (value == nullptr || !value->is_object()) return bad(std::string(key) + " is not a position");
  const json::object& map = value->get_object();
  auto epoch = text_of(map, "epoch", limits::epoch_bytes);
  if (!epoch) return epoch.error();
  auto seq = number_of(map, "seq");
  if (!seq) return seq.error();
  auto id = text_of(map, "id", limits::event_id_bytes);
  if (!id) return id.error();
  // Not to be taken for a position of another history, with which a consumer begins again. An id may be empty: in
  // thinned history a batch can end at a seq whose event is gone.
  if (*seq > 0 && (epoch->empty() || !map.contains("id")))
    return bad(std::string(key) + " has a seq and lacks epoch or id: a position is what complete_up_to said, whole");
  return position{std::move(*epoch), *seq, std::move(*id)};
}

result<start_at> start_of(const json::object& in) {
  const json::value* value = in.if_contains("from");
  if (value != nullptr && value->is_string()) {
    if (value->get_string() == "start") return start_at(from_start{});
    if (value->get_string() == "now") return start_at(from_now{});
    if (value->get_string() == "snapshot") return start_at(from_snapshot{});
  }
  if (value == nullptr || !value->is_object()) return bad("from is not \"start\", \"now\", \"snapshot\" or a position");
  if (value->get_object().contains("snapshot")) {
    auto of = position_of(value->get_object(), "snapshot");
    if (!of) return of.error();
    const auto after = number_of(value->get_object(), "after");
    if (!after) return after.error();
    if (of->epoch.empty() || *after > of->seq) return bad("from is beyond its own snapshot");
    return start_at(from_snapshot{std::move(*of), *after});
  }
  auto at = position_of(in, "from");
  if (!at) return at.error();
  return start_at(std::move(*at));
}

result<std::vector<std::string>> terms_of(const json::object& in, std::string_view key) {
  std::vector<std::string> out;
  const json::value* value = in.if_contains(key);
  if (value == nullptr) return out;
  if (!value->is_array()) return bad("a filter is not a list");
  if (value->get_array().empty())
    return bad("the filter " + std::string(key) +
               " is an empty list: name what is wanted, or leave the list out for all");
  if (value->get_array().size() > limits::filter_terms) return bad("a filter has too many terms");
  for (const json::value& term : value->get_array()) {
    if (!term.is_string() || term.get_string().empty() || term.get_string().size() > limits::filter_term_bytes)
      return bad("a filter's term is not a string of 1 to 128 bytes");
    out.emplace_back(term.get_string());
  }
  return out;
}

result<filters> filters_of(const json::object& in) {
  const json::value* value = in.if_contains("filters");
  if (value == nullptr) return filters{};
  if (!value->is_object()) return bad("filters is not a map");
  filters out;
  const std::pair<std::string_view, std::vector<std::string>*> lists[] = {
      {"providers", &out.providers}, {"connections", &out.connections}, {"types", &out.types}};
  std::size_t count = 0;
  for (const auto& [key, into] : lists) {
    auto terms = terms_of(value->get_object(), key);
    if (!terms) return terms.error();
    *into = std::move(*terms);
    count += into->size();
  }
  if (count > limits::filter_terms) return bad("the filters have too many terms");
  return out;
}

result<consumer_message> parse_follow(const json::object& in) {
  follow_request out;
  auto name = text_of(in, "consumer", limits::consumer_name_bytes);
  if (!name) return name.error();
  if (!has_only(*name, is_name_char)) return bad("a consumer's name has only a-z, 0-9 and -");
  auto from = start_of(in);
  if (!from) return from.error();
  auto filter = filters_of(in);
  if (!filter) return filter.error();
  const auto credit = number_of(in, "credit_bytes");
  if (!credit) return credit.error();
  if (*credit < limits::credit_min) return bad("credit_bytes is less than one batch of 1 MiB + 1 KiB");
  out.consumer = std::move(*name);
  out.from = std::move(*from);
  out.filter = std::move(*filter);
  out.credit = std::min(*credit, limits::credit_max);
  return consumer_message(std::move(out));
}

/// The fields of a message of version 1, and its op.
result<std::string> op_of(const json::value& root) {
  if (!root.is_object()) return bad("it is not a map");
  const json::value* version = root.get_object().if_contains("v");
  if (version == nullptr || !version->is_uint64() || version->get_uint64() != 1) return bad("v is not 1");
  return text_of(root.get_object(), "op", 32);
}

bool flag_of(const json::object& in, std::string_view key) {
  const json::value* value = in.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

json::object fields_of(const position& p) { return {{"epoch", p.epoch}, {"seq", p.seq}, {"id", p.id}}; }

json::array list_of(const std::vector<std::string>& terms) { return json::array(terms.begin(), terms.end()); }

json::object message(std::string_view op) {
  json::object out;
  out["op"] = op;
  out["v"] = std::uint64_t{1};
  return out;
}

struct start_writer {
  json::value operator()(const from_start&) const { return "start"; }
  json::value operator()(const from_now&) const { return "now"; }
  json::value operator()(const from_snapshot& walk) const {
    if (walk.of.epoch.empty()) return "snapshot";
    return json::object{{"snapshot", fields_of(walk.of)}, {"after", walk.after}};
  }
  json::value operator()(const position& at) const { return fields_of(at); }
};

struct request_writer {
  json::object operator()(const follow_request& r) const {
    json::object out = message("follow");
    out["consumer"] = r.consumer;
    out["from"] = std::visit(start_writer{}, r.from);
    json::object filter;
    if (!r.filter.providers.empty()) filter["providers"] = list_of(r.filter.providers);
    if (!r.filter.connections.empty()) filter["connections"] = list_of(r.filter.connections);
    if (!r.filter.types.empty()) filter["types"] = list_of(r.filter.types);
    out["filters"] = std::move(filter);
    out["credit_bytes"] = r.credit;
    return out;
  }
  json::object operator()(const credit_request& r) const {
    json::object out = message("credit");
    out["bytes"] = r.bytes;
    return out;
  }
  json::object operator()(const ack_request& r) const {
    json::object out = message("ack");
    out["position"] = fields_of(r.at);
    return out;
  }
  json::object operator()(const ping_request&) const { return message("ping"); }
  json::object operator()(const bye_request&) const { return message("bye"); }
};

void pack_position(packer& to, const position& p) {
  to.pack_map(3);
  pack_text(to, "epoch");
  pack_text(to, p.epoch);
  pack_text(to, "seq");
  to.pack_uint64(p.seq);
  pack_text(to, "id");
  pack_text(to, p.id);
}

/// A batch is written by hand: its megabyte of events goes into the message once, and as bin.
std::string encode_batch(const batch_message& b) {
  std::string out;
  out.reserve(b.events.size() + 512);
  string_sink sink(out);
  packer to(sink);
  to.pack_map(6);
  pack_text(to, "op");
  pack_text(to, "batch");
  pack_text(to, "v");
  to.pack_uint64(1);
  pack_text(to, "first");
  to.pack_uint64(b.first);
  pack_text(to, "last");
  to.pack_uint64(b.last);
  pack_text(to, "complete_up_to");
  pack_position(to, b.complete_up_to);
  pack_text(to, "events");
  to.pack_bin(static_cast<std::uint32_t>(b.events.size()));
  to.pack_bin_body(b.events.data(), static_cast<std::uint32_t>(b.events.size()));
  return out;
}

std::string encode_page(const page_message& p) {
  std::string out;
  out.reserve(p.events.size() + 512);
  string_sink sink(out);
  packer to(sink);
  to.pack_map(8);
  pack_text(to, "op");
  pack_text(to, "page");
  pack_text(to, "v");
  to.pack_uint64(1);
  pack_text(to, "snapshot");
  pack_position(to, p.of);
  pack_text(to, "after");
  to.pack_uint64(p.after);
  pack_text(to, "up_to");
  to.pack_uint64(p.up_to);
  pack_text(to, "last");
  p.last ? to.pack_true() : to.pack_false();
  pack_text(to, "head");
  to.pack_uint64(p.head);
  pack_text(to, "events");
  to.pack_bin(static_cast<std::uint32_t>(p.events.size()));
  to.pack_bin_body(p.events.data(), static_cast<std::uint32_t>(p.events.size()));
  return out;
}

result<host_message> parse_page(const json_tree& tree) {
  const json::object& in = tree.root.get_object();
  page_message out;
  auto of = position_of(in, "snapshot");
  if (!of) return of.error();
  out.of = std::move(*of);
  for (const auto& [key, into] : {std::pair{"after", &out.after}, {"up_to", &out.up_to}, {"head", &out.head}}) {
    const auto number = number_of(in, key);
    if (!number) return number.error();
    *into = *number;
  }
  out.last = flag_of(in, "last");
  if (tree.bytes_key != "events") return bad("a page without events");
  out.events = tree.bytes;
  return host_message(std::move(out));
}

result<host_message> parse_batch(const json_tree& tree) {
  const json::object& in = tree.root.get_object();
  batch_message out;
  const auto first = number_of(in, "first");
  if (!first) return first.error();
  const auto last = number_of(in, "last");
  if (!last) return last.error();
  auto at = position_of(in, "complete_up_to");
  if (!at) return at.error();
  if (tree.bytes_key != "events") return bad("a batch without events");
  return host_message(batch_message{*first, *last, tree.bytes, std::move(*at)});
}

}  // namespace

result<consumer_message> parse_consumer_message(std::string_view bytes) {
  if (bytes.size() > limits::request_bytes) return bad("it is larger than 64 KiB");
  const auto tree = tree_from_msgpack(bytes, bins::refuse);
  if (!tree) return failure{errc::bad_request, tree.error().detail};
  const auto op = op_of(tree->root);
  if (!op) return op.error();
  const json::object& in = tree->root.get_object();
  if (*op == "follow") return parse_follow(in);
  if (*op == "ping") return consumer_message(ping_request{});
  if (*op == "bye") return consumer_message(bye_request{});
  if (*op == "credit") {
    const auto credit = number_of(in, "bytes");
    if (!credit) return credit.error();
    return consumer_message(credit_request{*credit});
  }
  if (*op == "ack") {
    auto at = position_of(in, "position");
    if (!at) return at.error();
    return consumer_message(ack_request{std::move(*at)});
  }
  return bad("the op is unknown");
}

std::string encode_consumer_message(const consumer_message& r) {
  return msgpack_from_json(std::visit(request_writer{}, r));
}

result<host_message> parse_host_message(std::string_view bytes) {
  if (bytes.size() > limits::batch_message_bytes) return bad("it is larger than a batch may be");
  const auto tree = tree_from_msgpack(bytes, bins::keep_one);
  if (!tree) return tree.error();
  const auto op = op_of(tree->root);
  if (!op) return op.error();
  const json::object& in = tree->root.get_object();
  if (*op == "batch") return parse_batch(*tree);
  if (*op == "page") return parse_page(*tree);
  if (*op == "heartbeat") {
    const auto head = number_of(in, "head");
    if (!head) return head.error();
    auto time = text_of(in, "time", 64);
    if (!time) return time.error();
    return host_message(heartbeat_message{*head, std::move(*time)});
  }
  if (*op == "refused") {
    auto code = text_of(in, "code", 64);
    if (!code) return code.error();
    auto text = text_of(in, "text", 4096);
    if (!text) return text.error();
    return host_message(refused_message{std::move(*code), std::move(*text)});
  }
  return bad("the op is unknown");
}

std::string encode_host_message(const host_message& r) {
  if (const auto* batch = std::get_if<batch_message>(&r)) return encode_batch(*batch);
  if (const auto* page = std::get_if<page_message>(&r)) return encode_page(*page);
  if (const auto* beat = std::get_if<heartbeat_message>(&r)) {
    json::object out = message("heartbeat");
    out["head"] = beat->head;
    out["time"] = beat->time;
    return msgpack_from_json(out);
  }
  const auto& refused = std::get<refused_message>(r);
  json::object out = message("refused");
  out["code"] = refused.code;
  out["text"] = refused.text;
  return msgpack_from_json(out);
}

std::string_view code_of(errc e) {
  switch (e) {
    case errc::epoch_changed:
      return "epoch_changed";
    case errc::position_expired:
      return "position_expired";
    case errc::position_ahead:
      return "position_ahead";
    case errc::replaced:
      return "replaced";
    case errc::too_many:
      return "too_many";
    case errc::history_broken:
      return "history_broken";
    default:
      return "bad_request";
  }
}

errc errc_of(std::string_view code) {
  for (const errc e : {errc::epoch_changed, errc::position_expired, errc::position_ahead, errc::replaced,
                       errc::too_many, errc::history_broken})
    if (code_of(e) == code) return e;
  return errc::bad_request;
}

}  // namespace koppel::bus
