// SPDX-License-Identifier: Apache-2.0
// Text for a terminal. Names come from providers and their customers: whatever could move the cursor, change colours or
// reorder a line is shown as an escape instead.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace koppel::koppelctl {

/// Safe to print: control characters, bidirectional overrides and bytes that are no UTF-8 become escapes (\n, \x1b,
/// \u202e).
std::string printable(std::string_view text);

/// Columns that printable text takes: wide characters two, combining ones none.
std::size_t display_width(std::string_view text);

/// Cut to at most `columns`, the last of them then being an ellipsis.
std::string shortened(std::string_view text, std::size_t columns);

/// "2026-07-26T10:00:00.123Z" -> "2026-07-26 10:00:00"; anything else as it is. Empty becomes "-".
std::string short_time(std::string_view rfc3339);

/// 1234567 -> "1 234 567".
std::string grouped(std::uint64_t number);

}  // namespace koppel::koppelctl
