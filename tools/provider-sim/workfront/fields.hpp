// SPDX-License-Identifier: Apache-2.0
// Which fields an object has, and the picking of those that a request names out of the whole object.
#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace koppel::provider_sim::workfront {

enum class object_kind { company, user, project, customer };

/// `proj`, `Project` and so on; nothing if the simulator has no such object.
std::optional<object_kind> object_named(std::string_view name);
/// Company, as in error messages.
std::string_view class_name(object_kind kind);

inline constexpr std::string_view illegal_argument = "java.lang.IllegalArgumentException";

/// The error that one wrong name is.
std::string unsupported_field(std::string_view field, object_kind kind, int version);

/// Whether `field` is one of the object's: a plain one, `company`, `company:name`, `DE:...`, `parameterValues`, and, if
/// `wildcards`, `*` and `company:*`.
bool has_field(object_kind kind, std::string_view field, int version, bool wildcards = false);

bool is_date(std::string_view field);

/// The object that `ref` (company, owner, ...) of a record leads to; nothing if it is empty.
using follow = std::function<std::optional<boost::json::object>(std::string_view ref)>;

/// The value of a field that the object has.
boost::json::value value_of(const boost::json::object& whole, std::string_view field, const follow& to);

/// What is answered of a record: the fields asked for with ID and objCode, or the common few.
boost::json::object picked(object_kind kind, const boost::json::object& whole,
                           const std::optional<std::vector<std::string>>& fields, int version, const follow& to,
                           boost::json::storage_ptr storage = {});

}  // namespace koppel::provider_sim::workfront
