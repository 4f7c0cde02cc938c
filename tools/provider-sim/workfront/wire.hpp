// SPDX-License-Identifier: Apache-2.0
// Forms that are Workfront's own: {"data":...} or {"error":{"class","message"}}, dates with a colon before the
// milliseconds, ids of 32 hexadecimal digits.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "http_message.hpp"
#include "uuid.hpp"

namespace koppel::provider_sim::workfront {

reply api_error(int status, std::string_view kind, std::string_view message);
reply data_reply(const boost::json::value& data);

/// How a customer's times are written.
struct date_form {
  char mark = ':';  ///< before the milliseconds
  std::chrono::minutes offset{60};
};

/// 2017-03-08T17:00:00:000+0400
std::string date_text(instant at, const date_form& form);

/// Either of the two marks, RFC 3339, a date alone (its first moment there), $$NOW and $$TODAY with +3d, -2w and so on.
std::optional<instant> parse_date(std::string_view text, const date_form& form, instant now);

/// What a filter is documented to take: three digits after the second and a point, a date alone, $$NOW and $$TODAY.
std::optional<instant> parse_filter_date(std::string_view text, const date_form& form, instant now);

/// 58d389be000000deb46805b72b41e3b4
std::string id_text(const uuid& id);
std::optional<uuid> parse_id(std::string_view text);

}  // namespace koppel::provider_sim::workfront
