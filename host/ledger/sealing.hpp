// SPDX-License-Identifier: Apache-2.0
// Secrets at rest: XChaCha20-Poly1305 under a key from a file that is not in the database. A sealed value is bound to
// its table, row and column, so that one copied to another place does not open. docs/state.md has the bytes.
#pragma once

#include <koppel/result.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "host/core/secret.hpp"

namespace koppel::ledger {

/// Where a sealed value stands.
struct place {
  std::string_view table, row, column;
};

class sealer {
 public:
  /// Reads 64 hex digits from a file that nobody else may read; says in one sentence what is wrong with it
  /// (errc::wrong_key).
  static result<sealer> from_file(const std::string& path);

  std::string seal(const core::secret& value, place at) const;
  /// wrong_key: sealed under another key. corrupt: changed, cut off, or from another place.
  result<core::secret> open(std::string_view sealed, place at) const;

  /// Names the key without giving it away: hex digits of its digest.
  const std::string& key_id() const { return key_id_; }

 private:
  struct free_guarded {
    void operator()(unsigned char* key) const;
  };
  sealer() = default;
  std::unique_ptr<unsigned char, free_guarded> key_;  ///< in locked memory, wiped when freed
  std::string key_id_;
};

}  // namespace koppel::ledger
