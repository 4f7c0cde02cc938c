// SPDX-License-Identifier: Apache-2.0
// The countries that relations refer to by id.
#pragma once

#include <boost/json/array.hpp>
#include <string_view>

#include "uuid.hpp"

namespace koppel::provider_sim::snelstart {

/// All of `landen`, as the API shows them.
boost::json::array lands();

/// The id of the country with these two letters; that of the Netherlands if there is none.
uuid land_id(std::string_view two_letters);

}  // namespace koppel::provider_sim::snelstart
