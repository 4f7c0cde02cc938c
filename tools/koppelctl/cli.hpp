// SPDX-License-Identifier: Apache-2.0
// The command line: what is typed becomes one call of commands.hpp, and how it ends becomes an exit code.
#pragma once

#include <string>
#include <vector>

#include "tools/koppelctl/errors.hpp"
#include "tools/koppelctl/terminal.hpp"

namespace koppel::koppelctl {

/// Runs one command; `arguments` without the program's name. Complaints go to the terminal's `err`. Flags of the
/// command line (--json, --no-color) change the terminal handed in.
exit_code run(const std::vector<std::string>& arguments, terminal& t);

}  // namespace koppel::koppelctl
