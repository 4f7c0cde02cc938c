// SPDX-License-Identifier: Apache-2.0
// The only listener that is ever exposed: OAuth callbacks, the page after an activation link, and the webhook addresses
// of apps and connections. Whatever else is asked for does not exist.
#pragma once

#include "host/auth/auth_service.hpp"
#include "host/auth/webhook_queue.hpp"
#include "host/hooks/hint_service.hpp"
#include "host/net/http_server.hpp"

namespace koppel::api {

/// The handler of the ingress listener. What it is given outlives it.
net::http_handler ingress_handler(auth::auth_service& auth, auth::webhook_queue& webhooks, hooks::hint_service& hints);

}  // namespace koppel::api
