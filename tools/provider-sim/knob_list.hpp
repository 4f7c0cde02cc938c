// SPDX-License-Identifier: Apache-2.0
// The switches, numbers and words of a provider, by name: one list serves the command line, GET /knobs and POST /knobs.
// What it names belongs to the provider and outlives the list.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

namespace koppel::provider_sim {

/// A number within bounds, whatever type holds it; a duration counts in its own unit.
struct knob_number {
  std::function<std::int64_t()> get;
  std::function<void(std::int64_t)> set;
  std::int64_t least = 0;
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
};

/// A word; with `choices`, one of them.
struct knob_text {
  std::string* target = nullptr;
  std::vector<std::string> choices;
};

struct knob {
  std::string name;    ///< in JSON, with underscores
  std::string option;  ///< on the command line, with hyphens
  std::string help;
  std::variant<bool*, knob_number, knob_text> what;
};

class knob_list {
 public:
  knob_list& add(const std::string& name, bool& target, const std::string& help);
  knob_list& add(const std::string& name, std::string& target, std::vector<std::string> choices,
                 const std::string& help);

  template <class Number>
  requires(!std::is_same_v<Number, bool>) knob_list& add(const std::string& name, Number& target, std::int64_t least,
                                                         std::int64_t most, const std::string& help) {
    knob_number number;
    number.least = least;
    number.most = most;
    number.get = [&target]() -> std::int64_t {
      if constexpr (std::is_arithmetic_v<Number>)
        return static_cast<std::int64_t>(target);
      else
        return target.count();
    };
    number.set = [&target](std::int64_t value) { target = static_cast<Number>(value); };
    return put(name, help, std::move(number));
  }

  /// The knob added last is called otherwise on the command line.
  knob_list& called(const std::string& option);

  const std::vector<knob>& all() const { return all_; }

  boost::json::object to_json() const;

  /// Sets what `changes` names. Returns what is wrong with it, in which case nothing was set.
  std::optional<std::string> apply(const boost::json::object& changes) const;

 private:
  knob_list& put(const std::string& name, const std::string& help, std::variant<bool*, knob_number, knob_text> what);
  const knob* find(std::string_view name) const;

  std::vector<knob> all_;
};

}  // namespace koppel::provider_sim
