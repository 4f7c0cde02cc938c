// SPDX-License-Identifier: Apache-2.0
// A fault that is used up is forgotten.
#include "faults.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <map>

namespace koppel::provider_sim {
namespace {

namespace json = boost::json;

std::size_t number(const json::object& from, const char* name, std::size_t otherwise) {
  const auto* value = from.if_contains(name);
  return value && value->is_int64() && value->get_int64() >= 0 ? static_cast<std::size_t>(value->get_int64())
                                                               : otherwise;
}

std::string text(const json::object& from, const char* name) {
  const auto* value = from.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

std::optional<std::string> faults::order(const json::object& description) {
  static const std::map<std::string, fault_action> known{{"status", fault_action::status},
                                                         {"hang", fault_action::hang},
                                                         {"cut", fault_action::cut},
                                                         {"delay", fault_action::delay},
                                                         {"garbage", fault_action::garbage}};
  const auto* match = description.if_contains("match");
  if (!match || !match->is_object()) return "match must be an object";
  const auto action = known.find(text(description, "action"));
  if (action == known.end()) return "action is one of status, hang, cut, delay, garbage";

  fault one;
  one.path = text(match->get_object(), "path");
  one.after = number(match->get_object(), "after", 0);
  one.count = number(match->get_object(), "count", 1);
  one.action = action->second;
  one.status = static_cast<int>(number(description, "status", 503));
  if (one.status < 200 || one.status > 599) return "status is between 200 and 599";
  one.delay = std::chrono::milliseconds(number(description, "delay_ms", 0));
  one.cut_after = number(description, "cut_after", 0);
  if (const auto* body = description.if_contains("body"))
    one.body = body->is_string() ? std::string(body->get_string()) : json::serialize(*body);
  // An error status says that nothing happened; a lost answer says nothing.
  one.process = one.action != fault_action::status;
  if (const auto* process = description.if_contains("process"); process && process->is_bool())
    one.process = process->get_bool();
  if (const auto* headers = description.if_contains("headers"); headers && headers->is_object())
    for (const auto& [name, value] : headers->get_object())
      if (value.is_string()) one.headers.emplace_back(std::string(name), std::string(value.get_string()));
  orders_.push_back(std::move(one));
  return std::nullopt;
}

std::optional<fault> faults::due(const std::string& path) {
  for (auto& one : orders_) {
    if (path.find(one.path) == std::string::npos || one.count == 0) continue;
    if (one.after > 0) {
      --one.after;
      continue;
    }
    --one.count;
    auto hit = one;
    std::erase_if(orders_, [](const fault& order) { return order.count == 0; });
    return hit;
  }
  return std::nullopt;
}

reply faults::spoil(const fault& what, reply proper) {
  reply out = std::move(proper);
  switch (what.action) {
    case fault_action::status:
      out.status = what.status;
      out.body = what.body;
      out.headers.clear();
      break;
    case fault_action::hang:
      out.how = ending::hang;
      break;
    case fault_action::cut:
      out.how = ending::cut;
      out.cut_after = what.cut_after;
      break;
    case fault_action::garbage:
      out.how = ending::garbage;
      break;
    case fault_action::delay:
      break;
  }
  out.delay += what.delay;
  for (const auto& [name, value] : what.headers)
    if (name == "Content-Type") out.content_type.clear();
  out.headers.insert(out.headers.end(), what.headers.begin(), what.headers.end());
  return out;
}

}  // namespace koppel::provider_sim
