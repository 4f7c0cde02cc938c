// SPDX-License-Identifier: Apache-2.0
// The configuration of koppeld: one TOML file (docs/configuration.md). Reading it decides everything that can be
// decided without touching the system: defaults are filled in, paths are absolute, and every mistake is told at once
// with its line. What the folders themselves have to be is checked by `check_folders`; the key file is checked by
// whoever opens it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <koppel/result.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace koppel::config {

enum class errc {
  unreadable = 1,  ///< the file cannot be opened; the sentence says which and why
  invalid,         ///< one mistake a line in `failure::detail`, each with line and column; correct the file
  folder,          ///< a folder is missing, of the wrong kind, or open to others; the sentence has the command
};
const boost::system::error_category& config_category();
inline boost::system::error_code make_error_code(errc e) { return {static_cast<int>(e), config_category()}; }

/// The listener for callbacks, connect links and webhooks.
struct ingress {
  std::string address = "127.0.0.1";  ///< an IP address, v6 without brackets
  std::uint16_t port = 8400;          ///< 0: any free one
  std::string public_url;             ///< as the file has it, without trailing slash; empty: the listener's own address
  bool exposed = false;               ///< the operator means it: an address that others can reach
  std::filesystem::path certificate, key;  ///< PEM files; both or neither: in the clear
  std::vector<std::string> proxies;        ///< addresses of reverse proxies, whose X-Forwarded-For is believed

  /// Where browsers find us, once the port is bound.
  std::string public_url_at(std::uint16_t bound_port) const;
};

enum class live_detail { thin, whole };

struct bus {
  std::filesystem::path folder;
  live_detail live = live_detail::thin;
};

struct control {
  std::filesystem::path socket;
};

/// The listener for REST.
struct admin {
  std::optional<std::uint16_t> port;  ///< absent: there is none. 0: any free one
  std::string address = "127.0.0.1";  ///< an IP address, v6 without brackets
  std::string name;                   ///< how others call an exposed listener: "koppel.internal"
  bool exposed_without_tls = false;   ///< the operator means it: tokens travel in the open
};

struct log {
  std::string level = "info";  ///< trace, debug, info, warn, error, off
  std::filesystem::path file;  ///< empty: stderr
};

struct sync {
  unsigned max_jobs = 16;
  std::chrono::seconds interval{0};        ///< 0: the manifest's
  std::chrono::seconds full_interval{0};   ///< 0: the manifest's
  bool schedule = true;                    ///< false: only when asked
  std::uint64_t hold_above_records = 100;  ///< a run that would delete more than both waits for an operator
  unsigned hold_above_percent = 5;         ///< of the records that are known; 100: none ever waits
};

/// How long replaced events are kept (docs/state.md).
struct retention {
  std::chrono::hours events{30 * 24};  ///< 0: for ever
  std::chrono::hours hold{90 * 24};    ///< for a named consumer that is behind
};

/// Requests to `host` go to `address`, trusting `ca_file` alone.
struct route {
  std::string host;     ///< lower case
  std::string address;  ///< "127.0.0.1:8443"
  std::filesystem::path ca_file;
};

/// What the operator's contract with a provider lets through, in place of its manifest's figure.
struct limit {
  std::string provider, name;  ///< of the plugin, and of its [[limit]]
  std::uint32_t requests = 0;  ///< in the window that the manifest has
};

struct config {
  std::filesystem::path data_folder, plugin_folder, key_file;
  std::filesystem::path runner;                       ///< empty: `runner_path` finds it
  std::uint64_t keep_free = std::uint64_t{64} << 20;  ///< bytes; with less free, the data folder's disk counts as full
  struct ingress ingress;
  struct bus bus;
  struct control control;
  struct admin admin;
  struct log log;
  struct sync sync;
  struct retention retention;
  std::vector<route> routes;
  std::vector<limit> limits;
};

/// What is taken from the environment: names of files, never a secret.
struct environment {
  std::optional<std::string> key_file;  ///< KOPPEL_KEY_FILE; wins over the file's key_file

  static environment of_process();
};

/// `name` is the file's path: it stands before every message, and relative paths start at its folder.
result<config> parse(std::string_view text, const std::filesystem::path& name, const environment& env = {});
result<config> load(const std::filesystem::path& path, const environment& env = environment::of_process());

/// The data folder (made with mode 0700 where it is missing) is ours alone, writable and on a local disk; the plugin
/// folder exists and nobody else can put a library into it.
result<> check_folders(const config& c);

/// The koppel-runner to start: the configured one, else the one beside this program.
std::filesystem::path runner_path(const config& c);

}  // namespace koppel::config

template <>
struct boost::system::is_error_code_enum<koppel::config::errc> : std::true_type {};
