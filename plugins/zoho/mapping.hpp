// SPDX-License-Identifier: Apache-2.0
// Rows of Zoho CRM, API v8, to canonical records. The field tables are [stream.fields] in manifest.toml; here are the
// kinds of value that only Zoho has. A list and a read by id say the same of what is mapped, so there is one facet.
#pragma once

#include <koppel/sdk/plugin.hpp>

namespace koppel::zoho {

sdk::kind_list own_kinds();

/// Throws sdk::unmappable if the row has no usable id. A deleted user is not there.
sdk::record to_record(const sdk::field_table& fields, const sdk::json& row);

/// A row of a list of deletions, or a user who was deleted.
sdk::record to_deletion(const sdk::field_table& fields, const sdk::json& row);

}  // namespace koppel::zoho
