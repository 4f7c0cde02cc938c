// SPDX-License-Identifier: Apache-2.0
// The connector of Almanac, the simulation's provider: two lists, oldest change first, each page after the `changed` of
// the last row. It is built as a library, which the host reads the manifest of, and into the simulation, which runs it.
#include <koppel/sdk/plugin.hpp>

namespace {

using namespace koppel::sdk;

constexpr rule rules[] = {{"/name", "name", kinds::text}, {"/note", "remarks", kinds::text}};
constinit const field_map people_map{entity::contact, rules, {}};
constinit const field_map firms_map{entity::company, rules, {}};

record to_person(const json& row) { return map_row(people_map, row, "/id", "/changed"); }
record to_firm(const json& row) { return map_row(firms_map, row, "/id", "/changed"); }

class almanac : public connector {
 public:
  almanac() {
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
  task<> people(sync& run) { return read(run, "/people", to_person); }
  task<> firms(sync& run) { return read(run, "/firms", to_firm); }
  task<record> person(job& run, std::string id) {
    return one(run, "/people/", entity::contact, std::move(id), to_person);
  }
  task<record> firm(job& run, std::string id) { return one(run, "/firms/", entity::company, std::move(id), to_firm); }

  task<> read(sync& run, std::string_view path, record (*map)(const json&)) {
    const bool from_the_start = run.full() && !run.resumed();
    std::string since(from_the_start ? "" : run.cursor());
    for (bool more = true; more;) {
      auto request = run.get(path).query("since", since);
      const auto answer = co_await run.http(std::move(request));
      const auto rows = answer.array("rows");
      auto page = run.page();
      for (const auto& row : rows) page.add_row(row, map);
      const auto last = rows.empty() ? json() : rows[rows.size() - 1];
      const std::string newest(last["changed"].text().value_or(since));
      more = answer["more"].boolean().value_or(false);
      if (more && newest == since) throw job_failure(verdict::bug, "Almanac says that there is more, and shows none");
      since = newest;
      co_await page.commit(since);
    }
  }

  task<record> one(job& run, std::string path, std::string_view entity, std::string id, record (*map)(const json&)) {
    auto request = run.get(path + id);
    const auto answer = co_await run.http_any(request);
    if (answer.status == 404) co_return record::not_there(entity, id);
    if (!answer.ok()) throw http_error(request, answer);
    co_return map(answer.json());
  }
};

}  // namespace

KOPPEL_PLUGIN(almanac)
