// SPDX-License-Identifier: Apache-2.0
// The messages that cross the plugin boundary (docs/abi.md), shared by host, runner and SDK; plugin authors never
// include it. Each message is one msgpack map; its key "t" names the struct below, the other keys are the struct's
// fields. Unknown keys and unknown messages are ignored, absent keys keep the defaults written here.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace koppel::messages {

inline constexpr std::size_t max_to_plugin = std::size_t{9} << 20;
inline constexpr std::size_t max_from_plugin = std::size_t{4} << 20;
inline constexpr std::size_t most_records = 10'000;  ///< in one page

using header_list = std::vector<std::pair<std::string, std::string>>;

/// Closed set of job outcomes; each says what the host will do. docs/abi.md has the table.
namespace job_error {
inline constexpr std::string_view none = "";                            ///< the job is done
inline constexpr std::string_view try_again = "try_again";              ///< later, from the last committed cursor
inline constexpr std::string_view authorise_again = "authorise_again";  ///< the provider refuses the credentials
inline constexpr std::string_view scope_missing = "scope_missing";      ///< this stream is not permitted; others go on
inline constexpr std::string_view bad_settings = "bad_settings";        ///< the operator must change a setting
inline constexpr std::string_view permanent = "permanent";              ///< trying again would not help
inline constexpr std::string_view too_large = "too_large";              ///< an answer beyond what is taken
inline constexpr std::string_view bug = "bug";                          ///< the plugin met what it cannot understand
inline constexpr std::string_view crashed = "crashed";      ///< said by the host: the runner ended in this job
inline constexpr std::string_view cancelled = "cancelled";  ///< the host asked to stop
}  // namespace job_error

// ---- host to plugin

/// First message to an instance.
struct hello {
  std::uint32_t abi_version = 0;
  std::string host_version;
  std::uint64_t max_message = max_from_plugin;
  std::int64_t now = 0;  ///< milliseconds since 1970 UTC; in every message from the host
  std::string manifest;  ///< since 1.1: TOML, as it was read from the plugin's file
};

/// A job. kind "probe": who is this account, which streams may it read. "sync": read `stream` from `cursor`.
/// "refetch": read the records `ids` of `stream` one by one and say for each what it is, or that it is gone.
/// "register_webhooks": have the provider post what happens to `webhook_url`. "remove_webhooks": have it stop. Both
/// only where the manifest says so.
struct start {
  std::uint64_t job = 0;
  std::string kind;
  std::string stream;
  bool full = false;     ///< sync: a full read (the cursor is then only where an interrupted one goes on)
  bool resumed = false;  ///< sync: an interrupted run goes on at `cursor`
  std::string cursor;    ///< bytes that the plugin wrote; empty: from the beginning
  std::uint32_t cursor_version = 0;
  std::vector<std::string> ids;
  std::map<std::string, std::string> settings;  ///< the connection's settings and what it learned; never a secret
  std::int64_t deadline = 0;                    ///< milliseconds since 1970 UTC
  std::int64_t now = 0;
  std::string webhook_url, webhook_token;  ///< since 1.2: stand for the true ones in this job's requests
};

/// The answer to an effect (http, page, sleep) of this job.
struct reply {
  std::uint64_t job = 0;
  std::uint64_t effect = 0;
  std::string error;   ///< empty, or a job_error: the effect failed and the job should end with it, except too_large
  std::string detail;  ///< a sentence for people
  std::int32_t status = 0;
  header_list headers;  ///< names in lower case; credentials and cookies taken out
  std::string body;
  std::int64_t now = 0;
};

struct cancel {
  std::uint64_t job = 0;
  std::int64_t now = 0;
};

// ---- plugin to host

/// First message of an instance: it exists and understands this ABI.
struct ready {
  std::uint32_t abi_version = 0;
  std::string sdk_version;
};

/// Perform this request with the connection's credentials, if its host, method and path are declared in the manifest.
struct http {
  std::uint64_t job = 0;
  std::uint64_t effect = 0;
  std::string method;
  std::string url;
  header_list headers;
  std::string body;
};

/// Part of a record; `fields` is a msgpack map of canonical fields (docs/bus.md), keys sorted.
struct facet {
  std::string name;
  std::string fields;
};

/// What the provider says of one record. `gone`: a read by id said that it does not exist.
struct record {
  std::string entity;
  std::string id;
  std::string updated_at;  ///< RFC 3339 UTC, or empty
  bool gone = false;
  std::vector<facet> facets;
};

/// Records and the cursor after them: committed together or not at all. Answered by a reply once durable.
struct page {
  std::uint64_t job = 0;
  std::uint64_t effect = 0;
  std::vector<record> records;
  std::string cursor;
  std::uint32_t cursor_version = 0;
  std::uint64_t set_aside = 0;   ///< rows of this page that could not be mapped
  std::string set_aside_reason;  ///< of the first of them; no personal data
};

/// A value found out about the connection, handed back in later `start.settings`.
struct learned {
  std::uint64_t job = 0;
  std::string name;
  std::string value;
};

struct sleep {
  std::uint64_t job = 0;
  std::uint64_t effect = 0;
  std::int64_t milliseconds = 0;
};

struct log {
  std::uint64_t job = 0;
  std::string level;  ///< "debug", "info", "warn", "error"
  std::string text;
};

/// Ends a job; sent after every page was answered. A probe adds the account.
struct done {
  std::uint64_t job = 0;
  std::string error;
  std::string detail;
  std::int32_t http_status = 0;  ///< of the answer that decided, if one did
  std::int64_t retry_after = 0;  ///< milliseconds, for try_again; 0: the host's own back-off
  std::string account_id;
  std::string account_name;
  std::string account_environment;
  std::vector<std::string> streams_refused;  ///< probe: streams that the grant does not permit
  std::int64_t registered_until = 0;  ///< since 1.2, register_webhooks: milliseconds since 1970 UTC; 0: it has no end
};

/// Why the library cannot be used, in place of `ready`. Said by the runner (`stage`: load, symbol, abi, create), or by
/// a plugin that cannot work by its manifest (manifest).
struct unusable {
  std::string stage;
  std::string reason;
};

using message = std::variant<hello, start, reply, cancel, ready, http, page, learned, sleep, log, done, unusable>;

/// The job a message belongs to; 0 for those that belong to none.
std::uint64_t job_of(const message& m);

std::string encode(const message& m);

/// What `decode` made of some bytes. Exactly one holds: `known` with a message, `unknown` (well-formed, of a later
/// version: ignore it), or `malformed` with a reason (not a msgpack map, wrong type of a field, depth over 16, trailing
/// bytes).
struct decoded {
  enum class verdict { known, unknown, malformed } what = verdict::malformed;
  message value;
  std::string reason;
};
decoded decode(std::string_view bytes);

}  // namespace koppel::messages
