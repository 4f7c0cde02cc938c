// SPDX-License-Identifier: Apache-2.0

#include "host/core/webhook_reading.hpp"

#include <sodium/utils.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <set>

#include "host/core/json_body.hpp"
#include "host/core/record.hpp"

namespace koppel::core {
namespace {

namespace json = boost::json;

const json::value* look(const json::value& in, const std::string& pointer) {
  boost::system::error_code ec;
  const auto* found = in.find_pointer(pointer, ec);
  return ec || found == nullptr || found->is_null() ? nullptr : found;
}

const json::value* first_of(const json::value& in, const std::vector<std::string>& pointers) {
  for (const auto& pointer : pointers)
    if (const auto* found = look(in, pointer)) return found;
  return nullptr;
}

/// Ids are texts; some providers write long numbers.
std::optional<std::string> id_in(const json::value& v) {
  std::string id;
  if (v.is_string())
    id.assign(v.get_string().data(), v.get_string().size());
  else if (v.is_int64() || v.is_uint64())
    id = json::serialize(v);
  if (!is_good_name(id)) return std::nullopt;
  return id;
}

bool matches(const std::vector<std::string>& when, std::string_view word) {
  return std::any_of(when.begin(), when.end(), [&](const std::string& w) {
    return w.ends_with('*') ? word.starts_with(std::string_view(w).substr(0, w.size() - 1)) : word == w;
  });
}

bool same(std::string_view a, const secret& token) {
  const auto b = token.reveal();
  return !b.empty() && a.size() == b.size() && sodium_memcmp(a.data(), b.data(), b.size()) == 0;
}

webhook_reading nothing(bool understood, std::string why) { return {{}, std::move(why), understood}; }

/// Adds the hints of one rule; says what is wrong with its ids, if something is.
std::string add_hints(const webhook_rules::record_rule& rule, const json::value& root,
                      std::vector<webhook_hint>& hints) {
  if (rule.ids.empty()) {
    hints.push_back({rule.stream, ""});
    return {};
  }
  const auto* found = first_of(root, rule.ids);
  if (found == nullptr) return "It names no record.";
  std::set<std::string> ids;
  if (found->is_array()) {
    for (const auto& one : found->get_array()) {
      auto id = id_in(one);
      if (!id) return "It names a record by something that is no id.";
      ids.insert(std::move(*id));
    }
    if (ids.empty()) return "It names no record.";
  } else {
    auto id = id_in(*found);
    if (!id) return "It names a record by something that is no id.";
    ids.insert(std::move(*id));
  }
  if (ids.size() > most_hinted_ids)
    hints.push_back({rule.stream, ""});
  else
    for (const auto& id : ids) hints.push_back({rule.stream, id});
  return {};
}

}  // namespace

webhook_reading read_webhook(const webhook_rules& rules, std::string_view body) {
  auto read = read_json_body(body);
  if (!read.complaint.empty()) return nothing(false, std::move(read.complaint));
  const json::value root(std::move(read.object));
  const auto* named = first_of(root, rules.word);
  if (named == nullptr || !named->is_string()) return nothing(false, "It does not say what it is about.");
  const std::string_view word(named->get_string().data(), named->get_string().size());
  webhook_reading out;
  bool known = false;
  for (const auto& rule : rules.records) {
    if (!matches(rule.when, word)) continue;
    known = true;
    if (auto wrong = add_hints(rule, root, out.hints); !wrong.empty()) return nothing(false, std::move(wrong));
  }
  if (!known) return nothing(true, "It is about nothing that is read here.");
  return out;
}

bool bears_token(const webhook_rules& rules, std::string_view body, std::string_view header, const secret& token) {
  if (!rules.asks_token()) return true;
  if (!rules.token_header.empty()) {
    if (!header.starts_with(rules.token_prefix)) return false;
    return same(header.substr(rules.token_prefix.size()), token);
  }
  auto read = read_json_body(body);
  if (!read.complaint.empty()) return false;
  const json::value root(std::move(read.object));
  const auto* found = look(root, rules.token_pointer);
  if (found == nullptr || !found->is_string()) return false;
  return same({found->get_string().data(), found->get_string().size()}, token);
}

std::string without_token(const webhook_rules& rules, std::string body) {
  if (rules.token_pointer.empty()) return body;
  auto read = read_json_body(body);
  sodium_memzero(body.data(), body.size());
  if (!read.complaint.empty()) return {};
  json::value root(std::move(read.object));
  boost::system::error_code ec;
  if (auto* found = root.find_pointer(rules.token_pointer, ec); found != nullptr && !ec) *found = nullptr;
  return json::serialize(root);
}

}  // namespace koppel::core
