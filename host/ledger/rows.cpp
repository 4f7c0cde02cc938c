// SPDX-License-Identifier: Apache-2.0
// Columns that hold more than one value. JSON, because an operator with a shell can read it and members can be added.

#include "host/ledger/rows.hpp"

#include <sodium/randombytes.h>
#include <sodium/utils.h>

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace koppel::ledger {
namespace {

namespace json = boost::json;

json::object object_in(const std::string& text) {
  boost::system::error_code code;
  auto value = json::parse(text, code);
  if (code || !value.is_object()) throw broken_row("a column that should hold a JSON object does not");
  return std::move(value.as_object());
}

std::string text_of(const json::object& o, const char* name) {
  const auto* value = o.if_contains(name);
  if (!value || value->is_null()) return {};
  if (!value->is_string()) throw broken_row(std::string("the member ") + name + " is not text");
  return std::string(value->as_string());
}

std::uint64_t number_of(const json::object& o, const char* name) {
  const auto* value = o.if_contains(name);
  boost::system::error_code code;
  const auto number = value ? value->to_number<std::uint64_t>(code) : 0;
  if (!value || code) throw broken_row(std::string("the member ") + name + " is not a number");
  return number;
}

json::array array_of(const std::vector<std::string>& texts) {
  json::array out;
  for (const auto& text : texts) out.emplace_back(text);
  return out;
}

std::vector<std::string> texts_of(const json::object& o, const char* name) {
  std::vector<std::string> out;
  const auto* value = o.if_contains(name);
  if (!value || !value->is_array()) throw broken_row(std::string("the member ") + name + " is not a list");
  for (const auto& item : value->as_array()) {
    if (!item.is_string()) throw broken_row(std::string("the member ") + name + " holds what is not text");
    out.emplace_back(item.as_string());
  }
  return out;
}

json::object object_of(const core::account& a) {
  return {{"id", a.id}, {"name", a.name}, {"environment", a.environment}};
}

core::account account_in(const json::object& o) {
  return {text_of(o, "id"), text_of(o, "name"), text_of(o, "environment")};
}

}  // namespace

std::optional<std::int64_t> milliseconds(const std::optional<core::instant>& t) {
  if (!t) return std::nullopt;
  return milliseconds(*t);
}

std::optional<core::instant> instant_in(const query& q, int column) {
  if (q.null(column)) return std::nullopt;
  return instant_from(q.integer(column));
}

std::string json_of(const std::map<std::string, std::string>& values) {
  json::object out;
  for (const auto& [name, value] : values) out.emplace(name, value);
  return json::serialize(out);
}

std::map<std::string, std::string> map_from_json(const std::string& text) {
  std::map<std::string, std::string> out;
  const auto members = object_in(text);
  for (const auto& member : members) {
    if (!member.value().is_string()) throw broken_row("a setting is not text");
    out.emplace(member.key(), member.value().as_string());
  }
  return out;
}

std::string json_of(const core::auth_state& s) {
  json::object out{{"status", core::to_string(s.status)},
                   {"reason", core::to_string(s.reason)},
                   {"provider_error", s.provider_error},
                   {"since", milliseconds(s.since)},
                   {"generation", s.generation},
                   {"scopes_missing", array_of(s.scopes_missing)},
                   {"streams_affected", array_of(s.streams_affected)}};
  if (s.http_status) out["http_status"] = *s.http_status;
  if (s.code) {
    json::object age{{"at_least_s", s.code->at_least.count()}};
    if (s.code->at_most) age["at_most_s"] = s.code->at_most->count();
    out["code_age"] = std::move(age);
  }
  if (s.throttled)
    out["throttled"] = json::object{{"wait_s", s.throttled->wait.count()}, {"same_code", s.throttled->same_code}};
  if (s.who) out["who"] = object_of(*s.who);
  return json::serialize(out);
}

core::auth_state auth_from_json(const std::string& text) {
  const auto o = object_in(text);
  const auto status = core::auth_status_from(text_of(o, "status"));
  const auto reason = core::auth_reason_from(text_of(o, "reason"));
  if (!status || !reason) throw broken_row("an auth status or reason has an unknown word");
  core::auth_state out;
  out.status = *status;
  out.reason = *reason;
  out.provider_error = text_of(o, "provider_error");
  out.since = instant_from(static_cast<std::int64_t>(number_of(o, "since")));
  out.generation = number_of(o, "generation");
  out.scopes_missing = texts_of(o, "scopes_missing");
  out.streams_affected = texts_of(o, "streams_affected");
  if (o.contains("http_status")) out.http_status = static_cast<int>(number_of(o, "http_status"));
  if (const auto* age = o.if_contains("code_age"); age && age->is_object()) {
    const auto& known = age->as_object();
    out.code.emplace();
    out.code->at_least = std::chrono::seconds{number_of(known, "at_least_s")};
    if (known.contains("at_most_s")) out.code->at_most = std::chrono::seconds{number_of(known, "at_most_s")};
  }
  if (const auto* pause = o.if_contains("throttled"); pause && pause->is_object()) {
    const auto* same = pause->as_object().if_contains("same_code");
    out.throttled.emplace();
    out.throttled->wait = std::chrono::seconds{number_of(pause->as_object(), "wait_s")};
    out.throttled->same_code = same && same->is_bool() && same->as_bool();
  }
  if (const auto* who = o.if_contains("who"); who && who->is_object()) out.who = account_in(who->as_object());
  return out;
}

std::string json_of(const core::account& account) { return json::serialize(object_of(account)); }
core::account account_from_json(const std::string& text) { return account_in(object_in(text)); }

std::string to_string(run_mode mode) { return mode == run_mode::full ? "full" : "incremental"; }

run_mode run_mode_from(const std::string& text) {
  if (text == "full") return run_mode::full;
  if (text == "incremental") return run_mode::incremental;
  throw broken_row("a run has an unknown mode");
}

std::string new_id(const char* prefix) {
  std::array<unsigned char, 10> random{};
  randombytes_buf(random.data(), random.size());
  std::array<char, 2 * random.size() + 1> hex{};
  sodium_bin2hex(hex.data(), hex.size(), random.data(), random.size());
  return std::string(prefix) + "-" + hex.data();
}

}  // namespace koppel::ledger
