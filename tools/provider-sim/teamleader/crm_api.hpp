// SPDX-License-Identifier: Apache-2.0
// companies.list, companies.info, contacts.list, contacts.info over a dataset.
#pragma once

#include "http_message.hpp"
#include "teamleader/crm_query.hpp"
#include "teamleader/dataset.hpp"
#include "teamleader/knobs.hpp"

namespace koppel::provider_sim::teamleader {

/// The records of one page, in order.
std::vector<slot> select_page(const dataset& records, entity kind, const crm_query& query, const knobs& settings);

reply crm_list(const dataset& records, entity kind, const boost::json::object& body, const knobs& settings);
reply crm_info(const dataset& records, entity kind, const boost::json::object& body);

}  // namespace koppel::provider_sim::teamleader
