// SPDX-License-Identifier: Apache-2.0
// From a recipe to the JSON of a row, with every key that was recorded of Zoho's own answers or is documented.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>

#include "zoho/dataset.hpp"

namespace koppel::provider_sim::zoho {

/// What a row says of others, and what needs the organisation's settings.
struct surroundings {
  std::string id, created, modified;
  boost::json::object owner;
  boost::json::value account;  ///< of a contact; null without one
};

/// The name that a row is shown and sorted by.
std::string sort_name(entity kind, const recipe& record);
std::string mail_of(const recipe& record);

boost::json::object portrait(entity kind, const recipe& record, const surroundings& around,
                             boost::json::storage_ptr storage = {});

}  // namespace koppel::provider_sim::zoho
