// SPDX-License-Identifier: Apache-2.0
// A Teamleader account in memory, as far as the connector's tests need one: lists sorted by `updated_at`, the filter
// `updated_since`, page numbers, reads by id. It is strict about what the real one is strict about.
#pragma once

#include <koppel/testing/scripted_host.hpp>

#include <set>
#include <string>
#include <vector>

class simulated_teamleader {
 public:
  /// `second` of 2024-05-01T10:00:00Z and later; negative: a row without updated_at.
  void add(const std::string& id, int second);
  void add_many(const std::string& prefix, int count, int second);
  void touch(const std::string& id, int second);

  koppel::testing::answer operator()(const koppel::testing::asked& request);

  /// Ids of all rows.
  std::set<std::string> ids() const;

  bool since_includes_its_second = true;
  bool ignores_filter = false;
  bool ignores_page_number = false;
  std::size_t lists = 0;
  std::vector<std::string> sinces;  ///< `updated_since` of each list request; "" where it had none

 private:
  struct row {
    std::string id;
    int second;
  };
  koppel::testing::answer list(const koppel::testing::asked& request);
  koppel::testing::answer info(const koppel::testing::asked& request) const;

  std::vector<row> rows_;
};
