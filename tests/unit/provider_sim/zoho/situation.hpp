// SPDX-License-Identifier: Apache-2.0
// The vocabulary of the simulated Zoho's tests: a client in the EU that has given access, and its calls.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <string>

#include "driven.hpp"
#include "form.hpp"
#include "zoho/zoho.hpp"

namespace koppel::provider_sim::zoho {

inline constexpr const char* redirect_uri = "https://koppel.example/callback";
inline constexpr const char* eu_accounts = "accounts.zoho.eu";
inline constexpr const char* eu_api = "www.zohoapis.eu";

struct situation : driven {
  std::string client_id, client_secret;

  explicit situation(dataset_size size = {20, 50, 3}, knobs settings = {})
      : driven(std::make_unique<crm>(options{size, settings}, first_of_2026()), first_of_2026()) {
    const auto first = order("GET", "/clients").at("clients").at(0);
    client_id = first.at("client_id").as_string();
    client_secret = first.at("client_secret").as_string();
  }

  reply oauth(const std::string& method, const std::string& path, const std::string& fields,
              const std::string& host = eu_accounts) {
    request asked;
    asked.method = method;
    asked.host = host;
    asked.path = path;
    (method == "GET" ? asked.query : asked.body) = fields;
    asked.content_type = "application/x-www-form-urlencoded";
    return provider.serve(asked, now);
  }

  std::string code(int age_seconds = 0) {
    const boost::json::object body{
        {"client_id", client_id}, {"redirect_uri", redirect_uri}, {"age_seconds", age_seconds}};
    return order("POST", "/codes", boost::json::serialize(body)).at("code").as_string().c_str();
  }

  reply exchange(const std::string& with_code, const std::string& host = eu_accounts,
                 const std::string& uri = redirect_uri) {
    return oauth("POST", "/oauth/v2/token",
                 "grant_type=authorization_code&client_id=" + client_id + "&client_secret=" + client_secret +
                     "&code=" + with_code + "&redirect_uri=" + percent_encode(uri),
                 host);
  }

  reply refresh(const std::string& token, const std::string& host = eu_accounts) {
    return oauth("POST", "/oauth/v2/token",
                 "grant_type=refresh_token&client_id=" + client_id + "&client_secret=" + client_secret +
                     "&refresh_token=" + token,
                 host);
  }

  struct pair {
    std::string access, refresh;
  };
  pair connect() {
    const auto body = boost::json::parse(exchange(code()).body);
    return {body.at("access_token").as_string().c_str(), body.at("refresh_token").as_string().c_str()};
  }

  /// `path` with its query, after /crm/v8.
  reply call(const std::string& access, const std::string& path, const std::string& modified_since = "",
             const std::string& host = eu_api) {
    request asked;
    asked.method = "GET";
    asked.host = host;
    asked.path = "/crm/v8" + path.substr(0, path.find('?'));
    if (path.find('?') != std::string::npos) asked.query = path.substr(path.find('?') + 1);
    asked.authorization = "Zoho-oauthtoken " + access;
    if (!modified_since.empty()) asked.headers.emplace_back("if-modified-since", modified_since);
    return provider.serve(asked, now);
  }

  static std::string text(const reply& answer, const char* name) {
    const auto body = boost::json::parse(answer.body);
    const auto* value = body.as_object().if_contains(name);
    return value && value->is_string() ? value->get_string().c_str() : "";
  }
};

}  // namespace koppel::provider_sim::zoho
