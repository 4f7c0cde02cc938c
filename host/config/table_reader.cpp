// SPDX-License-Identifier: Apache-2.0
// Typed access with mistakes noted instead of thrown.

#include "host/config/table_reader.hpp"

#include <algorithm>

namespace koppel::config {
namespace {

place of(const toml::source_region& region) { return {region.begin.line, region.begin.column}; }

}  // namespace

const toml::node* table_reader::find(std::string_view key) {
  known_.push_back(key);
  return table_.get(key);
}

place table_reader::where(std::string_view key) const {
  const auto entry = table_.find(key);
  if (entry != table_.end()) return of(entry->first.source());
  // The top table begins nowhere in particular.
  return name_.empty() ? place{} : of(table_.source());
}

bool table_reader::says_nothing(std::string_view key) const {
  const auto* node = table_.get(key);
  const auto* value = node ? node->as_string() : nullptr;
  return value && value->get().empty();
}

std::string table_reader::called(std::string_view key) const {
  return std::string(key) + (name_.empty() ? "" : " of " + name_);
}

void table_reader::refuse(std::string_view key, const std::string& sentence) {
  found_.add(where(key), called(key) + " " + sentence);
}

void table_reader::wrong_type(std::string_view key, std::string_view wanted) {
  refuse(key, "has to be " + std::string(wanted) + ".");
}

std::vector<std::string> table_reader::texts(std::string_view key) {
  std::vector<std::string> out;
  const auto* node = find(key);
  if (!node) return out;
  const auto* list = node->as_array();
  const auto is_text = [](const toml::node& one) { return one.is_string(); };
  if (!list || !std::all_of(list->begin(), list->end(), is_text)) {
    wrong_type(key, "a list of texts in quotes");
    return out;
  }
  for (const auto& one : *list) out.push_back(**one.as_string());
  return out;
}

std::string table_reader::text(std::string_view key, std::string_view fallback) {
  const auto* node = find(key);
  if (!node) return std::string(fallback);
  const auto* value = node->as_string();
  if (!value) {
    wrong_type(key, "a text in quotes");
    return std::string(fallback);
  }
  const auto control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  if (std::any_of((*value)->begin(), (*value)->end(), control)) {
    refuse(key, "must not hold control characters.");
    return std::string(fallback);
  }
  return **value;
}

std::string table_reader::one_of(std::string_view key, std::initializer_list<std::string_view> words,
                                 std::string_view fallback) {
  auto value = text(key, fallback);
  if (std::find(words.begin(), words.end(), value) != words.end()) return value;
  std::string list;
  for (const auto word : words) list += (list.empty() ? "\"" : ", \"") + std::string(word) + "\"";
  refuse(key, "has to be one of " + list + ".");
  return std::string(fallback);
}

std::int64_t table_reader::number(std::string_view key, range allowed, std::int64_t fallback) {
  const auto* node = find(key);
  if (!node) return fallback;
  const auto bounds = "a whole number from " + std::to_string(allowed.least) + " to " + std::to_string(allowed.most);
  const auto* value = node->as_integer();
  if (value && value->get() >= allowed.least && value->get() <= allowed.most) return value->get();
  wrong_type(key, bounds);
  return fallback;
}

bool table_reader::flag(std::string_view key, bool fallback) {
  const auto* node = find(key);
  if (!node) return fallback;
  if (const auto* value = node->as_boolean()) return value->get();
  wrong_type(key, "true or false");
  return fallback;
}

std::filesystem::path table_reader::path(std::string_view key, const std::filesystem::path& folder) {
  const auto value = text(key, {});
  if (value.empty()) return {};
  if (value.front() == '~') {
    refuse(key, "begins with ~, which only a shell understands: write the folder out.");
    return {};
  }
  return (folder / value).lexically_normal();
}

const toml::table* table_reader::table(std::string_view key) {
  const auto* node = find(key);
  if (node && !node->is_table()) wrong_type(key, "a table: [" + std::string(key) + "]");
  return node ? node->as_table() : nullptr;
}

std::vector<const toml::table*> table_reader::tables(std::string_view key) {
  std::vector<const toml::table*> all;
  const auto* node = find(key);
  if (!node) return all;
  const auto* list = node->as_array();
  if (!list || !std::all_of(list->begin(), list->end(), [](const toml::node& n) { return n.is_table(); })) {
    wrong_type(key, "a list of tables, each beginning with [[" + std::string(key) + "]]");
    return all;
  }
  for (const auto& entry : *list) all.push_back(entry.as_table());
  return all;
}

void table_reader::refuse_the_rest() {
  for (const auto& [key, node] : table_) {
    if (std::find(known_.begin(), known_.end(), key.str()) != known_.end()) continue;
    std::string sentence = "unknown key \"" + std::string(key.str()) + "\"" + (name_.empty() ? "" : " in " + name_);
    const auto meant = nearest(key.str(), known_);
    sentence += meant.empty() ? "." : "; did you mean \"" + std::string(meant) + "\"?";
    found_.add(of(key.source()), std::move(sentence));
  }
}

}  // namespace koppel::config
