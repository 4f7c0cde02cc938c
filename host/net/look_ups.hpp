// SPDX-License-Identifier: Apache-2.0
// Look-ups of names. The system's resolver cannot be interrupted, and a name whose server is silent holds it for as
// long as it pleases. So each look-up has a thread of its own that owns all it works on, and is left alone at the
// deadline; and only so many run at once, of one host, of one zone and in all, so that nobody's slow name server stands
// before the names of everybody else. Main strand only.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "host/net/http.hpp"
#include "host/runtime/asio.hpp"

namespace koppel::net {

class look_ups {
 public:
  using endpoints = std::vector<boost::asio::ip::tcp::endpoint>;

  explicit look_ups(boost::asio::any_io_executor executor);
  look_ups(const look_ups&) = delete;
  look_ups& operator=(const look_ups&) = delete;
  ~look_ups();

  /// All addresses of `host`. The deadline is for the place in line and the look-up; a numeric address needs neither.
  runtime::awaitable<result<endpoints>> find(std::string host, std::uint16_t port,
                                             std::chrono::steady_clock::time_point deadline);

  /// Threads that are within the system's resolver, also for nobody any more.
  std::size_t under_way() const { return running_.size(); }

 private:
  struct look_up;
  struct in_line;
  struct answer;
  struct doorway;
  static answer ask_system(const std::string& host, std::uint16_t port);

  bool may_start(const look_up& one) const;
  void start_next();
  /// False where there is no thread to be had.
  bool launch(std::uint64_t ticket, const look_up& one) const;
  void ended(std::uint64_t ticket, answer came);

  const boost::asio::any_io_executor executor_;
  const std::shared_ptr<doorway> doorway_;
  std::uint64_t tickets_ = 0;
  std::deque<std::shared_ptr<look_up>> line_;
  std::map<std::uint64_t, std::shared_ptr<look_up>> running_;
};

}  // namespace koppel::net
