// SPDX-License-Identifier: Apache-2.0
// What the host does with text of others: compare it without the case of ASCII letters, and show it without harm.
#pragma once

#include <string>
#include <string_view>

namespace koppel::core {

/// ASCII letters only, whatever the locale.
std::string lower_case(std::string_view text);
bool equal_ignoring_case(std::string_view a, std::string_view b);

/// `text` on one line: control characters (C0, DEL, C1), line and paragraph separators and the marks that turn the
/// writing direction become visible escapes; bytes that are not UTF-8 too. At most `limit` bytes, the cut marked with
/// "...".
std::string escaped(std::string_view text, std::size_t limit);

}  // namespace koppel::core
