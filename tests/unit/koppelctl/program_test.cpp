// SPDX-License-Identifier: Apache-2.0
// The whole program against a scripted daemon: what it asks, what it shows, how it ends.

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>
#include <cstring>

#include "fake_daemon.hpp"
#include "tools/koppelctl/control.hpp"

namespace {

using namespace koppel::test;
using Catch::Matchers::Contains;
using koppel::koppelctl::errc;
using koppel::koppelctl::exit_code;
namespace json = boost::json;

const std::string two_connections = R"({"connections":[
  {"provider":"teamleader","name":"acme","customer":"4711","app":"main","auth":{"status":"authorized","display":"Success",
   "account":{"id":"42","name":"株式会社","environment":""}},"streams":[{"stream":"contacts","records":1200},{"stream":"companies","records":34}]},
  {"provider":"teamleader","name":"other","customer":"","app":"main","auth":{"status":"waiting","display":"","account":null},"streams":[]}]})";

TEST_CASE("status shows the daemon at a glance", "[koppelctl]") {
  fake_daemon daemon;
  daemon.answer(
      "GET /v1/status", 200,
      R"({"version":"0.1.0","epoch":"e1","head":"12345","horizon":"4567","history_bytes":"3000000","started_at":"2026-07-26T10:00:00.000Z",
    "ingress":{"address":"127.0.0.1:8400","public_url":"http://127.0.0.1:8400"},"bus":{"folder":"/var/lib/koppel/bus"},
    "plugins":[{"name":"teamleader","version":"1.0","state":"running","jobs":2,"crashes":0,"reason":"","streams":[{"name":"contacts"},{"name":"companies"}]}],
    "connections":{"total":3,"by_status":{"authorized":2,"waiting":1,"removed":0}},
    "consumers":[{"name":"proplus","connected":true,"acked_seq":"12000","lag":"345","acked_at":"2026-07-26T10:00:01Z"}]})");

  const auto r = koppelctl_run(daemon.socket(), {"status"});

  CHECK(r.exit == exit_code::ok);
  CHECK_THAT(r.out, Contains("Koppel 0.1.0, running since 2026-07-26 10:00:00 UTC"));
  CHECK_THAT(r.out, Contains("epoch e1, 12 345 events, whole from 4 567, 3 MiB\n"));
  CHECK_THAT(r.out, Contains("3: 2 authorized, 1 waiting\n"));
  CHECK_THAT(r.out, Contains("teamleader  1.0      running     2        0  contacts, companies\n"));
  CHECK_THAT(r.out, Contains("proplus   yes              12 000     345  2026-07-26 10:00:01\n"));
  CHECK(r.err.empty());
}

TEST_CASE("status names the address of REST where there is one", "[koppelctl]") {
  fake_daemon daemon;
  daemon.answer("GET /v1/status", 200, R"({"admin":{"address":"127.0.0.1:8401"}})");
  CHECK_THAT(koppelctl_run(daemon.socket(), {"status"}).out, Contains("REST         127.0.0.1:8401\n"));

  fake_daemon another;
  another.answer("GET /v1/status", 200, R"({"admin":{"address":""}})");
  CHECK_THAT(koppelctl_run(another.socket(), {"status"}).out, !Contains("REST"));
}

TEST_CASE("a provider is shown with what to register and the steps in one language", "[koppelctl]") {
  const std::string provider = R"({"provider":"snelstart","title":"SnelStart","kind":"client_key","takes_webhooks":true,
    "guide":[{"nl":"Log in.","fr":"Connectez-vous.","en":"Log in, please."},{"nl":"Klik.","fr":"Cliquez.","en":"Click."}],)";
  fake_daemon daemon;
  daemon.answer("GET /v1/providers/snelstart", 200,
                provider + R"("webhooks":[{"app":"main","url":"https://k.example/webhook/snelstart/s3cret"}]})");
  const auto r = koppelctl_run(daemon.socket(), {"provider", "show", "snelstart", "--language", "fr"});
  CHECK(r.exit == exit_code::ok);
  CHECK_THAT(r.out, Contains("Webhook of app main\n  https://k.example/webhook/snelstart/s3cret\n"));
  CHECK_THAT(r.out, Contains("1. Connectez-vous.\n2. Cliquez.\n") && !Contains("Redirect address"));

  fake_daemon without_app;
  without_app.answer("GET /v1/providers/snelstart", 200, provider + R"("webhooks":[]})");
  CHECK_THAT(koppelctl_run(without_app.socket(), {"provider", "show", "snelstart"}).out,
             Contains("koppelctl app add snelstart/NAME"));
  CHECK(koppelctl_run(daemon.socket(), {"provider", "show", "../status"}).exit == exit_code::usage);
  CHECK(koppelctl_run(daemon.socket(), {"provider", "show", "snelstart", "--language", "de"}).exit == exit_code::usage);
}

TEST_CASE("what came by webhook is listed with what became of it", "[koppelctl]") {
  fake_daemon daemon;
  daemon.answer("GET /v1/webhooks?limit=5", 200, R"({"webhooks":[
    {"provider":"snelstart","app":"main","connection":"maes","received_at":"2026-07-26T10:00:00.123Z","state":"done","reason":"The key was taken."},
    {"provider":"snelstart","app":"main","connection":"","received_at":"2026-07-26T09:00:00.123Z","state":"unattributed","reason":"Nobody's."}]})");
  const auto r = koppelctl_run(daemon.socket(), {"webhook", "list", "--limit", "5"});
  CHECK(r.exit == exit_code::ok);
  CHECK_THAT(r.out, Contains("2026-07-26 10:00:00  snelstart/main  done          maes        The key was taken.\n"));
  CHECK_THAT(r.out, Contains("2026-07-26 09:00:00  snelstart/main  unattributed  -           Nobody's.\n"));
}

TEST_CASE("before the first webhook the list says where to look for addresses", "[koppelctl]") {
  fake_daemon daemon;
  daemon.answer("GET /v1/webhooks?limit=50", 200, R"({"webhooks":[]})");
  CHECK_THAT(koppelctl_run(daemon.socket(), {"webhook", "list"}).out,
             Contains("connection show") && Contains("webhook address") && Contains("provider show"));
}

TEST_CASE("a webhook address is shown with its token, where it has one", "[koppelctl]") {
  const std::string path = "GET /v1/connections/teamleader/acme/webhook-address";
  fake_daemon daemon;
  daemon.answer(path, 200, R"({"url":"https://k.example/webhook/teamleader/s3cret"})");
  daemon.answer(path, 200, R"({"url":"https://k.example/webhook/teamleader/s3cret","token":"t0k"})");
  const std::vector<std::string> address{"webhook", "address", "teamleader/acme"};

  CHECK(koppelctl_run(daemon.socket(), address).out ==
        "Address  https://k.example/webhook/teamleader/s3cret\nShow it to nobody but the provider.\n");
  CHECK_THAT(koppelctl_run(daemon.socket(), address).out, Contains("Token    t0k\nShow them to nobody"));
}

TEST_CASE("a token is made with what it may do, and is all that the output holds", "[koppelctl]") {
  fake_daemon daemon;
  daemon.answer("POST /v1/tokens", 201, R"({"name":"acme","token":"koppel_abc"})");

  const auto r = koppelctl_run(daemon.socket(),
                               {"token", "add", "acme", "--customer", "4711", "--scope", "read", "--scope", "sync"});
  CHECK(r.exit == exit_code::ok);
  CHECK(r.out == "koppel_abc\n");
  CHECK_THAT(r.err, Contains("not shown again"));
  CHECK(json::serialize(daemon.requests().back().body) ==
        R"({"name":"acme","scopes":["read","sync"],"customer":"4711"})");

  koppelctl_run(daemon.socket(), {"token", "add", "acme"});
  CHECK(json::serialize(daemon.requests().back().body) == R"({"name":"acme","scopes":["read"]})");
  // An empty customer is told to the daemon, which refuses it: it is not a token for everybody's.
  koppelctl_run(daemon.socket(), {"token", "add", "acme", "--customer", ""});
  CHECK(json::serialize(daemon.requests().back().body) == R"({"name":"acme","scopes":["read"],"customer":""})");
  CHECK(koppelctl_run(daemon.socket(), {"token", "add", "acme", "--scope", "write"}).exit == exit_code::usage);
}

TEST_CASE("tokens are listed with whose and what they are, and revoked by name", "[koppelctl]") {
  fake_daemon daemon;
  daemon.answer("GET /v1/tokens", 200, R"({"tokens":[
    {"name":"acme","customer":"4711","scopes":["read","sync"],"created_at":"2026-07-26T10:00:00.000Z","last_used_at":null},
    {"name":"all","customer":null,"scopes":["admin"],"created_at":"2026-07-26T10:00:00.000Z","last_used_at":"2026-07-27T10:00:00.000Z"}]})");
  daemon.answer("DELETE /v1/tokens/acme", 200, R"({"revoked":"acme"})");

  const auto listed = koppelctl_run(daemon.socket(), {"token", "list"}).out;
  CHECK_THAT(listed, Contains("acme   4711      read, sync  2026-07-26 10:00:00"));
  CHECK_THAT(listed, Contains("all    all       admin       2026-07-26 10:00:00  2026-07-27 10:00:00"));
  CHECK_THAT(koppelctl_run(daemon.socket(), {"token", "revoke", "acme"}).out, Contains("opens nothing any more"));
  CHECK(koppelctl_run(daemon.socket(), {"token", "revoke", "../apps"}).exit == exit_code::usage);
}

TEST_CASE("status says in a line that the daemon's disk is full, since when and how full", "[koppelctl]") {
  fake_daemon daemon;
  daemon.answer("GET /v1/status", 200,
                R"({"version":"0.1.0","epoch":"e1","head":"1","disk":{"full":true,"since":"2026-07-26T10:00:00.000Z",
    "free_bytes":12582912,"kept_bytes":67108864}})");

  const auto r = koppelctl_run(daemon.socket(), {"status"});

  CHECK_THAT(r.out, Contains("Disk         full since 2026-07-26 10:00:00 UTC: 12 MiB free, 64 MiB kept."));

  fake_daemon another;
  another.answer("GET /v1/status", 200, R"({"version":"0.1.0","disk":{"full":false,"since":null,"free_bytes":1}})");
  CHECK_THAT(koppelctl_run(another.socket(), {"status"}).out, !Contains("Disk "));
}

TEST_CASE("lists are tables for people and the daemon's document for programs", "[koppelctl]") {
  fake_daemon daemon;
  daemon.answer("GET /v1/connections", 200, two_connections);

  const auto people = koppelctl_run(daemon.socket(), {"connection", "list"});
  const auto programs = koppelctl_run(daemon.socket(), {"connection", "list", "--json"});

  CHECK(people.out ==
        "CONNECTION        CUSTOMER  APP   STATUS      AUTH STATUS  ACCOUNT   RECORDS\n"
        "teamleader/acme   4711      main  authorized  Success      株式会社    1 234\n"
        "teamleader/other            main  waiting                                  0\n");
  CHECK(programs.out == json::serialize(json::parse(two_connections)) + "\n");
}

TEST_CASE("an empty list says how to begin", "[koppelctl]") {
  fake_daemon daemon;
  daemon.answer("GET /v1/connections", 200, R"({"connections":[]})");
  daemon.answer("GET /v1/apps", 200, R"({"apps":[]})");
  daemon.answer("GET /v1/plugins", 200, R"({"plugins":[]})");
  daemon.answer("GET /v1/consumers", 200, R"({"consumers":[]})");
  daemon.answer("GET /v1/syncs?limit=50", 200, R"({"runs":[],"queued":[]})");

  CHECK(koppelctl_run(daemon.socket(), {"connection", "list"}).out ==
        "No connections yet. Add one: koppelctl connection add teamleader/acme --app main\n");
  CHECK_THAT(koppelctl_run(daemon.socket(), {"app", "list"}).out, Contains("koppelctl app add"));
  CHECK_THAT(koppelctl_run(daemon.socket(), {"plugin", "list"}).out, Contains("No plugins"));
  CHECK_THAT(koppelctl_run(daemon.socket(), {"consumer", "list"}).out, Contains("No consumers"));
  CHECK_THAT(koppelctl_run(daemon.socket(), {"sync", "list"}).out, Contains("koppelctl sync run"));
}

TEST_CASE("a rescan shows what became of each plugin, and fails if one did", "[koppelctl]") {
  fake_daemon daemon;
  daemon.answer("POST /v1/plugins/rescan", 200, R"({"changes":[
    {"name":"teamleader","file":"/p/teamleader.so","version":"1.1","change":"replaced","reason":""}]})");
  daemon.answer("POST /v1/plugins/rescan", 200, R"({"changes":[
    {"name":"note.so","file":"/p/note.so","version":"","change":"failed","reason":"note.so is a text file"}]})");
  daemon.answer("POST /v1/plugins/rescan", 200, R"({"changes":[]})");

  const auto well = koppelctl_run(daemon.socket(), {"plugin", "rescan"});
  CHECK(well.exit == exit_code::ok);
  CHECK_THAT(well.out, Contains("teamleader  1.1      replaced"));

  const auto ill = koppelctl_run(daemon.socket(), {"plugin", "rescan"});
  CHECK(ill.exit == exit_code::refused);
  CHECK_THAT(ill.out, Contains("failed  note.so is a text file"));

  CHECK_THAT(koppelctl_run(daemon.socket(), {"plugin", "rescan"}).out, Contains("No plugins"));
}

TEST_CASE("an app's secret comes from the input, and is not shown", "[koppelctl]") {
  fake_daemon daemon;
  daemon.answer("POST /v1/apps", 201, R"({"id":"a1","provider":"teamleader","name":"main","client_id":"c1"})");

  const auto r = koppelctl_run(
      daemon.socket(),
      {"app", "add", "teamleader/main", "--client-id", "c1", "--redirect-uri", "https://x.example/", "--secret-stdin"},
      {"s3cret\r\nmore\n"});

  CHECK(r.exit == exit_code::ok);
  CHECK(daemon.body_of("POST /v1/apps") == json::parse(R"({"provider":"teamleader","name":"main","client_id":"c1",
      "client_secret":"s3cret","redirect_uri":"https://x.example/"})")
                                               .as_object());
  CHECK_THAT(r.out + r.err, Contains("teamleader/main added") && !Contains("s3cret"));
}

TEST_CASE("an app gets another secret, which is not shown either", "[koppelctl]") {
  fake_daemon daemon;
  daemon.answer("POST /v1/apps/teamleader/main/secret", 200, R"({"id":"a1","provider":"teamleader","name":"main"})");

  const auto r =
      koppelctl_run(daemon.socket(), {"app", "set-secret", "teamleader/main", "--secret-stdin"}, {"s3cret\n"});

  CHECK(r.exit == exit_code::ok);
  CHECK(daemon.body_of("POST /v1/apps/teamleader/main/secret") ==
        json::parse(R"({"client_secret":"s3cret"})").as_object());
  CHECK_THAT(r.out + r.err, Contains("teamleader/main has its new secret") && !Contains("s3cret"));
}

TEST_CASE("without a terminal an app's secret has to be announced, and must be there", "[koppelctl]") {
  fake_daemon daemon;

  const auto unannounced =
      koppelctl_run(daemon.socket(), {"app", "add", "teamleader/main", "--client-id", "c1"}, {"s3cret\n"});
  CHECK(unannounced.exit == exit_code::usage);
  CHECK_THAT(unannounced.err, Contains("--secret-stdin"));

  const auto empty =
      koppelctl_run(daemon.socket(), {"app", "add", "teamleader/main", "--client-id", "c1", "--secret-stdin"}, {"\n"});
  CHECK(empty.exit == exit_code::usage);
  CHECK(daemon.requests().empty());
}

TEST_CASE("a connection is added with its settings, shown and removed", "[koppelctl]") {
  fake_daemon daemon;
  daemon.answer("POST /v1/connections", 201, "{}");
  daemon.answer("GET /v1/connections/teamleader/acme", 200,
                R"({"id":"k1","provider":"teamleader","name":"acme","customer":"4711",
    "app":"main","settings":{"region":"eu"},"created_at":"2026-07-26T10:00:00Z","auth":{"status":"needs_reauth","display":"Failed, access revoked",
    "since":"2026-07-26T11:00:00Z","reason":"revoked","action":"reauthorise","action_by":"customer","hint":{"en":"Connect again."},"account":null},
    "streams":[{"stream":"contacts","records":7,"last_full_at":null,"last_success_at":"2026-07-26T10:30:00Z","failures":2,"last_error":"denied"}]})");
  daemon.answer("DELETE /v1/connections/teamleader/acme?purge=true", 200, "{}");

  const auto added = koppelctl_run(daemon.socket(), {"connection", "add", "teamleader/acme", "--app", "main",
                                                     "--customer", "4711", "--set", "region=eu", "--set", "note=a=b"});
  const auto shown = koppelctl_run(daemon.socket(), {"connection", "show", "teamleader/acme"});
  const auto removed = koppelctl_run(daemon.socket(), {"connection", "remove", "teamleader/acme", "--purge", "--yes"});

  CHECK(added.exit == exit_code::ok);
  CHECK(daemon.body_of("POST /v1/connections") == json::parse(R"({"provider":"teamleader","name":"acme","app":"main",
      "customer":"4711","settings":{"region":"eu","note":"a=b"}})")
                                                      .as_object());
  CHECK_THAT(shown.out, Contains("Status        needs_reauth, since 2026-07-26 11:00:00 UTC\n"));
  CHECK_THAT(shown.out, Contains("Auth Status   Failed, access revoked\n"));
  CHECK_THAT(shown.out, Contains("Reason        Access was revoked at the provider.\n"));
  CHECK_THAT(shown.out, Contains("Hint          Connect again.\n"));
  CHECK_THAT(shown.out, Contains("contacts        7  -                2026-07-26 10:30:00         2  denied\n"));
  CHECK(removed.exit == exit_code::ok);
}

TEST_CASE("settings of a connection are changed, with a code where one is pasted", "[koppelctl]") {
  fake_daemon daemon;
  const std::string line = "PATCH /v1/connections/generic/crm";
  daemon.answer(line, 200, R"({"auth":{"status":"authorized","display":"Success"},
    "connection":{"settings":{"pkce":"no","token_url":"https://x.example/token"}}})");
  const auto plain = koppelctl_run(daemon.socket(), {"connection", "set", "generic/crm", "pkce=no", "scopes="});
  CHECK(plain.exit == exit_code::ok);
  CHECK(plain.out == "Settings of generic/crm: pkce=no, token_url=https://x.example/token\n");
  CHECK(daemon.body_of(line) == json::parse(R"({"settings":{"pkce":"no","scopes":""}})").as_object());

  daemon.answer(line, 200, R"({"auth":{"status":"needs_reauth","display":"Failed, Status code: BadRequest",
    "reason":"code_refused","action":"reauthorise","action_by":"customer"},
    "connection":{"settings":{},"auth":{"status":"authorized"}}})");
  // The first answer is used up now.
  koppelctl_run(daemon.socket(), {"connection", "set", "generic/crm", "pkce=no"});
  const auto refused =
      koppelctl_run(daemon.socket(),
                    {"connection", "set", "generic/crm", "token_url=https://y.example/token", "--paste"}, {"c0de\n"});
  CHECK(refused.exit == exit_code::refused);
  CHECK_THAT(refused.out, Contains("Failed, Status code: BadRequest"));
  CHECK_THAT(refused.out, Contains("generic/crm goes on with the access that it has, and with its former settings."));
  CHECK(daemon.requests().back().body ==
        json::parse(R"({"settings":{"token_url":"https://y.example/token"},"code":"c0de"})").as_object());
  CHECK(koppelctl_run(daemon.socket(), {"connection", "set", "generic/crm", "pkce=no", "--paste"}).exit ==
        exit_code::usage);
}

TEST_CASE("a word that is no command is named", "[koppelctl]") {
  const std::vector<std::vector<std::string>> wrong{{"conection"}, {"connection", "lst"}};
  for (const auto& words : wrong) {
    const auto r = koppelctl_run("/nowhere", words);
    CHECK(r.exit == exit_code::usage);
    CHECK_THAT(r.err, Contains("\"" + words.back() + "\" is not known here."));
  }
}

TEST_CASE("nothing is removed without a yes", "[koppelctl]") {
  fake_daemon daemon;

  const auto nobody = koppelctl_run(daemon.socket(), {"connection", "remove", "teamleader/acme"}, {"y\n"});
  CHECK(nobody.exit == exit_code::usage);
  CHECK_THAT(nobody.err, Contains("--yes"));

  const auto no = koppelctl_run(daemon.socket(), {"connection", "remove", "teamleader/acme"}, {"\n", true});
  CHECK(no.exit == exit_code::refused);
  CHECK_THAT(no.err, Contains("Nothing was removed"));
  CHECK(daemon.requests().empty());
}

TEST_CASE("webhooks that were left at the provider are told beside the removal, with what to do", "[koppelctl]") {
  fake_daemon daemon;
  const std::string left = "Webhooks that the provider may send to https://k.example could not be removed: because.";
  daemon.answer("DELETE /v1/connections/teamleader/acme", 200,
                R"({"removed":"teamleader/acme","purged":false,"webhooks_left":")" + left + "\"}");
  const auto r = koppelctl_run(daemon.socket(), {"connection", "remove", "teamleader/acme", "--yes"});
  CHECK(r.exit == exit_code::ok);
  CHECK(r.out == "Connection teamleader/acme removed.\n");
  CHECK_THAT(r.err, Contains(left) && Contains("remove them at teamleader by hand"));

  const auto program = koppelctl_run(daemon.socket(), {"--json", "connection", "remove", "teamleader/acme", "--yes"});
  CHECK_THAT(program.out, Contains(left));
  CHECK(program.err.empty());
}

TEST_CASE("the records of a connection that was removed before are erased, and that is said", "[koppelctl]") {
  fake_daemon daemon;
  daemon.answer("DELETE /v1/connections/teamleader/acme?purge=true", 200,
                R"({"removed":"teamleader/acme","removed_before":true,"purged":true,"webhooks_left":""})");
  const auto r = koppelctl_run(daemon.socket(), {"connection", "remove", "teamleader/acme", "--purge", "--yes"});
  CHECK(r.exit == exit_code::ok);
  CHECK(r.out == "Connection teamleader/acme was removed before; its records are erased now.\n");
}

TEST_CASE("what the daemon refuses is said in its own words, and escaped", "[koppelctl]") {
  fake_daemon daemon;
  daemon.answer("GET /v1/connections/teamleader/acme", 404,
                R"({"error":{"code":"not_found","message":"There is no connection teamleader/acme.\u001b[2J"}})");

  const auto r = koppelctl_run(daemon.socket(), {"connection", "show", "teamleader/acme"});

  CHECK(r.exit == exit_code::refused);
  CHECK(r.err == "koppelctl: There is no connection teamleader/acme.\\x1b[2J\n");
  CHECK(r.out.empty());
}

TEST_CASE("wrong arguments end with 2 and ask the daemon nothing", "[koppelctl]") {
  fake_daemon daemon;
  const auto arguments = GENERATE(
      std::vector<std::string>{}, std::vector<std::string>{"dance"}, std::vector<std::string>{"connection"},
      std::vector<std::string>{"connection", "show"}, std::vector<std::string>{"connection", "show", "../../etc"},
      std::vector<std::string>{"connection", "add", "teamleader/acme"},
      std::vector<std::string>{"connection", "add", "teamleader/acme", "--app", "main", "--set", "x"},
      std::vector<std::string>{"connection", "set", "teamleader/acme"},
      std::vector<std::string>{"connection", "set", "teamleader/acme", "region"},
      std::vector<std::string>{"connection", "set", "teamleader/acme", "region=eu", "--expect-account", "1"},
      std::vector<std::string>{"connection", "connect", "teamleader/acme", "--yes", "--expect-account", "1"},
      std::vector<std::string>{"connection", "connect", "teamleader/acme", "--timeout", "soon"},
      std::vector<std::string>{"sync", "list", "--limit", "0"}, std::vector<std::string>{"sync", "list", "acme"},
      std::vector<std::string>{"event", "follow", "--from", "yesterday"},
      std::vector<std::string>{"event", "list", "--all", "--limit", "3"},
      std::vector<std::string>{"status", "--colour"});

  const auto r = koppelctl_run(daemon.socket(), arguments);

  CHECK(r.exit == exit_code::usage);
  CHECK_FALSE(r.err.empty());
  CHECK(daemon.requests().empty());
}

TEST_CASE("help is there at every level, with examples", "[koppelctl]") {
  for (const auto& arguments : std::vector<std::vector<std::string>>{{"--help"},
                                                                     {"status", "--help"},
                                                                     {"plugin", "list", "--help"},
                                                                     {"app", "add", "--help"},
                                                                     {"app", "list", "--help"},
                                                                     {"connection", "add", "--help"},
                                                                     {"connection", "set", "--help"},
                                                                     {"connection", "list", "--help"},
                                                                     {"connection", "show", "--help"},
                                                                     {"connection", "remove", "--help"},
                                                                     {"connection", "connect", "--help"},
                                                                     {"sync", "run", "--help"},
                                                                     {"sync", "list", "--help"},
                                                                     {"event", "list", "--help"},
                                                                     {"event", "follow", "--help"},
                                                                     {"consumer", "list", "--help"}}) {
    const auto r = koppelctl_run("/nowhere", arguments);
    CHECK(r.exit == exit_code::ok);
    CHECK_THAT(r.out, Contains("\n  koppelctl "));
  }
}

TEST_CASE("a daemon that is not there is told with its socket and a way out", "[koppelctl]") {
  temporary_folder folder;

  const auto missing = koppelctl_run((folder.path / "control.sock").string(), {"status"});
  CHECK(missing.exit == exit_code::unreachable);
  CHECK_THAT(missing.err, Contains("there is no control socket " + (folder.path / "control.sock").string()) &&
                              Contains("koppeld --config"));

  // What a killed daemon leaves behind: a name that nobody listens on.
  const auto stale = (folder.path / "stale.sock").string();
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::strncpy(name.sun_path, stale.c_str(), sizeof name.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
  ::close(fd);
  const auto left = koppelctl_run(stale, {"status"});
  CHECK(left.exit == exit_code::unreachable);
  CHECK_THAT(left.err, Contains("nobody listens"));

  const auto forbidden =
      koppel::koppelctl::unreachable("/run/x.sock", make_error_code(boost::system::errc::permission_denied));
  CHECK(forbidden.code == errc::unreachable);
  CHECK_THAT(forbidden.detail, Contains("No permission") && Contains("/run/x.sock"));
}

TEST_CASE("a socket's path that the system would cut is a wrong argument", "[koppelctl]") {
  CHECK(koppelctl_run("/" + std::string(106, 's'), {"status"}).exit == exit_code::unreachable);
  CHECK(koppelctl_run("/" + std::string(107, 's'), {"status"}).exit == exit_code::usage);
  CHECK(koppelctl_run("", {"status"}).exit == exit_code::usage);
}

TEST_CASE("a daemon that breaks off or talks nonsense harms nobody", "[koppelctl]") {
  fake_daemon daemon;
  const auto [bytes, exit, sentence] = GENERATE(table<std::string, exit_code, std::string>({
      {"", exit_code::unreachable, "broke off"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}", exit_code::unreachable, "broke off"},
      {"SMTP ready\r\n\r\n", exit_code::unreachable, "broke off"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", exit_code::refused, "does not understand (HTTP 200)"},
      {"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", exit_code::refused, "does not understand (HTTP 404)"},
      {"HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\nboom", exit_code::refused, "same version"},
  }));
  daemon.answer_raw("GET /v1/status", bytes);

  const auto r = koppelctl_run(daemon.socket(), {"status"});

  CHECK(r.exit == exit);
  CHECK_THAT(r.err, Contains(sentence));
}

TEST_CASE("an answer of another version is shown as far as it is known", "[koppelctl]") {
  fake_daemon daemon;
  daemon.answer("GET /v1/connections", 200,
                R"({"connections":[7,{"provider":"teamleader","name":5,"auth":"x","streams":null}],"new":1})");

  const auto r = koppelctl_run(daemon.socket(), {"connection", "list"});

  CHECK(r.exit == exit_code::ok);
  CHECK_THAT(r.out, Contains("teamleader/5"));
}

}  // namespace
