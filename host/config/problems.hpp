// SPDX-License-Identifier: Apache-2.0
// Every mistake of a configuration file, collected so that they are told at once, in the order of their lines.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <koppel/result.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace koppel::config {

/// A place in the file, counted from 1; line 0: the file as a whole.
struct place {
  std::uint32_t line = 0, column = 0;
};

class problems {
 public:
  void add(place where, std::string sentence) { list_.push_back({where, std::move(sentence)}); }
  bool empty() const { return list_.empty(); }
  /// "koppel.toml:3:5: …", one a line.
  failure as_failure(const std::filesystem::path& name) const;

 private:
  struct problem {
    place where;
    std::string sentence;
  };
  std::vector<problem> list_;
};

/// The candidate that is probably meant, or empty: at most two slips, and fewer for short words.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace koppel::config
