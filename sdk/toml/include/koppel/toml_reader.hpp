// SPDX-License-Identifier: Apache-2.0
// Reads a TOML table strictly: what is missing, of the wrong type or not known becomes a problem that names the key,
// the line and the column. Reading goes on after a problem, so that an author sees all of them at once. Shared by the
// host, which reads manifests, and the connector that reads the streams of one (plugins/declarative).
#pragma once

#include <toml++/toml.h>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace koppel {

/// Collected sentences, the first ten; the rest is counted.
class toml_problems {
 public:
  void add(const toml::source_region& where, const std::string& key, const std::string& what);
  bool empty() const { return texts_.empty(); }
  /// "line 3, column 1: plugin.name: is missing; line ...".
  std::string text() const;

 private:
  std::vector<std::string> texts_;
  std::size_t more_ = 0;
};

/// One table. A key counts as known once it was asked for; `finish` reports the others.
class toml_reader {
 public:
  enum class need { required, optional };

  /// `path` is the table's own name, for messages: "auth", "stream[2]"; empty for the document.
  toml_reader(const toml::table& table, std::string path, toml_problems& problems);

  bool empty() const { return table_.empty(); }
  bool has(const char* key) const { return table_.contains(key); }
  /// What is there, of whatever type, or nothing. The key counts as known.
  const toml::node* node(const char* key, need n) { return find(key, n); }
  /// A string; empty where it is absent or wrong. Required means not empty.
  std::string text(const char* key, need n);
  bool boolean(const char* key, bool otherwise);
  /// An integer within the bounds; `otherwise` where it is absent (then optional) or wrong.
  std::int64_t integer(const char* key, std::int64_t least, std::int64_t most, std::optional<std::int64_t> otherwise);
  std::vector<std::string> texts(const char* key, need n);
  /// One of the words; the first where it is absent and optional, or wrong.
  std::string word(const char* key, const std::vector<std::string>& words, need n);
  std::optional<toml_reader> table(const char* key, need n);
  std::vector<toml_reader> tables(const char* key, need n);

  /// Keys in the order of the alphabet; for tables whose keys are free. They count as known.
  std::vector<std::string> keys();
  /// The same in the order in which they stand in the file.
  std::vector<std::string> keys_as_written();

  void problem(const char* key, const std::string& what);
  /// About something within the value of `key`.
  void problem_at(const toml::node& where, const std::string& key, const std::string& what);
  void finish();

 private:
  const toml::node* find(const char* key, need n);
  std::string name(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }

  const toml::table& table_;
  std::string path_;
  toml_problems& problems_;
  std::set<std::string, std::less<>> asked_;
};

}  // namespace koppel
