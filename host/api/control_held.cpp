// SPDX-License-Identifier: Apache-2.0
// The routes about deletions that the guard holds: what they are, and an operator's decision.

#include <spdlog/spdlog.h>

#include <boost/json/array.hpp>
#include <charconv>
#include <limits>
#include <utility>

#include "host/api/control_api.hpp"
#include "host/api/input.hpp"

namespace koppel::api {
namespace json = boost::json;
using ledger::transaction;
using runtime::awaitable;

awaitable<answer> control_api::get_held(call c) {
  json::array shown;
  const std::function<result<void>(transaction&)> read = [&](transaction& tx) -> result<> {
    for (const auto& h : tx.held_streams()) {
      const auto of = tx.find_connection(h.connection_id);
      if (of && c.who.sees(of->customer)) shown.push_back(view(h, of->provider, of->name));
    }
    return {};
  };
  auto reading = around_.ledger.write(read);
  if (auto done = co_await std::move(reading); !done) co_return failure_answer(done.error());
  co_return json_answer(200, json::object{{"held", std::move(shown)}});
}

awaitable<answer> control_api::get_held_stream(call c) {
  std::size_t limit = 20;
  if (const auto text = c.query("limit"); !text.empty()) {
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), limit);
    if (ec != std::errc{} || end != text.data() + text.size() || limit == 0 || limit > 1000)
      co_return error_answer(400, "bad_limit", "\"limit\" has to be a number from 1 to 1000.");
  }
  auto finding = find(c.path["provider"], c.path["name"], c.who);
  const auto found = co_await std::move(finding);
  if (!found) co_return failure_answer(found.error());
  const std::string stream = c.path["stream"];
  json::object shown;
  const std::function<result<void>(transaction&)> read = [&](transaction& tx) -> result<> {
    const auto of = tx.find_held(found->id, stream);
    if (!of)
      return failure{ledger::errc::not_found, "Nothing is held or rejected of a stream \"" + stream +
                                                  "\" of this connection: look at koppelctl held list."};
    shown = view(*of, found->provider, found->name);
    json::array records;
    for (const auto& r : tx.held_records(found->id, stream, limit))
      records.push_back(
          json::object{{"id", r.id}, {"name", r.name}, {"since", core::to_rfc3339(r.since)}, {"rejected", r.rejected}});
    shown["records"] = std::move(records);
    return {};
  };
  auto reading = around_.ledger.write(read);
  if (auto done = co_await std::move(reading); !done) co_return failure_answer(done.error());
  co_return json_answer(200, shown);
}

awaitable<answer> control_api::post_held_stream(call c) {
  input in(c.body, {"accept", "mark"});
  if (in.absent("accept")) in.complain("\"accept\" is missing");
  const bool accept = in.flag("accept");
  if (in.absent("mark")) in.complain("\"mark\" is missing");
  const auto mark = in.number("mark", 1, std::numeric_limits<std::int64_t>::max(), 1);
  if (!in.complaint().empty()) co_return error_answer(400, "bad_request", in.complaint());
  auto finding = find(c.path["provider"], c.path["name"], c.who);
  const auto found = co_await std::move(finding);
  if (!found) co_return failure_answer(found.error());
  const std::string stream = c.path["stream"];
  auto deciding = around_.sync.decide_held(found->id, stream, static_cast<std::uint64_t>(mark),
                                           accept ? ledger::held_decision::confirm : ledger::held_decision::reject);
  const auto decided = co_await std::move(deciding);
  if (!decided) co_return failure_answer(decided.error());
  spdlog::info("{}/{} {}: {} held deletions were {}{}", found->provider, found->name, stream, *decided,
               accept ? "confirmed" : "rejected", c.who.token.empty() ? "" : " with the token " + c.who.token);
  co_return json_answer(202, json::object{{"decided", *decided}, {"accepted", accept}});
}

}  // namespace koppel::api
