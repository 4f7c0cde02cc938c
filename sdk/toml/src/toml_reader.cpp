// SPDX-License-Identifier: Apache-2.0
// Strict reading of TOML tables.

#include <koppel/toml_reader.hpp>

#include <algorithm>

namespace koppel {

namespace {
constexpr std::size_t most_problems = 10;
constexpr std::size_t longest_key = 60;

std::string place(const toml::source_region& region) {
  return "line " + std::to_string(region.begin.line) + ", column " + std::to_string(region.begin.column);
}

/// A key as it may stand in a log, whatever was written between its quotes.
std::string shown(std::string_view key) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out;
  for (const char c : key.substr(0, longest_key)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n')
      out += "\\n";
    else if (byte < 0x20 || byte > 0x7e)
      out.append({'\\', 'x', hex[byte >> 4], hex[byte & 15]});
    else
      out += c;
  }
  return key.size() > longest_key ? out + "..." : out;
}
}  // namespace

void toml_problems::add(const toml::source_region& where, const std::string& key, const std::string& what) {
  if (texts_.size() == most_problems) {
    ++more_;
    return;
  }
  texts_.push_back(place(where) + ": " + key + ": " + what);
}

std::string toml_problems::text() const {
  std::string all;
  for (const auto& text : texts_) all += (all.empty() ? "" : "; ") + text;
  if (more_ > 0) all += "; and " + std::to_string(more_) + " more";
  return all;
}

toml_reader::toml_reader(const toml::table& table, std::string path, toml_problems& problems)
    : table_(table), path_(std::move(path)), problems_(problems) {}

const toml::node* toml_reader::find(const char* key, need n) {
  asked_.insert(key);
  const toml::node* node = table_.get(key);
  if (node == nullptr && n == need::required) problem(key, "is missing");
  return node;
}

std::string toml_reader::text(const char* key, need n) {
  const toml::node* node = find(key, n);
  if (node == nullptr) return {};
  const auto* value = node->as_string();
  if (value == nullptr) {
    problem(key, "must be a string");
    return {};
  }
  if (value->get().empty() && n == need::required) problem(key, "must not be empty");
  return value->get();
}

bool toml_reader::boolean(const char* key, bool otherwise) {
  const toml::node* node = find(key, need::optional);
  if (node == nullptr) return otherwise;
  if (const auto* value = node->as_boolean()) return value->get();
  problem(key, "must be true or false");
  return otherwise;
}

std::int64_t toml_reader::integer(const char* key, std::int64_t least, std::int64_t most,
                                  std::optional<std::int64_t> otherwise) {
  const toml::node* node = find(key, otherwise ? need::optional : need::required);
  if (node == nullptr) return otherwise.value_or(least);
  const auto* value = node->as_integer();
  if (value != nullptr && value->get() >= least && value->get() <= most) return value->get();
  problem(key, "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return otherwise.value_or(least);
}

std::vector<std::string> toml_reader::texts(const char* key, need n) {
  const toml::node* node = find(key, n);
  if (node == nullptr) return {};
  std::vector<std::string> values;
  const auto* array = node->as_array();
  const bool good = array != nullptr && std::all_of(array->begin(), array->end(), [&](const toml::node& element) {
                      const auto* value = element.as_string();
                      if (value != nullptr) values.push_back(value->get());
                      return value != nullptr && !value->get().empty();
                    });
  if (!good) {
    problem(key, "must be a list of strings, none of them empty");
    return {};
  }
  if (values.empty() && n == need::required) problem(key, "must not be empty");
  return values;
}

std::string toml_reader::word(const char* key, const std::vector<std::string>& words, need n) {
  const toml::node* node = find(key, n);
  if (node == nullptr) return words.front();
  const auto* value = node->as_string();
  if (value != nullptr && std::find(words.begin(), words.end(), value->get()) != words.end()) return value->get();
  std::string list;
  for (const auto& allowed : words) list += (list.empty() ? "\"" : ", \"") + allowed + "\"";
  problem(key, words.size() == 1 ? "must be " + list : "must be one of " + list);
  return words.front();
}

std::optional<toml_reader> toml_reader::table(const char* key, need n) {
  const toml::node* node = find(key, n);
  if (node == nullptr) return std::nullopt;
  if (const auto* inner = node->as_table()) return toml_reader(*inner, name(key), problems_);
  problem(key, "must be a table");
  return std::nullopt;
}

std::vector<toml_reader> toml_reader::tables(const char* key, need n) {
  const toml::node* node = find(key, n);
  if (node == nullptr) return {};
  const auto* array = node->as_array();
  const bool good = array != nullptr && std::all_of(array->begin(), array->end(),
                                                    [](const toml::node& element) { return element.is_table(); });
  if (!good) {
    problem(key, "must be a list of tables, [[" + name(key) + "]]");
    return {};
  }
  if (array->empty() && n == need::required) problem(key, "must not be empty");
  std::vector<toml_reader> readers;
  for (const auto& element : *array)
    readers.emplace_back(*element.as_table(), name(key) + "[" + std::to_string(readers.size() + 1) + "]", problems_);
  return readers;
}

std::vector<std::string> toml_reader::keys() {
  std::vector<std::string> all;
  for (const auto& [key, node] : table_) {
    all.emplace_back(key.str());
    asked_.emplace(key.str());
  }
  return all;
}

std::vector<std::string> toml_reader::keys_as_written() {
  auto all = keys();
  const auto place = [this](const std::string& key) {
    const auto at = table_.find(key)->first.source().begin;
    return std::pair(at.line, at.column);
  };
  std::stable_sort(all.begin(), all.end(), [&](const auto& a, const auto& b) { return place(a) < place(b); });
  return all;
}

void toml_reader::problem(const char* key, const std::string& what) {
  const toml::node* node = table_.get(key);
  problems_.add(node != nullptr ? node->source() : table_.source(), name(key), what);
}

void toml_reader::problem_at(const toml::node& where, const std::string& key, const std::string& what) {
  problems_.add(where.source(), name(shown(key)), what);
}

void toml_reader::finish() {
  for (const auto& [key, node] : table_)
    if (asked_.find(key.str()) == asked_.end())
      problems_.add(key.source(), name(shown(key.str())), "is not a key that Koppel knows");
}

}  // namespace koppel
