// SPDX-License-Identifier: Apache-2.0
// The vocabulary of the simulated Workfront's tests: a customer whose administrator has given access, and calls.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <string>
#include <vector>

#include "digest.hpp"
#include "driven.hpp"
#include "form.hpp"
#include "workfront/workfront.hpp"

namespace koppel::provider_sim::workfront {

inline constexpr const char* redirect_uri = "https://app.testocloud.be/";

inline options sized(dataset_size size, knobs settings = {}) {
  options given;
  given.size = size;
  given.settings = settings;
  return given;
}

struct customer : driven {
  std::string client_id, client_secret, customer_id;
  std::string host = "acme.my.workfront.com";

  explicit customer(const options& given = sized({20, 50, 10}))
      : driven(std::make_unique<attask>(given, first_of_2026()), first_of_2026()) {
    const auto first = order("GET", "/clients").at("clients").at(0);
    client_id = first.at("client_id").as_string();
    client_secret = first.at("client_secret").as_string();
    customer_id = first.at("account").at("id").as_string();
  }

  request asking(const std::string& method, const std::string& target) const {
    request asked;
    asked.method = method;
    asked.host = host;
    asked.path = target.substr(0, target.find('?'));
    if (target.find('?') != std::string::npos) asked.query = target.substr(target.find('?') + 1);
    return asked;
  }

  reply oauth(const std::string& method, const std::string& path, const std::string& fields) {
    auto asked = asking(method, "/integrations/oauth2/" + path);
    (method == "GET" ? asked.query : asked.body) = fields;
    asked.content_type = "application/x-www-form-urlencoded";
    return provider.serve(asked, now);
  }

  std::string code(int age_seconds = 0) {
    const boost::json::object body{
        {"client_id", client_id}, {"redirect_uri", redirect_uri}, {"age_seconds", age_seconds}};
    return order("POST", "/codes", boost::json::serialize(body)).at("code").as_string().c_str();
  }

  std::string client_fields() const { return "client_id=" + client_id + "&client_secret=" + client_secret; }

  reply exchange(const std::string& with_code, const std::string& uri = redirect_uri) {
    return oauth("POST", "api/v1/token",
                 "grant_type=authorization_code&" + client_fields() + "&code=" + with_code +
                     "&redirect_uri=" + percent_encode(uri));
  }

  reply refresh(const std::string& token) {
    return oauth("POST", "api/v1/token", "grant_type=refresh_token&" + client_fields() + "&refresh_token=" + token);
  }

  struct pair {
    std::string session, refresh;
  };
  static pair tokens(const reply& answer) {
    const auto body = boost::json::parse(answer.body);
    return {body.at("access_token").as_string().c_str(), body.at("refresh_token").as_string().c_str()};
  }
  pair connect() { return tokens(exchange(code())); }

  /// `target` follows /attask/api/.
  reply call(const std::string& session, const std::string& target) {
    auto asked = asking("GET", "/attask/api/" + target);
    asked.headers = {{"sessionid", session}};
    return provider.serve(asked, now);
  }

  boost::json::value data(const std::string& session, const std::string& target) {
    const auto answer = call(session, target);
    if (answer.status != 200) throw std::runtime_error(target + ": " + answer.body);
    return boost::json::parse(answer.body).at("data");
  }

  reply events(const std::string& session, const std::string& method, const std::string& rest = "",
               const std::string& body = "") {
    auto asked = asking(method, "/attask/eventsubscription/api/v1/subscriptions" + rest);
    asked.headers = {{"sessionid", session}};
    asked.body = body;
    return provider.serve(asked, now);
  }

  static boost::json::value error(const reply& answer) { return boost::json::parse(answer.body).at("error"); }
};

inline std::vector<std::string> all_of(const boost::json::value& data, const char* field) {
  std::vector<std::string> out;
  for (const auto& one : data.as_array()) out.emplace_back(one.at(field).as_string().c_str());
  return out;
}

}  // namespace koppel::provider_sim::workfront
