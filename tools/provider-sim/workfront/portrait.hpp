// SPDX-License-Identifier: Apache-2.0
// From a recipe to the JSON of a company, user or project, every field of it; answers are picked from that.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>

#include "collection.hpp"
#include "workfront/wire.hpp"

namespace koppel::provider_sim::workfront {

enum class entity { company, user, project };

/// What a record shows that is not in its recipe.
struct surroundings {
  std::string customer_id;
  std::string administrator_id;
  std::optional<std::string> company_id;  ///< of a user or project
  std::optional<std::string> person_id;   ///< a project's owner, a user's manager
  std::optional<instant> updated_at;      ///< nothing is null
  bool administrator = false;             ///< this is the connected user, and it is one
  date_form dates;
};

/// Custom data is under `parameterValues`, with keys `DE:...`.
boost::json::object portrait(entity kind, const recipe& record, const surroundings& around,
                             boost::json::storage_ptr storage = {});

/// A company's or project's name; a user's last name and first name.
std::string sort_name(entity kind, const recipe& record);

/// The ids of what records refer to and the simulator does not list: groups, categories, roles.
std::string fixed_id(std::string_view what, std::uint64_t number);

}  // namespace koppel::provider_sim::workfront
