// SPDX-License-Identifier: Apache-2.0
// What refusals mean: a provider's own table of them, for where the HTTP status alone would mislead, and asking with
// it. Then what probes share: which streams are refused, and whose account it is.
#pragma once

#include <koppel/sdk/job.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace koppel::sdk {

/// A line of such a table. All that it names has to fit; 0 and "" fit every answer.
struct refusal {
  verdict means;
  int status = 0;
  std::string_view code{};          ///< the whole code
  std::string_view code_part{};     ///< of the code
  std::string_view message_part{};  ///< of the message
  std::string_view advice{};        ///< joins the failure's detail: what an operator can do
};

/// The first line that fits; nullptr where none does.
const refusal* find_refusal(std::span<const refusal> table, int status, std::string_view code,
                            std::string_view message = {});

/// The failure that an answer means: by the first line that fits, else by its status. Its detail has the code, which
/// should have gone through safe_code, and never the message, which may hold a customer's data.
job_failure refused(const request& asked, const response& answer, std::span<const refusal> table, std::string_view code,
                    std::string_view message = {});

/// What an answer means to a provider's connector; nothing for a success.
using failure_reader = std::optional<job_failure> (*)(const request& asked, const response& answer);
/// By the status alone.
std::optional<job_failure> failure_by_status(const request& asked, const response& answer);

/// The answer, absent for "204 No Content". Throws what `failure_of` makes of it, unless it is a success.
task<json> ask(job& run, request asked, failure_reader failure_of = failure_by_status);
/// The same; nothing where `failure_of` calls it scope_missing.
task<std::optional<json>> ask_if_permitted(job& run, request asked, failure_reader failure_of = failure_by_status);

// ---- probes

/// Asks for something that the stream needs, a first row say. Where that is not permitted there is nothing, and the
/// stream is refused.
task<std::optional<json>> ask_of_stream(probe_run& run, std::string stream, request asked,
                                        failure_reader failure_of = failure_by_status);

/// An answer that may say whose account it is.
struct account_source {
  std::string name;      ///< it is remembered by this name, and told
  json id;               ///< a text or a whole number; else it does not say
  std::string prefix{};  ///< of the account's id, so that ids of two kinds never make one account
};

/// The account's id: of the source that an earlier probe remembered, if it still says, else of the first that does. So
/// a permission that is given later makes no other account of it. Throws job_failure (scope_missing, 403) where none
/// says.
std::string choose_account(probe_run& run, const std::vector<account_source>& sources);

}  // namespace koppel::sdk
