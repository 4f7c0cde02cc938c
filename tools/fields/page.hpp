// SPDX-License-Identifier: Apache-2.0
// docs/fields.md as text: for each entity which provider fills which canonical field, then for each provider what
// becomes of each of its fields.
#pragma once

#include <string>

#include "tools/fields/tables.hpp"

namespace koppel::fields {

/// Markdown. The same tables give the same bytes.
std::string page(std::span<const provider> of);

}  // namespace koppel::fields
