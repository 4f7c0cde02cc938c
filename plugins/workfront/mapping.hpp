// SPDX-License-Identifier: Apache-2.0
// The kinds of value that only Workfront has. The field tables are [stream.fields] in manifest.toml. Lists and reads by
// id are asked for the same fields, so one facet, `core`, holds them all.
#pragma once

#include <koppel/sdk/plugin.hpp>

namespace koppel::workfront {

sdk::kind_list own_kinds();

/// For `fields`: what the table reads, in its order, "owner:name" for what is within another object; and the id and the
/// dates that lists go by. One name that Workfront does not know fails the whole request.
std::string fields_asked_for(const sdk::field_table& fields);

}  // namespace koppel::workfront
