// SPDX-License-Identifier: Apache-2.0
// Routing by host, webhooks out of it.
#include "teamleader/teamleader.hpp"

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "teamleader/api_errors.hpp"

namespace koppel::provider_sim::teamleader {

focus::focus(const options& given, const beginning& with)
    : settings_(given.settings),
      records_(given.size, with.seed, with.at),
      oauth_(clients(), grants(), settings_, with.random),
      hooks_(settings_),
      api_(records_, clients(), grants(), hooks_, settings_),
      disorder_(with.seed) {
  // A client for a first try by hand; its names do not depend on the seed.
  clients().put({"5e1f7ac09b3d4c2e8f60a7b1c9d2e3f4",
                 "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
                 "Testo Pro+ Sync",
                 {"companies", "contacts", "departments", "users"},
                 {},
                 {"5c9b1b6e-0e7d-0a34-b871-ac3e00000001", "Acme BVBA", ""}});
}

reply focus::serve(const request& asked, instant now) {
  if (asked.host == api_host) return api_.handle(asked, now);
  if (asked.host == oauth_host && asked.path == "/oauth2/authorize") return oauth_.authorize(asked, now);
  if (asked.host == oauth_host && asked.path == "/oauth2/access_token") return oauth_.token(asked, now);
  return api_error(404, "Not Found");
}

void focus::announce(const record_change& change, instant now) {
  const auto& subject = records_.entities()[change.entity];
  deliver(hooks_.on_change(subject + "." + change.what, subject, change.ids, now));
}

void focus::deliver(std::vector<delivery> fresh) {
  if (settings_.webhook_disorder) {
    for (std::size_t at = 0, count = fresh.size(); at < count; at += 10) fresh.push_back(fresh[at]);
    for (std::size_t at = fresh.size(); at > 1; --at) std::swap(fresh[at - 1], fresh[disorder_.below(at)]);
  }
  for (auto& one : fresh) send(std::move(one));
}

/// POST /links/change: contacts that get a company, lose one, or another function at one. Only an event of its own
/// tells.
std::optional<reply> focus::control(const request& asked, const boost::json::object& body, instant now) {
  struct kind {
    std::string_view name, event;
    dataset::relinking what;
  };
  static constexpr std::array<kind, 3> kinds{
      {{"linked", "contact.linkedToCompany", dataset::relinking::linked},
       {"unlinked", "contact.unlinkedFromCompany", dataset::relinking::unlinked},
       {"changed", "contact.updatedLinkToCompany", dataset::relinking::changed}}};
  if (asked.method != "POST" || asked.path != "/links/change") return std::nullopt;
  const auto* what = body.if_contains("what");
  const auto* count = body.if_contains("count");
  for (const auto& [name, event, how] : kinds) {
    if (!what || *what != boost::json::value(name)) continue;
    if (count && !(count->is_int64() && count->get_int64() >= 0)) break;
    const auto ids = records_.relink(how, count ? static_cast<std::size_t>(count->get_int64()) : 1);
    deliver(hooks_.on_change(std::string(event), "contact", ids, now));
    return json_reply(200,
                      boost::json::serialize(boost::json::object{{"ids", boost::json::array(ids.begin(), ids.end())}}));
  }
  return json_reply(400, R"({"error":"what is linked, unlinked or changed, count a number, 0 or more"})");
}

offer as_offer() {
  const auto given = std::make_shared<options>();
  constexpr std::int64_t most = 10'000'000;
  offer out;
  out.name = "teamleader";
  out.description = "Teamleader Focus, API V2";
  out.options.add("companies", given->size.companies, 0, most, "records at the start")
      .add("contacts", given->size.contacts, 0, most, "records at the start");
  out.knobs = given->settings.list();
  out.make = [given](const beginning& with) { return std::make_unique<focus>(*given, with); };
  return out;
}

}  // namespace koppel::provider_sim::teamleader
