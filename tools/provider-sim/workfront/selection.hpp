// SPDX-License-Identifier: Apache-2.0
// Which records a query finds, and in what order. What can be judged by recipes alone makes no JSON.
#pragma once

#include <vector>

#include "draw.hpp"
#include "workfront/dataset.hpp"
#include "workfront/query.hpp"

namespace koppel::provider_sim::workfront {

/// Whose records they are, and how dates are written.
struct view {
  std::string customer_id;
  std::string customer_name;
  std::string customer_host;
  date_form dates;
};

/// Follows the references of a record.
follow references_of(const dataset& records, object_kind kind, const boost::json::object& whole, const view& seen);

/// Whether an object passes all conditions.
bool passes(const std::vector<condition>& conditions, const boost::json::object& whole, const follow& to,
            const date_form& dates);

/// Every record that is found, before paging.
std::vector<slot> select_all(const dataset& records, entity kind, const query& asked, const view& seen);

/// The page of it. Without a sort the order begins elsewhere each time, within a few rows, unless `stable`.
std::vector<slot> page_of(std::vector<slot> found, const query& asked, bool stable, draw& dice);

}  // namespace koppel::provider_sim::workfront
