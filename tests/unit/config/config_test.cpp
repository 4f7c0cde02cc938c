// SPDX-License-Identifier: Apache-2.0
// The configuration file: what it gives, and that every mistake is told with its place and a way out.

#include "host/config/config.hpp"
#include "tests/support/read_file.hpp"

#include <catch2/catch.hpp>

namespace {

using Catch::Matchers::Contains;
using koppel::config::environment;
using koppel::config::parse;
using namespace std::string_literals;

const std::string least = R"(data_folder = "/var/lib/koppel"
plugin_folder = "/usr/lib/koppel/plugins"
key_file = "/etc/koppel/key"
)";

/// What is said about `text`; empty where nothing is wrong.
std::string complaint(const std::string& text, const environment& env = {}) {
  const auto read = parse(text, "/etc/koppel/koppel.toml", env);
  return read ? "" : read.error().detail;
}

/// The same for lines added to a file that is right.
std::string complaint_about(const std::string& addition) { return complaint(least + addition); }

TEST_CASE("the least file gives every default", "[config]") {
  const auto c = parse(least, "/etc/koppel/koppel.toml");

  REQUIRE(c.has_value());
  CHECK(c->data_folder == "/var/lib/koppel");
  CHECK(c->plugin_folder == "/usr/lib/koppel/plugins");
  CHECK(c->key_file == "/etc/koppel/key");
  CHECK(c->runner.empty());
  CHECK(c->ingress.address == "127.0.0.1");
  CHECK(c->ingress.port == 8400);
  CHECK(c->ingress.public_url_at(8400) == "http://127.0.0.1:8400");
  CHECK(c->bus.folder == "/var/lib/koppel/bus");
  CHECK(c->bus.live == koppel::config::live_detail::thin);
  CHECK(c->control.socket == "/var/lib/koppel/control.sock");
  CHECK_FALSE(c->admin.port);
  CHECK(c->admin.address == "127.0.0.1");
  CHECK(c->log.level == "info");
  CHECK(c->log.file.empty());
  CHECK(c->sync.max_jobs == 16);
  CHECK(c->sync.hold_above_records == 100);
  CHECK(c->sync.hold_above_percent == 5);
  CHECK(c->sync.schedule);
  CHECK(c->retention.events == 30 * std::chrono::hours(24));
  CHECK(c->retention.hold == 90 * std::chrono::hours(24));
  CHECK(c->routes.empty());
  CHECK(c->limits.empty());
}

TEST_CASE("every key of the file arrives", "[config]") {
  const auto c = parse(least + R"(runner = "/opt/koppel-runner"
[ingress]
address = "::"
port = 0
exposed = true
public_url = "https://koppel.example/"
certificate = "/etc/koppel/cert.pem"
key = "key.pem"
proxy = ["127.0.0.1", "::1"]
[bus]
folder = "/run/koppel/bus"
live = "whole"
[control]
socket = "/run/koppel/control.sock"
[admin]
port = 0
address = "::"
name = "koppel.internal"
exposed_without_tls = true
[log]
level = "debug"
file = "/var/log/koppel.log"
[sync]
max_jobs = 4
interval_s = 60
full_interval_s = 3600
schedule = false
hold_above_records = 20
hold_above_percent = 1
[retention]
events_days = 7
hold_days = 14
[[route]]
host = "api.focus.teamleader.eu"
address = "127.0.0.1:8443"
ca_file = "/tmp/ca.pem"
[[route]]
host = "focus.teamleader.eu"
address = "[::1]:8443"
ca_file = "ca.pem"
[[limit]]
provider = "snelstart"
name = "minute"
requests = 500
)",
                       "/etc/koppel/koppel.toml");

  REQUIRE(c.has_value());
  CHECK(c->runner == "/opt/koppel-runner");
  CHECK(c->ingress.address == "::");
  CHECK(c->ingress.port == 0);
  CHECK(c->ingress.public_url_at(1234) == "https://koppel.example");
  CHECK(c->ingress.certificate == "/etc/koppel/cert.pem");
  CHECK(c->ingress.key == "/etc/koppel/key.pem");
  CHECK(c->ingress.proxies == std::vector<std::string>{"127.0.0.1", "::1"});
  CHECK(c->bus.folder == "/run/koppel/bus");
  CHECK(c->bus.live == koppel::config::live_detail::whole);
  CHECK(c->control.socket == "/run/koppel/control.sock");
  CHECK(c->admin.port == 0);
  CHECK(c->admin.address == "::");
  CHECK(c->admin.name == "koppel.internal");
  CHECK(c->admin.exposed_without_tls);
  CHECK(c->log.level == "debug");
  CHECK(c->log.file == "/var/log/koppel.log");
  CHECK(c->sync.max_jobs == 4);
  CHECK(c->sync.interval == std::chrono::minutes(1));
  CHECK(c->sync.full_interval == std::chrono::hours(1));
  CHECK_FALSE(c->sync.schedule);
  CHECK(c->sync.hold_above_records == 20);
  CHECK(c->sync.hold_above_percent == 1);
  CHECK(c->retention.events == 7 * std::chrono::hours(24));
  CHECK(c->retention.hold == 14 * std::chrono::hours(24));
  REQUIRE(c->routes.size() == 2);
  CHECK(c->routes[0].host == "api.focus.teamleader.eu");
  CHECK(c->routes[1].address == "[::1]:8443");
  CHECK(c->routes[1].ca_file == "/etc/koppel/ca.pem");
  REQUIRE(c->limits.size() == 1);
  CHECK(c->limits[0].provider == "snelstart");
  CHECK(c->limits[0].name == "minute");
  CHECK(c->limits[0].requests == 500);
}

TEST_CASE("a listener without a public address is found under its own", "[config]") {
  koppel::config::ingress v6;
  v6.address = "::1";

  CHECK(v6.public_url_at(99) == "http://[::1]:99");
}

TEST_CASE("relative paths start at the folder of the file", "[config]") {
  const auto c =
      parse("data_folder = \"data\"\nplugin_folder = \"../plugins\"\nkey_file = \"./key\"\n", "/srv/koppel/a.toml");

  REQUIRE(c.has_value());
  CHECK(c->data_folder == "/srv/koppel/data");
  CHECK(c->plugin_folder == "/srv/plugins");
  CHECK(c->key_file == "/srv/koppel/key");
  CHECK(c->control.socket == "/srv/koppel/data/control.sock");
}

TEST_CASE("an empty file is told everything that it lacks, at once", "[config]") {
  const auto said = complaint("");

  CHECK_THAT(said, Contains("data_folder is missing"));
  CHECK_THAT(said, Contains("plugin_folder is missing"));
  CHECK_THAT(said, Contains("key_file is missing") && Contains("openssl rand"));
}

TEST_CASE("an unknown key is a mistake with its place and the key that was meant", "[config]") {
  CHECK(complaint_about("[ingress]\n  adress = \"127.0.0.1\"\n") ==
        "/etc/koppel/koppel.toml:5:3: unknown key \"adress\" in [ingress]; did you mean \"address\"?");
  CHECK(complaint_about("[ingres]\nport = 1\n") ==
        "/etc/koppel/koppel.toml:4:2: unknown key \"ingres\"; did you mean \"ingress\"?");
  CHECK(complaint_about("colour = 1\n") == "/etc/koppel/koppel.toml:4:1: unknown key \"colour\".");
  CHECK(complaint_about("[sync]\nmax_josb = 1\n") ==
        "/etc/koppel/koppel.toml:5:1: unknown key \"max_josb\" in [sync]; did you mean \"max_jobs\"?");
}

TEST_CASE("several mistakes are told in the order of their lines", "[config]") {
  CHECK(complaint_about("[sync]\nmax_jobs = 0\nscheduel = true\n[ingress]\nport = \"abc\"\n") ==
        "/etc/koppel/koppel.toml:5:1: max_jobs of [sync] has to be a whole number from 1 to 10000.\n"
        "/etc/koppel/koppel.toml:6:1: unknown key \"scheduel\" in [sync]; did you mean \"schedule\"?\n"
        "/etc/koppel/koppel.toml:8:1: port of [ingress] has to be a whole number from 0 to 65535.");
}

TEST_CASE("a value of the wrong type or range is refused", "[config]") {
  const auto [addition, sentence] = GENERATE(table<std::string, std::string>({
      {"[ingress]\nport = 65536", "whole number from 0 to 65535"},
      {"[ingress]\nport = -1", "whole number from 0 to 65535"},
      {"[ingress]\nport = 80.5", "whole number from 0 to 65535"},
      {"[ingress]\nport = \"8400\"", "whole number from 0 to 65535"},
      {"[ingress]\nexposed = \"yes\"", "true or false"},
      {"[ingress]\naddress = \"localhost\"", "IP address"},
      {"[ingress]\naddress = \"127.0.0.1:80\"", "IP address"},
      {"[ingress]\naddress = 127", "text in quotes"},
      {"[ingress]\npublic_url = \"koppel.example\"", "web address"},
      {"[ingress]\ncertificate = \"c.pem\"", "key of [ingress] is missing"},
      {"[ingress]\nkey = \"k.pem\"", "certificate of [ingress] is missing"},
      {"[ingress]\ncertificate = \"c.pem\"\nkey = \"k.pem\"\npublic_url = \"http://127.0.0.1:8400\"", "https://"},
      {"[ingress]\nproxy = \"127.0.0.1\"", "list of texts"},
      {"[ingress]\nproxy = [\"127.0.0.1\", 7]", "list of texts"},
      {"[ingress]\nproxy = [\"proxy.example\"]", "IP addresses"},
      {"[ingress]\npublic_url = \"ftp://koppel.example\"", "web address"},
      {"[ingress]\npublic_url = \"https://me@koppel.example\"", "web address"},
      {"[ingress]\npublic_url = \"https://koppel.example/?a=b\"", "web address"},
      {"[ingress]\npublic_url = \"http://koppel.example\"", "https://"},
      {"[bus]\nlive = \"fat\"", "\"thin\", \"whole\""},
      {"[log]\nlevel = \"loud\"", "\"trace\", \"debug\""},
      {"[log]\nfile = \"a\\u0000b\"", "control characters"},
      {"[sync]\ninterval_s = 99999999999", "whole number"},
      {"runner = \"~/koppel-runner\"", "only a shell understands"},
      {"ingress = 1", "a table: [ingress]"},
      {"[route]\nhost = \"a\"", "[[route]]"},
      {"[[route]]\nhost = \"https://a\"\naddress = \"1.2.3.4:5\"\nca_file = \"x\"", "server's name alone"},
      {"[[route]]\nhost = \"a\"\naddress = \"1.2.3.4\"\nca_file = \"x\"", "IP address with a port"},
      {"[[route]]\nhost = \"a\"\naddress = \"1.2.3.4:0\"\nca_file = \"x\"", "IP address with a port"},
      {"[[route]]\nhost = \"a\"\naddress = \"localhost:8443\"\nca_file = \"x\"", "IP address with a port"},
      {"[[route]]\nhost = \"a\"\naddress = \"1.2.3.4:5\"", "ca_file of [[route]] is missing"},
      {"[[route]]\nhost = \"a\"\naddress = \"1.2.3.4:5\"\nca_file = \"\"", "must not be empty"},
      {"[[limit]]\nprovider = \"a\"\nname = \"b\"", "requests of [[limit]] is missing"},
      {"[[limit]]\nprovider = \"a\"\nname = \"b\"\nrequests = 0", "whole number from 1 to"},
      {"[[limit]]\nprovider = \"\"\nname = \"b\"\nrequests = 1", "must not be empty"},
      {"[[limit]]\nprovider = \"a\"\nname = \"b\"\nrequests = 1\n[[limit]]\nprovider = \"a\"\nname = \"b\"\n"
       "requests = 2",
       "has a figure already"},
      {"[[route]]\nhost = \"a\"\naddress = \"1.2.3.4:5\"\nca_file = \"x\"\n[[route]]\nhost = \"a\"\naddress = "
       "\"1.2.3.4:5\"\nca_file = \"x\"",
       "has a route already"},
  }));
  CAPTURE(addition);

  CHECK_THAT(complaint_about(addition), Contains(sentence));
}

TEST_CASE("a consumer that is behind is waited for at least as long as events are kept", "[config]") {
  CHECK_THAT(complaint_about("[retention]\nevents_days = 30\nhold_days = 29\n"), Contains("at least events_days"));
  CHECK(complaint_about("[retention]\nevents_days = 30\nhold_days = 30\n").empty());
  CHECK(complaint_about("[retention]\nevents_days = 0\n").empty());
  const auto long_kept = parse(least + "[retention]\nevents_days = 365\n", "/a.toml");
  REQUIRE(long_kept.has_value());
  CHECK(long_kept->retention.hold == 365 * std::chrono::hours(24));
}

TEST_CASE("a required path must not be empty", "[config]") {
  CHECK_THAT(complaint("data_folder = \"\"\nplugin_folder = \"/p\"\nkey_file = \"/k\"\n"),
             Contains(":1:1: data_folder must not be empty"));
}

TEST_CASE("a path that is wrong in another way is not called empty", "[config]") {
  const auto said = complaint("data_folder = \"~/data\"\nplugin_folder = 3\nkey_file = \"/k\"\n");

  CHECK_THAT(said, Contains("data_folder begins with ~") && Contains("plugin_folder has to be a text"));
  CHECK_THAT(said, !Contains("empty"));
}

TEST_CASE("two listeners on one port are told before the start", "[config]") {
  CHECK_THAT(complaint_about("[admin]\nport = 8400\n"),
             Contains(":5:8: port of [admin] is 8400, as that of [ingress]: each listener needs one of its own"));
  CHECK(complaint_about("[ingress]\nport = 0\n[admin]\nport = 0\n").empty());
  CHECK(complaint_about("[ingress]\naddress = \"127.0.0.2\"\n[admin]\nport = 8400\n").empty());
}

TEST_CASE("an address that others can reach has to be meant, and named", "[config]") {
  CHECK_THAT(complaint_about("[ingress]\naddress = \"0.0.0.0\"\n"), Contains("exposed = true"));
  CHECK_THAT(complaint_about("[ingress]\naddress = \"::\"\n"), Contains("exposed = true"));
  CHECK_THAT(complaint_about("[ingress]\naddress = \"10.1.2.3\"\nexposed = true\n"),
             Contains("public_url of [ingress] is missing"));
  CHECK(complaint_about("[ingress]\naddress = \"10.1.2.3\"\nexposed = true\npublic_url = \"https://k.example\"\n")
            .empty());
  CHECK(complaint_about("[ingress]\naddress = \"127.0.0.9\"\n").empty());
  CHECK(complaint_about("[ingress]\naddress = \"::1\"\n").empty());
}

TEST_CASE("REST listens in the open only where that is meant, and only where it has a port", "[config]") {
  CHECK_THAT(complaint_about("[admin]\nport = 8401\naddress = \"0.0.0.0\"\n"),
             Contains("address of [admin]") && Contains("exposed_without_tls = true"));
  CHECK_THAT(complaint_about("[admin]\naddress = \"10.1.2.3\"\n"), Contains("does not encrypt"));
  CHECK(complaint_about("[admin]\nport = 8401\naddress = \"10.1.2.3\"\nexposed_without_tls = true\n").empty());
  CHECK_THAT(complaint_about("[admin]\naddress = \"localhost\"\n"), Contains("has to be an IP address"));
  CHECK_THAT(complaint_about("[admin]\nport = 65536\n"), Contains("port of [admin]"));
  CHECK_THAT(complaint_about("[admin]\nport = \"8401\"\n"), Contains("port of [admin]"));
  CHECK_THAT(complaint_about("[admin]\nname = \"https://koppel.example/\"\n"), Contains("name of [admin]"));
  CHECK_THAT(complaint_about("[admin]\nexposed = true\n"), Contains("unknown key \"exposed\""));
  CHECK_FALSE(parse(least + "[admin]\naddress = \"::1\"\n", "/a.toml")->admin.port);
}

TEST_CASE("a socket's name that the system would cut is refused", "[config]") {
  const auto socket_of = [](std::size_t bytes) {
    return "[control]\nsocket = \"/" + std::string(bytes - 1, 's') + "\"\n";
  };
  CHECK(complaint_about(socket_of(107)).empty());
  CHECK_THAT(complaint_about(socket_of(108)),
             Contains(":5:10: socket of [control]") && Contains("107 bytes and has 108"));

  const auto folder_of = [](std::size_t bytes) { return "[bus]\nfolder = \"/" + std::string(bytes - 1, 's') + "\"\n"; };
  CHECK(complaint_about(folder_of(100)).empty());
  CHECK_THAT(complaint_about(folder_of(101)), Contains("folder of [bus]"));
}

TEST_CASE("the environment may name the key file, and its value is never repeated", "[config]") {
  const std::string without = "data_folder = \"/d\"\nplugin_folder = \"/p\"\n";

  environment env;
  env.key_file = "/run/secrets/key";
  REQUIRE(parse(without, "/a.toml", env).has_value());
  CHECK(parse(without, "/a.toml", env)->key_file == "/run/secrets/key");
  CHECK(parse(least, "/a.toml", env)->key_file == "/run/secrets/key");

  env.key_file = "c0ffee00c0ffee";
  CHECK_THAT(complaint(without, env), Contains("never holds the key") && !Contains("c0ffee"));
}

TEST_CASE("what is not TOML is refused with its place", "[config]") {
  const auto [text, sentence] = GENERATE(table<std::string, std::string>({
      {least + "data_folder = \"/other\"\n", "data_folder"},
      {least + "[sync]\n[sync]\n", "sync"},
      {least + "[sync\n", "]"},
      {least + "runner = \"\xff\xfe\"\n", ""},
      {"\xff\xfe"s + "d\0a\0"s, ""},
      {std::string("a\0b", 3), ""},
  }));
  CAPTURE(text);

  const auto said = complaint(text);

  CHECK_THAT(said, Catch::Matchers::StartsWith("/etc/koppel/koppel.toml:") && Contains(sentence));
}

TEST_CASE("a byte order mark and Windows line ends are no mistake", "[config]") {
  std::string windows = "\xef\xbb\xbf";
  for (const char c : least) windows += c == '\n' ? "\r\n"s : std::string(1, c);

  CHECK(complaint(windows).empty());
}

TEST_CASE("a file that cannot be read is told with its reason", "[config]") {
  const auto missing = koppel::config::load("/nonexistent/koppel.toml");
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().code == koppel::config::errc::unreadable);
  CHECK_THAT(missing.error().detail, Contains("/nonexistent/koppel.toml") && Contains("No such file"));

  const auto folder = koppel::config::load("/");
  REQUIRE_FALSE(folder.has_value());
  CHECK_THAT(folder.error().detail, Contains("it is a folder"));
}

TEST_CASE("the example file is right, and shows every key", "[config]") {
  const auto example = koppel::test::read_file(KOPPEL_EXAMPLE_TOML);

  CHECK(complaint(example).empty());

  // The commented lines are values too: an example that went stale would be refused here.
  std::string uncommented;
  std::istringstream lines(example);
  for (std::string line; std::getline(lines, line);)
    uncommented += (line.starts_with("#= ") ? line.substr(3) : line) + "\n";
  CHECK(complaint(uncommented).empty());
  for (const auto* key : {"data_folder",
                          "plugin_folder",
                          "key_file",
                          "runner",
                          "keep_free_mib",
                          "[ingress]",
                          "address",
                          "port",
                          "exposed",
                          "public_url",
                          "[bus]",
                          "folder",
                          "live",
                          "[control]",
                          "socket",
                          "[log]",
                          "level",
                          "file",
                          "[sync]",
                          "max_jobs",
                          "interval_s",
                          "full_interval_s",
                          "schedule",
                          "[[route]]",
                          "hold_above_records",
                          "hold_above_percent",
                          "host",
                          "ca_file",
                          "[[limit]]",
                          "requests",
                          "[retention]",
                          "events_days",
                          "hold_days",
                          "[admin]",
                          "name",
                          "exposed_without_tls"})
    CHECK_THAT(uncommented, Contains(key));
}

}  // namespace
