// SPDX-License-Identifier: Apache-2.0
// One function a table. toml++ throws on a syntax error: caught here, where its mistake joins ours.

#include "host/config/config.hpp"

#include <sys/un.h>

#include <algorithm>
#include <boost/url/ipv4_address.hpp>
#include <boost/url/ipv6_address.hpp>
#include <boost/url/parse.hpp>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <system_error>

#include "host/config/table_reader.hpp"

namespace koppel::config {
namespace {

namespace fs = std::filesystem;
namespace urls = boost::urls;

/// The kernel's limit for the name of a unix socket, without the closing zero: 107.
constexpr std::size_t socket_name_bytes = sizeof(sockaddr_un::sun_path) - 1;
constexpr std::size_t file_bytes = 1024 * 1024;
constexpr std::int64_t a_year_s = 366LL * 24 * 3600;
constexpr std::int64_t a_tebibyte_mib = 1LL << 20;
constexpr std::int64_t ten_years_days = 3660;
constexpr std::int64_t most_deletions = 1'000'000'000;
constexpr std::int64_t most_requests = 1'000'000'000;  // as in a manifest

bool is_loopback(const std::string& host) {
  if (const auto v4 = urls::parse_ipv4_address(host)) return v4->is_loopback();
  if (const auto v6 = urls::parse_ipv6_address(host)) return v6->is_loopback();
  return host == "localhost";
}

bool is_ip_address(const std::string& text) {
  return urls::parse_ipv4_address(text).has_value() || urls::parse_ipv6_address(text).has_value();
}

bool is_ip_endpoint(const std::string& text) {
  const auto authority = urls::parse_authority(text);
  if (!authority || authority->has_userinfo() || authority->port_number() == 0) return false;
  return authority->host_type() == urls::host_type::ipv4 || authority->host_type() == urls::host_type::ipv6;
}

void require(table_reader& in, std::string_view key, const std::string& what) {
  if (!in.has(key)) in.refuse(key, "is missing: " + what);
}

void forbid_empty(table_reader& in, std::string_view key) {
  if (in.says_nothing(key)) in.refuse(key, "must not be empty.");
}

/// A required path: present, and not "".
fs::path required_path(table_reader& in, std::string_view key, const fs::path& folder, const std::string& what) {
  require(in, key, what);
  const auto value = in.path(key, folder);
  return value;
}

std::string checked_public_url(table_reader& in, std::string text) {
  if (text.empty()) return {};
  while (text.ends_with('/')) text.pop_back();
  const auto parsed = urls::parse_uri(text);
  if (!parsed || (parsed->scheme() != "http" && parsed->scheme() != "https") || parsed->encoded_host().empty() ||
      parsed->has_userinfo() || parsed->has_query() || parsed->has_fragment()) {
    in.refuse("public_url",
              "has to be a web address such as \"https://koppel.example\", without name, query or fragment.");
    return {};
  }
  // Codes travel in these addresses; in the open only within this machine.
  if (parsed->scheme() == "http" && !is_loopback(parsed->host_address()))
    in.refuse("public_url", "has to begin with https://: authorization codes pass through it.");
  return text;
}

void read_ingress(const toml::table& table, problems& found, const fs::path& folder, ingress& out) {
  table_reader in(table, "[ingress]", found);
  out.address = in.text("address", out.address);
  out.port = static_cast<std::uint16_t>(in.number("port", {0, 65535}, out.port));
  out.public_url = checked_public_url(in, in.text("public_url", {}));
  out.exposed = in.flag("exposed", false);
  if (!is_ip_address(out.address)) {
    in.refuse("address", "has to be an IP address, such as \"127.0.0.1\" or \"::1\".");
  } else if (!is_loopback(out.address)) {
    if (!out.exposed)
      in.refuse("address", "can be reached from other machines. If that is meant, add: exposed = true");
    else if (!in.has("public_url"))
      in.refuse("public_url", "is missing: where others find an exposed address, such as \"https://koppel.example\".");
  }
  out.certificate = in.path("certificate", folder);
  out.key = in.path("key", folder);
  if (in.has("certificate") != in.has("key"))
    in.refuse(in.has("key") ? "certificate" : "key", "is missing: TLS of our own needs a certificate and its key.");
  if (in.has("certificate") && out.public_url.starts_with("http://"))
    in.refuse("public_url", "begins with http://, and the listener has a certificate: browsers find it by https://.");
  out.proxies = in.texts("proxy");
  for (const auto& proxy : out.proxies)
    if (!is_ip_address(proxy)) in.refuse("proxy", "has to be a list of IP addresses, such as [\"127.0.0.1\"].");
  in.refuse_the_rest();
}

void read_bus(const toml::table& table, problems& found, const fs::path& folder, bus& out) {
  table_reader in(table, "[bus]", found);
  if (auto path = in.path("folder", folder); !path.empty()) out.folder = std::move(path);
  out.live = in.one_of("live", {"thin", "whole"}, "thin") == "whole" ? live_detail::whole : live_detail::thin;
  in.refuse_the_rest();
}

void read_control(const toml::table& table, problems& found, const fs::path& folder, control& out) {
  table_reader in(table, "[control]", found);
  if (auto path = in.path("socket", folder); !path.empty()) out.socket = std::move(path);
  in.refuse_the_rest();
}

void read_admin(const toml::table& table, problems& found, admin& out) {
  table_reader in(table, "[admin]", found);
  const auto port = static_cast<std::uint16_t>(in.number("port", {0, 65535}, 0));
  if (in.has("port")) out.port = port;
  out.address = in.text("address", out.address);
  out.name = in.text("name", {});
  out.exposed_without_tls = in.flag("exposed_without_tls", false);
  if (!is_ip_address(out.address)) {
    in.refuse("address", "has to be an IP address, such as \"127.0.0.1\" or \"::1\".");
  } else if (!is_loopback(out.address) && !out.exposed_without_tls) {
    in.refuse("address",
              "can be reached from other machines, and this listener does not encrypt: tokens and secrets would travel "
              "in the open. Put a proxy with TLS before it; or, on a network that is protected otherwise, add: "
              "exposed_without_tls = true");
  }
  const auto plain = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  if (in.has("name") && (out.name.empty() || !std::all_of(out.name.begin(), out.name.end(), plain)))
    in.refuse("name", "has to be a host's name alone, in lower case: no scheme, port or path.");
  in.refuse_the_rest();
}

void read_log(const toml::table& table, problems& found, const fs::path& folder, log& out) {
  table_reader in(table, "[log]", found);
  out.level = in.one_of("level", {"trace", "debug", "info", "warn", "error", "off"}, out.level);
  out.file = in.path("file", folder);
  in.refuse_the_rest();
}

void read_sync(const toml::table& table, problems& found, sync& out) {
  table_reader in(table, "[sync]", found);
  out.max_jobs = static_cast<unsigned>(in.number("max_jobs", {1, 10'000}, out.max_jobs));
  out.interval = std::chrono::seconds(in.number("interval_s", {0, a_year_s}, 0));
  out.full_interval = std::chrono::seconds(in.number("full_interval_s", {0, a_year_s}, 0));
  out.schedule = in.flag("schedule", out.schedule);
  out.hold_above_records = static_cast<std::uint64_t>(
      in.number("hold_above_records", {0, most_deletions}, static_cast<std::int64_t>(out.hold_above_records)));
  out.hold_above_percent = static_cast<unsigned>(in.number("hold_above_percent", {0, 100}, out.hold_above_percent));
  in.refuse_the_rest();
}

void read_retention(const toml::table& table, problems& found, retention& out) {
  table_reader in(table, "[retention]", found);
  const auto days = [&](std::string_view key, std::chrono::hours unless_said) {
    return std::chrono::hours(24 * in.number(key, {0, ten_years_days}, unless_said.count() / 24));
  };
  out.events = days("events_days", out.events);
  // A longer time for events alone is a longer time for those who are behind too.
  out.hold = days("hold_days", std::max(out.hold, out.events));
  if (out.hold < out.events)
    in.refuse("hold_days", "has to be at least events_days: a consumer that is behind gets no less than the others.");
  in.refuse_the_rest();
}

route read_route(const toml::table& table, problems& found, const fs::path& folder, const std::vector<route>& earlier) {
  table_reader in(table, "[[route]]", found);
  route out{in.text("host", {}), in.text("address", {}), in.path("ca_file", folder)};
  require(in, "host", "the name of a provider's server, such as \"api.focus.teamleader.eu\".");
  require(in, "address", "where its requests go instead, such as \"127.0.0.1:8443\".");
  require(in, "ca_file", "the certificate authority to trust there, a PEM file.");
  forbid_empty(in, "ca_file");

  const auto plain = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  if (in.has("host") && (out.host.empty() || !std::all_of(out.host.begin(), out.host.end(), plain)))
    in.refuse("host", "has to be a server's name alone, in lower case: no scheme, port or path.");
  if (std::any_of(earlier.begin(), earlier.end(), [&](const route& r) { return r.host == out.host; }))
    in.refuse("host", "has a route already.");
  if (in.has("address") && !is_ip_endpoint(out.address))
    in.refuse("address", "has to be an IP address with a port, such as \"127.0.0.1:8443\".");
  in.refuse_the_rest();
  return out;
}

limit read_limit(const toml::table& table, problems& found, const std::vector<limit>& earlier) {
  table_reader in(table, "[[limit]]", found);
  limit out{in.text("provider", {}), in.text("name", {}), 0};
  out.requests = static_cast<std::uint32_t>(in.number("requests", {1, most_requests}, 1));
  require(in, "provider", "the name of a plugin, such as \"snelstart\".");
  require(in, "name", "which of its limits, as koppelctl provider show tells them, such as \"minute\".");
  require(in, "requests", "how many your contract lets through in that time.");
  forbid_empty(in, "provider");
  forbid_empty(in, "name");
  if (std::any_of(earlier.begin(), earlier.end(),
                  [&](const limit& l) { return l.provider == out.provider && l.name == out.name; }))
    in.refuse("name", "has a figure already.");
  in.refuse_the_rest();
  return out;
}

/// The environment names the file; a key put there by mistake must not be echoed, so the value is not in the message.
fs::path key_file_of(table_reader& in, const fs::path& folder, const environment& env, problems& found) {
  auto from_file = in.path("key_file", folder);
  forbid_empty(in, "key_file");
  if (env.key_file && !env.key_file->empty()) {
    if (env.key_file->front() == '/') return fs::path(*env.key_file).lexically_normal();
    found.add(
        {}, "KOPPEL_KEY_FILE in the environment has to be the absolute path of a file; it never holds the key itself.");
  } else if (!in.has("key_file")) {
    in.refuse("key_file",
              "is missing: the file with the key that seals credentials. Make one with: openssl rand -hex 32 > FILE && "
              "chmod 600 FILE");
  }
  return from_file;
}

/// `reserve`: what is added to the name later.
void check_socket_name(const fs::path& name, std::size_t reserve, const std::string& called, place where,
                       problems& found) {
  if (name.string().size() + reserve > socket_name_bytes)
    found.add(where, called + " makes a socket's name too long: it may have " +
                         std::to_string(socket_name_bytes - reserve) + " bytes and has " +
                         std::to_string(name.string().size()) + ". Use a shorter path.");
}

/// Of a table, or of the file as a whole where it is not there.
place place_of(const toml::table& root, std::string_view table, std::string_view key) {
  const auto node = root[table][key];
  return node ? place{node.node()->source().begin.line, node.node()->source().begin.column} : place{};
}

/// The start would say that another koppeld is running.
void check_ports(const config& c, place where, problems& found) {
  if (c.admin.port.value_or(0) != 0 && c.admin.port == c.ingress.port && c.admin.address == c.ingress.address)
    found.add(where, "port of [admin] is " + std::to_string(c.ingress.port) +
                         ", as that of [ingress]: each listener needs one of its own.");
}

config read(const toml::table& root, const fs::path& folder, const environment& env, problems& found) {
  table_reader in(root, "", found);
  config out;
  out.data_folder = required_path(in, "data_folder", folder, "where the ledger lives, such as \"/var/lib/koppel\".");
  out.plugin_folder =
      required_path(in, "plugin_folder", folder, "where the plugins are, such as \"/usr/lib/koppel/plugins\".");
  forbid_empty(in, "data_folder");
  forbid_empty(in, "plugin_folder");
  out.key_file = key_file_of(in, folder, env, found);
  out.runner = in.path("runner", folder);
  out.keep_free = static_cast<std::uint64_t>(in.number("keep_free_mib", {0, a_tebibyte_mib}, 64)) << 20;
  out.bus.folder = out.data_folder / "bus";
  out.control.socket = out.data_folder / "control.sock";

  if (const auto* t = in.table("ingress")) read_ingress(*t, found, folder, out.ingress);
  if (const auto* t = in.table("bus")) read_bus(*t, found, folder, out.bus);
  if (const auto* t = in.table("control")) read_control(*t, found, folder, out.control);
  if (const auto* t = in.table("admin")) read_admin(*t, found, out.admin);
  if (const auto* t = in.table("log")) read_log(*t, found, folder, out.log);
  if (const auto* t = in.table("sync")) read_sync(*t, found, out.sync);
  if (const auto* t = in.table("retention")) read_retention(*t, found, out.retention);
  for (const auto* t : in.tables("route")) out.routes.push_back(read_route(*t, found, folder, out.routes));
  for (const auto* t : in.tables("limit")) out.limits.push_back(read_limit(*t, found, out.limits));
  in.refuse_the_rest();

  check_ports(out, place_of(root, "admin", "port"), found);
  check_socket_name(out.control.socket, 0, "socket of [control]", place_of(root, "control", "socket"), found);
  // The bus puts its two sockets, "follow" and "live", into its folder.
  check_socket_name(out.bus.folder, std::string_view("/follow").size(), "folder of [bus]",
                    place_of(root, "bus", "folder"), found);
  return out;
}

}  // namespace

std::string ingress::public_url_at(std::uint16_t bound_port) const {
  if (!public_url.empty()) return public_url;
  const bool v6 = address.find(':') != std::string::npos;
  return (certificate.empty() ? "http://" : "https://") + (v6 ? "[" + address + "]" : address) + ":" +
         std::to_string(bound_port);
}

environment environment::of_process() {
  environment env;
  if (const char* name = std::getenv("KOPPEL_KEY_FILE")) env.key_file = name;
  return env;
}

result<config> parse(std::string_view text, const fs::path& name, const environment& env) {
  problems found;
  std::error_code ec;
  const auto folder = fs::absolute(name, ec).parent_path();
  try {
    const auto root = toml::parse(text, name.string());
    auto out = read(root, folder, env, found);
    if (found.empty()) return out;
  } catch (const toml::parse_error& e) {
    found.add({e.source().begin.line, e.source().begin.column}, std::string(e.description()));
  }
  return found.as_failure(name);
}

result<config> load(const fs::path& path, const environment& env) {
  const auto unreadable = [&](const std::string& why) {
    return failure{make_error_code(errc::unreadable),
                   "The configuration " + path.string() + " cannot be read: " + why + "."};
  };
  std::error_code ec;
  if (fs::is_directory(path, ec)) return unreadable("it is a folder");
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return unreadable(std::generic_category().message(errno));
  std::string text(file_bytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return unreadable(std::generic_category().message(errno));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > file_bytes) return unreadable("it is larger than 1 MiB");
  return parse(text, path, env);
}

}  // namespace koppel::config
