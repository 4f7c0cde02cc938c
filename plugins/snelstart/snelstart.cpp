// SPDX-License-Identifier: Apache-2.0
// The connector of SnelStart: which requests read the list of relations, one relation, and whose administration it is.
// There is no credential here: the host attaches both keys, and all of that is [auth] in manifest.toml. README.md
// beside this file has SnelStart's quirks and their sources.
#include "cursor.hpp"

#include <algorithm>
#include <cstdio>

namespace koppel::snelstart {

using namespace koppel::sdk;

namespace {

/// "info@a.example; office@a.example" is two addresses.
std::optional<packed> read_emails(const json& value) {
  if (!value.text()) return std::nullopt;
  std::vector<email> out;
  for (std::string_view rest = *value.text(); !rest.empty();) {
    const auto end = std::min(rest.find(';'), rest.size());
    auto one = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (!one.empty()) out.push_back({out.empty() ? "primary" : "other", std::string(one)});
  }
  return pack(out);
}

}  // namespace

class snelstart : public connector {
 public:
  snelstart() {
    header_on_every_request("accept", "application/json");
    cursor_version(1);
    fields_in_manifest(kind_list().add("addresses with ; between them", shape::emails, read_emails));
    stream("relaties", entity::company, &snelstart::relations, &snelstart::relation);
  }
  std::string base_url(const job&) const override { return "https://b2bapi.snelstart.nl/v2"; }
  task<> probe(probe_run& run) override;

 private:
  task<> relations(sync& run);
  task<record> relation(job& run, std::string id);
  task<> learn_countries(job& run);
};

namespace {

// ---- rows; the field table is [stream.fields] in manifest.toml

/// Ids of `landen` and their ISO 3166-1 alpha-2 codes. A code that is not two capital letters is none.
lookup to_countries(const json_items& rows) {
  lookup out;
  const auto capital = [](char c) { return c >= 'A' && c <= 'Z'; };
  for (const auto& row : rows) {
    const auto id = row["id"].text(), code = row["landcode"].text();
    if (id && code && code->size() == 2 && std::all_of(code->begin(), code->end(), capital)) out.emplace(*id, *code);
  }
  return out;
}

bool is_of_kind(const json& row, std::string_view wanted) {
  for (const auto& kind : row["relatiesoort"].items())
    if (kind.text() == wanted) return true;
  return false;
}

/// The administration's own relation, and SnelStart's placeholders: made by SnelStart, and nobody's customer.
bool is_internal(const json& row) {
  const bool own = is_of_kind(row, "Eigen") && !is_of_kind(row, "Klant") && !is_of_kind(row, "Leverancier");
  return own || row["relatiecode"].integer().value_or(0) < 0;
}

/// All that is known of a relation that is "nonactief" and not shown.
record to_inactive_company(std::string_view id) {
  record out(entity::company, id);
  out.in("state").set(canonical::status, "inactive");
  return out;
}

// ---- what SnelStart refuses

/// Business rules answer [{errorCode, message}], OData {Message}, the binding of a request {message, modelState}, the
/// gateway {statusCode, message}. Our requests hold no personal data, so neither do words about them.
struct refusal {
  std::string code, words;
};

refusal read_refusal(const response& answer) {
  auto said = answer.json_if_any();  // absent: a page of HTML, or nothing
  if (said.is_array()) said = said.items()[0];
  const auto text = [&](std::string_view name) { return std::string(said[name].text().value_or("")); };
  refusal out{text("errorCode"), text("message") + text("Message")};
  for (const auto& name : said["modelState"].names()) out.words += ' ' + std::string(name);
  out.words.resize(std::min<std::size_t>(out.words.size(), 200));
  return out;
}

/// "Try again in 26 seconds.", "Quota will be replenished in 00:12:30."
std::chrono::seconds wait_in_words(const std::string& words) {
  int first = 0, minutes = 0, seconds = 0;
  const auto at = std::min(words.rfind(" in "), words.size());
  const int numbers = std::sscanf(words.c_str() + at, " in %5d:%2d:%2d", &first, &minutes, &seconds);
  const int total = numbers == 3 ? (first * 60 + minutes) * 60 + seconds : first;
  return std::chrono::seconds(std::clamp(total, 0, 86'400));
}

std::optional<job_failure> failure_of(const request& asked, const response& answer) {
  if (answer.ok()) return std::nullopt;
  const auto said = read_refusal(answer);
  const http_error plain(asked, answer);
  const bool spent = answer.status == 403 && said.words.find("quota") != std::string::npos;
  const auto what = spent ? verdict::try_again : plain.reason();
  const auto& why = said.code.empty() ? said.words : said.code;
  job_failure out(what, plain.what() + (why.empty() ? "" : ": " + why), answer.status);
  if (what == verdict::try_again) {
    out.retry_after = retry_after(answer);
    if (out.retry_after.count() == 0) out.retry_after = wait_in_words(said.words);
  }
  return out;
}

json_items list_of(const json& answer) {
  if (!answer.is_array()) throw job_failure(verdict::bug, "SnelStart answered with something that is no list");
  return answer.items();
}

}  // namespace

// What is awaited has a name of its own: g++ 12 makes faulty code of temporaries there (CONTRIBUTING.md).

/// Relations name a country by an id, perhaps another in each administration. `landen` has no pages and no filter.
task<> snelstart::learn_countries(job& run) {
  auto asking = ask(run, run.get("/landen"), failure_of);
  const auto answer = co_await asking;
  run.notes() = to_countries(list_of(answer));
}

// ---- reading

task<> snelstart::relations(sync& run) {
  const auto stored = stored_position(run, from_cursor);
  auto learning = learn_countries(run);
  co_await learning;
  const auto& countries = std::any_cast<const lookup&>(run.notes());

  for (walk at(run, stored); !at.done();) {
    auto request = run.get("/relaties").query("$top", std::to_string(page_size));
    if (at.skip() > 0) request.query("$skip", std::to_string(at.skip()));
    if (const auto filter = at.filter(); !filter.empty()) request.query("$filter", filter);
    auto asking = ask(run, std::move(request), failure_of);
    const auto answer = co_await asking;
    const auto rows = list_of(answer);
    if (!at.take(rows)) continue;

    auto page = run.page();
    for (const auto& row : rows)
      if (!is_internal(row))
        page.add_row(row, [&](const json& of) { return run.fields().map(of, "/id", "/modifiedOn", countries); });
    co_await page.commit(to_cursor(at.at()));
  }
}

// One relation by its id, for the host: it asks for what a full read did not meet. "Not there" is the only proof that
// leads to a deletion. A 404 of the gateway is none: it says that the API has no such address.
task<record> snelstart::relation(job& run, std::string id) {
  constexpr std::string_view of_ids = "0123456789abcdefABCDEF-";
  if (id.find_first_not_of(of_ids) != id.npos) throw unmappable("an id that SnelStart never gave");
  auto learning = learn_countries(run);
  if (!run.notes().has_value()) co_await learning;
  auto request = run.get("/relaties/" + id);
  const auto answer = co_await run.http_any(request);
  if (answer.ok()) {
    const auto row = answer.json();
    if (is_internal(row)) throw unmappable("a relation of SnelStart's own, which is no company");
    const auto& countries = std::any_cast<const lookup&>(run.notes());
    co_return run.fields().map(row, "/id", "/modifiedOn", countries).of_id(id);
  }
  const auto said = read_refusal(answer);
  if (said.code == "ALG-0105") co_return to_inactive_company(id);
  if (said.code == "REL-0005") co_return record::not_there(entity::company, id);
  if (answer.status == 404 && !answer.is_page() && said.words != "Resource not found")
    co_return record::not_there(entity::company, id);
  if (said.code == "ALG-0100" || said.code == "ALG-0103") throw unmappable("an id that SnelStart refuses");
  const auto failure = failure_of(request, answer);
  // The list was read in the same run: it is this one relation that is not shown.
  if (failure->reason() == verdict::scope_missing) throw unmappable("a relation that is not shown to this key");
  throw *failure;
}

// ---- probe: whose administration is it, and may its relations be read?

task<> snelstart::probe(probe_run& run) {
  auto asking = ask(run, run.get("/companyInfo"), failure_of);
  const auto company = co_await asking;
  for (const auto* needed : {"/relaties?$top=1", "/landen"}) {
    auto reading = ask_of_stream(run, "relaties", run.get(needed), failure_of);
    co_await reading;
  }

  const auto id = company["administratieIdentifier"].text().value_or("");
  if (id.empty()) throw job_failure(verdict::bug, "companyInfo does not say which administration this is");
  const auto name = company["administratieNaam"].text().value_or("");
  run.account(id, name.empty() ? company["bedrijfsnaam"].text().value_or("") : name);
}

}  // namespace koppel::snelstart

KOPPEL_PLUGIN(koppel::snelstart::snelstart)
