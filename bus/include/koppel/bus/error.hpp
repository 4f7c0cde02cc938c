// SPDX-License-Identifier: Apache-2.0
// What can go wrong on the bus, each with its remedy. Carried in koppel::failure, with a sentence beside it.
#pragma once

#include <boost/system/error_code.hpp>
#include <type_traits>

namespace koppel::bus {

enum class errc {
  malformed = 1,     ///< bytes that are no event or message; the sender is at fault, nothing was changed
  too_large,         ///< over the limit of limits.hpp; a record beyond it becomes a dead letter
  bad_request,       ///< the host refused what the consumer asked; correct the consumer
  epoch_changed,     ///< the host's history is another one; begin again (docs/bus.md, "Beginning again")
  position_expired,  ///< the position is older than what the host keeps; begin again
  position_ahead,    ///< the position is newer than the host's head: an older database was restored; begin again
  replaced,          ///< a newer session with this consumer's name took over; run one consumer per name
  too_many,          ///< the host has as many sessions as it allows; disconnect one
  history_broken,    ///< stored events are damaged or missing: never handed out; an operator restores a backup
  folder_unsafe,     ///< the bus folder is missing, not ours, open to others, or its path is too long
  folder_in_use,     ///< another host has the bus folder: one host per folder
  socket_failed,     ///< ZeroMQ refused; the sentence has its reason
};

const boost::system::error_category& bus_category();
inline boost::system::error_code make_error_code(errc e) { return {static_cast<int>(e), bus_category()}; }

}  // namespace koppel::bus

template <>
struct boost::system::is_error_code_enum<koppel::bus::errc> : std::true_type {};
