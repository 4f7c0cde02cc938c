// SPDX-License-Identifier: Apache-2.0
// Runs a connector in this process, through the same C functions as the real host, against a scripted provider.
// No network, no clock, no threads: a job stands still until the script answers it.
//
//   scripted_host host(load_plugin("teamleader.so"));
//   host.sync("companies");
//   CHECK(host.expect("POST", "/companies.list").json("/page/number") == "1");
//   host.answer(200, R"({"data":[]})");
//   CHECK(host.outcome().error.empty());
#pragma once

#include <koppel/abi.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace koppel::testing {

using header_list = std::vector<std::pair<std::string, std::string>>;

/// The job did not do what the script expects; the text says what it did.
struct script_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A request the connector asked for.
struct asked {
  std::string method, url, host, path;  ///< path without the query
  std::string query;
  header_list headers;
  std::string body;

  std::string header(std::string_view name) const;
  /// The JSON text at a path of the body ("/page/number"); empty if there is nothing.
  std::string json(std::string_view path) const;
};

struct answer {
  int status = 200;
  std::string body;
  header_list headers{};
};

struct seen_facet {
  std::string name;
  std::string bytes;  ///< msgpack
};

struct seen_record {
  std::string entity, id, updated_at;
  bool gone = false;
  std::vector<seen_facet> facets;

  /// A canonical field as JSON text, lists of several facets concatenated, as the host does; "absent" if no facet has
  /// it.
  std::string field(std::string_view name) const;
  /// The msgpack bytes of a facet; empty if the record does not have it.
  std::string facet(std::string_view name) const;
  /// All fields of a facet, as JSON text.
  std::string facet_json(std::string_view name) const;
};

struct seen_page {
  std::vector<seen_record> records;
  std::string cursor;
  std::uint32_t cursor_version = 0;
  std::uint64_t set_aside = 0;
  std::string set_aside_reason;
};

struct seen_outcome {
  std::string error, detail;  ///< error: empty, or a word of docs/abi.md
  int http_status = 0;
  std::int64_t retry_after = 0;
  std::string account_id, account_name, account_environment;
  std::vector<std::string> streams_refused;
  std::int64_t registered_until = 0;  ///< milliseconds since 1970; of a job about webhooks
};

struct job_options {
  bool full = false;
  bool resumed = false;
  std::string cursor{};
  std::uint32_t cursor_version = 1;
  std::map<std::string, std::string> settings{};
  std::int64_t now = 1'700'000'000'000;  ///< milliseconds since 1970
};

/// Opens a plugin and checks its ABI. Throws script_error. It is never closed.
const koppel_plugin* load_plugin(const std::string& path);
/// The manifest in the library of a plugin that was loaded; empty if there is none.
std::string manifest_of(const koppel_plugin* plugin);

class scripted_host {
 public:
  /// The plugin is told the manifest in its library, or `manifest`. Throws script_error with the plugin's own words if
  /// it cannot be used.
  explicit scripted_host(const koppel_plugin* plugin);
  scripted_host(const koppel_plugin* plugin, std::string manifest);
  ~scripted_host();
  scripted_host(const scripted_host&) = delete;
  scripted_host& operator=(const scripted_host&) = delete;

  // ---- one job at a time
  void probe(const job_options& with = {});
  void sync(std::string_view stream, const job_options& with = {});
  void refetch(std::string_view stream, const std::vector<std::string>& ids, const job_options& with = {});
  /// With these as the connection's address and token.
  static constexpr std::string_view webhook_address = "https://koppel.example/webhook/1", webhook_token = "word";
  void register_webhooks(const job_options& with = {});
  void remove_webhooks(const job_options& with = {});

  /// The request that the job is waiting for. Throws if it waits for another one, or for none.
  const asked& expect(std::string_view method, std::string_view path) const;
  /// Answers it.
  void answer(int status, std::string body, header_list headers = {});
  /// Tells the job that its effect failed, as the host does when there is no network.
  void fail(std::string_view error, std::string_view detail);
  /// Lets `provider` answer requests until the job ends, or `most` were answered. Throws after 10,000 requests.
  void play(const std::function<testing::answer(const asked&)>& provider, std::size_t most = SIZE_MAX);

  bool ended() const;
  /// How the job ended. Throws if it has not.
  const seen_outcome& outcome() const;

  /// Pages are committed as they come, unless held back; `commit_one` then commits the oldest.
  void hold_commits(bool hold);
  void commit_one();

  void cancel();
  /// The process of the plugin dies: everything uncommitted is lost, a new instance is made. The ledger stays.
  void cut();
  /// Goes on where a cut run of `stream` was, from the last committed cursor.
  void resume(std::string_view stream, job_options with = {});

  // ---- what came out of it
  const std::vector<seen_page>& pages() const;                   ///< committed, of all jobs
  std::map<std::string, seen_record> records() const;            ///< the newest of each id in those pages
  const std::string& cursor() const;                             ///< last committed
  std::size_t requests() const;                                  ///< that were answered
  const std::vector<std::string>& log() const;                   ///< "level: text"
  const std::map<std::string, std::string>& remembered() const;  ///< what jobs asked to remember, by name

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace koppel::testing
