// SPDX-License-Identifier: Apache-2.0
// Departments, users and custom field definitions: small, fixed lists.
#pragma once

#include <boost/json/object.hpp>

#include "clients.hpp"
#include "http_message.hpp"

namespace koppel::provider_sim::teamleader {

/// Ignores paging, as the real one does: page 2 is page 1 again.
reply departments_list(const identity& who, const boost::json::object& body);
reply departments_info(const identity& who, const boost::json::object& body);

reply users_me(const identity& who);
reply users_list(const identity& who, const boost::json::object& body);

reply custom_field_definitions_list(const boost::json::object& body);

}  // namespace koppel::provider_sim::teamleader
