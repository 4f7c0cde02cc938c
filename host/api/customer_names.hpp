// SPDX-License-Identifier: Apache-2.0
// The names of what is made for a customer: docs/rest-api.md promises them. Pure.
#pragma once

#include <string>
#include <string_view>

namespace koppel::api {

/// "customer-4711"; where the id has other characters than [a-z0-9-] or is long, what is fit of it and twelve digits of
/// its digest: "customer-acme-nv-3f0a9c1d2e4b". No two customers have one name.
std::string name_of_customer(std::string_view customer);

/// Whether a registration of this name is a customer's own: such names are made here alone.
bool is_name_of_customer(std::string_view name);

}  // namespace koppel::api
