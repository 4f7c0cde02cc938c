// SPDX-License-Identifier: Apache-2.0
// The kinds that a manifest may name, and the one that a canonical field has unless it names another.
#pragma once

#include <koppel/sdk/field_map.hpp>

#include <string>
#include <string_view>

namespace koppel::declarative {

/// nullptr: there is none of this name.
const sdk::kind* kind_named(std::string_view name);
/// nullptr: a field of this shape cannot be read from one value.
const sdk::kind* usual_kind(sdk::shape of);
/// "text, flag, ...".
std::string kind_names();

}  // namespace koppel::declarative
