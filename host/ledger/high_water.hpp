// SPDX-License-Identifier: Apache-2.0
// How far the database had come, in a small file beside it: so that an older copy of the database that is put in its
// place is noticed. Never ahead of what is durable; may lag behind it after a power loss, for it is not synced.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace koppel::ledger {

struct high_water {
  std::string epoch;
  std::uint64_t head = 0;    ///< newest event
  std::uint64_t grants = 0;  ///< how often a token pair, or the intent to renew one, was stored
  bool operator==(const high_water&) const = default;
};

/// True if `now` is an older state of the database that had come to `before`. Another database is no older state.
bool is_older(const high_water& now, const high_water& before);

/// The file "ledger.mark" of a data folder. It helps where it can: what cannot be read or written is passed over.
class high_water_file {
 public:
  explicit high_water_file(const std::string& folder);
  ~high_water_file();
  high_water_file(const high_water_file&) = delete;
  high_water_file& operator=(const high_water_file&) = delete;

  std::optional<high_water> read() const;
  void write(const high_water& mark);

 private:
  int descriptor_;
  high_water written_;
};

}  // namespace koppel::ledger
