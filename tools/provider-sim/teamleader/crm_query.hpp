// SPDX-License-Identifier: Apache-2.0
// What a companies.list or contacts.list asks for, read from the body. Keys that Teamleader does not know are ignored,
// with 200: a misspelt filter returns everything.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collection.hpp"
#include "http_message.hpp"
#include "teamleader/dataset.hpp"

namespace koppel::provider_sim::teamleader {

struct crm_filter {
  std::optional<std::pair<std::string, std::string>> email;  ///< type (may be empty), address
  std::optional<std::vector<uuid>> ids;
  std::optional<std::string> term;
  std::optional<std::chrono::sys_seconds> updated_since;
  std::vector<std::string> tags;
  std::optional<std::string> vat_number;                      ///< companies
  std::optional<std::string> national_identification_number;  ///< companies
  std::optional<uuid> company_id;                             ///< contacts
  std::optional<bool> active;
  std::optional<bool> marketing_mails_consent;

  /// Whether a record's JSON must be made to judge it.
  bool needs_fields() const {
    return email || term || !tags.empty() || vat_number || national_identification_number || marketing_mails_consent;
  }
};

struct crm_query {
  crm_filter filter;
  std::size_t page_size = 20;
  std::size_t page_number = 1;
  sort_key sort = sort_key::name;
  bool descending = false;
  bool custom_fields = false;
  bool price_list = false;
};

/// Either a query, or the 400 that says which field is wrong.
struct crm_parse {
  crm_query query;
  std::optional<reply> refused;
};
crm_parse parse_crm_query(entity kind, const boost::json::object& body);

/// Whether `includes` (a comma-separated string) names `what`.
bool includes(const boost::json::object& body, std::string_view what);

/// Whether a record in its `.info` shape passes the filters that need fields.
bool passes(const crm_filter& filter, const boost::json::object& record);

}  // namespace koppel::provider_sim::teamleader
