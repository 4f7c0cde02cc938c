// SPDX-License-Identifier: Apache-2.0
// The connector of Zoho CRM, API v8: which requests read lists, deletions and single rows, and what refusals mean.
// There is no OAuth here: that is [auth] in manifest.toml, which also has the field tables. README.md beside this file
// has Zoho's quirks and their sources.
#include "webhooks.hpp"

#include <algorithm>

namespace koppel::zoho {

using namespace koppel::sdk;

class zoho : public connector {
 public:
  zoho() {
    header_on_every_request("accept", "application/json");
    cursor_version(1);
    fields_in_manifest();
    stream("accounts", entity::company, &zoho::read_module, &zoho::read_one, &zoho::read_some, ids_at_once);
    stream("contacts", entity::contact, &zoho::read_module, &zoho::read_one, &zoho::read_some, ids_at_once);
    stream("users", entity::user, &zoho::read_users, &zoho::read_one, &zoho::read_some, ids_at_once);
    webhooks(&register_webhooks, &remove_webhooks);
  }
  /// The host learned where the customer's data centre is when he gave access.
  std::string base_url(const job& run) const override {
    const auto host = run.needed_setting("region.api", "the data centre of this connection is not known");
    return "https://" + std::string(host) + "/crm/v8";
  }
  task<> probe(probe_run& run) override;

 private:
  task<> read_module(sync& run);
  task<> read_users(sync& run);
  task<> read_numbered(sync& run, std::string type, std::optional<time_point> from, std::string cursor);
  task<record> read_one(job& run, std::string id);
  task<std::vector<record>> read_some(job& run, std::vector<std::string> ids);

  static constexpr std::size_t ids_at_once = 100;  // of users; of modules nobody says
};

namespace {

/// Rows change late, are listed late, and our clock and Zoho's differ: a run begins this much before the last one's
/// end.
constexpr std::chrono::minutes overlap{10};

// ---- rows; the field tables are [stream.fields] in manifest.toml

/// A row of a list of deletions, or a user who was deleted.
record to_deletion(const field_table& fields, const json& row) {
  return fields.deletion(row, "/id", row["deleted_time"] ? "/deleted_time" : "/Modified_Time");
}

/// A list and a read by id say the same of what is mapped. A deleted user is not there.
record to_record(const field_table& fields, const json& row) {
  if (fields.entity() == entity::user && row["status"].text() == "deleted") return to_deletion(fields, row);
  return fields.map(row, "/id", "/Modified_Time");
}

/// What the streams' objects are called: in paths, and in the answer. `first_row` asks for one, to see if that may be.
struct object_type {
  std::string_view stream, entity, path, member, first_row;
};
constexpr object_type objects[] = {
    {"accounts", entity::company, "/Accounts", "data", "/Accounts?fields=Modified_Time&per_page=1"},
    {"contacts", entity::contact, "/Contacts", "data", "/Contacts?fields=Modified_Time&per_page=1"},
    {"users", entity::user, "/users", "users", "/users?type=AllUsers&per_page=1"},
};

bool is_id(std::string_view id) { return !id.empty() && id.find_first_not_of("0123456789") == id.npos; }

// ---- answers

/// The `code` of Zoho's envelope; empty where there is none, as in an HTML page of something in between.
std::string code_of(const response& answered) { return safe_code(answered.json_if_any()["code"].text().value_or("")); }

/// Where the HTTP status alone would mislead.
constexpr refusal refusals[] = {
    {.means = verdict::scope_missing, .code = "OAUTH_SCOPE_MISMATCH"},  // 401, though the token is good
    {.means = verdict::scope_missing, .code = "INVALID_MODULE"},        // 400: hidden, or not in this edition
    {.means = verdict::permanent, .code = "NOT_SUPPORTED"},             // 403
    {.means = verdict::bug, .code = "INVALID_URL_PATTERN"},             // 404
};

std::optional<job_failure> failure_of(const request& asked, const response& answered) {
  if (answered.ok()) return std::nullopt;
  auto out = refused(asked, answered, refusals, code_of(answered));
  // The day's credits come back as the day passes, and Zoho never says when to come again.
  if (answered.status == 429 && answered.header("x-api-credits-remaining") == "0")
    out.retry_after = std::chrono::hours(1);
  return out;
}

list_page part_of(const request& asked, const response& answered, std::string_view member) {
  const auto why = answered.status == 304 ? std::nullopt : failure_of(asked, answered);
  if (why) throw *why;
  return page_of(answered, {member, "/info/more_records", "/info/next_page_token"}, "Zoho");
}

request since(request asked, std::optional<time_point> when) {
  if (when) std::move(asked).header("if-modified-since", format_seconds(*when));
  return asked;
}

request list_request(const job& run, const timed_position& at) {
  auto out = run.get(row_of(objects, run).path).query("fields", run.fields().names() + ",Modified_Time");
  out.query("per_page", "200").query("sort_by", "Modified_Time").query("sort_order", "asc");
  if (!at.token.empty()) out.query("page_token", at.token);  // bound to all the other parameters
  return since(std::move(out), at.since);
}

bool is_token_refusal(const response& answered) {
  const auto code = answered.status == 400 ? code_of(answered) : "";
  return code == "EXPIRED_VALUE" || code == "TOKEN_BOUND_DATA_MISMATCH";
}

}  // namespace

// ---- streams

// Deletions first: who was restored meanwhile is in the list, and the list has the last word. A full read needs none,
// the host looks for what it did not meet.
task<> zoho::read_module(sync& run) {
  const auto stored = stored_position(run, read_timed_position);
  const auto begun = run.now();
  auto at = first_timed_position(run, stored, overlap);
  if (!run.full() && at.walked) {
    auto deletions = read_numbered(run, "all", with_overlap(run, *at.walked, overlap), at.cursor());
    co_await deletions;
  }
  if (!run.full() || !at.walked) at.walked = begun;
  // A full read that is resumed concludes nothing: what was deleted shortly before it has to be asked for after all.
  if (run.full() && run.resumed()) at.walked = std::min(*at.walked, begun - std::chrono::hours(48));

  page_memory shown("/id", "Zoho");
  bool token_was_refused = false;
  for (bool more = true; more;) {
    auto request = list_request(run, at);
    const auto answer = co_await run.http_any(request);
    if (!at.token.empty() && is_token_refusal(answer) && !std::exchange(token_was_refused, true)) {
      at.token.clear();
      continue;
    }
    const auto part = part_of(request, answer, row_of(objects, run).member);
    auto next = at.after(newest_second(part.rows, "/Modified_Time", run.now()), part.next);
    more = part.more;
    // Else rows would be skipped, or the walk would never end.
    if (more) demand_sorted_since(part.rows, "/Modified_Time", at.since, "If-Modified-Since", "Zoho");
    if (more && next.since == at.since && next.token.empty())
      throw job_failure(verdict::bug, "Zoho says more, and not where");
    shown.take(part.rows, !more || at.token.empty());
    at = std::move(next);
    if (!more) {
      at.token.clear();
      // Else each quiet run would begin a little earlier than the one before.
      if (!run.full() && stored && stored->since) at.since = std::max(at.since, std::min(stored->since, {run.now()}));
    }
    const auto map = [&run](const json& row) { return to_record(run.fields(), row); };
    auto storing = run.commit_rows(part.rows, map, at.cursor());
    co_await storing;
  }
}

// Users cannot be sorted and have no page tokens: a run reads what changed since the last one began, and commits its
// cursor at the end. They are few.
task<> zoho::read_users(sync& run) {
  const auto stored = stored_position(run, read_timed_position);
  const timed_position done{{}, run.now(), {}};
  std::optional<time_point> from;
  if (!run.full() && stored && stored->walked) from = with_overlap(run, *stored->walked, overlap);
  const std::string unchanged(run.cursor());
  auto deleted = read_numbered(run, "DeletedUsers", from, unchanged);
  if (from) co_await deleted;
  auto all = read_numbered(run, "AllUsers", from, unchanged);
  co_await all;
  auto end = run.page();
  co_await end.commit(done.cursor());
}

// A list that pages by number, to its end: the users of a type, or a module's deletions.
task<> zoho::read_numbered(sync& run, std::string type, std::optional<time_point> from, std::string cursor) {
  constexpr int most_pages = 500;  // 100,000 rows, where all of Zoho's lists end
  const auto path = std::string(row_of(objects, run).path) + (type == "all" ? "/deleted" : "");
  const auto map = type == "AllUsers" ? to_record : to_deletion;
  bool more = true;
  for (int number = 1; more && number <= most_pages; ++number) {
    auto request = since(run.get(path).query("type", type).query("per_page", "200"), from);
    request.query("page", std::to_string(number));
    const auto answer = co_await run.http_any(request);
    const auto code = answer.status == 400 ? code_of(answer) : "";
    if (number > 1 && code.ends_with("PAGINATION_LIMIT_EXCEEDED")) break;
    const auto part = part_of(request, answer, row_of(objects, run).member);
    more = part.more;
    auto storing = run.commit_rows(
        part.rows, [&](const json& row) { return map(run.fields(), row); }, cursor);
    co_await storing;
  }
  if (more && run.full()) throw job_failure(verdict::bug, "Zoho's list has more pages than it gives");
  if (more) run.log("warn", "more changes than Zoho lists; the next full read finds the rest");
}

// One record by its id, for the host: it asks for what a full read did not meet. Without `fields` the id is all that
// there is to refuse, so INVALID_DATA speaks of it.
task<record> zoho::read_one(job& run, std::string id) {
  const auto& of = row_of(objects, run);
  if (!is_id(id)) throw unmappable("an id that is none of Zoho's");
  auto request = run.get(std::string(of.path) + '/' + id);
  const auto answer = co_await run.http_any(request);
  const auto code = code_of(answer);
  if (answer.status == 204 || (answer.status == 400 && code == "INVALID_DATA"))
    co_return record::not_there(of.entity, id);
  if (answer.status == 403 && code == "NO_PERMISSION") throw unmappable("a row that is not shared with this user");
  if (const auto why = failure_of(request, answer)) throw *why;
  co_return to_record(run.fields(), answer.array(of.member)[0]).of_id(id);
}

// Many by their ids, for the one credit that a single one costs. What is not among them is asked for by itself: it may
// be gone, not shared, or what the others were refused for.
task<std::vector<record>> zoho::read_some(job& run, std::vector<std::string> ids) {
  const auto& of = row_of(objects, run);
  std::erase_if(ids, [](const std::string& id) { return !is_id(id); });
  auto request = run.get(of.path).query("ids", joined(ids)).query("per_page", "200");
  if (of.entity != entity::user) request.query("fields", run.fields().names() + ",Modified_Time");
  const auto answer = co_await run.http_any(request);
  if (answer.status == 204 || answer.status == 400) co_return std::vector<record>();
  if (const auto why = failure_of(request, answer)) throw *why;
  const auto map = [&run](const json& row) { return to_record(run.fields(), row); };
  co_return records_of(answer.array(of.member), map);
}

// ---- probe: whose account is it, and which streams may be read?

// A token is of one organisation. Where /org is refused, the user stands for it: his id is of one organisation too.
task<> zoho::probe(probe_run& run) {
  auto ask_org = ask_if_permitted(run, run.get("/org"), failure_of);
  const auto org = co_await ask_org;
  auto ask_me = ask_if_permitted(run, run.get("/users?type=CurrentUser"), failure_of);
  const auto me = co_await ask_me;
  for (const auto& each : objects) {
    auto ask_row = ask_of_stream(run, std::string(each.stream), run.get(each.first_row), failure_of);
    co_await ask_row;
  }

  const auto company = org.value_or(json())["org"].items()[0], user = me.value_or(json())["users"].items()[0];
  const auto id = choose_account(run, {{"org", company["id"]}, {"user", user["id"], "user:"}});
  const auto name = company["company_name"].text().value_or(user["full_name"].text().value_or(""));
  run.account(id, name, company["type"].text().value_or(""));
}

}  // namespace koppel::zoho

KOPPEL_PLUGIN(koppel::zoho::zoho)
