// SPDX-License-Identifier: Apache-2.0
// connection connect: the conversation in all its courses.

#include <algorithm>
#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include "fake_daemon.hpp"

namespace {

using namespace koppel::test;
using Catch::Matchers::Contains;
using koppel::koppelctl::exit_code;
using koppel::koppelctl::language;
namespace json = boost::json;

const std::string at = "/v1/connections/teamleader/acme";

std::string auth(int generation, const std::string& status, const std::string& more = "") {
  return R"({"status":")" + status + R"(","generation":)" + std::to_string(generation) + more + "}";
}
std::string connection(const std::string& auth_object) {
  return R"({"provider":"teamleader","name":"acme","auth":)" + auth_object + "}";
}

const std::string acme = R"(,"display":"Success","account":{"id":"42","name":"Acme BVBA","environment":""})";
const std::string refused =
    R"(,"display":"Failed, Status code: BadRequest","reason":"code_refused","action":"reauthorise",
  "action_by":"customer","hint":{"nl":"Klik opnieuw op 'GEEF TOEGANG'.","en":"Make a new code."})";

/// A daemon whose connection waits, with a link that the callback answers or not.
struct daemon_with_link : fake_daemon {
  explicit daemon_with_link(bool own_callback) {
    answer("GET " + at, 200, connection(auth(1, "unconfigured")));
    answer(
        "POST " + at + "/attempts", 201,
        std::string(
            R"({"link":"https://focus.example/authorize?state=abc","redirect_uri":"https://k.example/callback/teamleader","own_callback":)") +
            (own_callback ? "true}" : "false}"));
  }
};

const std::vector<std::string> connect{"connection", "connect", "teamleader/acme"};
std::vector<std::string> connect_with(const std::vector<std::string>& more) {
  auto all = connect;
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

TEST_CASE("a callback that authorizes ends well", "[koppelctl][connect]") {
  daemon_with_link daemon(true);
  daemon.answer("GET " + at + "?after_generation=1&wait_s=20", 200, connection(auth(2, "waiting")));
  daemon.answer("GET " + at + "?after_generation=2&wait_s=20", 200,
                connection(auth(2, "waiting")));  // the wait was over
  daemon.answer("GET " + at + "?after_generation=2&wait_s=20", 200, connection(auth(3, "authorized", acme)));

  const auto r = koppelctl_run(daemon.socket(), connect_with({"--yes", "--redirect-uri", "https://other.example/"}));

  CHECK(r.exit == exit_code::ok);
  CHECK(r.out ==
        "https://focus.example/authorize?state=abc\nSuccess\nteamleader/acme is connected to «Acme BVBA» (id 42).\n");
  CHECK_THAT(r.err, Contains("Open this address in a browser where the account's administrator is logged in:"));
  CHECK(daemon.body_of("POST " + at + "/attempts") ==
        json::parse(R"({"confirmation":{"mode":"yes"},"redirect_uri":"https://other.example/"})").as_object());
}

TEST_CASE("what the first look found is not taken for the outcome", "[koppelctl][connect]") {
  daemon_with_link daemon(true);
  fake_daemon old;
  old.answer("GET " + at, 200, connection(auth(7, "needs_reauth", refused)));
  old.answer("POST " + at + "/attempts", 201, R"({"link":"https://l.example/","own_callback":true})");
  old.answer("GET " + at + "?after_generation=7&wait_s=20", 200, connection(auth(8, "authorized", acme)));

  CHECK(koppelctl_run(old.socket(), connect).exit == exit_code::ok);
}

TEST_CASE("a pasted code is sent as it is, and the daemon's outcome is shown", "[koppelctl][connect]") {
  daemon_with_link daemon(false);
  daemon.answer("POST " + at + "/code", 200,
                R"({"connection":)" + connection(auth(3, "authorized", acme)) + R"(,"outcome":)" +
                    auth(3, "authorized", acme) + "}");

  const auto r = koppelctl_run(daemon.socket(), connect_with({"--expect-account", "42"}),
                               {"https://k.example/?code=c0de&state=abc\r\n"});

  CHECK(r.exit == exit_code::ok);
  CHECK(daemon.body_of("POST " + at + "/code") ==
        json::parse(
            R"({"pasted":"https://k.example/?code=c0de&state=abc","confirmation":{"mode":"expect","account":"42"}})")
            .as_object());
  CHECK_THAT(r.out + r.err, Contains("«Acme BVBA»") && !Contains("c0de"));
}

TEST_CASE("with --paste it asks for the code although the callback would be ours", "[koppelctl][connect]") {
  daemon_with_link daemon(true);
  daemon.answer("POST " + at + "/code", 200,
                R"({"connection":)" + connection(auth(3, "authorized", acme)) + R"(,"outcome":)" +
                    auth(3, "authorized", acme) + "}");

  CHECK(koppelctl_run(daemon.socket(), connect_with({"--paste"}), {"c0de\n"}).exit == exit_code::ok);
  CHECK(daemon.lines().back() == "POST " + at + "/code");
}

TEST_CASE("where customers give a key it is asked for at once, and no link is made", "[koppelctl][connect]") {
  fake_daemon daemon;
  daemon.answer(
      "GET " + at, 200,
      R"({"provider":"teamleader","name":"acme","connects_by":"key","auth":)" + auth(1, "unconfigured") + "}");
  daemon.answer("POST " + at + "/code", 200,
                R"({"connection":)" + connection(auth(3, "authorized", acme)) + R"(,"outcome":)" +
                    auth(3, "authorized", acme) + "}");

  const auto r = koppelctl_run(daemon.socket(), connect_with({"--yes"}), {"k3y\n", true});

  CHECK(r.exit == exit_code::ok);
  CHECK_THAT(r.err, Contains("Paste the customer's key") && !Contains("Open this address"));
  CHECK_THAT(r.out + r.err, !Contains("k3y"));
  CHECK(daemon.lines() == std::vector<std::string>{"GET " + at, "POST " + at + "/code"});
  CHECK(daemon.body_of("POST " + at + "/code") ==
        json::parse(R"({"pasted":"k3y","confirmation":{"mode":"yes"}})").as_object());

  CHECK(koppelctl_run(daemon.socket(), connect).exit == exit_code::usage);
  CHECK(koppelctl_run(daemon.socket(), connect_with({"--redirect-uri", "https://a.example/"}), {"k3y\n"}).exit ==
        exit_code::usage);
}

TEST_CASE("a key that may come by itself is asked for with --paste alone", "[koppelctl][connect]") {
  const auto way = R"({"provider":"teamleader","name":"acme","connects_by":"link_or_key","auth":)";
  daemon_with_link by_link(true);
  by_link.answer("GET " + at, 200, way + auth(1, "unconfigured") + "}");
  const auto linked = koppelctl_run(by_link.socket(), connect_with({"--timeout", "1"}));
  CHECK_THAT(linked.err, Contains("Open this address"));

  fake_daemon by_key;
  by_key.answer("GET " + at, 200, way + auth(1, "unconfigured") + "}");
  by_key.answer("POST " + at + "/code", 200,
                R"({"connection":)" + connection(auth(3, "authorized", acme)) + R"(,"outcome":)" +
                    auth(3, "authorized", acme) + "}");
  CHECK(koppelctl_run(by_key.socket(), connect_with({"--paste", "--yes"}), {"k3y\n"}).exit == exit_code::ok);
  CHECK(by_key.lines() == std::vector<std::string>{"GET " + at, "POST " + at + "/code"});
}

TEST_CASE("a refused code ends with 1, the literal status and what to do, in the reader's language",
          "[koppelctl][connect]") {
  daemon_with_link daemon(false);
  const auto failed = auth(3, "needs_reauth", refused);
  daemon.answer("POST " + at + "/code", 200,
                R"({"connection":)" + connection(failed) + R"(,"outcome":)" + failed + "}");

  const auto r = koppelctl_run(daemon.socket(), connect, {"c0de\n", false, language::nl});

  CHECK(r.exit == exit_code::refused);
  CHECK_THAT(r.out, Catch::Matchers::EndsWith("Failed, Status code: BadRequest\n"
                                              "De provider weigert de code: vervallen of al gebruikt.\n"
                                              "De klant moet opnieuw toegang geven.\n"
                                              "Klik opnieuw op 'GEEF TOEGANG'.\n"));
}

TEST_CASE("after a refusal the link for the next try is printed", "[koppelctl][connect]") {
  daemon_with_link daemon(true);
  const auto failed = auth(3, "needs_reauth", refused);
  daemon.answer("GET " + at + "?after_generation=1&wait_s=20", 200,
                R"({"provider":"teamleader","name":"acme","auth":)" + failed +
                    R"(,"open_link":{"link":"https://focus.example/authorize?state=next"}})");

  const auto r = koppelctl_run(daemon.socket(), connect_with({"--yes"}));

  CHECK(r.exit == exit_code::refused);
  CHECK_THAT(r.out, Contains("A new link for the next try") &&
                        Catch::Matchers::EndsWith("\n\nhttps://focus.example/authorize?state=next\n"));
}

TEST_CASE("a refused second grant is a failure although the connection stays authorized", "[koppelctl][connect]") {
  daemon_with_link daemon(false);
  daemon.answer("POST " + at + "/code", 200,
                R"({"connection":)" + connection(auth(1, "authorized", acme)) + R"(,"outcome":)" +
                    auth(1, "needs_reauth", refused) + "}");

  CHECK(koppelctl_run(daemon.socket(), connect, {"c0de\n"}).exit == exit_code::refused);
}

TEST_CASE("a slip while pasting is told and asked again, at a terminal", "[koppelctl][connect]") {
  const std::string slip = R"({"error":{"code":"bad_code","message":"This is the client id, not the code."}})";

  daemon_with_link patient(false);
  patient.answer("POST " + at + "/code", 422, slip);
  patient.answer("POST " + at + "/code", 200,
                 R"({"connection":)" + connection(auth(3, "authorized", acme)) + R"(,"outcome":)" +
                     auth(3, "authorized", acme) + "}");
  const auto again = koppelctl_run(patient.socket(), connect, {"wrong\nright\n", true});
  CHECK(again.exit == exit_code::ok);
  CHECK_THAT(again.err, Contains("This is the client id, not the code."));

  daemon_with_link once(false);
  once.answer("POST " + at + "/code", 422, slip);
  const auto script = koppelctl_run(once.socket(), connect, {"wrong\nright\n"});
  CHECK(script.exit == exit_code::refused);
  CHECK_THAT(script.err, Contains("This is the client id, not the code."));
}

TEST_CASE("a grant that waits for a confirmation is asked about, by the account's name", "[koppelctl][connect]") {
  daemon_with_link daemon(true);
  daemon.answer("GET " + at + "?after_generation=1&wait_s=20", 200, connection(auth(2, "awaiting_confirmation", acme)));

  SECTION("yes connects it") {
    daemon.answer("POST " + at + "/confirmation", 200, connection(auth(3, "authorized", acme)));
    const auto r = koppelctl_run(daemon.socket(), connect, {"y\n", true});
    CHECK(r.exit == exit_code::ok);
    CHECK_THAT(r.err,
               Contains("This grant opens the account «Acme BVBA» (id 42). Connect teamleader/acme to it? [y/n]"));
    CHECK(daemon.body_of("POST " + at + "/confirmation") == json::object{{"accept", true}, {"account", "42"}});
  }
  SECTION("no rejects it") {
    daemon.answer("POST " + at + "/confirmation", 200, connection(auth(3, "waiting")));
    const auto r = koppelctl_run(daemon.socket(), connect, {"Nee \n", true});
    CHECK(r.exit == exit_code::refused);
    CHECK_THAT(r.err, Contains("Rejected"));
    CHECK(daemon.body_of("POST " + at + "/confirmation") == json::object{{"accept", false}, {"account", "42"}});
  }
  SECTION("anything else leaves it open and says what to do") {
    for (const auto* slip : {"\n", "yess\n", "42\n", "yno\n"}) {
      const auto r = koppelctl_run(daemon.socket(), connect, {slip, true});
      CHECK(r.exit == exit_code::refused);
      CHECK_THAT(r.err, Contains("nothing was changed") && Contains("--reject"));
    }
    CHECK(daemon.body_of("POST " + at + "/confirmation").empty());
  }
  SECTION("nobody to ask leaves it open and says how to answer ahead") {
    const auto r = koppelctl_run(daemon.socket(), connect);
    CHECK(r.exit == exit_code::refused);
    CHECK_THAT(r.err, Contains("--expect-account") && Contains("koppelctl connection confirm teamleader/acme"));
    CHECK(daemon.body_of("POST " + at + "/confirmation").empty());
  }
}

TEST_CASE("a grant that came earlier is settled first, at a terminal", "[koppelctl][connect]") {
  fake_daemon daemon;
  daemon.answer("GET " + at, 200, connection(auth(4, "awaiting_confirmation", acme)));
  daemon.answer("POST " + at + "/confirmation", 200, connection(auth(5, "authorized", acme)));

  const auto r = koppelctl_run(daemon.socket(), connect, {"ja\n", true});

  CHECK(r.exit == exit_code::ok);
  CHECK(daemon.lines() == std::vector<std::string>{"GET " + at, "POST " + at + "/confirmation"});
}

TEST_CASE("an attempt that failed is told, though the connection stays connected", "[koppelctl][connect]") {
  fake_daemon daemon;
  daemon.answer("GET " + at, 200, connection(auth(4, "authorized", acme)));
  daemon.answer("POST " + at + "/attempts", 201,
                R"({"link":"https://x/","redirect_uri":"https://y/","own_callback":true,"generation":4,"refusals":2})");
  daemon.answer("GET " + at + "?after_generation=4&after_refusals=2&wait_s=20", 200,
                R"({"connection":)" + connection(auth(4, "authorized", acme)) + R"(,"refusals":3,"outcome":)" +
                    auth(4, "needs_reauth", R"(,"display":"Failed, other account","hint":{"en":"Another account."})") +
                    "}");

  const auto r = koppelctl_run(daemon.socket(), connect, {"", true});

  CHECK(r.exit == exit_code::refused);
  CHECK_THAT(r.out + r.err, Contains("Failed, other account"));
  CHECK_THAT(r.out, Contains("teamleader/acme goes on with the access that it has."));
}

TEST_CASE("an answer given ahead settles a grant that waits, for that account alone", "[koppelctl][connect]") {
  fake_daemon daemon;
  daemon.answer("GET " + at, 200, connection(auth(4, "awaiting_confirmation", acme)));
  daemon.answer("POST " + at + "/confirmation", 200, connection(auth(5, "authorized", acme)));
  const auto expecting = [&](const std::string& id) {
    return koppelctl_run(daemon.socket(), {"connection", "connect", "teamleader/acme", "--expect-account", id});
  };

  const auto other = expecting("99");
  CHECK(other.exit == exit_code::refused);
  CHECK_THAT(other.err, Contains("not 99"));
  CHECK(daemon.body_of("POST " + at + "/confirmation").empty());
  CHECK(expecting("42").exit == exit_code::ok);
  CHECK(daemon.body_of("POST " + at + "/confirmation") == json::object{{"accept", true}, {"account", "42"}});
}

TEST_CASE("for programs there are two documents, one a line, and no prose", "[koppelctl][connect]") {
  daemon_with_link daemon(true);
  daemon.answer("GET " + at + "?after_generation=1&wait_s=20", 200, connection(auth(2, "authorized", acme)));

  const auto r = koppelctl_run(daemon.socket(), connect_with({"--json", "--yes"}));

  const auto line_end = r.out.find('\n');
  CHECK(json::parse(r.out.substr(0, line_end)) == json::parse(R"({"link":"https://focus.example/authorize?state=abc",
      "redirect_uri":"https://k.example/callback/teamleader","own_callback":true})"));
  CHECK(json::parse(r.out.substr(line_end + 1)) == json::parse(connection(auth(2, "authorized", acme))));
  CHECK(r.err.empty());
}

TEST_CASE("waiting for the callback has an end", "[koppelctl][connect]") {
  daemon_with_link daemon(true);
  daemon.answer("GET " + at + "?after_generation=1&wait_s=1", 200, connection(auth(1, "unconfigured")));

  const auto r = koppelctl_run(daemon.socket(), connect_with({"--timeout", "1"}));

  CHECK(r.exit == exit_code::refused);
  CHECK_THAT(r.err, Contains("Nobody gave access within 1 seconds"));
  CHECK(daemon.lines().back() == "GET " + at + "?after_generation=1&wait_s=1");
}

TEST_CASE("no code at all is a wrong use, and nothing is sent", "[koppelctl][connect]") {
  daemon_with_link daemon(false);

  CHECK(koppelctl_run(daemon.socket(), connect, {""}).exit == exit_code::usage);
  const auto lines = daemon.lines();
  CHECK(std::count(lines.begin(), lines.end(), "POST " + at + "/code") == 0);
}

TEST_CASE("a link is printed alone, and what to do with it beside it", "[koppelctl][link]") {
  fake_daemon daemon;
  daemon.answer("POST " + at + "/links", 201,
                R"({"id":"lnk-1","url":"https://k.example/connect/abc","expires_at":"2026-02-07T12:00:00Z"})");

  const auto r = koppelctl_run(daemon.socket(), {"connection", "link", "teamleader/acme", "--days", "14"});

  CHECK(r.exit == exit_code::ok);
  CHECK(r.out == "https://k.example/connect/abc\n");
  CHECK_THAT(r.err, Contains("not shown again") && Contains("koppelctl connection confirm teamleader/acme"));
  CHECK(daemon.body_of("POST " + at + "/links") == json::parse(R"({"days":14})").as_object());
  CHECK(koppelctl_run(daemon.socket(), {"connection", "link", "teamleader/acme", "--days", "31"}).exit ==
        exit_code::usage);
}

TEST_CASE("an account is confirmed by its id, and nothing where another waits or nobody can be asked",
          "[koppelctl][link]") {
  fake_daemon daemon;
  daemon.answer("GET " + at, 200, connection(auth(2, "awaiting_confirmation", acme)));
  daemon.answer("POST " + at + "/confirmation", 200, connection(auth(3, "authorized", acme)));
  const std::vector<std::string> confirm{"connection", "confirm", "teamleader/acme"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), confirm.begin(), confirm.end());
    return koppelctl_run(daemon.socket(), more);
  };

  CHECK(with({"--account", "43"}).exit == exit_code::refused);
  CHECK(with({}).exit == exit_code::usage);
  const auto asked = daemon.lines();
  CHECK(std::count(asked.begin(), asked.end(), "POST " + at + "/confirmation") == 0);
  const auto done = with({"--account", "42"});
  CHECK(done.exit == exit_code::ok);
  CHECK_THAT(done.out, Contains("teamleader/acme is connected to «Acme BVBA»"));
  CHECK(daemon.body_of("POST " + at + "/confirmation") == json::parse(R"({"accept":true,"account":"42"})").as_object());
  CHECK(with({"--reject", "--account", "42"}).exit == exit_code::usage);
}

TEST_CASE("an account that was accepted, and is another connection's by now, is told as refused", "[koppelctl][link]") {
  fake_daemon daemon;
  daemon.answer("GET " + at, 200, connection(auth(2, "awaiting_confirmation", acme)));
  daemon.answer("POST " + at + "/confirmation", 200,
                connection(auth(3, "needs_reauth", R"(,"display":"Failed, account in use","reason":"account_in_use",
    "action":"contact_provider","action_by":"operator","hint":{"en":"It is connected elsewhere."})")));

  const auto r = koppelctl_run(daemon.socket(), {"connection", "confirm", "teamleader/acme", "--account", "42"});

  CHECK(r.exit == exit_code::refused);
  CHECK_THAT(r.out, Contains("Failed, account in use") && Contains("under another name") &&
                        Contains("It is connected elsewhere.") && !Contains("is connected to"));
  const auto program =
      koppelctl_run(daemon.socket(), {"--json", "connection", "confirm", "teamleader/acme", "--account", "42"});
  CHECK(program.exit == exit_code::refused);
  CHECK_THAT(program.out, Contains("account_in_use"));
}

TEST_CASE("at the question whose account it is, only a plain no throws the grant away", "[koppelctl][link]") {
  fake_daemon daemon;
  daemon.answer("GET " + at, 200, connection(auth(2, "awaiting_confirmation", acme)));
  const auto typed = [&](const std::string& line) {
    return koppelctl_run(daemon.socket(), {"connection", "confirm", "teamleader/acme"}, {line, true});
  };
  for (const auto* slip : {"\n", "ys\n", "nope\n"}) {
    const auto r = typed(slip);
    CHECK(r.exit == exit_code::refused);
    CHECK_THAT(r.err, Contains("[y/n]") && Contains("nothing was changed") && Contains("--reject"));
  }
  CHECK(daemon.body_of("POST " + at + "/confirmation").empty());

  daemon.answer("POST " + at + "/confirmation", 200, connection(auth(3, "needs_reauth")));
  CHECK(typed("no\n").exit == exit_code::refused);
  CHECK(daemon.body_of("POST " + at + "/confirmation") ==
        json::parse(R"({"accept":false,"account":"42"})").as_object());
}

TEST_CASE("an account that is rejected on purpose ends well", "[koppelctl][link]") {
  fake_daemon daemon;
  daemon.answer("GET " + at, 200, connection(auth(2, "awaiting_confirmation", acme)));
  daemon.answer("POST " + at + "/confirmation", 200, connection(auth(3, "needs_reauth")));
  const auto r = koppelctl_run(daemon.socket(), {"connection", "confirm", "teamleader/acme", "--reject"});
  CHECK(r.exit == exit_code::ok);
  CHECK_THAT(r.out, Contains("Rejected: teamleader/acme"));
  CHECK(daemon.body_of("POST " + at + "/confirmation") ==
        json::parse(R"({"accept":false,"account":"42"})").as_object());
}

}  // namespace
