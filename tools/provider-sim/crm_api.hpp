// SPDX-License-Identifier: Apache-2.0
// companies.list, companies.info, contacts.list, contacts.info over a dataset.
#pragma once

#include "crm_query.hpp"
#include "dataset.hpp"
#include "http_message.hpp"
#include "knobs.hpp"

namespace koppel::provider_sim {

/// The records of one page, in order.
std::vector<slot> select_page(const dataset& records, entity kind, const crm_query& query, const knobs& settings);

reply crm_list(const dataset& records, entity kind, const boost::json::object& body, const knobs& settings);
reply crm_info(const dataset& records, entity kind, const boost::json::object& body);

}  // namespace koppel::provider_sim
