// SPDX-License-Identifier: Apache-2.0
// Reads one TOML table key by key. What is asked for is known; what was never asked for is a mistake. A wrong value is
// noted and the default returned, so that reading goes on and finds the other mistakes too.
#pragma once

#include <toml++/toml.h>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/config/problems.hpp"

namespace koppel::config {

struct range {
  std::int64_t least, most;
};

class table_reader {
 public:
  /// `name` is how messages call the table: "[ingress]"; empty for the top. Everything handed in outlives the reader.
  table_reader(const toml::table& table, std::string name, problems& found)
      : table_(table), name_(std::move(name)), found_(found) {}

  std::string text(std::string_view key, std::string_view fallback);
  /// An array of strings; empty where there is none.
  std::vector<std::string> texts(std::string_view key);
  std::string one_of(std::string_view key, std::initializer_list<std::string_view> words, std::string_view fallback);
  std::int64_t number(std::string_view key, range allowed, std::int64_t fallback);
  bool flag(std::string_view key, bool fallback);
  /// Absolute and normal; empty where the key is absent or its value is unusable.
  std::filesystem::path path(std::string_view key, const std::filesystem::path& folder);

  /// Null where there is none; a mistake is noted where it is something else.
  const toml::table* table(std::string_view key);
  /// Of an array of tables.
  std::vector<const toml::table*> tables(std::string_view key);

  bool has(std::string_view key) const { return table_.contains(key); }
  /// Whether the key is there and says "".
  bool says_nothing(std::string_view key) const;
  /// Of the key, or of the table where the key is absent.
  place where(std::string_view key) const;
  /// A mistake at this key.
  void refuse(std::string_view key, const std::string& sentence);
  /// The key as messages call it: "port of [ingress]".
  std::string called(std::string_view key) const;

  /// Notes every key that nobody asked for. The last call.
  void refuse_the_rest();

 private:
  const toml::node* find(std::string_view key);
  void wrong_type(std::string_view key, std::string_view wanted);

  const toml::table& table_;
  const std::string name_;
  problems& found_;
  std::vector<std::string_view> known_;
};

}  // namespace koppel::config
