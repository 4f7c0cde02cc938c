// SPDX-License-Identifier: Apache-2.0
// Failures inside the ledger. SQLite's wrapper throws, and so does a row that cannot be what we wrote; both are turned
// into a koppel::failure where a piece of work is run, and nowhere else.
#pragma once

#include <koppel/result.hpp>
#include <stdexcept>
#include <string>

#include "host/ledger/ledger.hpp"

namespace koppel::ledger {

/// A row holds what this program never writes.
class broken_row : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What SQLite said, as the wrapper's exception carries it.
struct sqlite_fault {
  int code = 0;  ///< extended result code
  std::string text;
};

/// After these nothing can be believed that was not synced before: stop (docs/state.md, "When the disk fails").
bool is_fatal(const sqlite_fault& f);
/// The disk had no room: nothing is broken, and what was to be written is not there.
bool is_full(const sqlite_fault& f);
failure failure_of(const sqlite_fault& f, const std::string& doing);

}  // namespace koppel::ledger
