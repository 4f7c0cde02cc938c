// SPDX-License-Identifier: Apache-2.0
// The connector of Workfront: which requests read a list, a single record, and whose account it is; and what
// Workfront's errors mean. There is no OAuth here: the host attaches the token, as [auth] in manifest.toml says.
// README.md beside this file has Workfront's quirks and their sources.
#include "cursor.hpp"
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
    fields_in_manifest();
    stream("companies", entity::company, &workfront::read, &workfront::read_one);
    stream("projects", entity::project, &workfront::read, &workfront::read_one);
    stream("users", entity::user, &workfront::read, &workfront::read_one);
    webhooks(&event_subscriptions);
  }
  std::string base_url(const job& run) const override;
  task<> probe(probe_run& run) override;

 private:
  task<> read(sync& run);
  task<record> read_one(job& run, std::string id);
};

namespace {

// ---- what an answer means

/// Where the HTTP status alone would mislead. The codes are names of Java classes, without their packages.
constexpr std::string_view settings_are_wrong =
    "check the host, and that Workfront still supports this api_version (v20.0: until release 28.4)";
constexpr refusal refusals[] = {
    {.means = verdict::authorise_again, .status = 401},
    {.means = verdict::authorise_again, .message_part = "not currently logged in"},
    {.means = verdict::authorise_again, .code = "AuthenticationException"},
    {.means = verdict::permanent, .code_part = "NotFound"},
    {.means = verdict::bad_settings, .status = 404, .advice = settings_are_wrong},
    {.means = verdict::bad_settings, .status = 410, .advice = settings_are_wrong},
    {.means = verdict::bad_settings, .message_part = "does not support field", .advice = settings_are_wrong},
    {.means = verdict::scope_missing, .code_part = "InsufficientRights"},
    {.means = verdict::scope_missing, .code = "SecurityException"},
};

/// Nothing if the answer is a success. Answers have `data` or `error`, and `error` counts before the status.
std::optional<job_failure> failure_of(const request& asked, const response& answer) {
  const auto body = answer.json_if_any();  // absent: a gateway's page
  const auto error = body["error"];
  const bool is_error = error.is_object() || error.boolean().value_or(false) || error.text().value_or("") != "";
  if (answer.ok() && body.is_object() && !is_error) return std::nullopt;

  const auto told = error.is_object() ? error : body;
  const auto type = told["class"].text().value_or(told["type"].text().value_or(""));
  const auto code = safe_code(type.substr(type.rfind('.') + 1));
  if (answer.ok() && !is_error) return http_error(asked, answer).meaning(verdict::try_again, code);  // no JSON at all
  auto out = refused(asked, answer, refusals, code, told["message"].text().value_or(""));
  if (out.reason() == verdict::authorise_again) out.http_status = 401;
  return out;
}

// ---- requests

struct object_type {
  std::string_view stream, path;
};
constexpr object_type objects[] = {{"companies", "/cmpy"}, {"projects", "/proj"}, {"users", "/user"}};

std::string path_of(const job& run) { return std::string(row_of(objects, run).path); }

/// What the table reads, in its order, "owner:name" for what is within another object; the id, and the dates that lists
/// go by.
std::string fields_asked_for(const job& run) {
  constexpr std::string_view created = "entryDate";
  auto out = "ID," + run.fields().names(":");
  return out.insert(out.find(created) + created.size(), ",lastUpdateDate");
}

request search(const job& run, std::string_view path, std::string_view fields) {
  return run.get(std::string(path) + "/search").query("fields", fields);
}

request page_request(const job& run, const position& at, std::size_t limit) {
  auto out = search(run, path_of(run), fields_asked_for(run));
  if (at.in != walk::all) {
    const std::string field(field_of(at.in));
    out.query(field, format_milliseconds(*(at.in == walk::edited ? at.edited : at.created)))
        .query(field + "_Mod", "gte")
        .query(field + "_Sort", "asc");
  }
  out.query("ID_Sort", "asc").query("$$FIRST", std::to_string(at.first)).query("$$LIMIT", std::to_string(limit));
  return out;
}

record to_record(const job& run, const json& row) { return run.fields().map(row, "/ID", "/lastUpdateDate"); }

/// The label of the host between the customer's own and "workfront": "my", "preview", "sb01", "sb02".
std::string_view lane_of(std::string_view host) {
  host.remove_prefix(std::min(host.find('.') + 1, host.size()));
  return host.substr(0, host.find('.'));
}

}  // namespace

/// The version as people write it: "v20.0", "20.0", "V20", "20".
std::string workfront::base_url(const job& run) const {
  const std::string host(run.needed_setting("host"));
  auto version = run.setting("api_version").value_or("v20.0");
  if (version.starts_with('v') || version.starts_with('V')) version.remove_prefix(1);
  return "https://" + host + "/attask/api/v" + std::string(version.substr(0, version.find('.'))) + ".0";
}

// ---- reading

// A request has a name of its own before it is awaited: g++ 12 makes faulty code of temporaries there
// (CONTRIBUTING.md).
task<> workfront::read(sync& run) {
  auto at = first_position(run, stored_position(run, from_cursor));
  page_memory shown("/ID", "Workfront");
  std::size_t limit = first_page;
  for (bool end = false; !end;) {
    auto asked = page_request(run, at, limit);
    const auto answer = co_await run.http_any(asked);
    if (const auto why = failure_of(asked, answer)) throw *why;
    const auto found = answer.array("data");
    shown.take(found, at.first == 0 || found.size() < 2);
    const auto turn = after(at, found, limit, run.now());
    limit = next_page(std::max<std::size_t>(found.size(), 1), answer.body.size());

    at = turn.next;
    end = turn.end;
    auto storing = run.commit_rows(
        found, [&run](const json& row) { return to_record(run, row); }, to_cursor(at));
    co_await storing;
  }
}

// One record by its id. What Workfront says of an id that it does not have is documented as 404, like a version that is
// gone. So "not there", the only proof that leads to a deletion, takes a list that works and does not have it either.
task<record> workfront::read_one(job& run, std::string id) {
  if (id.empty() || !std::all_of(id.begin(), id.end(), [](unsigned char c) { return std::isalnum(c) != 0; }))
    throw unmappable("an id that is none of Workfront's");
  auto asked = run.get(path_of(run) + '/' + id).query("fields", fields_asked_for(run));
  const auto answer = co_await run.http_any(asked);
  const auto failure = failure_of(asked, answer);
  const auto what = failure ? std::optional(failure->reason()) : std::nullopt;
  if (what == verdict::scope_missing || (what == verdict::bug && (answer.status == 400 || answer.status == 422)))
    throw unmappable("a record that Workfront does not give to this user");
  const bool unknown = what == verdict::permanent || (what == verdict::bad_settings && answer.status == 404);
  if (failure && !unknown) throw *failure;
  const auto data = answer.ok() ? answer["data"] : json();
  const auto row = data.is_array() ? data.items()[0] : data;
  if (row.is_object() && !failure) co_return to_record(run, row).of_id(id);
  auto again = ask(run, search(run, path_of(run), "ID").query("ID", id), failure_of);
  const auto listed = co_await again;
  if (!listed.array("data").empty()) throw unmappable("a record that Workfront lists, and does not give by its id");
  co_return record::not_there(run.fields().entity(), id);
}

// ---- probe: whose account is it, and which streams may be read?

// The account is the customer, whose id every object bears: the user's own row, or else the first of any stream.
// Previews and sandboxes are copies of production, with its id perhaps, so theirs begins with the lane. The name needs
// rights that not every user has; without them it is the customer's part of the host.
task<> workfront::probe(probe_run& run) {
  const auto customer_in = [](const std::optional<json>& answer) {
    return answer ? answer->array("data")[0]["customerID"].text().value_or("") : "";
  };
  auto ask_me = ask_if_permitted(run, search(run, "/user", "ID,customerID").query("ID", "$$USER.ID"), failure_of);
  const auto mine = co_await ask_me;
  std::string id(customer_in(mine));
  bool is_refused = !mine;
  for (const auto& [stream, path] : objects) {
    auto one = search(run, path, "ID,customerID").query("$$FIRST", "0").query("$$LIMIT", "1");
    auto ask_row = ask_of_stream(run, std::string(stream), std::move(one), failure_of);
    const auto shown = co_await ask_row;
    const auto customer = customer_in(shown);
    is_refused = is_refused || !shown;
    if (id.empty()) id = customer;
  }
  if (id.empty())  // 403 for Auth Status: "Failed, Status code: Forbidden"
    throw job_failure(verdict::scope_missing, "no object that this user may read says whose account this is",
                      is_refused ? 403 : 0);
  auto ask_name = ask_if_permitted(run, run.get("/cust/search").query("fields", "ID,name"), failure_of);
  const auto customer = co_await ask_name;
  const auto host = run.setting("host").value_or("");
  const auto lane = lane_of(host);
  const auto name =
      (customer ? customer->array("data")[0] : json())["name"].text().value_or(host.substr(0, host.find('.')));
  if (lane == "my")
    run.account(id, name, "production");
  else
    run.account(std::string(lane) + ':' + id, name, lane == "preview" ? lane : "sandbox");
}

}  // namespace koppel::workfront

KOPPEL_PLUGIN(koppel::workfront::workfront)
