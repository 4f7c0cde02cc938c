// SPDX-License-Identifier: Apache-2.0
// A text wherever it stands in another one, in the ways in which an answer may write it: as it is, percent-encoded, or
// with JSON's escapes, and those once more where one is quoted in the other. Pure.
#pragma once

#include <string>
#include <string_view>

namespace koppel::core {

/// Puts `with` in place of `what`; an empty `what` is nowhere.
void replace_however_written(std::string& in, std::string_view what, std::string_view with);

}  // namespace koppel::core
