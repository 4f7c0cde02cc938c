// SPDX-License-Identifier: Apache-2.0
// How old an authorization code is, as far as anybody can know. A code bears no date: it is at least as old as our
// first sight of it, and, where it came back with the state of a link, at most as old as that link.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "host/core/auth_state.hpp"
#include "host/core/time.hpp"

namespace koppel::core {

/// `first_seen`: when it came here for the first time. `link_made`: absent for a code that did not show a link's state.
code_age age_of_code(instant sent_at, instant first_seen, const std::optional<instant>& link_made);

/// "Expired or used" is "expired" where we had the code for longer than it lives; any other reason stays.
auth_reason refused_for_age(auth_reason said, const code_age& age, std::chrono::seconds life);

/// Whether a code may live on after a wait: as far as is known, it is not too old by then.
bool may_outlive(const code_age& age, std::chrono::seconds wait, std::chrono::seconds life);

/// "45 s", "10 min 1 s", "1 h 5 min": the same in the three languages.
std::string shown_age(std::chrono::seconds age);

}  // namespace koppel::core
