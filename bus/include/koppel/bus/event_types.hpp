// SPDX-License-Identifier: Apache-2.0
// Every short type of an event that Koppel emits; docs/bus.md says what each one holds. A new event begins here.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace koppel::bus::event_types {

inline constexpr std::string_view auth_status = "auth.status";
inline constexpr std::string_view connection_created = "connection.created";
inline constexpr std::string_view connection_removed = "connection.removed";
inline constexpr std::string_view sync_started = "sync.started";
inline constexpr std::string_view sync_completed = "sync.completed";
inline constexpr std::string_view sync_failed = "sync.failed";
inline constexpr std::string_view sync_held = "sync.held";
inline constexpr std::string_view sync_progress = "sync.progress";  ///< on the live socket only
inline constexpr std::string_view dead_letter_added = "dead_letter.added";
inline constexpr std::string_view plugin_loaded = "plugin.loaded";
inline constexpr std::string_view plugin_failed = "plugin.failed";
inline constexpr std::string_view plugin_crashed = "plugin.crashed";
inline constexpr std::string_view plugin_quarantined = "plugin.quarantined";

/// Those above; beside them there are the two of each entity.
inline constexpr std::array all{
    auth_status,   connection_created, connection_removed, sync_started,  sync_completed, sync_failed,       sync_held,
    sync_progress, dead_letter_added,  plugin_loaded,      plugin_failed, plugin_crashed, plugin_quarantined};

/// "sync.company.upserted"
inline std::string record_upserted(std::string_view entity) { return "sync." + std::string(entity) + ".upserted"; }
/// "sync.company.deleted"
inline std::string record_deleted(std::string_view entity) { return "sync." + std::string(entity) + ".deleted"; }

}  // namespace koppel::bus::event_types
