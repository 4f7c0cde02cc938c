// SPDX-License-Identifier: Apache-2.0
// The connector against the simulated SnelStart of koppel-provider-sim, which shares no code with it.
#include <koppel/testing/scripted_host.hpp>

#include "simulator.hpp"
#include "snelstart/snelstart.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <catch2/catch.hpp>
#include <set>

namespace sim = koppel::provider_sim;
using namespace koppel::testing;
namespace json = boost::json;

namespace {

struct pair {
  sim::beginning with{7, sim::instant{std::chrono::sys_days{std::chrono::year{2026} / 5 / 1}},
                      [count = 0](std::size_t bytes) mutable {
                        auto text = std::to_string(++count);
                        return std::string(2 * bytes - text.size(), '0') + text;
                      }};
  sim::instant now = with.at;
  std::unique_ptr<sim::simulator> snelstart;
  scripted_host host{load_plugin(SNELSTART_PLUGIN)};

  explicit pair(std::size_t companies, sim::snelstart::knobs settings = {}) {
    settings.minute_limit = settings.hour_limit = 100'000;
    const sim::snelstart::options given{companies, settings};
    snelstart = std::make_unique<sim::simulator>(std::make_unique<sim::snelstart::bookkeeping>(given, with), with);
  }

  /// What the host does: both keys.
  answer operator()(const asked& of) {
    sim::request buying;
    buying.method = "POST";
    buying.host = "auth.snelstart.nl";
    buying.path = "/b2b/token";
    buying.content_type = "application/x-www-form-urlencoded";
    buying.body = "grant_type=clientkey&clientkey=a29wcGVsc2xldXRlbDo%2BPz8%2FdmFuIGRlIGJha2tlcmlqL01hZXM%2BPg%3D%3D";
    const auto bought = json::parse(snelstart->serve(buying, now).body);
    sim::request out;
    out.method = of.method;
    out.host = of.host;
    out.path = of.path;
    out.query = of.query;
    out.authorization = "Bearer " + std::string(bought.at("access_token").as_string());
    out.headers = {{"ocp-apim-subscription-key", sim::snelstart::knobs().subscription_key}};
    const auto said = snelstart->serve(out, now);
    return {said.status, said.body, said.headers};
  }

  void run(const job_options& given) {
    auto options = given;
    options.now = now.time_since_epoch().count();
    host.sync("relaties", options);
    host.play(std::ref(*this));
    INFO(host.outcome().detail);
    REQUIRE(host.outcome().error.empty());
  }
  json::value order(const std::string& path, const std::string& body) {
    sim::request out;
    out.method = "POST";
    out.path = path;
    out.body = body;
    return json::parse(snelstart->control(out, now).body);
  }
  std::set<std::string> ids_there() {
    sim::request out;
    out.method = "GET";
    out.path = "/records";
    out.query = "entity=company";
    const auto lines = snelstart->control(out, now).body;
    std::set<std::string> all;
    for (std::size_t at = 0; at < lines.size(); at = lines.find('\n', at) + 1)
      all.insert(json::parse(lines.substr(at, lines.find('\n', at) - at)).at("id").as_string().c_str());
    return all;
  }
  std::set<std::string> ids_seen() const {
    std::set<std::string> all;
    for (const auto& [id, record] : host.records()) all.insert(id);
    return all;
  }
};

job_options full() {
  job_options out;
  out.full = true;
  return out;
}

}  // namespace

TEST_CASE("the connector reads the simulated administration to the last relation, and none of SnelStart's own",
          "[snelstart][simulator]") {
  sim::snelstart::knobs settings;
  settings.shuffle_lists = GENERATE(false, true);
  pair both(GENERATE(20, 3000), settings);
  both.run(full());

  CHECK(both.ids_seen() == both.ids_there());
  CHECK(both.host.log() == std::vector<std::string>{});
  for (const auto& page : both.host.pages()) CHECK(page.set_aside == 0);
}

TEST_CASE("a run between full ones finds what was added and changed, through both changes of the clock",
          "[snelstart][simulator]") {
  using namespace std::chrono;
  const auto change = GENERATE(sys_days{year{2026} / 10 / 25}, sys_days{year{2026} / 3 / 29});
  sim::snelstart::knobs settings;
  settings.zone = GENERATE("amsterdam", "utc");
  pair both(700, settings);
  both.now = change;
  both.run(full());

  for (int step = 0; step < 20; ++step) {
    both.now += minutes{17};
    std::set<std::string> expected;
    for (const auto* what : {"/records/change", "/records/add"}) {
      const auto done = both.order(what, R"({"entity":"company","count":2})");
      for (const auto& id : done.at("ids").as_array()) expected.insert(id.as_string().c_str());
    }
    job_options with;
    with.cursor = both.host.cursor();
    const auto pages = both.host.pages().size();
    both.run(with);
    std::set<std::string> read;
    for (auto at = pages; at < both.host.pages().size(); ++at)
      for (const auto& record : both.host.pages()[at].records) read.insert(record.id);
    for (const auto& id : expected) CHECK(read.contains(id));
  }
}

TEST_CASE("deleted and hidden relations are told apart by a read of their id", "[snelstart][simulator]") {
  pair both(20);
  const auto gone = both.order("/records/delete", R"({"entity":"company"})").at("ids").at(0);
  const auto hidden = both.order("/records/change", R"({"entity":"company"})").at("ids").at(0);
  both.order("/records/touch-id",
             R"({"entity":"company","id":)" + json::serialize(hidden) + R"(,"fields":{"nonactief":true}})");
  both.order("/knobs", R"({"hide_inactive":true})");
  both.host.refetch("relaties", {std::string(gone.as_string()), std::string(hidden.as_string())});
  both.host.play(std::ref(both));

  REQUIRE(both.host.outcome().error.empty());
  CHECK(both.host.records().at(std::string(gone.as_string())).gone);
  CHECK(both.host.records().at(std::string(hidden.as_string())).field("status") == R"("inactive")");
}

TEST_CASE("the probe finds the simulated administration", "[snelstart][simulator]") {
  pair both(5);
  both.host.probe();
  both.host.play(std::ref(both));
  CHECK(both.host.outcome().account_id == "7c9e6679-7425-40de-944b-e07fc1f90ae7");
  CHECK(both.host.outcome().account_name == "Bakkerij Maes");
  CHECK(both.host.outcome().streams_refused.empty());
}
