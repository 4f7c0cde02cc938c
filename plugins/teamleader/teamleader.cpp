// SPDX-License-Identifier: Apache-2.0
// The connector of Teamleader Focus: which requests read a list, a single record, and whose account it is. There is no
// OAuth here: the host attaches the token to every request, and all of OAuth is [auth] in manifest.toml. README.md
// beside this file has Teamleader's quirks and their sources.
#include "cursor.hpp"
#include "mapping.hpp"
#include "webhooks.hpp"

namespace koppel::teamleader {

using namespace koppel::sdk;

// ---- connector

class teamleader : public connector {
 public:
  teamleader() {
    header_on_every_request("x-api-version", "2023-09-26");
    header_on_every_request("accept", "application/json");
    cursor_version(1);
    stream("companies", entity::company, &teamleader::companies, &teamleader::company);
    stream("contacts", entity::contact, &teamleader::contacts, &teamleader::contact);
    stream("departments", entity::department, &teamleader::departments, &teamleader::department);
    webhooks(&register_webhooks, &remove_webhooks);
  }
  std::string base_url(const job&) const override { return "https://api.focus.teamleader.eu"; }
  task<> probe(probe_run& run) override;

 private:
  using mapper = record (*)(const json& row);

  task<> companies(sync& run) { return read(run, "/companies.list", &to_company); }
  task<> contacts(sync& run) { return read(run, "/contacts.list", &to_contact); }
  task<record> company(job& run, std::string id) {
    return read_one(run, "/companies.info", entity::company, std::move(id), &to_company);
  }
  task<record> contact(job& run, std::string id) {
    return read_one(run, "/contacts.info", entity::contact, std::move(id), &to_contact);
  }

  task<record> department(job& run, std::string id) {
    return read_one(run, "/departments.info", entity::department, std::move(id), &to_department);
  }

  task<> read(sync& run, std::string path, mapper map);
  task<> departments(sync& run);
  task<record> read_one(job& run, std::string path, std::string_view entity, std::string id, mapper map);
  task<std::optional<json>> ask_if_permitted(job& run, std::string path, json_object body);
};

namespace {

// ---- requests: bodies of POST, as Teamleader wants them

constexpr std::size_t page_size = 100;  // the most the API gives

json_object list_request(const position& at) {
  auto body = json_object()
                  .add("page", json_object().add("size", page_size).add("number", at.page))
                  .add("sort", json_array().add(json_object().add("field", "updated_at").add("order", "asc")))
                  .add("includes", "custom_fields");
  if (at.since) body.add("filter", json_object().add("updated_since", wire_time(*at.since)));
  return body;
}

json_object one_row_request() { return json_object().add("page", json_object().add("size", 1).add("number", 1)); }

/// All of them, archived ones too, the oldest first.
json_object departments_request() {
  return json_object()
      .add("filter", json_object().add("status", json_array().add("active").add("archived")))
      .add("sort", json_array().add(json_object().add("field", "created_at").add("order", "asc")));
}

// ---- reading

std::string first_and_last_id(const json_items& rows) {
  return rows.empty() ? std::string() : rows[0]["id"].dump() + rows[rows.size() - 1]["id"].dump();
}

/// What an answer must not do, lest we never end: ignore the filter, or the page number.
void demand_progress(const position& at, const json_items& rows, std::optional<time_point> newest,
                     const std::string& previous_ids, const std::string& these_ids) {
  if (rows.size() < page_size) return;  // the last page: the loop ends anyway
  if (at.since && newest && *newest < *at.since) throw job_failure(verdict::bug, "Teamleader ignored updated_since");
  if (at.page > 1 && previous_ids == these_ids) throw job_failure(verdict::bug, "Teamleader repeated a page");
}

}  // namespace

// A request has a name of its own before it is awaited: g++ 12 makes faulty code of temporaries there
// (CONTRIBUTING.md).
task<> teamleader::read(sync& run, std::string path, mapper map) {
  const auto stored = from_cursor(run.cursor());
  if (!stored && !run.cursor().empty()) run.log("warn", "an unreadable cursor; reading from the beginning");
  auto at = first_position(run, stored);
  std::string previous_ids;
  for (bool last_page = false; !last_page;) {
    auto request = run.post(path).json(list_request(at));
    const auto rows = (co_await run.http(std::move(request))).array("data");
    const auto newest = newest_of(rows, run.now());
    auto these_ids = first_and_last_id(rows);
    demand_progress(at, rows, newest, previous_ids, these_ids);
    previous_ids = std::move(these_ids);

    auto page = run.page();
    for (const auto& row : rows) page.add_row(row, map);
    last_page = rows.size() < page_size;
    at = after(at, newest, last_page);
    co_await page.commit(to_cursor(at));
  }
}

// departments.list knows neither pages nor a time of change: one answer is all of them, whatever the run was meant to
// be. It ignores a page number, so asking on until a page is short would never end. Nothing is there to remember
// either: the cursor stays empty.
task<> teamleader::departments(sync& run) {
  auto request = run.post("/departments.list").json(departments_request());
  const auto rows = (co_await run.http(std::move(request))).array("data");
  auto page = run.page();
  for (const auto& row : rows) page.add_row(row, &to_department);
  co_await page.commit("");
}

// One record by its id, for the host: it asks for what a full read did not meet. "Not there" is the only proof that
// leads to a deletion; `unmappable` sets this one id aside; anything else ends the job.
task<record> teamleader::read_one(job& run, std::string path, std::string_view entity, std::string id, mapper map) {
  auto request = run.post(path).json(json_object().add("id", id));
  const auto answer = co_await run.http_any(request);
  // A proxy's page proves nothing.
  if (answer.status == 404 && !answer.is_page()) co_return record::not_there(entity, id);
  if (answer.status == 403) throw unmappable("a record that is not shown to this user");
  if (answer.status == 400) throw unmappable("an id that Teamleader refuses");
  if (!answer.ok()) throw http_error(request, answer);
  auto found = map(answer["data"]);
  if (found.id != id) throw unmappable("Teamleader answered with another record than was asked for");
  co_return found;
}

// ---- probe: whose account is it, and which streams may be read?

/// The answer, or nothing where this grant may not ask: box not ticked, user's rights, module absent.
task<std::optional<json>> teamleader::ask_if_permitted(job& run, std::string path, json_object body) {
  auto request = run.post(path).json(body);
  const auto answer = co_await run.http_any(request);
  if (answer.status == 403) co_return std::nullopt;
  if (!answer.ok()) throw http_error(request, answer);
  co_return answer.json();
}

// Administrators follow the manual, Testo's instructions for its customers ([[guide.step]] in manifest.toml), which has
// them tick Companies, Contacts and Departments; users.me may then be refused. So the account is the one that users.me
// names, or else the oldest department; its display name is the department's in both cases. Which of the two it was is
// remembered and preferred the next time, so that ticking one more box does not make another account of it.
task<> teamleader::probe(probe_run& run) {
  const auto departments = co_await ask_if_permitted(run, "/departments.list", departments_request());
  const auto oldest = departments ? departments->array("data")[0] : json();
  const auto me = co_await ask_if_permitted(run, "/users.me", json_object());
  if (!co_await ask_if_permitted(run, "/companies.list", one_row_request())) run.stream_refused("companies");
  if (!co_await ask_if_permitted(run, "/contacts.list", one_row_request())) run.stream_refused("contacts");
  if (!departments) run.stream_refused("departments");

  const auto account = me ? me->at("/data/account/id").text() : std::nullopt;
  const auto department = oldest["id"].text();
  if (!account && !department) {
    job_failure unnamed(verdict::scope_missing, "neither departments.list nor users.me says whose account this is");
    unnamed.http_status = 403;  // what refused us, for Auth Status: "Failed, Status code: Forbidden"
    throw unnamed;
  }
  const bool by_department = department && (!account || run.setting("account_source") == "department");
  const auto id = by_department ? "department:" + std::string(*department) : std::string(*account);
  run.remember("account_source", by_department ? "department" : "users.me");
  run.account(id, oldest["name"].text().value_or(""));
}

}  // namespace koppel::teamleader

KOPPEL_PLUGIN(koppel::teamleader::teamleader)
