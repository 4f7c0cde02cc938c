// SPDX-License-Identifier: Apache-2.0
// The vocabulary of the simulator's tests: a whole provider without a socket, a time that only tests move, and a client
// that has given access.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <string>

#include "form.hpp"
#include "simulator.hpp"

namespace koppel::provider_sim {

inline constexpr const char* redirect_uri = "https://app.testocloud.be/";

struct situation {
  instant now{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};
  simulator provider;
  std::string client_id, client_secret;

  explicit situation(dataset_size size = {20, 50}, knobs settings = {})
      : provider({size, 1, now, std::chrono::milliseconds{0}, settings}, counting_hex) {
    const auto first = order("GET", "/clients").at("clients").at(0);
    client_id = first.at("client_id").as_string();
    client_secret = first.at("client_secret").as_string();
  }

  /// Not random, but never the same twice.
  static std::string counting_hex(std::size_t bytes) {
    static std::uint64_t count = 0;
    auto text = std::to_string(++count);
    return std::string(2 * bytes - text.size(), '0') + text;
  }

  /// A request on the control port; its answer must be 200.
  boost::json::value order(const std::string& method, const std::string& path, const std::string& body = "") {
    auto answer = ask_control(method, path, body);
    if (answer.status != 200) throw std::runtime_error(path + ": " + answer.body);
    return boost::json::parse(answer.body);
  }

  reply ask_control(const std::string& method, const std::string& path, const std::string& body = "") {
    request asked;
    asked.method = method;
    asked.path = path.substr(0, path.find('?'));
    if (path.find('?') != std::string::npos) asked.query = path.substr(path.find('?') + 1);
    asked.body = body;
    return provider.control(asked, now);
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

  static std::string header(const reply& answer, std::string_view name) {
    for (const auto& [known, value] : answer.headers)
      if (known == name) return value;
    return {};
  }

  static std::string title(const reply& answer) {
    return boost::json::parse(answer.body).at("errors").at(0).at("title").as_string().c_str();
  }
};

}  // namespace koppel::provider_sim
