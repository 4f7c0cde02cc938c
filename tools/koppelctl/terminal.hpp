// SPDX-License-Identifier: Apache-2.0
// Where koppelctl reads and writes. Results go to `out`; questions, progress and complaints to `err`, so that a
// redirected output holds results alone. Tests hand in strings for the streams.
#pragma once

#include <chrono>
#include <iosfwd>
#include <koppel/result.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace koppel::koppelctl {

enum class language { nl, fr, en };

/// From LC_ALL, LC_MESSAGES and LANG, the first that is set: "nl_BE.UTF-8" is nl; what we do not speak is en.
language language_of_environment();

/// To a question that yes or no answers.
enum class reply {
  yes,
  no,
  unclear,  ///< something else, or an empty line
  nobody,   ///< the input is at its end
};

struct terminal {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool in_is_terminal = false;   ///< somebody can answer
  bool err_is_terminal = false;  ///< progress makes sense
  bool colours = false;
  bool json = false;  ///< for programs: one document a line, no prose on `out`
  language speaks = language::en;
  std::chrono::milliseconds poll{500};  ///< between two looks at something that goes on

  /// Prompts on a terminal, and reads one line without showing it. Elsewhere the first line of the input. Nothing at
  /// its end.
  std::optional<std::string> ask_secret(std::string_view prompt);
  /// Prompts on a terminal, and reads one line. Nothing at the end of the input.
  std::optional<std::string> ask(std::string_view prompt);
  /// y, yes, j, ja, o, oui; n, no, nee, non.
  reply ask_yes_or_no(std::string_view prompt);
  /// Whether that was a yes; nothing at the end of the input.
  std::optional<bool> ask_yes(std::string_view prompt);
};

/// One line of progress on a terminal, redrawn in place; silent elsewhere. Gone when it is destroyed.
class progress {
 public:
  explicit progress(terminal& t) : terminal_(t) {}
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;
  ~progress() { clear(); }

  void say(std::string text);
  void turn();   ///< the next picture of the spinner
  void clear();  ///< before printing something else; silent until the next `say`

 private:
  terminal& terminal_;
  std::string text_;
  unsigned picture_ = 0;
  bool drawn_ = false;
};

}  // namespace koppel::koppelctl
