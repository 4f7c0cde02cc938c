// SPDX-License-Identifier: Apache-2.0
// The event subscriptions of Workfront: one for each kind of object and of event.
#pragma once

#include <koppel/sdk/plugin.hpp>

namespace koppel::workfront {

sdk::subscription_list event_subscriptions(const sdk::webhook_run& run);

}  // namespace koppel::workfront
