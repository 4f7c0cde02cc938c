// SPDX-License-Identifier: Apache-2.0
// A secret in memory: cannot be copied by accident, printed or formatted, and is wiped when it goes.
#pragma once

#include <sodium/utils.h>

#include <string>
#include <string_view>
#include <utility>

namespace koppel::core {

class secret {
 public:
  secret() = default;
  explicit secret(std::string value) : value_(std::move(value)) {}
  secret(secret&& other) noexcept : value_(std::move(other.value_)) { other.wipe(); }
  secret& operator=(secret&& other) noexcept {
    if (this != &other) {
      wipe();
      value_ = std::move(other.value_);
      other.wipe();
    }
    return *this;
  }
  secret(const secret&) = delete;
  secret& operator=(const secret&) = delete;
  ~secret() { wipe(); }

  /// A copy, said out loud.
  secret clone() const { return secret(value_); }
  bool empty() const { return value_.empty(); }
  /// The only way to the bytes; search for it to find every place that sees them.
  std::string_view reveal() const { return value_; }

 private:
  void wipe() {
    sodium_memzero(value_.data(), value_.size());
    value_.clear();
  }
  std::string value_;
};

}  // namespace koppel::core
