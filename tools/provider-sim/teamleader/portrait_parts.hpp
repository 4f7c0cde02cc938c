// SPDX-License-Identifier: Apache-2.0
// The parts of a record, each drawn from its own dice; used by portrait.cpp alone.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <initializer_list>
#include <string>

#include "collection.hpp"
#include "draw.hpp"
#include "teamleader/dataset.hpp"
#include "vocabulary.hpp"

namespace koppel::provider_sim::teamleader {

/// Salts: which dice a group of fields is thrown with.
enum class topic : std::uint64_t {
  region = 11,
  name,
  business,
  number,
  email,
  phone,
  address,
  terms,
  tags,
  remarks,
  custom,
  price_list,
  link
};

draw dice_for(const recipe& record, topic about);
const region& region_of(const recipe& record);

boost::json::object reference(std::string_view type, const uuid& id);

/// Ten digits with the Belgian check digits (or nine for Dutch records).
std::string company_number(const recipe& record);

/// The VAT number as people type it: with dots, spaces, in lower case, without a country, or not at all (empty).
std::string vat_as_typed(const recipe& record, const std::string& number, draw& dice);

boost::json::array company_emails(const recipe& record, const std::string& domain, boost::json::storage_ptr storage);
boost::json::array contact_emails(const recipe& record, const std::string& handle, boost::json::storage_ptr storage);
boost::json::array telephones(const recipe& record, std::initializer_list<const char*> types,
                              boost::json::storage_ptr storage);
boost::json::array addresses(const recipe& record, const std::string& addressee, boost::json::storage_ptr storage);
boost::json::array tags(const recipe& record, boost::json::storage_ptr storage);
boost::json::array custom_fields(entity kind, const recipe& record, boost::json::storage_ptr storage);
/// With or without a scheme; empty for none.
std::string website(const std::string& domain, draw& dice);
boost::json::value remarks(const recipe& record);
boost::json::value payment_term(draw& dice);
boost::json::value gender(bool female, draw& dice);
std::string birthdate(draw& dice);
std::string belgian_iban(draw& dice);

}  // namespace koppel::provider_sim::teamleader
