// SPDX-License-Identifier: Apache-2.0
// Routing by host and path, events out of it.
#include "workfront/workfront.hpp"

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <stdexcept>

#include "workfront/wire.hpp"

namespace koppel::provider_sim::workfront {
namespace {

namespace json = boost::json;

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out{""};
  for (const char c : text) {
    if (c == ',')
      out.emplace_back();
    else
      out.back() += c;
  }
  return out;
}

std::vector<environment> environments(const options& given) {
  std::vector<environment> out;
  for (const auto& domain : split(given.domains)) {
    for (const auto& lane : split(given.lanes)) {
      environment one{domain, lane};
      const auto good = [](const std::string& label) {
        return !label.empty() && label.size() <= 63 && std::all_of(label.begin(), label.end(), [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
        });
      };
      if (!good(domain) || !good(lane))
        throw std::runtime_error("--domains and --lanes are names of a-z, 0-9 and -, with commas between them");
      out.push_back(std::move(one));
    }
  }
  return out;
}

}  // namespace

attask::attask(const options& given, const beginning& with)
    : settings_(given.settings),
      environments_(environments(given)),
      records_(given.size, with.seed, with.at, settings_),
      oauth_(clients(), grants(), settings_, with.random),
      events_(settings_, with.random),
      api_(records_, grants(), events_, settings_, with.seed),
      disorder_(with.seed) {
  // A client for a first try by hand; its names do not depend on the seed.
  clients().put({"c7a1f09b3d4c4e8f90a7b1c9d2e3f4a5",
                 "b2c3d4e5f60718293a4b5c6d7e8f9010",
                 "Testo Pro+ Sync",
                 {},
                 {},
                 {default_customer, "Acme BVBA", environments_.front().host()}});
}

std::vector<std::string> attask::hosts() const {
  std::vector<std::string> out;
  for (const auto& one : environments_) {
    out.push_back(one.host());
    out.push_back(one.adobe_host());
  }
  return out;
}

std::optional<std::string> attask::complete_client(client& one) const {
  if (one.of.host.empty()) one.of.host = environments_.front().host();
  const auto at = environment_of(one.of.host);
  if (!at || std::find(environments_.begin(), environments_.end(), *at) == environments_.end())
    return "account.host is none of the hosts of this simulator";
  if (!parse_id(one.of.id)) return "account.id is a customer ID: 32 hexadecimal digits";
  return std::nullopt;
}

reply attask::serve(const request& asked, instant now) {
  const auto at = environment_of(asked.host);
  if (!at || std::find(environments_.begin(), environments_.end(), *at) == environments_.end()) {
    reply nobody;
    nobody.status = 404;
    nobody.content_type = "text/html";
    nobody.body = "<html><body>Not Found</body></html>";
    return nobody;
  }
  if (asked.path == "/integrations/oauth2/authorize") return oauth_.authorize(asked, *at, now);
  if (asked.path == "/integrations/oauth2/api/v1/token") return oauth_.token(asked, *at, now);
  auto answer = api_.handle(asked, *at, now);
  // Events tell the state before a change, so that must be kept from the first subscription on.
  records_.watch(!events_.empty());
  for (auto& one : events_.take_validations()) send(std::move(one));
  return answer;
}

void attask::announce(const record_change& change, instant now) {
  static constexpr std::array<std::string_view, 3> codes{"CMPY", "USER", "PROJ"};
  const auto before = records_.take_before();
  if (events_.empty()) return;
  std::vector<delivery> fresh;
  for (const auto& id : change.ids) {
    record_event event;
    event.type = change.what == "added" ? "CREATE" : change.what == "updated" ? "UPDATE" : "DELETE";
    event.object = codes[change.entity];
    event.id = id;
    event.user_id = records_.administrator_id();
    event.at = now;
    if (const auto old = before.find(id); old != before.end()) event.old_state = old->second;
    const auto place = records_.find(change.entity, id);
    if (place != no_slot)
      event.new_state =
          records_.shown(static_cast<entity>(change.entity), place, default_customer, {'.', settings_.utc_offset});
    for (auto& one : events_.deliveries_of(event)) fresh.push_back(std::move(one));
  }
  if (settings_.event_disorder) {
    for (std::size_t at = 0, count = fresh.size(); at < count; at += 10) fresh.push_back(fresh[at]);
    for (std::size_t at = fresh.size(); at > 1; --at) std::swap(fresh[at - 1], fresh[disorder_.below(at)]);
  }
  for (auto& one : fresh) send(std::move(one));
}

std::optional<reply> attask::control(const request& asked, const json::object& body, instant) {
  if (asked.method != "POST" || asked.path != "/sessions/end") return std::nullopt;
  const auto* id = body.if_contains("client_id");
  if (!id || !id->is_string() || !clients().find(id->get_string().c_str()))
    return json_reply(404, R"({"error":"no such client"})");
  return json_reply(200, json::serialize(json::object{{"ended", grants().end_access(id->get_string().c_str())}}));
}

offer as_offer() {
  const auto given = std::make_shared<options>();
  constexpr std::int64_t most = 10'000'000;
  offer out;
  out.name = "workfront";
  out.description = "Adobe Workfront, API v16 to v22";
  out.options.add("companies", given->size.companies, 0, most, "records at the start")
      .add("users", given->size.users, 1, most, "records at the start")
      .add("projects", given->size.projects, 0, most, "records at the start")
      .add("domains", given->domains, {}, "customers' domains, with commas between them")
      .add("lanes", given->lanes, {}, "lanes of each domain: my, preview, sb01");
  out.knobs = given->settings.list();
  out.make = [given](const beginning& with) { return std::make_unique<attask>(*given, with); };
  return out;
}

}  // namespace koppel::provider_sim::workfront
