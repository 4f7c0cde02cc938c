// SPDX-License-Identifier: Apache-2.0
// The kinds of value that only Teamleader Focus has (API version 2023-09-26). The field tables are [stream.fields] in
// manifest.toml. A row of a list fills facet `core`; a read by id fills `core`, with the same bytes, and `detail`.
#pragma once

#include <koppel/sdk/plugin.hpp>

namespace koppel::teamleader {

sdk::kind_list own_kinds();

}  // namespace koppel::teamleader
