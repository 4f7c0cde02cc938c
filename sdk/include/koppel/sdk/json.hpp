// SPDX-License-Identifier: Apache-2.0
// Reading the JSON that providers send, and building the JSON that they want.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace koppel::sdk {

class json_items;

/// A place in a JSON document: a value, or the knowledge that there is none. Looking further never fails, it only ends
/// in "absent"; so `row["account"]["id"].text()` is safe on every row. Absent ("the provider did not say") and null
/// ("known to be empty") stay apart. Copies are cheap and keep the document alive; texts live as long as any place in
/// the document.
class json {
 public:
  json() = default;  ///< absent

  /// Reads a document: at most 32 levels, UTF-8, nothing after it. Throws job_failure (bug) otherwise.
  static json parse(std::string_view text);

  bool is_absent() const { return !at_; }
  bool is_null() const;
  bool is_object() const;
  bool is_array() const;
  explicit operator bool() const { return at_; }

  json operator[](std::string_view name) const;
  /// A path like "/account/id". It goes through null as null: what is inside an empty thing is empty. "" is this place.
  json at(std::string_view path) const;

  std::optional<std::string_view> text() const;
  std::optional<std::int64_t> integer() const;
  std::optional<double> number() const;
  std::optional<bool> boolean() const;

  /// The items of a list; none if this is not a list.
  json_items items() const;
  /// The list at `name`. Throws job_failure (bug) if there is none: a list that is missing is not an empty list.
  json_items array(std::string_view name) const;
  /// The names of an object's members, in order.
  std::vector<std::string_view> names() const;
  /// Elements of a list, members of an object, else 0.
  std::size_t size() const;

  /// As JSON text; empty when absent.
  std::string dump() const;

 private:
  friend class json_items;
  friend struct json_access;  // the SDK's own sources
  json(std::shared_ptr<const void> document, const void* at) : document_(std::move(document)), at_(at) {}

  std::shared_ptr<const void> document_;
  const void* at_ = nullptr;
};

/// The items of a list, for range-for.
class json_items {
 public:
  class iterator {
   public:
    iterator(const json_items* of, std::size_t index) : of_(of), index_(index) {}
    json operator*() const { return (*of_)[index_]; }
    iterator& operator++() { return ++index_, *this; }
    bool operator==(const iterator& other) const { return index_ == other.index_; }

   private:
    const json_items* of_;
    std::size_t index_;
  };

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  json operator[](std::size_t index) const;  ///< absent beyond the end
  iterator begin() const { return {this, 0}; }
  iterator end() const { return {this, size_}; }

 private:
  friend class json;
  json list_;
  std::size_t size_ = 0;
};

class json_array;

/// Builds an object: `json_object().add("page", json_object().add("size", 100))`. Members keep their order.
class json_object {
 public:
  json_object&& add(std::string_view name, std::string_view value) &&;
  json_object&& add(std::string_view name, const char* value) && {
    return std::move(*this).add(name, std::string_view(value));
  }
  json_object&& add(std::string_view name, std::int64_t value) &&;
  json_object&& add(std::string_view name, bool value) &&;
  template <std::integral Integer>
  json_object&& add(std::string_view name, Integer value) && {
    return std::move(*this).add(name, static_cast<std::int64_t>(value));
  }
  json_object&& add(std::string_view name, std::nullptr_t) &&;
  json_object&& add(std::string_view name, const json_object& value) &&;
  json_object&& add(std::string_view name, const json_array& value) &&;
  /// To an object that has a name already: `if (since) body.add("since", *since);`
  template <class Value>
  json_object& add(std::string_view name, const Value& value) & {
    std::move(*this).add(name, value);
    return *this;
  }

  std::string text() const { return '{' + members_ + '}'; }

 private:
  json_object&& put(std::string_view name, std::string_view raw);
  std::string members_;
};

/// Builds a list, in the same way.
class json_array {
 public:
  json_array&& add(std::string_view value) &&;
  json_array&& add(const char* value) && { return std::move(*this).add(std::string_view(value)); }
  json_array&& add(std::int64_t value) &&;
  json_array&& add(const json_object& value) &&;
  template <class Value>
  json_array& add(const Value& value) & {
    std::move(*this).add(value);
    return *this;
  }

  std::string text() const { return '[' + items_ + ']'; }

 private:
  json_array&& put(std::string_view raw);
  std::string items_;
};

}  // namespace koppel::sdk
