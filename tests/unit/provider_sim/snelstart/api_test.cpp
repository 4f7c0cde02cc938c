// SPDX-License-Identifier: Apache-2.0
// Lists, reads by id and refusals of the simulated SnelStart.
#include <catch2/catch.hpp>

#include "situation.hpp"
#include "snelstart/stamps.hpp"

using namespace koppel::provider_sim;
using namespace koppel::provider_sim::snelstart;
using namespace std::chrono_literals;

namespace {

instant at(const std::string& text) { return *parse_stamp(text); }

}  // namespace

TEST_CASE("a relation has every documented field, and its land is an id of landen", "[provider_sim][snelstart]") {
  situation s;
  const auto token = s.token();
  const auto lands = boost::json::parse(s.get(token, "/landen").body).as_array();
  const auto known = s.ids(lands);
  CHECK(lands.at(0).at("landcode") == "NL");
  CHECK(lands.at(0).at("landcodeISO") == "NLD");

  std::size_t addressed = 0;
  for (const auto& row : s.rows(token, "Relatiecode ge 1001")) {
    for (const auto* field : {"relatiesoort",
                              "modifiedOn",
                              "relatiecode",
                              "naam",
                              "vestigingsAdres",
                              "correspondentieAdres",
                              "telefoon",
                              "mobieleTelefoon",
                              "fax",
                              "email",
                              "btwNummer",
                              "kvkNummer",
                              "oin",
                              "factuurkorting",
                              "krediettermijn",
                              "kredietLimiet",
                              "bankieren",
                              "nonactief",
                              "memo",
                              "websiteUrl",
                              "aanmaningsoort",
                              "offerteEmailVersturen",
                              "bevestigingsEmailVersturen",
                              "factuurEmailVersturen",
                              "aanmaningEmailVersturen",
                              "offerteAanvraagEmailVersturen",
                              "bestellingEmailVersturen",
                              "ublBestandAlsBijlage",
                              "iban",
                              "bic",
                              "incassoSoort",
                              "factuurRelatie",
                              "inkoopBoekingenUri",
                              "verkoopBoekingenUri",
                              "documents",
                              "id",
                              "uri",
                              "extraVeldenKlant"}) {
      INFO(field);
      CHECK(row.as_object().contains(field));
    }
    CHECK(parse_stamp(row.at("modifiedOn").as_string().c_str()));
    CHECK(known.contains(row.at("vestigingsAdres").at("land").at("id").as_string().c_str()));
    addressed += row.at("vestigingsAdres").at("straat").is_string();
  }
  CHECK(addressed > 10);
  // landen looks at no filter, not even at nonsense.
  CHECK(boost::json::parse(s.get(token, "/landen", "$filter=Nonsense%20eq%201").body).as_array().size() ==
        lands.size());
}

TEST_CASE("a list has SnelStart's own relations too, pages by $top and $skip, and no promised order",
          "[provider_sim][snelstart]") {
  situation s(30);
  const auto token = s.token();
  const auto all = s.rows(token);
  CHECK(all.size() == 33);
  CHECK(s.rows(token) == all);  // the same each time
  auto pages = s.ids(s.rows(token, "", "$top=20"));
  pages.merge(s.ids(s.rows(token, "", "$top=20&$skip=20")));
  CHECK(pages == s.ids(all));
  CHECK(s.rows(token, "", "$skip=33").empty());

  const auto position = [](const boost::json::array& rows, const boost::json::value& id) {
    std::size_t at = 0;
    while (at < rows.size() && rows[at].at("id") != id) ++at;
    return at;
  };
  s.order("POST", "/records/add", R"({"entity":"company","count":10})");
  const auto last = all.back().at("id");
  CHECK(position(s.rows(token), last) > 32);  // pushed on by rows in between
  s.order("POST", "/knobs", R"({"shuffle_lists":true})");
  CHECK(s.rows(token) != s.rows(token));
  CHECK(s.ids(s.rows(token)).size() == 43);
}

TEST_CASE("$filter compares, and is as strict as SnelStart's", "[provider_sim][snelstart]") {
  situation s(30);
  s.now += 1h;
  const auto token = s.token();
  const auto changed = s.order("POST", "/records/change", R"({"entity":"company","count":3})").at("ids").as_array();
  const auto since = "ModifiedOn gt datetime'" + stamp_text(clock_reading(s.now - 1min, "amsterdam")) + "'";
  CHECK(s.rows(token, since).size() == 3);
  CHECK(s.rows(token, since + " and ModifiedOn lt datetime'2026-01-01'").empty());
  CHECK(s.rows(token, "ModifiedOn lt datetime'2026-01-01T02:00:00'").size() == 30);
  CHECK(s.rows(token, "Relatiesoort/any(r:r eq 'Eigen')").size() == 1);
  CHECK(s.rows(token, "Relatiecode lt 0").size() == 2);
  const std::string id(changed.at(0).as_string());
  CHECK(s.rows(token, "Id eq guid'" + id + "'").at(0).at("id") == changed.at(0));
  CHECK(s.rows(token, "Id ne guid'" + id + "'").size() == 32);

  const auto refused = [&](const std::string& filter) {
    const auto answer = s.get(token, "/relaties", "$filter=" + percent_encode(filter));
    CHECK(answer.status == 400);
    return std::string(boost::json::parse(answer.body).at("Message").as_string());
  };
  CHECK(refused("modifiedOn gt datetime'2026-01-01'") ==
        "Could not find a property named 'modifiedOn' on type 'SnelStart.B2B.Api.V2.Models.Relaties.RelatieModel'.");
  refused("ModifiedOn gt 2026-01-01T00:00:00Z");
  refused("ModifiedOn gt datetime'2026-01-01T00:00:00Z'");
  refused("ModifiedOn GT datetime'2026-01-01'");
  refused("ModifiedOn gt datetime'2026-01-01' and");
  refused("Relatiecode eq 'x'");
  refused("Id eq '" + id + "'");

  for (const auto* query : {"$top=0", "$top=501", "$top=x", "$skip=-1"})
    CHECK(boost::json::parse(s.get(token, "/relaties", query).body).as_object().contains("modelState"));
}

TEST_CASE("stamps have no zone, and show the clock of Amsterdam or UTC", "[provider_sim][snelstart]") {
  CHECK(clock_reading(at("2026-01-01T12:00:00"), "amsterdam") == at("2026-01-01T13:00:00"));
  CHECK(clock_reading(at("2026-03-29T00:59:59"), "amsterdam") == at("2026-03-29T01:59:59"));
  CHECK(clock_reading(at("2026-03-29T01:00:00"), "amsterdam") == at("2026-03-29T03:00:00"));
  CHECK(clock_reading(at("2026-10-25T00:59:59"), "amsterdam") == at("2026-10-25T02:59:59"));
  CHECK(clock_reading(at("2026-10-25T01:00:00"), "amsterdam") == at("2026-10-25T02:00:00"));  // an hour comes twice
  CHECK(clock_reading(at("2026-07-01T12:00:00"), "utc") == at("2026-07-01T12:00:00"));

  CHECK(stamp_text(at("2018-08-07T06:24:48.12")) == "2018-08-07T06:24:48.12");
  CHECK(stamp_text(at("2018-08-07T06:24:48.007")) == "2018-08-07T06:24:48.007");
  CHECK(stamp_text(at("2018-08-07T06:24:48")) == "2018-08-07T06:24:48");
  CHECK(stamp_text(at("2018-08-07")) == "2018-08-07T00:00:00");
  for (const auto* bad : {"", "2018", "2018-08-07T06:24:48Z", "2018-08-07T06:24:48+01:00", "2018-13-07"})
    CHECK_FALSE(parse_stamp(bad));
}

TEST_CASE("a relation is changed, deactivated and deleted through the control port", "[provider_sim][snelstart]") {
  situation s;
  const auto token = s.token();
  const auto id =
      std::string(s.order("POST", "/records/change", R"({"entity":"company"})").at("ids").at(0).as_string());
  const auto one = [&] { return boost::json::parse(s.get(token, "/relaties/" + id).body); };
  const auto touch = [&](const std::string& fields) {
    return s.ask_control("POST", "/records/touch-id",
                         R"({"entity":"company","id":")" + id + R"(","fields":)" + fields + "}");
  };
  const auto before = one();
  s.now += 5s;
  CHECK(touch(R"({"naam":"Anders","nonactief":true})").status == 200);
  CHECK(one().at("naam") == "Anders");
  CHECK(one().at("nonactief") == true);
  CHECK(one().at("modifiedOn") != before.at("modifiedOn"));
  CHECK(touch(R"({"relatiecode":7})").status == 400);
  CHECK(touch(R"({"nonactief":"ja"})").status == 400);
  CHECK(s.ids(s.rows(token)).contains(id));

  s.order("POST", "/knobs", R"({"hide_inactive":true})");
  CHECK_FALSE(s.ids(s.rows(token)).contains(id));
  CHECK(one().at(0).at("errorCode") == "ALG-0105");

  s.order("POST", "/records/delete", R"({"entity":"company","ids":[")" + id + R"("]})");
  CHECK(s.get(token, "/relaties/" + id).status == 404);
  CHECK(one().at(0).at("errorCode") == "REL-0005");
  s.order("POST", "/knobs", R"({"unknown_is_400":true})");
  CHECK(s.get(token, "/relaties/" + id).status == 400);
  CHECK(s.order("GET", "/counts").at("company") == 19);
}

TEST_CASE("what the gateway does not know, and ids that are none", "[provider_sim][snelstart]") {
  situation s;
  const auto token = s.token();
  for (const auto* path : {"/nothing", "/relaties/x/documents", "/"}) {
    const auto answer = s.get(token, path);
    CHECK(answer.status == 404);
    CHECK(boost::json::parse(answer.body).at("message") == "Resource not found");
  }
  CHECK(boost::json::parse(s.get(token, "/relaties/x").body).at(0).at("errorCode") == "ALG-0103");
  CHECK(s.get(token, "/landen/x").status == 404);
  const auto land = boost::json::parse(s.get(token, "/landen").body).at(1);
  CHECK(boost::json::parse(s.get(token, std::string(land.at("uri").as_string())).body) == land);
  CHECK(s.ask_control("POST", "/codes", R"({"client_id":"maes"})").status == 404);
}
