// SPDX-License-Identifier: Apache-2.0
// Echo is the one setting of the terminal that is ever changed, and a signal gives it back first.

#include "tools/koppelctl/terminal.hpp"

#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <istream>
#include <ostream>

namespace koppel::koppelctl {
namespace {

termios before_the_secret;  // for the signal handler, which can be handed nothing

void give_back_and_die(int signal) {
  ::tcsetattr(STDIN_FILENO, TCSANOW, &before_the_secret);
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

constexpr std::array deadly{SIGINT, SIGTERM, SIGHUP, SIGQUIT};

class without_echo {
 public:
  without_echo() {
    if (::tcgetattr(STDIN_FILENO, &before_the_secret) != 0) return;
    struct sigaction give_back {};
    give_back.sa_handler = give_back_and_die;
    for (std::size_t i = 0; i < deadly.size(); ++i) ::sigaction(deadly[i], &give_back, &earlier_[i]);
    auto silent = before_the_secret;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL);
    changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
  }
  without_echo(const without_echo&) = delete;
  without_echo& operator=(const without_echo&) = delete;
  ~without_echo() {
    if (!changed_) return;
    ::tcsetattr(STDIN_FILENO, TCSANOW, &before_the_secret);
    for (std::size_t i = 0; i < deadly.size(); ++i) ::sigaction(deadly[i], &earlier_[i], nullptr);
  }

 private:
  std::array<struct sigaction, deadly.size()> earlier_{};
  bool changed_ = false;
};

std::optional<std::string> line_of(std::istream& in) {
  std::string line;
  if (!std::getline(in, line)) return std::nullopt;
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

}  // namespace

language language_of_environment() {
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string_view set(value);
    const auto is = [&](std::string_view tag) {
      return set.starts_with(tag) && (set.size() == 2 || set[2] == '_' || set[2] == '.' || set[2] == '@');
    };
    return is("nl") ? language::nl : is("fr") ? language::fr : language::en;
  }
  return language::en;
}

std::optional<std::string> terminal::ask_secret(std::string_view prompt) {
  if (!in_is_terminal) return line_of(in);
  std::optional<std::string> line;
  {
    // Echo goes before the prompt comes: who answers fast must not be shown either.
    const without_echo silence;
    err << prompt << " " << std::flush;
    line = line_of(in);
  }
  err << "\n";
  return line;
}

std::optional<std::string> terminal::ask(std::string_view prompt) {
  if (in_is_terminal) err << prompt << " " << std::flush;
  return line_of(in);
}

reply terminal::ask_yes_or_no(std::string_view prompt) {
  auto answer = ask(prompt);
  if (!answer) return reply::nobody;
  while (answer->ends_with(' ') || answer->ends_with('\t')) answer->pop_back();
  for (auto& c : *answer)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  for (const auto yes : {"y", "yes", "j", "ja", "o", "oui"})
    if (*answer == yes) return reply::yes;
  for (const auto no : {"n", "no", "nee", "non"})
    if (*answer == no) return reply::no;
  return reply::unclear;
}

std::optional<bool> terminal::ask_yes(std::string_view prompt) {
  const auto said = ask_yes_or_no(prompt);
  if (said == reply::nobody) return std::nullopt;
  return said == reply::yes;
}

void progress::say(std::string text) {
  text_ = std::move(text);
  turn();
}

void progress::turn() {
  if (!terminal_.err_is_terminal || terminal_.json || text_.empty()) return;
  constexpr std::string_view pictures = "|/-\\";
  terminal_.err << "\r\x1b[K" << pictures[picture_++ % pictures.size()] << " " << text_ << std::flush;
  drawn_ = true;
}

void progress::clear() {
  text_.clear();
  if (!drawn_) return;
  terminal_.err << "\r\x1b[K" << std::flush;
  drawn_ = false;
}

}  // namespace koppel::koppelctl
