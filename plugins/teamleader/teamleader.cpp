// SPDX-License-Identifier: Apache-2.0
// The connector of Teamleader Focus: keyset paging over `updated_at`, reads by id, and a probe with fallbacks.
// README.md beside this file has the quirks and their sources.
#include "mapping.hpp"

#include <algorithm>
#include <charconv>

namespace koppel::teamleader {
namespace {

using namespace koppel::sdk;
using std::chrono::seconds;

constexpr std::size_t page_size = 100;         // the most the API gives
constexpr std::chrono::minutes overlap{5};     // between runs: `updated_since` may exclude its own second
constexpr std::string_view none_yet = "none";  // in a cursor

/// Where to read next: rows changed since then (nothing: all rows), and which page of those.
struct position {
  std::optional<time_point> since;
  std::int64_t page = 1;
};

/// The API's own notation: UTC, no fraction.
std::string wire_time(time_point when) {
  auto text = format_time(std::chrono::floor<seconds>(when));
  return text.substr(0, text.size() - 1) + "+00:00";
}

/// "2016-02-05T16:44:32+00:00 3": since, and the page.
std::string to_cursor(const position& at) {
  return (at.since ? wire_time(*at.since) : std::string(none_yet)) + ' ' + std::to_string(at.page);
}

/// Nothing if this is not a cursor of ours: then everything is read again, which costs time and harms nothing.
std::optional<position> from_cursor(std::string_view cursor) {
  const auto space = std::min(cursor.find(' '), cursor.size());
  const auto number = cursor.substr(std::min(space + 1, cursor.size()));
  position out{parse_time(cursor.substr(0, space)), 0};
  std::from_chars(number.data(), number.data() + number.size(), out.page);
  const bool sound = (out.since || cursor.substr(0, space) == none_yet) && out.page > 0;
  return sound ? std::optional(out) : std::nullopt;
}

position first_position(sync& run) {
  if (run.cursor().empty() || (run.full() && !run.resumed())) return {};
  auto at = from_cursor(run.cursor());
  if (!at) run.log("warn", "an unreadable cursor; reading from the beginning");
  if (!at || run.resumed()) return at.value_or(position{});
  if (at->since) *at->since -= overlap;
  return {at->since, 1};
}

json_object list_request(const position& at) {
  auto body = json_object()
                  .add("page", json_object().add("size", page_size).add("number", at.page))
                  .add("sort", json_array().add(json_object().add("field", "updated_at").add("order", "asc")))
                  .add("includes", "custom_fields");
  if (at.since) std::move(body).add("filter", json_object().add("updated_since", wire_time(*at.since)));
  return body;
}

json_object one_row_request() { return json_object().add("page", json_object().add("size", 1).add("number", 1)); }

json_object oldest_department_request() {
  return json_object()
      .add("filter", json_object().add("status", json_array().add("active").add("archived")))
      .add("sort", json_array().add(json_object().add("field", "created_at").add("order", "asc")));
}

std::optional<time_point> newest_of(const json_items& rows) {
  std::optional<time_point> newest;
  for (const auto& row : rows)
    if (const auto when = parse_time(row["updated_at"].text().value_or(""))) newest = std::max(newest, when);
  if (newest) newest = std::chrono::floor<seconds>(*newest);
  return newest;
}

/// The window moves as far as it may: to one second before the newest row, so that nothing that shares its second is
/// lost, whether `updated_since` includes its own second or not. Only within such seconds does it go on by page number.
position after(const position& at, std::optional<time_point> newest, bool last_page) {
  if (newest && (!at.since || *newest - seconds(1) > *at.since)) return {*newest - seconds(1), 1};
  return {at.since, last_page ? 1 : at.page + 1};
}

/// What an answer must not do, lest we never end: ignore the filter, or the page number.
void demand_progress(const position& at, const json_items& rows, std::optional<time_point> newest,
                     const std::string& previous_rows, const std::string& these_rows) {
  if (rows.size() < page_size) return;
  if (at.since && newest && *newest < *at.since) throw job_failure(verdict::bug, "Teamleader ignored updated_since");
  if (at.page > 1 && previous_rows == these_rows) throw job_failure(verdict::bug, "Teamleader repeated a page");
}

std::string outline_of(const json_items& rows) {
  return rows.empty() ? std::string() : rows[0]["id"].dump() + rows[rows.size() - 1]["id"].dump();
}

}  // namespace

class teamleader : public connector {
 public:
  teamleader() {
    header_on_every_request("x-api-version", "2023-09-26");
    header_on_every_request("accept", "application/json");
    cursor_version(1);
    stream("companies", entity::company, &teamleader::companies, &teamleader::company);
    stream("contacts", entity::contact, &teamleader::contacts, &teamleader::contact);
  }
  std::string base_url(const job&) const override { return "https://api.focus.teamleader.eu"; }
  task<> probe(probe_run& run) override;

 private:
  task<> companies(sync& run) { return read(run, "/companies.list", &to_company); }
  task<> contacts(sync& run) { return read(run, "/contacts.list", &to_contact); }
  task<record> company(job& run, std::string id) {
    return read_one(run, "/companies.info", entity::company, std::move(id), &to_company);
  }
  task<record> contact(job& run, std::string id) {
    return read_one(run, "/contacts.info", entity::contact, std::move(id), &to_contact);
  }

  task<> read(sync& run, std::string path, record (*map)(const json&));
  task<record> read_one(job& run, std::string path, std::string_view entity, std::string id,
                        record (*map)(const json&));
  task<std::optional<json>> ask_if_permitted(job& run, std::string path, json_object body);
};

task<> teamleader::read(sync& run, std::string path, record (*map)(const json&)) {
  auto at = first_position(run);
  std::string previous_rows;
  for (bool last_page = false; !last_page;) {
    auto request = run.post(path).json(list_request(at));
    const auto rows = (co_await run.http(std::move(request))).array("data");
    const auto newest = newest_of(rows);
    auto these_rows = outline_of(rows);
    demand_progress(at, rows, newest, previous_rows, these_rows);
    previous_rows = std::move(these_rows);

    auto page = run.page();
    for (const auto& row : rows) page.add_row(row, map);
    last_page = rows.size() < page_size;
    at = after(at, newest, last_page);
    co_await page.commit(to_cursor(at));
  }
}

task<record> teamleader::read_one(job& run, std::string path, std::string_view entity, std::string id,
                                  record (*map)(const json&)) {
  auto request = run.post(path).json(json_object().add("id", id));
  const auto answer = co_await run.http_any(request);
  if (answer.status == 404) co_return record::not_there(entity, id);
  if (answer.status == 400) throw unmappable("an id that Teamleader refuses");
  if (!answer.ok()) throw http_error(request, answer);
  auto found = map(answer["data"]);
  if (found.id != id) throw unmappable("Teamleader answered with another record than was asked for");
  co_return found;
}

/// The answer, or nothing where this grant may not ask: box not ticked, user's rights, module absent.
task<std::optional<json>> teamleader::ask_if_permitted(job& run, std::string path, json_object body) {
  auto request = run.post(path).json(body);
  const auto answer = co_await run.http_any(request);
  if (answer.status == 403) co_return std::nullopt;
  if (!answer.ok()) throw http_error(request, answer);
  co_return answer.json();
}

// The manual ticks Companies, Contacts and Departments; users.me may then be refused. So the account is the one that
// users.me names, or else the oldest department. Which of the two it was is remembered and preferred the next time, so
// that ticking one more box does not make another account of it.
task<> teamleader::probe(probe_run& run) {
  const auto departments = co_await ask_if_permitted(run, "/departments.list", oldest_department_request());
  const auto oldest = departments ? departments->array("data")[0] : json();
  const auto me = co_await ask_if_permitted(run, "/users.me", json_object());
  if (!co_await ask_if_permitted(run, "/companies.list", one_row_request())) run.stream_refused("companies");
  if (!co_await ask_if_permitted(run, "/contacts.list", one_row_request())) run.stream_refused("contacts");

  const auto account = me ? me->at("/data/account/id").text() : std::nullopt;
  const auto department = oldest["id"].text();
  if (!account && !department) {
    job_failure nobody(verdict::scope_missing, "neither departments.list nor users.me says whose account this is");
    nobody.http_status = 403;
    throw nobody;
  }
  const bool by_department = department && (!account || run.setting("account_source") == "department");
  const auto id = by_department ? "department:" + std::string(*department) : std::string(*account);
  run.learned("account_source", by_department ? "department" : "users.me");
  run.account(id, oldest["name"].text().value_or(""));
}

}  // namespace koppel::teamleader

KOPPEL_PLUGIN(koppel::teamleader::teamleader)
