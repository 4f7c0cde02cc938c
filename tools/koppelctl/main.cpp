// SPDX-License-Identifier: Apache-2.0
// The edge of koppelctl: the process's streams and signals.

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "tools/koppelctl/cli.hpp"

int main(int argc, char** argv) {
  using namespace koppel::koppelctl;
  try {
    // Whoever reads us may stop reading (koppelctl event list | head): then we end without a word, whatever was
    // inherited.
    std::signal(SIGPIPE, SIG_DFL);
    std::ios::sync_with_stdio(false);
    const char* no_colour = std::getenv("NO_COLOR");
    const bool out_is_terminal = ::isatty(STDOUT_FILENO) != 0;

    terminal t{std::cin, std::cout, std::cerr};
    t.in_is_terminal = ::isatty(STDIN_FILENO) != 0;
    t.err_is_terminal = ::isatty(STDERR_FILENO) != 0;
    t.colours = out_is_terminal && (no_colour == nullptr || *no_colour == '\0');
    t.speaks = language_of_environment();
    return static_cast<int>(run(std::vector<std::string>(argv + 1, argv + argc), t));
  } catch (const std::exception& e) {
    std::cerr << "koppelctl: " << e.what() << "\n";
    return static_cast<int>(exit_code::refused);
  }
}
