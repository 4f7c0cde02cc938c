// SPDX-License-Identifier: Apache-2.0
// [stream.fields] of a manifest, read and checked. For the connector of providers without code, which reads a manifest
// whole; other plugins have koppel/sdk/field_table.hpp. docs/provider-without-code.md is the author's side.
#pragma once

#include <koppel/sdk/field_table.hpp>
#include <koppel/toml_reader.hpp>

#include <string>

namespace koppel {

/// Fields that the entity has, kinds that fit them, no field that is both read and dropped. What is wrong goes to the
/// reader's problems.
sdk::field_table read_fields(toml_reader& in, const std::string& plugin, const std::string& entity,
                             const sdk::kind_list& kinds);

}  // namespace koppel
