// SPDX-License-Identifier: Apache-2.0
// The only listener that is ever exposed: OAuth callbacks. Every answer is a page for people; whatever else is asked
// for does not exist.
#pragma once

#include "host/auth/auth_service.hpp"
#include "host/net/http_server.hpp"

namespace koppel::api {

/// The handler of the ingress listener. `auth` outlives it.
net::http_handler ingress_handler(auth::auth_service& auth);

}  // namespace koppel::api
