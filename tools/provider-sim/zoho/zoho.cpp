// SPDX-License-Identifier: Apache-2.0
// Routing by host: an accounts host for each data centre, and an API host for each of its environments.
#include "zoho/zoho.hpp"

namespace koppel::provider_sim::zoho {

crm::crm(const options& given, const beginning& with)
    : settings_(given.settings),
      records_(given.size, with.seed, with.at, settings_),
      oauth_(clients(), grants(), settings_, with.random),
      watches_(records_, settings_),
      api_(records_, clients(), grants(), watches_, settings_, with.random) {
  // A client for a first try by hand; its names do not depend on the seed.
  clients().put({"1000.5E1F7AC09B3D4C2E8F60A7B1C9D2E3",
                 "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b",
                 "Testo Pro+ Sync",
                 {"ZohoCRM.modules.accounts.READ", "ZohoCRM.modules.contacts.READ", "ZohoCRM.users.READ",
                  "ZohoCRM.org.READ", "ZohoCRM.notifications.ALL"},
                 {},
                 {"7328395000000000225", "Acme BVBA", "eu"}});
}

std::vector<std::string> crm::hosts() const {
  std::vector<std::string> out;
  for (const auto& one : data_centres) {
    out.emplace_back(one.accounts_host);
    for (const auto environment : environments) out.push_back(api_host(one, environment));
  }
  return out;
}

reply crm::serve(const request& asked, instant now) {
  for (const auto& one : data_centres)
    for (const auto environment : environments)
      if (asked.host == api_host(one, environment)) return api_.handle(asked, now);
  if (const auto* here = centre_where(&data_centre::accounts_host, asked.host)) {
    if (asked.path == "/oauth/v2/auth") return oauth_.authorize(asked, *here, now);
    if (asked.path == "/oauth/v2/token") return oauth_.token(asked, *here, now);
    if (asked.path == "/oauth/v2/token/revoke" && asked.method == "POST") return oauth_.revoke(asked);
  }
  return api_error(400, "INVALID_HOST", "the host is not one of the API's");
}

std::optional<std::string> crm::complete_client(client& one) const {
  if (one.of.host.empty()) one.of.host = "eu";
  if (home_of(one.of.host)) return std::nullopt;
  return "account.host is the location of a data centre: us, eu, in, au, jp, cn, ca, sa or uk; in a sandbox or a "
         "developer's organisation of it \"eu/sandbox\" or \"eu/developer\"";
}

void crm::announce(const record_change& change, instant now) {
  for (auto& one : watches_.on_change(change, now)) send(std::move(one));
}

offer as_offer() {
  const auto given = std::make_shared<options>();
  constexpr std::int64_t most = 10'000'000;
  offer out;
  out.name = "zoho";
  out.description = "Zoho CRM, API v8";
  out.options.add("accounts", given->size.accounts, 0, most, "records at the start")
      .add("contacts", given->size.contacts, 0, most, "records at the start")
      .add("users", given->size.users, 1, most, "records at the start");
  out.knobs = given->settings.list();
  out.make = [given](const beginning& with) { return std::make_unique<crm>(*given, with); };
  return out;
}

}  // namespace koppel::provider_sim::zoho
