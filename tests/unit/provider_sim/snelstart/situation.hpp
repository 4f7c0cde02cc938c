// SPDX-License-Identifier: Apache-2.0
// The vocabulary of the simulated SnelStart's tests: an administration that has given access, and its calls.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <set>
#include <string>

#include "driven.hpp"
#include "form.hpp"
#include "snelstart/snelstart.hpp"

namespace koppel::provider_sim::snelstart {

struct situation : driven {
  std::string key;  ///< the koppelsleutel
  std::string subscription_key = knobs().subscription_key;

  explicit situation(std::size_t companies = 20, knobs settings = {})
      : driven(std::make_unique<bookkeeping>(options{companies, settings}, first_of_2026()), first_of_2026()) {
    key = order("GET", "/clients").at("clients").at(0).at("client_secret").as_string().c_str();
  }

  reply buy(const std::string& with, const std::string& grant = "clientkey") {
    request asked;
    asked.method = "POST";
    asked.host = auth_host;
    asked.path = "/b2b/token";
    asked.content_type = "application/x-www-form-urlencoded";
    asked.body = "grant_type=" + grant + "&clientkey=" + percent_encode(with);
    return provider.serve(asked, now);
  }

  std::string token() {
    const auto answer = buy(key);
    if (answer.status != 200) throw std::runtime_error(answer.body);
    return boost::json::parse(answer.body).at("access_token").as_string().c_str();
  }

  reply get(const std::string& token, const std::string& path, const std::string& query = "") {
    request asked;
    asked.method = "GET";
    asked.host = api_host;
    asked.path = "/v2" + path;
    asked.query = query;
    asked.authorization = "Bearer " + token;
    if (!subscription_key.empty()) asked.headers.emplace_back("ocp-apim-subscription-key", subscription_key);
    return provider.serve(asked, now);
  }

  /// The rows of a list that must succeed.
  boost::json::array rows(const std::string& token, const std::string& filter = "", const std::string& more = "") {
    auto answer = get(token, "/relaties", (filter.empty() ? "" : "$filter=" + percent_encode(filter) + "&") + more);
    if (answer.status != 200) throw std::runtime_error(answer.body);
    return boost::json::parse(answer.body).as_array();
  }

  static std::set<std::string> ids(const boost::json::array& rows) {
    std::set<std::string> out;
    for (const auto& row : rows) out.insert(row.at("id").as_string().c_str());
    return out;
  }
};

}  // namespace koppel::provider_sim::snelstart
