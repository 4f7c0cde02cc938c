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
    fields_in_manifest(own_kinds());
    stream("companies", entity::company, &teamleader::read, &teamleader::read_one);
    stream("contacts", entity::contact, &teamleader::read, &teamleader::read_one);
    stream("departments", entity::department, &teamleader::departments, &teamleader::read_one);
    webhooks(&register_webhooks, &remove_webhooks);
  }
  std::string base_url(const job&) const override { return "https://api.focus.teamleader.eu"; }
  task<> probe(probe_run& run) override;

 private:
  task<> read(sync& run);
  task<> departments(sync& run);
  task<record> read_one(job& run, std::string id);
};

namespace {

// ---- requests: bodies of POST, as Teamleader wants them

constexpr std::size_t page_size = 100;  // the most the API gives

json_object list_request(const position& at) {
  auto body = json_object()
                  .add("page", json_object().add("size", page_size).add("number", at.page))
                  .add("sort", json_array().add(json_object().add("field", "updated_at").add("order", "asc")))
                  .add("includes", "custom_fields");
  if (at.since) body.add("filter", json_object().add("updated_since", format_seconds(*at.since)));
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

/// To "/companies.list", "/contacts.info": streams are called as the API calls their lists.
request to(const job& run, std::string_view method, const json_object& body) {
  return run.post('/' + std::string(run.stream()) + std::string(method)).json(body);
}

}  // namespace

// A request has a name of its own before it is awaited: g++ 12 makes faulty code of temporaries there
// (CONTRIBUTING.md).
task<> teamleader::read(sync& run) {
  auto at = first_position(run, stored_position(run, from_cursor));
  page_memory shown("/id", "Teamleader");
  for (bool last_page = false; !last_page;) {
    auto request = to(run, ".list", list_request(at));
    const auto answer = co_await run.http(std::move(request));
    const auto rows = answer.array("data");
    last_page = rows.size() < page_size;
    if (!last_page) demand_sorted_since(rows, "/updated_at", at.since, "updated_since", "Teamleader");
    shown.take(rows, last_page || at.page == 1);

    at = after(at, newest_second(rows, "/updated_at", run.now()), last_page);
    auto storing = run.commit_rows(
        rows, [&run](const json& row) { return run.fields().map(row); }, to_cursor(at));
    co_await storing;
  }
}

// departments.list knows neither pages nor a time of change: one answer is all of them, whatever the run was meant to
// be. It ignores a page number, so asking on until a page is short would never end. Nothing is there to remember
// either: the cursor stays empty. What the list leaves out is asked for by id: they are a handful, and have no events
// that would tell of it. One that is not given by its id is what the list says.
task<> teamleader::departments(sync& run) {
  auto request = to(run, ".list", departments_request());
  const auto answer = co_await run.http(std::move(request));
  const auto rows = answer.array("data");
  const auto map = [&run](const json& row) { return run.fields().map(row); };
  auto all = run.page();
  for (auto row : rows) {
    if (const auto id = row["id"].text()) {
      auto asked = to(run, ".info", json_object().add("id", *id));
      const auto whole = co_await run.http_any(asked);
      const bool not_given = whole.status == 400 || whole.status == 403 || whole.status == 404;
      if (!whole.ok() && !not_given) throw http_error(asked, whole);
      if (whole.ok() && whole["data"]["id"].text() == id) row = whole["data"];
    }
    all.add_row(row, map);
  }
  auto storing = all.commit("");
  co_await storing;
}

// One record by its id, for the host: it asks for what a full read did not meet. "Not there" is the only proof that
// leads to a deletion; `unmappable` sets this one id aside; anything else ends the job.
task<record> teamleader::read_one(job& run, std::string id) {
  auto request = to(run, ".info", json_object().add("id", id));
  const auto answer = co_await run.http_any(request);
  // A proxy's page proves nothing.
  if (answer.status == 404 && !answer.is_page()) co_return record::not_there(run.fields().entity(), id);
  if (answer.status == 403) throw unmappable("a record that is not shown to this user");
  if (answer.status == 400) throw unmappable("an id that Teamleader refuses");
  if (!answer.ok()) throw http_error(request, answer);
  co_return run.fields().map(answer["data"]).of_id(id);
}

// ---- probe: whose account is it, and which streams may be read?

// Administrators follow the manual, Testo's instructions for its customers ([[guide.step]] in manifest.toml), which has
// them tick Companies, Contacts and Departments; users.me may then be refused. So the account is the one that users.me
// names, or else the oldest department, and remains that when one more box is ticked; its display name is the
// department's in both cases.
task<> teamleader::probe(probe_run& run) {
  auto ask_departments = ask_if_permitted(run, run.post("/departments.list").json(departments_request()));
  const auto departments = co_await ask_departments;
  auto ask_me = ask_if_permitted(run, run.post("/users.me").json(json_object()));
  const auto me = co_await ask_me;
  for (const auto* stream : {"companies", "contacts"}) {
    auto ask_row = ask_of_stream(run, stream, run.post('/' + std::string(stream) + ".list").json(one_row_request()));
    co_await ask_row;
  }
  if (!departments) run.stream_refused("departments");

  const auto oldest = departments ? departments->array("data")[0] : json();
  const auto account = me.value_or(json()).at("/data/account/id");
  const auto id = choose_account(run, {{"users.me", account}, {"department", oldest["id"], "department:"}});
  run.account(id, oldest["name"].text().value_or(""));
}

}  // namespace koppel::teamleader

KOPPEL_PLUGIN(koppel::teamleader::teamleader)
