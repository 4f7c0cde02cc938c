// SPDX-License-Identifier: Apache-2.0
// Letting go of what the host's new history does not have, once it was read to its end: rows that it lacks, and whole
// connections. Under a guard of our own: what it holds goes when a person says so. The caller has the transaction.
#pragma once

#include <optional>

#include "apply_record.hpp"

namespace koppel::proplus {

class sweeper {
 public:
  /// So many rows go in one transaction when a person has confirmed: another process follows meanwhile.
  static constexpr std::int64_t rows_per_part = 10'000;

  sweeper(statements& prepared, record_tables& records) : prepared_(prepared), records_(records) {}

  /// The walk has come to its end, or beyond. How many rows were removed.
  std::uint64_t after_walk(std::int64_t walk);
  /// A part of what the guard held: how many rows were removed, or nothing when nothing is held any more.
  std::optional<std::uint64_t> confirmed_part();

 private:
  struct pair {
    std::string connection, entity;
  };
  void hold_lost_connections(std::int64_t walk);
  void hold_rows(const std::string& connection, std::int64_t walk);
  void settle(const pair& of, std::int64_t walk, int swept);

  statements& prepared_;
  record_tables& records_;
};

}  // namespace koppel::proplus
