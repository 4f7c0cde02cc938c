// SPDX-License-Identifier: Apache-2.0
// An organisation of Zoho CRM in memory, as far as the connector's tests need one: a module sorted by `Modified_Time`
// with If-Modified-Since, page tokens and the wall at 2,000 rows; its list of deletions; reads by id. It is strict
// about what the real one is strict about.
#pragma once

#include <koppel/testing/scripted_host.hpp>

#include <set>
#include <string>
#include <vector>

class simulated_zoho {
 public:
  /// `second` of 2024-05-01T10:00:00Z and later; negative: a row without Modified_Time.
  void add(const std::string& id, int second);
  /// Ids are `first`, `first` + 1, ...
  void add_many(int first, int count, int second);
  void touch(const std::string& id, int second);
  /// Into the bin.
  void remove(const std::string& id, int second);
  /// Out of it; `Modified_Time` stays.
  void restore(const std::string& id);

  koppel::testing::answer operator()(const koppel::testing::asked& request);

  /// Ids of all rows that are there.
  std::set<std::string> ids() const;

  bool since_includes_its_second = true;
  bool ignores_filter = false;
  bool ignores_tokens = false;
  bool tokens_expire = false;  ///< every token is refused
  bool restored_stay_listed = false;
  std::size_t lists = 0, singles = 0;
  std::vector<std::string> sinces;           ///< If-Modified-Since of each list request; "" where it had none
  std::vector<std::string> deletion_sinces;  ///< of the lists of deletions
  std::size_t with_token = 0;

 private:
  struct row {
    std::string id;
    int second = 0;
    int deleted = -1;  ///< when
  };
  koppel::testing::answer list(const koppel::testing::asked& request);
  koppel::testing::answer deletions(const koppel::testing::asked& request);
  koppel::testing::answer one(const std::string& id) const;
  koppel::testing::answer several(const std::string& ids) const;
  row& find(const std::string& id);

  std::vector<row> rows_;
  std::vector<row> bin_;
};

/// A parameter of a query, decoded; empty if it is not there.
std::string parameter(const std::string& query, const std::string& name);
