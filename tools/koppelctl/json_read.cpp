// SPDX-License-Identifier: Apache-2.0
// See the header: absent and odd values are empty.

#include "tools/koppelctl/json_read.hpp"

#include <charconv>

namespace koppel::koppelctl {

std::string text_of(const json::object& o, std::string_view key) {
  const auto* v = o.if_contains(key);
  if (v == nullptr) return {};
  if (v->is_string()) return std::string(v->get_string());
  if (v->is_int64()) return std::to_string(v->get_int64());
  if (v->is_uint64()) return std::to_string(v->get_uint64());
  if (v->is_bool()) return v->get_bool() ? "yes" : "no";
  return {};
}

std::uint64_t number_of(const json::object& o, std::string_view key) {
  const auto text = text_of(o, key);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? number : 0;
}

bool flag_of(const json::object& o, std::string_view key) {
  const auto* v = o.if_contains(key);
  return v != nullptr && v->is_bool() && v->get_bool();
}

const json::object& object_of(const json::object& o, std::string_view key) {
  static const json::object none;
  const auto* v = o.if_contains(key);
  return v != nullptr && v->is_object() ? v->get_object() : none;
}

const json::array& array_of(const json::object& o, std::string_view key) {
  static const json::array none;
  const auto* v = o.if_contains(key);
  return v != nullptr && v->is_array() ? v->get_array() : none;
}

}  // namespace koppel::koppelctl
