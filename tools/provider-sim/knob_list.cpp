// SPDX-License-Identifier: Apache-2.0
// All of a request is checked before any of it is set.
#include "knob_list.hpp"

#include <algorithm>
#include <boost/json/value.hpp>

namespace koppel::provider_sim {
namespace {

namespace json = boost::json;

bool is_choice(const knob_text& text, std::string_view word) {
  return text.choices.empty() || std::find(text.choices.begin(), text.choices.end(), word) != text.choices.end();
}

std::optional<std::string> problem_with(const knob& one, const json::value& value) {
  if (std::holds_alternative<bool*>(one.what))
    return value.is_bool() ? std::nullopt : std::optional(one.name + " is true or false");
  if (const auto* number = std::get_if<knob_number>(&one.what)) {
    if (value.is_int64() && value.get_int64() >= number->least && value.get_int64() <= number->most)
      return std::nullopt;
  } else if (value.is_string() && is_choice(std::get<knob_text>(one.what), std::string_view(value.get_string()))) {
    return std::nullopt;
  }
  return "no such knob, or out of range: " + one.name;
}

void set(const knob& one, const json::value& value) {
  if (auto* const* target = std::get_if<bool*>(&one.what))
    **target = value.get_bool();
  else if (const auto* number = std::get_if<knob_number>(&one.what))
    number->set(value.get_int64());
  else
    *std::get<knob_text>(one.what).target = value.get_string().c_str();
}

}  // namespace

knob_list& knob_list::put(const std::string& name, const std::string& help,
                          std::variant<bool*, knob_number, knob_text> what) {
  auto option = name;
  std::replace(option.begin(), option.end(), '_', '-');
  all_.push_back({name, std::move(option), help, std::move(what)});
  return *this;
}

knob_list& knob_list::add(const std::string& name, bool& target, const std::string& help) {
  return put(name, help, &target);
}

knob_list& knob_list::add(const std::string& name, std::string& target, std::vector<std::string> choices,
                          const std::string& help) {
  return put(name, help, knob_text{&target, std::move(choices)});
}

knob_list& knob_list::called(const std::string& option) {
  all_.back().option = option;
  return *this;
}

const knob* knob_list::find(std::string_view name) const {
  const auto found = std::find_if(all_.begin(), all_.end(), [&](const knob& one) { return one.name == name; });
  return found == all_.end() ? nullptr : &*found;
}

json::object knob_list::to_json() const {
  json::object out;
  for (const auto& one : all_) {
    if (auto* const* target = std::get_if<bool*>(&one.what))
      out[one.name] = **target;
    else if (const auto* number = std::get_if<knob_number>(&one.what))
      out[one.name] = number->get();
    else
      out[one.name] = *std::get<knob_text>(one.what).target;
  }
  return out;
}

std::optional<std::string> knob_list::apply(const json::object& changes) const {
  for (const auto& [key, value] : changes) {
    const auto* found = find(std::string_view(key.data(), key.size()));
    if (!found) return "no such knob, or out of range: " + std::string(key);
    if (auto problem = problem_with(*found, value)) return problem;
  }
  for (const auto& [key, value] : changes) set(*find(std::string_view(key.data(), key.size())), value);
  return std::nullopt;
}

}  // namespace koppel::provider_sim
