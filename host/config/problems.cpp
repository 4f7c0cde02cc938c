// SPDX-License-Identifier: Apache-2.0
// Sorting and wording; the distance is Levenshtein's with neighbours swapped counted as one slip.

#include "host/config/problems.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "host/config/config.hpp"

namespace koppel::config {
namespace {

// Boost's categories are never deleted through the base.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
class category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "koppel.config"; }

  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::unreadable:
        return "configuration unreadable";
      case errc::invalid:
        return "configuration invalid";
      case errc::folder:
        return "folder unusable";
    }
    return "unknown configuration error";
  }
};
#pragma GCC diagnostic pop

std::size_t distance(std::string_view a, std::string_view b) {
  // Three rows suffice: the one before the last is needed for swapped neighbours.
  std::array<std::vector<std::size_t>, 3> rows;
  for (auto& row : rows) row.resize(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto& row = rows[i % 3];
    const auto& above = rows[(i + 2) % 3];
    const auto& above_that = rows[(i + 1) % 3];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], above_that[j - 2] + 1);
    }
  }
  return rows[a.size() % 3][b.size()];
}

}  // namespace

const boost::system::error_category& config_category() {
  static const category instance;
  return instance;
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
  if (word.size() > 64) return {};
  std::string_view best;
  std::size_t least = std::min<std::size_t>(2, word.size() / 3) + 1;
  for (const auto candidate : candidates) {
    const auto slips = distance(word, candidate);
    if (slips < least) {
      least = slips;
      best = candidate;
    }
  }
  return best;
}

failure problems::as_failure(const std::filesystem::path& name) const {
  auto sorted = list_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const problem& a, const problem& b) {
    return std::pair(a.where.line, a.where.column) < std::pair(b.where.line, b.where.column);
  });
  std::string text;
  for (const auto& p : sorted) {
    if (!text.empty()) text += '\n';
    text += name.string();
    if (p.where.line != 0) text += ":" + std::to_string(p.where.line) + ":" + std::to_string(p.where.column);
    text += ": " + p.sentence;
  }
  return {make_error_code(errc::invalid), std::move(text)};
}

}  // namespace koppel::config
