// SPDX-License-Identifier: Apache-2.0
// What is in the database, for people and for scripts. Reads only.
#pragma once

#include <boost/json/object.hpp>
#include <filesystem>
#include <koppel/result.hpp>
#include <string>

namespace koppel::proplus {

/// position, counters, applied events by type, connections with their row counts.
result<boost::json::object> summary(const std::filesystem::path& file);
/// The same as a small table.
std::string table_of(const boost::json::object& summary);

}  // namespace koppel::proplus
