// SPDX-License-Identifier: Apache-2.0
// The connector of Workfront: which requests read a list, a single record, and whose account it is; and what
// Workfront's errors mean. There is no OAuth here: the host attaches the token, as [auth] in manifest.toml says.
// README.md beside this file has Workfront's quirks and their sources.
#include "cursor.hpp"
#include "mapping.hpp"
#include "webhooks.hpp"

#include <algorithm>
#include <cctype>

namespace koppel::workfront {

using namespace koppel::sdk;

// ---- connector

class workfront : public connector {
 public:
  workfront() {
    header_on_every_request("accept", "application/json");
    cursor_version(1);
    stream("companies", entity::company, &workfront::companies, &workfront::one_company);
    stream("projects", entity::project, &workfront::projects, &workfront::one_project);
    stream("users", entity::user, &workfront::users, &workfront::one_user);
    webhooks(&register_webhooks, &remove_webhooks);
  }
  std::string base_url(const job& run) const override;
  task<> probe(probe_run& run) override;

 private:
  task<> companies(sync& run) { return read(run, company); }
  task<> projects(sync& run) { return read(run, project); }
  task<> users(sync& run) { return read(run, user); }
  task<record> one_company(job& run, std::string id) { return read_one(run, company, std::move(id)); }
  task<record> one_project(job& run, std::string id) { return read_one(run, project, std::move(id)); }
  task<record> one_user(job& run, std::string id) { return read_one(run, user, std::move(id)); }

  task<> read(sync& run, const object& of);
  task<record> read_one(job& run, const object& of, std::string id);
  task<json_items> rows(job& run, request asked);
  task<std::optional<json>> first_row_if_permitted(job& run, request asked);
};

namespace {

// ---- what an answer means

/// The last part of a Java class, if it is one: a code, not a text with a customer's data.
std::string code_of(std::string_view name) {
  name.remove_prefix(name.rfind('.') + 1);
  const auto sound = [](unsigned char c) { return std::isalnum(c) != 0; };
  return name.size() <= 64 && std::all_of(name.begin(), name.end(), sound) ? std::string(name) : std::string();
}

/// Nothing if the answer is a success. Answers have `data` or `error`, and `error` counts before the status.
std::optional<job_failure> failure_of(const request& asked, const response& answer) {
  json body;
  try {
    body = answer.json();
  } catch (const job_failure&) {  // a gateway's page
  }
  const auto error = body["error"];
  const bool is_error = error.is_object() || error.boolean().value_or(false) || error.text().value_or("") != "";
  if (answer.ok() && body.is_object() && !is_error) return std::nullopt;

  const auto told = error.is_object() ? error : body;
  const auto code = code_of(told["class"].text().value_or(told["type"].text().value_or("")));
  const auto message = told["message"].text().value_or("");
  const http_error by_status(asked, answer);
  auto what = by_status.reason();
  std::string advice;
  if (answer.status == 401 || message.find("not currently logged in") != message.npos ||
      code == "AuthenticationException")
    what = verdict::authorise_again;
  else if (code.find("NotFound") != code.npos)
    what = verdict::permanent;
  else if (answer.status == 404 || answer.status == 410 || message.find("does not support field") != message.npos) {
    what = verdict::bad_settings;
    advice = ": check the host, and that Workfront still supports this api_version (v20.0: until release 28.4)";
  } else if (code.find("InsufficientRights") != code.npos || code == "SecurityException")
    what = verdict::scope_missing;
  else if (answer.ok() && !is_error)
    what = verdict::try_again;  // no JSON at all
  job_failure out(what, std::string(by_status.what()) + (code.empty() ? "" : ' ' + code) + advice);
  out.http_status = what == verdict::authorise_again ? 401 : answer.status;
  out.retry_after = by_status.retry_after;
  return out;
}

// ---- requests

request search(const job& run, const object& of, std::string_view fields) {
  return run.get(std::string(of.path) + "/search").query("fields", fields);
}

request page_request(const job& run, const object& of, const position& at) {
  auto out = search(run, of, of.fields);
  if (at.in != walk::all) {
    const std::string field(field_of(at.in)),
        since = format_time((at.in == walk::edited ? at.edited : at.created).value());
    std::move(out).query(field, since).query(field + "_Mod", "gte").query(field + "_Sort", "asc");
  }
  std::move(out)
      .query("ID_Sort", "asc")
      .query("$$FIRST", std::to_string(at.first))
      .query("$$LIMIT", std::to_string(page_size));
  return out;
}

std::string first_and_last(const json_items& rows) {
  return rows.size() < 2 ? std::string() : rows[0]["ID"].dump() + rows[rows.size() - 1]["ID"].dump();
}

/// The label of the host between the customer's own and "workfront": "my", "preview", "sb01", "sb02".
std::string_view lane_of(std::string_view host) {
  host.remove_prefix(std::min(host.find('.') + 1, host.size()));
  return host.substr(0, host.find('.'));
}

constexpr std::pair<const char*, const object*> streams[] = {
    {"companies", &company}, {"projects", &project}, {"users", &user}};

}  // namespace

/// The version as people write it: "v20.0", "20.0", "V20", "20".
std::string workfront::base_url(const job& run) const {
  const auto host = run.setting("host");
  auto version = run.setting("api_version").value_or("v20.0");
  if (!host || host->empty()) throw job_failure(verdict::bad_settings, "the setting `host` is missing");
  if (version.starts_with('v') || version.starts_with('V')) version.remove_prefix(1);
  return "https://" + std::string(*host) + "/attask/api/v" + std::string(version.substr(0, version.find('.'))) + ".0";
}

// ---- reading

// A request has a name of its own before it is awaited: g++ 12 makes faulty code of temporaries there
// (CONTRIBUTING.md).
task<json_items> workfront::rows(job& run, request asked) {
  const auto answer = co_await run.http_any(asked);
  if (const auto failure = failure_of(asked, answer)) throw *failure;
  co_return answer.array("data");
}

task<> workfront::read(sync& run, const object& of) {
  const auto stored = from_cursor(run.cursor());
  if (!stored && !run.cursor().empty()) run.log("warn", "an unreadable cursor; reading from the beginning");
  auto at = first_position(run, stored);
  std::string previous;
  for (bool end = false; !end;) {
    auto asked = page_request(run, of, at);
    const auto found = co_await rows(run, std::move(asked));
    auto these = first_and_last(found);
    if (at.first > 0 && !these.empty() && these == previous)
      throw job_failure(verdict::bug, "Workfront repeated a page");
    previous = std::move(these);
    const auto turn = after(at, found, run.now());

    auto page = run.page();
    for (const auto& row : found) page.add_row(row, [&of](const json& each) { return of.to_record(each); });
    at = turn.next;
    end = turn.end;
    co_await page.commit(to_cursor(at));
  }
}

// One record by its id. What Workfront says of an id that it does not have is documented as 404, like a version that is
// gone. So "not there", the only proof that leads to a deletion, takes a list that works and does not have it either.
task<record> workfront::read_one(job& run, const object& of, std::string id) {
  if (id.empty() || !std::all_of(id.begin(), id.end(), [](unsigned char c) { return std::isalnum(c) != 0; }))
    throw unmappable("an id that is none of Workfront's");
  auto asked = run.get(std::string(of.path) + '/' + id).query("fields", of.fields);
  const auto answer = co_await run.http_any(asked);
  const auto failure = failure_of(asked, answer);
  const auto what = failure ? std::optional(failure->reason()) : std::nullopt;
  if (what == verdict::scope_missing || (what == verdict::bug && (answer.status == 400 || answer.status == 422)))
    throw unmappable("a record that Workfront does not give to this user");
  const bool unknown = what == verdict::permanent || (what == verdict::bad_settings && answer.status == 404);
  if (failure && !unknown) throw *failure;
  const auto data = answer.ok() ? answer["data"] : json();
  if (const auto row = data.is_array() ? data.items()[0] : data; row.is_object() && !failure) {
    auto found = of.to_record(row);
    if (found.id != id) throw unmappable("Workfront answered with another record than was asked for");
    co_return found;
  }
  auto again = search(run, of, "ID").query("ID", id);
  const auto listed = co_await rows(run, std::move(again));
  if (!listed.empty()) throw unmappable("a record that Workfront lists, and does not give by its id");
  co_return record::not_there(of.map.entity, id);
}

// ---- probe: whose account is it, and which streams may be read?

/// The first row, absent if there is none; nothing where this user may not ask.
task<std::optional<json>> workfront::first_row_if_permitted(job& run, request asked) {
  const auto answer = co_await run.http_any(asked);
  const auto failure = failure_of(asked, answer);
  if (failure && failure->reason() == verdict::scope_missing) co_return std::nullopt;
  if (failure) throw *failure;
  co_return answer.array("data")[0];
}

// The account is the customer, whose id every object bears: the user's own row, or else the first of any stream.
// Previews and sandboxes are copies of production, with its id perhaps, so theirs begins with the lane. The name needs
// rights that not every user has; without them it is the customer's part of the host.
task<> workfront::probe(probe_run& run) {
  auto me = search(run, user, "ID,customerID").query("ID", "$$USER.ID");
  const auto mine = co_await first_row_if_permitted(run, std::move(me));
  std::string id(mine.value_or(json())["customerID"].text().value_or(""));
  bool refused = !mine;
  for (const auto& [stream, of] : streams) {
    auto one = search(run, *of, "ID,customerID").query("$$FIRST", "0").query("$$LIMIT", "1");
    const auto row = co_await first_row_if_permitted(run, std::move(one));
    if (!row) run.stream_refused(stream);
    refused = refused || !row;
    if (id.empty()) id = row.value_or(json())["customerID"].text().value_or("");
  }
  if (id.empty()) {
    job_failure unnamed(verdict::scope_missing, "no object that this user may read says whose account this is");
    if (refused) unnamed.http_status = 403;  // for Auth Status: "Failed, Status code: Forbidden"
    throw unnamed;
  }
  auto ask_name = run.get("/cust/search").query("fields", "ID,name");
  const auto customer = co_await first_row_if_permitted(run, std::move(ask_name));
  const auto host = run.setting("host").value_or("");
  const auto lane = lane_of(host);
  const auto name = customer.value_or(json())["name"].text().value_or(host.substr(0, host.find('.')));
  if (lane == "my")
    run.account(id, name, "production");
  else
    run.account(std::string(lane) + ':' + id, name, lane == "preview" ? lane : "sandbox");
}

}  // namespace koppel::workfront

KOPPEL_PLUGIN(koppel::workfront::workfront)
