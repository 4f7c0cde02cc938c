// SPDX-License-Identifier: Apache-2.0
// Which events Teamleader is asked to post, and that only what is missing is asked for.
#include <koppel/testing/scripted_host.hpp>

#include <catch2/catch.hpp>

using namespace koppel::testing;

namespace {

const std::string our_address(scripted_host::webhook_address);

std::string registered(const std::string& types) {
  return R"({"data":[{"url":"https://elsewhere.example","types":["contact.linkedToCompany"]},{"url":")" + our_address +
         R"(","types":[)" + types + "]}]}";
}

const std::string of_records =
    R"("company.added","company.updated","company.deleted","contact.added","contact.updated","contact.deleted")";
const std::string of_links =
    R"("contact.linkedToCompany","contact.unlinkedFromCompany","contact.updatedLinkToCompany")";

}  // namespace

TEST_CASE("a connection that was registered before links had events gets those, and no other twice",
          "[teamleader][webhooks]") {
  scripted_host host(load_plugin(TEAMLEADER_PLUGIN));
  host.register_webhooks();
  host.expect("POST", "/webhooks.list");
  host.answer(200, registered(of_records));
  CHECK(host.expect("POST", "/webhooks.register").body ==
        R"({"url":")" + our_address + R"(","types":[)" + of_links + "]}");
  host.answer(204, "");
  CHECK(host.outcome().error.empty());
}

TEST_CASE("where all is registered nothing is asked for, and a removal names all of it", "[teamleader][webhooks]") {
  scripted_host host(load_plugin(TEAMLEADER_PLUGIN));
  host.register_webhooks();
  host.answer(200, registered(of_links + ',' + of_records));
  CHECK(host.outcome().error.empty());

  host.remove_webhooks();
  const auto types = host.expect("POST", "/webhooks.unregister").json("/types");
  for (const auto* one : {"company.deleted", "contact.updated", "contact.unlinkedFromCompany"})
    CHECK(types.find(one) != std::string::npos);
  host.answer(204, "");
  CHECK(host.outcome().error.empty());
}
