// SPDX-License-Identifier: Apache-2.0
// Two spaces between columns; no space at the end of a line, so that copies are clean.

#include "tools/koppelctl/table.hpp"

#include <algorithm>

#include "tools/koppelctl/text.hpp"

namespace koppel::koppelctl {
namespace {

const char* code_of(colour shade) {
  switch (shade) {
    case colour::none:
      return "";
    case colour::good:
      return "\x1b[32m";
    case colour::bad:
      return "\x1b[31m";
    case colour::waiting:
      return "\x1b[33m";
    case colour::faint:
      return "\x1b[2m";
  }
  return "";
}

}  // namespace

std::string shaded(const std::string& text, colour shade, bool colours) {
  if (!colours || shade == colour::none || text.empty()) return text;
  return code_of(shade) + text + "\x1b[0m";
}

colour shade_of(std::string_view status) {
  for (const auto good : {"authorized", "running", "completed", "yes", "loaded", "replaced"})
    if (status == good) return colour::good;
  for (const auto bad : {"needs_reauth", "misconfigured", "failed"})
    if (status == bad) return colour::bad;
  for (const auto waiting : {"waiting", "awaiting_confirmation", "starting", "backing_off", "interrupted", "queued"})
    if (status == waiting) return colour::waiting;
  return colour::none;
}

void table::add(std::vector<cell> row) {
  row.resize(columns_.size());
  for (auto& c : row) c.text = printable(c.text);
  rows_.push_back(std::move(row));
}

void table::print(std::ostream& out, bool colours) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    widths.push_back(display_width(columns_[i].title));
    for (const auto& row : rows_) widths[i] = std::max(widths[i], display_width(row[i].text));
  }

  const auto print_row = [&](const std::vector<cell>& row) {
    std::string line;
    std::string owed;  // spaces, written only when something follows
    for (std::size_t i = 0; i < row.size(); ++i) {
      const auto gap = std::string(widths[i] - display_width(row[i].text), ' ');
      if (i > 0) owed += "  ";
      if (columns_[i].right) owed += gap;
      if (!row[i].text.empty()) {
        line += owed + shaded(row[i].text, row[i].shade, colours);
        owed.clear();
      }
      if (!columns_[i].right) owed += gap;
    }
    out << line << "\n";
  };

  std::vector<cell> titles;
  for (const auto& c : columns_) titles.emplace_back(c.title, colour::faint);
  print_row(titles);
  for (const auto& row : rows_) print_row(row);
}

}  // namespace koppel::koppelctl
