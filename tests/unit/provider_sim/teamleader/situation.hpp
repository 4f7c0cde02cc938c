// SPDX-License-Identifier: Apache-2.0
// The vocabulary of the simulated Teamleader's tests: a client that has given access, and its calls.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <string>

#include "driven.hpp"
#include "form.hpp"
#include "teamleader/teamleader.hpp"

namespace koppel::provider_sim::teamleader {

inline constexpr const char* redirect_uri = "https://app.testocloud.be/";

struct situation : driven {
  std::string client_id, client_secret;

  explicit situation(dataset_size size = {20, 50}, knobs settings = {})
      : driven(std::make_unique<focus>(options{size, settings}, first_of_2026()), first_of_2026()) {
    const auto first = order("GET", "/clients").at("clients").at(0);
    client_id = first.at("client_id").as_string();
    client_secret = first.at("client_secret").as_string();
  }

  reply oauth(const std::string& method, const std::string& path, const std::string& fields,
              const std::string& type = "application/x-www-form-urlencoded") {
    request asked;
    asked.method = method;
    asked.host = oauth_host;
    asked.path = path;
    (method == "GET" ? asked.query : asked.body) = fields;
    asked.content_type = type;
    return provider.serve(asked, now);
  }

  std::string code(int age_seconds = 0) {
    const boost::json::object body{
        {"client_id", client_id}, {"redirect_uri", redirect_uri}, {"age_seconds", age_seconds}};
    return order("POST", "/codes", boost::json::serialize(body)).at("code").as_string().c_str();
  }

  reply exchange(const std::string& with_code, const std::string& uri = redirect_uri) {
    return oauth("POST", "/oauth2/access_token",
                 "grant_type=authorization_code&client_id=" + client_id + "&client_secret=" + client_secret +
                     "&code=" + with_code + "&redirect_uri=" + percent_encode(uri));
  }

  reply refresh(const std::string& token) {
    return oauth("POST", "/oauth2/access_token",
                 "grant_type=refresh_token&client_id=" + client_id + "&client_secret=" + client_secret +
                     "&refresh_token=" + token);
  }

  struct pair {
    std::string access, refresh;
  };
  static pair tokens(const reply& answer) {
    const auto body = boost::json::parse(answer.body);
    return {body.at("access_token").as_string().c_str(), body.at("refresh_token").as_string().c_str()};
  }
  pair connect() { return tokens(exchange(code())); }

  reply call(const std::string& access, const std::string& action, const std::string& body = "{}") {
    request asked;
    asked.method = "POST";
    asked.host = api_host;
    asked.path = "/" + action;
    asked.authorization = "Bearer " + access;
    asked.content_type = "application/json";
    asked.body = body;
    return provider.serve(asked, now);
  }

  /// The `data` of a call that must succeed.
  boost::json::value data(const std::string& access, const std::string& action, const std::string& body = "{}") {
    auto answer = call(access, action, body);
    if (answer.status != 200) throw std::runtime_error(action + ": " + answer.body);
    return boost::json::parse(answer.body).at("data");
  }

  static std::string title(const reply& answer) {
    return boost::json::parse(answer.body).at("errors").at(0).at("title").as_string().c_str();
  }
};

}  // namespace koppel::provider_sim::teamleader
