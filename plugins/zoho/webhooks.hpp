// SPDX-License-Identifier: Apache-2.0
// The notification channel of Zoho: which modules it is about, and how it is ended.
#pragma once

#include <koppel/sdk/plugin.hpp>

namespace koppel::zoho {

sdk::task<> register_webhooks(sdk::webhook_run& run);
sdk::task<> remove_webhooks(sdk::webhook_run& run);

}  // namespace koppel::zoho
