// SPDX-License-Identifier: Apache-2.0
// What the tests of every simulated provider share: a whole provider without a socket, a time that only tests move, and
// the control port.
#pragma once

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "simulator.hpp"

namespace koppel::provider_sim {

struct driven {
  instant now;
  simulator provider;

  driven(std::unique_ptr<koppel::provider_sim::provider> played, const beginning& with)
      : now(with.at), provider(std::move(played), with) {}

  static beginning first_of_2026() {
    return {1, instant{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}}, counting_hex};
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

  /// Carries the webhook calls that are due, as the courier does; each is answered with `status` (0: not at all).
  std::vector<parcel> carry(int status = 200) {
    std::vector<parcel> out;
    while (auto one = provider.deliveries().next(now)) out.push_back(*std::move(one));
    for (const auto& one : out) provider.delivered(one, {status, "", 0, 0}, now);
    return out;
  }

  static std::string header(const reply& answer, std::string_view name) {
    for (const auto& [known, value] : answer.headers)
      if (known == name) return value;
    return {};
  }
};

}  // namespace koppel::provider_sim
