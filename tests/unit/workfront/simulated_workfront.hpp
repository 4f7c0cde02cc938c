// SPDX-License-Identifier: Apache-2.0
// Companies of a Workfront customer in memory, as far as the connector's tests need them: searches with filters, sorts,
// `$$FIRST` and `$$LIMIT`, and reads by id. It is strict about what the real one is strict about.
#pragma once

#include <koppel/testing/scripted_host.hpp>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// The parameters of a query, decoded; of two with one name the last.
std::map<std::string, std::string> parameters(const std::string& query);

class simulated_workfront {
 public:
  /// Times are seconds since 2024-05-01T10:00:00Z. A row that was never edited has no lastUpdateDate.
  void add(const std::string& id, int created, std::optional<int> edited = std::nullopt);
  /// `count` rows with IDs that begin with `prefix` and sort as they are numbered.
  void add_many(const std::string& prefix, int count, int created, std::optional<int> edited = std::nullopt);
  void edit(const std::string& id, int when);
  void remove(const std::string& id);

  koppel::testing::answer operator()(const koppel::testing::asked& request);

  std::set<std::string> ids() const;

  bool ignores_filter = false;
  bool ignores_first = false;
  bool ignores_id_sort = false;
  bool ignores_date_sort = false;
  bool lists_what_it_does_not_give = false;
  std::size_t searches = 0;
  std::vector<std::string> asked_for;  ///< of each search: "ID 0", "lastUpdateDate>=2024-05-01T10:00:00Z 500"

 private:
  struct row {
    std::string id;
    int created;
    std::optional<int> edited;
  };
  koppel::testing::answer search(const koppel::testing::asked& request);
  koppel::testing::answer read(const std::string& id) const;

  std::vector<row> rows_;
};
