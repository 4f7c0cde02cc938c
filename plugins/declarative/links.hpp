// SPDX-License-Identifier: Apache-2.0
// Links to a next page, as providers give them.
#pragma once

#include <koppel/sdk/http.hpp>

#include <string>
#include <string_view>

namespace koppel::declarative {

/// The target of rel="next" in the Link headers (RFC 8288); empty where there is none.
std::string next_of_link_header(const sdk::header_list& headers);

/// The link as a whole URL. Throws job_failure unless it stays on the host that was asked.
std::string on_the_same_host(std::string_view link, std::string_view asked);

}  // namespace koppel::declarative
