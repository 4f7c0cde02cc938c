// SPDX-License-Identifier: Apache-2.0
// The connector of Zoho CRM, API v8: which requests read lists, deletions and single rows, and what refusals mean.
// There is no OAuth here: that is [auth] in manifest.toml. README.md beside this file has Zoho's quirks and their
// sources.
#include "cursor.hpp"
#include "mapping.hpp"
#include "webhooks.hpp"

#include <algorithm>

namespace koppel::zoho {

using namespace koppel::sdk;

/// What is read in the same way, but for these words.
struct object_type {
  std::string_view entity, path, member, fields;
  record (*map)(const json& row);
};
const object_type accounts{entity::company, "/Accounts", "data", company_fields, &to_company};
const object_type contacts{entity::contact, "/Contacts", "data", contact_fields, &to_contact};
const object_type users{entity::user, "/users", "users", "", &to_user};

class zoho : public connector {
 public:
  zoho() {
    header_on_every_request("accept", "application/json");
    cursor_version(1);
    stream("accounts", entity::company, &zoho::read_accounts, &zoho::one_account);
    stream("contacts", entity::contact, &zoho::read_contacts, &zoho::one_contact);
    stream("users", entity::user, &zoho::read_users, &zoho::one_user);
    webhooks(&register_webhooks, &remove_webhooks);
  }
  /// The host learned where the customer's data centre is when he gave access.
  std::string base_url(const job& run) const override {
    const auto host = run.setting("region.api");
    if (!host) throw job_failure(verdict::bad_settings, "the data centre of this connection is not known");
    return "https://" + std::string(*host) + "/crm/v8";
  }
  task<> probe(probe_run& run) override;

 private:
  task<> read_accounts(sync& run) { return read_module(run, accounts); }
  task<> read_contacts(sync& run) { return read_module(run, contacts); }
  task<> read_users(sync& run);
  task<record> one_account(job& run, std::string id) { return read_one(run, accounts, std::move(id)); }
  task<record> one_contact(job& run, std::string id) { return read_one(run, contacts, std::move(id)); }
  task<record> one_user(job& run, std::string id) { return read_one(run, users, std::move(id)); }

  task<> read_module(sync& run, const object_type& of);
  task<> read_numbered(sync& run, const object_type& of, std::string type, std::optional<time_point> from,
                       std::string cursor);
  task<record> read_one(job& run, const object_type& of, std::string id);
  task<std::optional<json>> ask_if_permitted(job& run, std::string path);
};

namespace {

// ---- answers

/// The `code` of Zoho's envelope; empty where there is none, as in an HTML page of something in between.
std::string code_of(const response& answered) try {
  const auto code = std::string(answered.json()["code"].text().value_or(""));
  const bool plain = std::all_of(code.begin(), code.end(), [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; });
  return plain && code.size() <= 64 ? code : "";
} catch (const job_failure&) {
  return "";
}

/// Where the HTTP status alone would mislead.
constexpr std::pair<std::string_view, verdict> meanings[] = {
    {"OAUTH_SCOPE_MISMATCH", verdict::scope_missing},  // 401, though the token is good
    {"INVALID_MODULE", verdict::scope_missing},        // 400: hidden, or not in this edition
    {"NOT_SUPPORTED", verdict::permanent},             // 403
    {"INVALID_URL_PATTERN", verdict::bug},             // 404
};

job_failure failure_of(const request& asked, const response& answered) {
  const http_error by_status(asked, answered);
  const auto code = code_of(answered);
  auto what = by_status.reason();
  for (const auto& [known, meaning] : meanings)
    if (code == known) what = meaning;
  job_failure out(what, by_status.what() + (code.empty() ? "" : ' ' + code));
  out.http_status = answered.status;
  out.retry_after = by_status.retry_after;
  // The day's credits come back as the day passes, and Zoho never says when to come again.
  if (answered.status == 429 && answered.header("x-api-credits-remaining") == "0")
    out.retry_after = std::chrono::hours(1);
  return out;
}

/// A list, and whether there is more of it. 204 (nothing) and 304 (nothing new) have no body.
struct list_part {
  json_items rows;
  bool more = false;
  std::string next_token;
};
list_part part_of(const request& asked, const response& answered, std::string_view member) {
  if (answered.status == 204 || answered.status == 304) return {};
  if (answered.status != 200) throw failure_of(asked, answered);
  const auto more = answered.json().at("/info/more_records").boolean();
  if (!more) throw job_failure(verdict::bug, "Zoho does not say whether the list goes on");
  return {answered.array(member), *more, std::string(answered.json().at("/info/next_page_token").text().value_or(""))};
}

request since(request asked, std::optional<time_point> when) {
  if (when) std::move(asked).header("if-modified-since", wire_time(*when));
  return asked;
}

request list_request(const job& run, const object_type& of, const position& at) {
  auto out = run.get(of.path).query("fields", of.fields).query("per_page", "200").query("sort_by", "Modified_Time");
  std::move(out).query("sort_order", "asc");
  if (!at.token.empty()) std::move(out).query("page_token", at.token);  // bound to all the other parameters
  return since(std::move(out), at.since);
}

bool is_token_refusal(const response& answered) {
  const auto code = answered.status == 400 ? code_of(answered) : "";
  return code == "EXPIRED_VALUE" || code == "TOKEN_BOUND_DATA_MISMATCH";
}

/// What an answer must not do, lest we never end: ignore the filter, repeat a page, know no way on.
void demand_progress(const position& at, const list_part& part, const std::string& ids, const std::string& previous,
                     const position& next) {
  const auto newest = newest_of(part.rows, time_point::max());
  if (at.since && newest && *newest < *at.since) throw job_failure(verdict::bug, "Zoho ignored If-Modified-Since");
  if (!at.token.empty() && ids == previous) throw job_failure(verdict::bug, "Zoho repeated a page");
  if (next.since == at.since && next.token.empty()) throw job_failure(verdict::bug, "Zoho says more, and not where");
}

std::string ids_of(const json_items& rows) {
  return rows.empty() ? "" : rows[0]["id"].dump() + rows[rows.size() - 1]["id"].dump();
}

}  // namespace

// ---- streams

// Deletions first: who was restored meanwhile is in the list, and the list has the last word. A full read needs none,
// the host looks for what it did not meet.
task<> zoho::read_module(sync& run, const object_type& of) {
  const auto stored = from_cursor(run.cursor());
  if (!stored && !run.cursor().empty()) run.log("warn", "an unreadable cursor; reading from the beginning");
  const auto begun = run.now();
  auto at = first_position(run, stored);
  if (!run.full() && at.walked) {
    auto deletions = read_numbered(run, of, "all", std::min(*at.walked, begun) - overlap, to_cursor(at));
    co_await deletions;
  }
  if (!run.full() || !at.walked) at.walked = begun;
  // A full read that is resumed concludes nothing: what was deleted shortly before it has to be asked for after all.
  if (run.full() && run.resumed()) at.walked = std::min(*at.walked, begun - std::chrono::hours(48));

  std::string previous_ids;
  bool token_was_refused = false;
  for (bool more = true; more;) {
    auto request = list_request(run, of, at);
    const auto answer = co_await run.http_any(request);
    if (!at.token.empty() && is_token_refusal(answer) && !std::exchange(token_was_refused, true)) {
      at.token.clear();
      continue;
    }
    const auto part = part_of(request, answer, of.member);
    auto next = after(at, newest_of(part.rows, run.now()), part.next_token);
    more = part.more;
    auto ids = ids_of(part.rows);
    if (more) demand_progress(at, part, ids, previous_ids, next);
    previous_ids = std::move(ids);
    at = std::move(next);
    if (!more) {
      at.token.clear();
      // Else each quiet run would begin a little earlier than the one before.
      if (!run.full() && stored && stored->since) at.since = std::max(at.since, std::min(stored->since, {run.now()}));
    }
    auto page = run.page();
    for (const auto& row : part.rows) page.add_row(row, of.map);
    co_await page.commit(to_cursor(at));
  }
}

// Users cannot be sorted and have no page tokens: a run reads what changed since the last one began, and commits its
// cursor at the end. They are few.
task<> zoho::read_users(sync& run) {
  const auto stored = from_cursor(run.cursor());
  const position done{{}, run.now(), {}};
  std::optional<time_point> from;
  if (!run.full() && stored && stored->walked) from = std::min(*stored->walked, run.now()) - overlap;
  const std::string unchanged(run.cursor());
  auto deleted = read_numbered(run, users, "DeletedUsers", from, unchanged);
  if (from) co_await deleted;
  auto all = read_numbered(run, users, "AllUsers", from, unchanged);
  co_await all;
  auto end = run.page();
  co_await end.commit(to_cursor(done));
}

// A list that pages by number, to its end: the users of a type, or a module's deletions.
task<> zoho::read_numbered(sync& run, const object_type& of, std::string type, std::optional<time_point> from,
                           std::string cursor) {
  constexpr int most_pages = 500;  // 100,000 rows, where all of Zoho's lists end
  const auto path = std::string(of.path) + (type == "all" ? "/deleted" : "");
  const auto map = [&of, gone = type != "AllUsers"](const json& row) {
    return gone ? to_deletion(of.entity, row) : of.map(row);
  };
  bool more = true;
  for (int number = 1; more && number <= most_pages; ++number) {
    auto request = since(run.get(path).query("type", type).query("per_page", "200"), from);
    std::move(request).query("page", std::to_string(number));
    const auto answer = co_await run.http_any(request);
    const auto code = answer.status == 400 ? code_of(answer) : "";
    if (number > 1 && code.ends_with("PAGINATION_LIMIT_EXCEEDED")) break;
    const auto part = part_of(request, answer, of.member);
    more = part.more;
    auto page = run.page();
    for (const auto& row : part.rows) page.add_row(row, map);
    co_await page.commit(cursor);
  }
  if (more && run.full()) throw job_failure(verdict::bug, "Zoho's list has more pages than it gives");
  if (more) run.log("warn", "more changes than Zoho lists; the next full read finds the rest");
}

// One record by its id, for the host: it asks for what a full read did not meet. Without `fields` the id is all that
// there is to refuse, so INVALID_DATA speaks of it.
task<record> zoho::read_one(job& run, const object_type& of, std::string id) {
  const bool digits = !id.empty() && std::all_of(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) throw unmappable("an id that is none of Zoho's");
  auto request = run.get(std::string(of.path) + '/' + id);
  const auto answer = co_await run.http_any(request);
  const auto code = code_of(answer);
  if (answer.status == 204 || (answer.status == 400 && code == "INVALID_DATA"))
    co_return record::not_there(of.entity, id);
  if (answer.status == 403 && code == "NO_PERMISSION") throw unmappable("a row that is not shared with this user");
  if (answer.status != 200) throw failure_of(request, answer);
  auto found = of.map(answer.array(of.member)[0]);
  if (found.id != id) throw unmappable("Zoho answered with another row than was asked for");
  co_return found;
}

// ---- probe: whose account is it, and which streams may be read?

/// The answer, or nothing where this grant, this user or this edition may not ask.
task<std::optional<json>> zoho::ask_if_permitted(job& run, std::string path) {
  auto request = run.get(path);
  const auto answer = co_await run.http_any(request);
  if (answer.status == 204) co_return json::parse("{}");
  if (answer.ok()) co_return answer.json();
  auto why = failure_of(request, answer);
  if (why.reason() != verdict::scope_missing) throw why;
  co_return std::nullopt;
}

// A token is of one organisation. Where /org is refused, the user stands for it: his id is of one organisation too.
// Which of the two it was is remembered, so that a scope that is given later does not make another account of it.
task<> zoho::probe(probe_run& run) {
  const auto org = co_await ask_if_permitted(run, "/org");
  const auto me = co_await ask_if_permitted(run, "/users?type=CurrentUser");
  if (!co_await ask_if_permitted(run, "/Accounts?fields=Modified_Time&per_page=1")) run.stream_refused("accounts");
  if (!co_await ask_if_permitted(run, "/Contacts?fields=Modified_Time&per_page=1")) run.stream_refused("contacts");
  if (!co_await ask_if_permitted(run, "/users?type=AllUsers&per_page=1")) run.stream_refused("users");

  const auto company = org ? org->at("/org").items()[0] : json();
  const auto user = me ? me->at("/users").items()[0] : json();
  if (!company["id"].text() && !user["id"].text()) {
    job_failure unnamed(verdict::scope_missing, "neither org nor users says whose account this is");
    unnamed.http_status = 403;
    throw unnamed;
  }
  const bool by_user = user["id"].text() && (!company["id"].text() || run.setting("account_source") == "user");
  run.remember("account_source", by_user ? "user" : "org");
  const auto name = company["company_name"].text().value_or(user["full_name"].text().value_or(""));
  const auto id = std::string(by_user ? "user:" : "") + std::string(*(by_user ? user : company)["id"].text());
  run.account(id, name, company["type"].text().value_or(""));
}

}  // namespace koppel::zoho

KOPPEL_PLUGIN(koppel::zoho::zoho)
