// SPDX-License-Identifier: Apache-2.0
#include "request_template.hpp"

#include <algorithm>
#include <charconv>

namespace koppel::declarative {
namespace {

using need = toml_reader::need;
constexpr int deepest = 16;

void check_placeholders(toml_reader& in, const char* key, const text_template& text,
                        const std::set<std::string>& allowed) {
  std::set<std::string> used;
  text.add_placeholders(used);
  for (const auto& each : used)
    if (!allowed.contains(each)) {
      std::string list;
      for (const auto& one : allowed) list += (list.empty() ? "{" : ", {") + one + "}";
      in.problem(key, "has a placeholder that means nothing here; there are " + (list.empty() ? "none" : list));
    }
}

/// A text, or what a number or a boolean looks like as text.
std::optional<std::string> plain_text(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* flag = node.as_boolean()) return std::string(flag->get() ? "true" : "false");
  return std::nullopt;
}

named_templates read_named(toml_reader& in, const char* key, const std::set<std::string>& allowed) {
  named_templates out;
  auto table = in.table(key, need::optional);
  if (!table) return out;
  for (const auto& name : table->keys()) {
    const auto* node = table->node(name.c_str(), need::required);
    const auto value = plain_text(*node);
    std::string wrong = value ? "" : "must be a string, a whole number, true or false";
    auto filled = text_template::parse(value.value_or(""), wrong);
    if (!wrong.empty()) table->problem(name.c_str(), wrong);
    check_placeholders(*table, name.c_str(), filled, allowed);
    out.emplace_back(name, std::move(filled));
  }
  return out;
}

json_template read_json(toml_reader& in, const std::string& name, const toml::node& node,
                        const std::set<std::string>& allowed, int depth) {
  json_template out;
  out.what = json_template::kind::literal;
  const auto inner = [&](const toml::node& of) { return read_json(in, name, of, allowed, depth + 1); };
  if (depth > deepest) {
    in.problem_at(node, name, "is nested too deeply");
  } else if (const auto* text = node.as_string()) {
    out.what = json_template::kind::text;
    std::string wrong;
    out.text = text_template::parse(text->get(), wrong);
    if (!wrong.empty()) in.problem_at(node, name, wrong);
    std::set<std::string> used;
    out.text.add_placeholders(used);
    for (const auto& each : used)
      if (!allowed.contains(each)) in.problem_at(node, name, "has a placeholder that means nothing here");
  } else if (const auto* real = node.as_floating_point()) {
    char digits[64];
    out.literal.assign(digits, std::to_chars(digits, digits + sizeof digits, real->get()).ptr);
  } else if (const auto plain = plain_text(node)) {
    out.literal = *plain;
  } else if (const auto* list = node.as_array()) {
    out.what = json_template::kind::list;
    for (const auto& each : *list) out.items.push_back(inner(each));
  } else if (const auto* table = node.as_table()) {
    out.what = json_template::kind::object;
    for (const auto& [member, value] : *table) {
      out.names.emplace_back(member.str());
      out.items.push_back(inner(value));
    }
  } else {
    in.problem_at(node, name, "must be of strings, numbers, booleans, lists and tables");
  }
  return out;
}

bool is_header_name(const std::string& text) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; };
  return !text.empty() && std::all_of(text.begin(), text.end(), plain);
}

void add_headers(sdk::request& to, const named_templates& headers, const finder& find) {
  for (const auto& [name, value] : headers)
    if (const auto filled = value.fill(find)) to.headers.emplace_back(name, *filled);
}

}  // namespace

named_templates read_headers(toml_reader& in, const char* key, const std::set<std::string>& allowed) {
  auto out = read_named(in, key, allowed);
  for (const auto& [name, value] : out)
    if (!is_header_name(name)) in.problem(key, "must have header names in lower case");
  return out;
}

text_template read_template(toml_reader& in, const char* key, const std::set<std::string>& allowed) {
  std::string wrong;
  auto out = text_template::parse(in.text(key, need::required), wrong);
  if (!wrong.empty()) in.problem(key, wrong);
  check_placeholders(in, key, out, allowed);
  return out;
}

request_template read_request(toml_reader& in, const std::set<std::string>& allowed) {
  request_template out;
  const auto line = in.text("request", need::required);
  const auto space = line.find(' ');
  const auto target = space == line.npos ? "" : line.substr(space + 1);
  out.method = line.substr(0, space);
  const bool sound = (out.method == "GET" || out.method == "POST") && target.find(' ') == target.npos &&
                     (target.starts_with("/") || target.starts_with("https://"));
  if (!line.empty() && !sound)
    in.problem("request", "must be GET or POST, a space, and a path or an https URL: \"GET /people\"");
  std::string wrong;
  out.target = text_template::parse(target, wrong);
  if (!wrong.empty()) in.problem("request", wrong);
  check_placeholders(in, "request", out.target, allowed);
  out.query = read_named(in, "query", allowed);
  out.headers = read_headers(in, "headers", allowed);
  if (const auto* json = in.node("json", need::optional)) {
    if (!json->is_table()) in.problem("json", "must be a table");
    if (out.method != "POST") in.problem("json", "is for POST");
    out.body = read_json(in, "json", *json, allowed, 0);
    out.body->add_placeholders(out.placeholders);
  }
  out.target.add_placeholders(out.placeholders);
  for (const auto* named : {&out.query, &out.headers})
    for (const auto& [name, value] : *named) value.add_placeholders(out.placeholders);
  return out;
}

finder with_settings(const sdk::job& run, finder find) {
  return [&run, find = std::move(find)](std::string_view name) -> std::optional<placed> {
    constexpr std::string_view prefix = "setting.";
    if (!name.starts_with(prefix)) return find(name);
    const auto value = run.setting(name.substr(prefix.size()));
    return value ? std::optional(placed{std::string(*value), false}) : std::nullopt;
  };
}

sdk::request build_to(const sdk::job& run, const request_template& from, const named_templates& always,
                      const finder& find, const std::string& url) {
  const auto all = with_settings(run, find);
  auto request = run.to(from.method, url);
  add_headers(request, always, all);
  add_headers(request, from.headers, all);
  if (from.body) {
    request.body = from.body->fill(all).value_or("{}");
    request.headers.emplace_back("content-type", "application/json");
  }
  return request;
}

sdk::request build(const sdk::job& run, const request_template& from, const named_templates& always,
                   const finder& find) {
  const auto all = with_settings(run, find);
  const auto target = from.target.fill(all, text_template::use::in_a_path);
  if (!target) throw sdk::job_failure(sdk::verdict::bad_settings, "a setting that the request's path needs is not set");
  auto request = build_to(run, from, always, find, *target);
  for (const auto& [name, value] : from.query)
    if (const auto filled = value.fill(all)) request.query(name, *filled);
  return request;
}

}  // namespace koppel::declarative
