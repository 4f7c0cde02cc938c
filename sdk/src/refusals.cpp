// SPDX-License-Identifier: Apache-2.0
#include <koppel/sdk/kinds.hpp>
#include <koppel/sdk/refusals.hpp>

#include <algorithm>

namespace koppel::sdk {

const refusal* find_refusal(std::span<const refusal> table, int status, std::string_view code,
                            std::string_view message) {
  const auto fits = [&](const refusal& line) {
    return (line.status == 0 || line.status == status) && (line.code.empty() || line.code == code) &&
           code.find(line.code_part) != code.npos && message.find(line.message_part) != message.npos;
  };
  const auto at = std::find_if(table.begin(), table.end(), fits);
  return at == table.end() ? nullptr : &*at;
}

job_failure refused(const request& asked, const response& answer, std::span<const refusal> table, std::string_view code,
                    std::string_view message) {
  const http_error by_status(asked, answer);
  const auto* line = find_refusal(table, answer.status, code, message);
  if (!line) return by_status.meaning(by_status.reason(), code);
  const std::string advice(line->advice);
  return by_status.meaning(line->means, std::string(code) + (advice.empty() ? "" : ": " + advice));
}

std::optional<job_failure> failure_by_status(const request& asked, const response& answer) {
  return answer.ok() ? std::nullopt : std::optional<job_failure>(http_error(asked, answer));
}

task<json> ask(job& run, request asked, failure_reader failure_of) {
  const auto answer = co_await run.http_any(asked);
  if (const auto why = failure_of(asked, answer)) throw *why;
  co_return answer.status == 204 ? json() : answer.json();
}

task<std::optional<json>> ask_if_permitted(job& run, request asked, failure_reader failure_of) {
  const auto answer = co_await run.http_any(asked);
  const auto why = failure_of(asked, answer);
  if (why && why->reason() == verdict::scope_missing) co_return std::nullopt;
  if (why) throw *why;
  co_return answer.status == 204 ? json() : answer.json();
}

task<std::optional<json>> ask_of_stream(probe_run& run, std::string stream, request asked, failure_reader failure_of) {
  auto asking = ask_if_permitted(run, std::move(asked), failure_of);
  auto shown = co_await asking;
  if (!shown) run.stream_refused(stream);
  co_return shown;
}

std::string choose_account(probe_run& run, const std::vector<account_source>& sources) {
  constexpr std::string_view remembered = "account_source";
  const auto known = run.setting(remembered).value_or("");
  std::string names, chosen, account;
  for (const auto& each : sources) {
    names += (names.empty() ? "" : " nor ") + each.name;
    const auto id = part_reader().id(each.id);
    if (!id || (!chosen.empty() && each.name != known)) continue;
    chosen = each.name;
    account = each.prefix + *id;
  }
  if (chosen.empty())  // 403 for Auth Status: "Failed, Status code: Forbidden"
    throw job_failure(verdict::scope_missing, "neither " + names + " says whose account this is", 403);
  run.remember(remembered, chosen);
  return account;
}

}  // namespace koppel::sdk
