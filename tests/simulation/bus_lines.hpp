// SPDX-License-Identifier: Apache-2.0
// The lines between the host's bus and its consumers: in order, with latency; they break, and some go silent without
// breaking. A line lives as long as its consumer's connection; the host's end of it as long as the host.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "tests/simulation/world.hpp"

namespace koppel::simulation {

class bus_lines {
 public:
  using line = std::uint64_t;
  using to_consumer = std::function<void(std::string bytes)>;
  using to_host = std::function<void(const std::string& peer, std::string bytes)>;

  explicit bus_lines(world& w) : world_(w) {}

  line open(const std::string& consumer, to_consumer receive);
  void close(line l);
  void send_to_host(line l, std::string bytes);

  /// The host listens from now on; what was said meanwhile reaches it. Empty: it is gone.
  void host_is(to_host receive);
  /// False: no such peer.
  bool send_to_consumer(const std::string& peer, std::string bytes);

  /// What is on the way is lost, and the line goes on under another name for the host: it was connected anew.
  void cut_one();
  /// Nothing gets through any more, and nobody is told.
  void silence_one();

 private:
  struct state {
    std::string consumer, peer;
    to_consumer receive;
    bool silent = false;
    std::uint64_t connection = 0;                    ///< what was sent on an older one is lost
    runtime::steady_time last_there{}, last_back{};  ///< order is kept
  };
  state* some();
  void reconnect(state& s);
  milliseconds way(runtime::steady_time& last);

  world& world_;
  to_host host_;
  std::map<line, std::shared_ptr<state>> lines_;
  std::map<line, std::vector<std::string>> waiting_;  ///< said while there was no host
  line next_ = 1;
  std::uint64_t next_peer_ = 1;
};

}  // namespace koppel::simulation
