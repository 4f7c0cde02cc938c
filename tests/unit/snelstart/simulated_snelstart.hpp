// SPDX-License-Identifier: Apache-2.0
// A SnelStart administration in memory, as far as the connector's tests need one: relations in an order that nobody
// knows, $top, $skip, ModifiedOn gt and lt, reads by id, landen. It is strict about what the real one is strict about.
#pragma once

#include <koppel/testing/scripted_host.hpp>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

class simulated_snelstart {
 public:
  /// `ms` milliseconds after 2026-03-02T10:00:00, in SnelStart's own time.
  void put(const std::string& id, std::int64_t ms) { rows_[id] = ms; }
  void put_many(const std::string& prefix, int count, std::int64_t first_ms, std::int64_t step_ms);
  void remove(const std::string& id) { rows_.erase(id); }

  koppel::testing::answer operator()(const koppel::testing::asked& request);

  std::set<std::string> ids() const;

  enum class order { by_id, shuffled, oldest_first, newest_first } lists = order::by_id;
  bool ignores_filter = false;
  bool ignores_skip = false;
  std::size_t largest_answer = 500;
  std::function<void()> before_each_list = [] {};
  std::vector<std::string> filters;  ///< of each request for the list; "" where it had none
  std::size_t lands_read = 0;

 private:
  koppel::testing::answer list(const std::map<std::string, std::string>& query);

  std::map<std::string, std::int64_t> rows_;
  unsigned shuffles_ = 0;
};
