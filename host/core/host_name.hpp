// SPDX-License-Identifier: Apache-2.0
// Host names and https addresses that manifests and settings give. Whatever could be read as an IP address, in any of
// its spellings (2130706433, 0x7f.1, 127.1, [::1]), is no host name here: where a name leads is checked when it is
// connected to (net/address). Each function says what is wrong, or nothing. Pure.
#pragma once

#include <string>

namespace koppel::core {

/// A DNS name in lower case with at least one dot: no scheme, port, wildcard or IP address.
std::string wrong_host(const std::string& text);
/// https://name/..., without user, port other than 443, or fragment.
std::string wrong_https_url(const std::string& text);

}  // namespace koppel::core
