// SPDX-License-Identifier: Apache-2.0
// How a job fails: a small closed set of verdicts, each of which tells the host what to do. Connectors throw them; what
// else they throw is a `bug`.
#pragma once

#include <chrono>
#include <exception>
#include <string>
#include <string_view>

namespace koppel::sdk {

enum class verdict {
  try_again,        ///< the host tries later, from the last committed cursor
  authorise_again,  ///< the provider refuses the credentials: the customer must give access anew
  scope_missing,    ///< this stream is not permitted; others go on
  bad_settings,     ///< an operator must change a setting
  permanent,        ///< trying again would not help
  too_large,        ///< an answer has more than is taken, and there is no way to ask for less
  bug,              ///< the plugin met what it cannot understand
};

/// The word of docs/abi.md for a verdict.
std::string_view to_text(verdict what);

/// Ends the job. `detail` is a sentence for operators: no personal data, no body of an answer.
class job_failure : public std::exception {
 public:
  job_failure(verdict what, std::string detail, int status = 0)
      : http_status(status), what_(what), detail_(std::move(detail)) {}

  const char* what() const noexcept override { return detail_.c_str(); }
  verdict reason() const { return what_; }

  int http_status;                           ///< of the answer that decided, if one did
  std::chrono::milliseconds retry_after{0};  ///< for try_again; 0 leaves it to the host

 private:
  verdict what_;
  std::string detail_;
};

/// A row that is not a record (no id, say). `page::add_row` sets it aside with this reason, and the others go on.
class unmappable : public std::exception {
 public:
  explicit unmappable(std::string reason) : reason_(std::move(reason)) {}
  const char* what() const noexcept override { return reason_.c_str(); }

 private:
  std::string reason_;
};

}  // namespace koppel::sdk
