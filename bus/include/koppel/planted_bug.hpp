// SPDX-License-Identifier: Apache-2.0
// Bugs that the simulation has to find (docs/simulation.md): each is one line at the place where it would be made. They
// exist only in builds with the option KOPPEL_PLANTED_BUGS, and there only the one that was asked for; in any other
// build `planted` is false before the compiler has finished.
#pragma once

namespace koppel {

enum class bug {
  none,
  ack_before_sync,             ///< host/ledger: work is answered before it is on disk
  cursor_outside_transaction,  ///< host/sync: the cursor is stored first, the records after it
  refresh_without_intent,      ///< host/auth: a refresh token is presented and nothing says so
  second_refresh_in_flight,    ///< host/auth: whoever needs a token asks for it
  filter_is_a_gap,             ///< bus: what a filter leaves out is taken for lost
  resumed_read_concludes,      ///< host/core: a read that was interrupted concludes that what it did not see is gone
  retry_in_two_layers,         ///< host/core: a run repeats what the request's own layer has given up
  position_before_effect,      ///< tools/proplus: the position is stored first, the effects after it
  log_taken_as_it_is,          ///< host/ledger: the log that an unclean end left is not made durable again
};

#ifdef KOPPEL_PLANTED_BUGS
inline bug planted_bug = bug::none;
inline bool planted(bug b) { return b == planted_bug; }
#else
constexpr bool planted(bug) { return false; }
#endif

}  // namespace koppel
