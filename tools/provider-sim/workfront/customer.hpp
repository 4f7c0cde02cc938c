// SPDX-License-Identifier: Apache-2.0
// CUST: the one object that stands for the customer itself.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "clients.hpp"
#include "workfront/hosts.hpp"

namespace koppel::provider_sim::workfront {

inline boost::json::object customer_object(const account& of, std::size_t concurrency_limit) {
  const auto where = environment_of(of.host);
  return {{"ID", of.id},
          {"name", of.name},
          {"objCode", "CUST"},
          {"domain", where ? where->domain : ""},
          {"apiConcurrencyLimit", concurrency_limit}};
}

}  // namespace koppel::provider_sim::workfront
