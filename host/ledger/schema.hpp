// SPDX-License-Identifier: Apache-2.0
// The tables, as migrations: user_version counts those that ran. Each is one transaction; a database is made complete
// under another name and then renamed, so that a half-made one is never met.
#pragma once

#include <koppel/result.hpp>
#include <memory>
#include <string>

#include "host/core/time.hpp"
#include "host/ledger/database.hpp"
#include "host/ledger/high_water.hpp"
#include "host/ledger/sealing.hpp"

namespace koppel::ledger {

/// How far the database has come. Throws sqlite_error.
high_water high_water_of(database& db);
/// The database is an older copy of what there was. What only the provider knows by now is marked as unknown: each
/// token pair may have been renewed, each link may have been used. Throws sqlite_error.
void take_as_restored(database& db, core::instant now);

std::string database_path(const std::string& folder);

/// Opens the folder's database for writing, made or migrated as needed. Refuses (schema) one of a newer version,
/// (corrupt) one that is damaged or not ours, and (wrong_key) one that this key does not open; such a one is left as it
/// is.
result<std::unique_ptr<database>> open_database(const std::string& folder, const sealer& seals);

/// The same for a database that is there, whatever its name. Throws sqlite_error.
result<std::unique_ptr<database>> open_database_file(const std::string& path, const sealer& seals);

}  // namespace koppel::ledger
