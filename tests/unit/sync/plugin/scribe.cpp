// SPDX-License-Identifier: Apache-2.0
// A plugin that does what the provider's answers tell it: so a test writes a read page by page.
//   GET /things/list?at=<cursor> -> {"rows": ["a", "b"], "next": "<cursor>", "last": true, "learn": "<value>"}
// A row may be an object: {"id", "name", "repeat"} is a company with that name so many times over.
//   GET /things/one?id=<id>      -> {"name": "..."}, or 404: it is gone
// "odd" is the reason of a row set aside. "nap" makes it sleep for an hour after the page. Instead of rows an answer
// may say "crash", "refused", or "busy": for how many milliseconds.

#include <koppel/sdk/entities.hpp>
#include <koppel/sdk/plugin.hpp>

#include <unistd.h>

namespace {

using namespace koppel::sdk;

record company(std::string_view id, std::string_view name) {
  record r(entity::company, id);
  r.in("core").set(canonical::name, std::string(name));
  return r;
}

class scribe final : public connector {
 public:
  scribe() { stream("companies", entity::company, &scribe::list, &scribe::one); }
  std::string base_url(const job&) const override { return "https://api.nameplate.test"; }
  task<> probe(probe_run& run) override {
    run.account("42", "Acme");
    co_return;
  }

 private:
  task<> list(sync& run) {
    std::string at(run.resumed() || !run.full() ? run.cursor() : "");
    for (bool last = false; !last;) {
      auto request = run.get("/things/list?at=" + at + "&learned=" + std::string(run.setting("domain").value_or("")));
      const auto answer = (co_await run.http(std::move(request))).json();
      if (answer["crash"]) ::_exit(3);
      if (answer["refused"]) throw job_failure(verdict::authorise_again, "it does not like us");
      if (const auto ms = answer["busy"].integer()) {
        job_failure busy(verdict::try_again, "it is busy");
        busy.retry_after = std::chrono::milliseconds(*ms);
        throw busy;
      }
      if (const auto value = answer["learn"].text()) run.remember("domain", *value);
      auto page = run.page();
      for (const auto& row : answer["rows"].items()) page.upsert(of_row(row));
      if (const auto why = answer["odd"].text()) page.set_aside(*why);
      last = answer["last"].boolean().value_or(false);
      at = answer["next"].text().value_or("");
      co_await page.commit(at);
      if (answer["nap"]) co_await run.sleep(std::chrono::hours{1});
    }
  }

  static record of_row(const json& row) {
    if (const auto text = row.text()) return company(*text, *text);
    std::string name;
    for (auto times = row["repeat"].integer().value_or(1); times > 0; --times) name += row["name"].text().value_or("");
    return company(row["id"].text().value_or(""), name);
  }

  task<record> one(job& run, std::string id) {
    auto request = run.get("/things/one?id=" + id);
    const auto answer = co_await run.http_any(std::move(request));
    if (answer.status == 404) co_return record::not_there(entity::company, id);
    co_return company(id, answer["name"].text().value_or(""));
  }
};

}  // namespace

KOPPEL_PLUGIN(scribe)
