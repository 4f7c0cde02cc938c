// SPDX-License-Identifier: Apache-2.0
// A table for people: columns aligned by what a terminal shows, not by bytes. Cells are escaped here; colour is put
// around a cell after its width is known.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace koppel::koppelctl {

enum class colour { none, good, bad, waiting, faint };

struct cell {
  std::string text;
  colour shade = colour::none;
  cell() = default;
  cell(std::string t, colour c = colour::none) : text(std::move(t)), shade(c) {}  // NOLINT: a text is a cell
  cell(const char* t) : text(t) {}                                                // NOLINT
};

struct column {
  std::string title;
  bool right = false;  ///< numbers
};

class table {
 public:
  explicit table(std::vector<column> columns) : columns_(std::move(columns)) {}

  void add(std::vector<cell> row);
  bool empty() const { return rows_.empty(); }
  void print(std::ostream& out, bool colours) const;

 private:
  std::vector<column> columns_;
  std::vector<std::vector<cell>> rows_;
};

/// The text in its colour, or as it is.
std::string shaded(const std::string& text, colour shade, bool colours);

/// The colour of a status, state or the like: the same everywhere.
colour shade_of(std::string_view status);

}  // namespace koppel::koppelctl
