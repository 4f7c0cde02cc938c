// SPDX-License-Identifier: Apache-2.0
// The one header of a plugin's author. `KOPPEL_PLUGIN(my_connector)` in one source file makes the library a plugin.
#pragma once

#include <koppel/abi.h>
#include <koppel/sdk/connector.hpp>
#include <koppel/sdk/entities.hpp>
#include <koppel/sdk/failure.hpp>
#include <koppel/sdk/field_table.hpp>
#include <koppel/sdk/http.hpp>
#include <koppel/sdk/job.hpp>
#include <koppel/sdk/json.hpp>
#include <koppel/sdk/kinds.hpp>
#include <koppel/sdk/paging.hpp>
#include <koppel/sdk/record.hpp>
#include <koppel/sdk/refusals.hpp>
#include <koppel/sdk/subscriptions.hpp>
#include <koppel/sdk/task.hpp>
#include <koppel/sdk/time.hpp>

#include <memory>

namespace koppel::sdk::detail {

using connector_factory = std::unique_ptr<connector> (*)();

/// Makes an instance; NULL, after a log message with the reason, if the connector's constructor throws.
void* create_instance(const koppel_host* host, connector_factory make) noexcept;
void receive_message(void* self, const std::uint8_t* bytes, std::uint64_t size) noexcept;
void destroy_instance(void* self) noexcept;

template <class Connector>
struct entry {
  static std::unique_ptr<connector> make() { return std::make_unique<Connector>(); }
  static void* create(const koppel_host* host) noexcept { return create_instance(host, &make); }
  static constexpr koppel_plugin table{KOPPEL_ABI_VERSION, sizeof(koppel_plugin), &create, &receive_message,
                                       &destroy_instance};
};

}  // namespace koppel::sdk::detail

#define KOPPEL_PLUGIN(Connector)                                                                         \
  extern "C" __attribute__((visibility("default"))) const struct koppel_plugin* koppel_plugin_v1(void) { \
    return &::koppel::sdk::detail::entry<Connector>::table;                                              \
  }
