// SPDX-License-Identifier: Apache-2.0
// Which events Teamleader is asked to post, and how it is told to stop.
#pragma once

#include <koppel/sdk/plugin.hpp>

namespace koppel::teamleader {

sdk::task<> register_webhooks(sdk::webhook_run& run);
sdk::task<> remove_webhooks(sdk::webhook_run& run);

}  // namespace koppel::teamleader
