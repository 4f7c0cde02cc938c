// SPDX-License-Identifier: Apache-2.0
// The connector of Almanac, the simulation's provider: two lists, oldest change first, each page after the `changed` of
// the last row. It is built as a library, which the host reads the manifest of, and into the simulation, which runs it.
#include <koppel/sdk/plugin.hpp>

namespace {

using namespace koppel::sdk;

class almanac : public connector {
 public:
  almanac() {
    fields_in_manifest();
    stream("people", entity::contact, &almanac::people, &almanac::person);
    stream("firms", entity::company, &almanac::firms, &almanac::firm);
  }
  std::string base_url(const job&) const override { return "https://api.almanac.test"; }

  task<> probe(probe_run& run) override {
    auto request = run.get("/me");
    const auto me = (co_await run.http(std::move(request))).json();
    run.account(me["account"].text().value_or(""), me["title"].text().value_or(""));
  }

 private:
  task<> people(sync& run) { return read(run, "/people"); }
  task<> firms(sync& run) { return read(run, "/firms"); }
  task<record> person(job& run, std::string id) { return one(run, "/people/", std::move(id)); }
  task<record> firm(job& run, std::string id) { return one(run, "/firms/", std::move(id)); }

  task<> read(sync& run, std::string_view path) {
    const bool from_the_start = run.full() && !run.resumed();
    std::string since(from_the_start ? "" : run.cursor());
    for (bool more = true; more;) {
      auto request = run.get(path).query("since", since);
      const auto answer = co_await run.http(std::move(request));
      const auto rows = answer.array("rows");
      auto page = run.page();
      page.add_rows(rows, [&run](const json& row) { return run.fields().map(row, "/id", "/changed"); });
      const auto last = rows.empty() ? json() : rows[rows.size() - 1];
      const std::string newest(last["changed"].text().value_or(since));
      more = answer["more"].boolean().value_or(false);
      if (more && newest == since) throw job_failure(verdict::bug, "Almanac says that there is more, and shows none");
      since = newest;
      co_await page.commit(since);
    }
  }

  task<record> one(job& run, std::string path, std::string id) {
    auto request = run.get(path + id);
    const auto answer = co_await run.http_any(request);
    if (answer.status == 404) co_return record::not_there(run.fields().entity(), id);
    if (!answer.ok()) throw http_error(request, answer);
    co_return run.fields().map(answer.json(), "/id", "/changed");
  }
};

}  // namespace

KOPPEL_PLUGIN(almanac)
