// SPDX-License-Identifier: Apache-2.0
// The last hundred thousand requests, without bodies, tokens or codes. A bench subtracts `duration_us` from what it
// measured itself, to know what Koppel cost.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "http_message.hpp"

namespace koppel::provider_sim {

struct journal_entry {
  std::uint64_t seq = 0;
  instant time;  ///< of the request, by the simulator's clock
  std::string host;
  std::string path;
  int status = 0;  ///< 0 if the answer was withheld or cut by a fault
  std::string client_id;
  std::int64_t work_us = 0;      ///< deciding and writing JSON
  std::int64_t duration_us = 0;  ///< from the whole request read to the whole answer written, ordered delays included
};

class journal {
 public:
  static constexpr std::size_t capacity = 100'000;

  void add(journal_entry entry);
  /// {"next":N,"requests":[...]} with the entries whose seq is after `since`, at most `limit`.
  std::string since(std::uint64_t since, std::size_t limit) const;
  /// {"count","work_us":{"mean","p50","p95","p99","most"},"duration_us":{...}} of the whole answers after `since` to
  /// paths that contain `path`.
  boost::json::object times(std::uint64_t since, std::string_view path) const;

 private:
  std::deque<journal_entry> entries_;
  std::uint64_t next_ = 1;
};

}  // namespace koppel::provider_sim
