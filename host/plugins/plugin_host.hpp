// SPDX-License-Identifier: Apache-2.0
// Every plugin of the folder: read without running, then kept running in child processes. Main strand only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/core/manifest.hpp"
#include "host/core/plugin_lifecycle.hpp"
#include "host/plugins/job.hpp"
#include "host/runtime/clock.hpp"
#include "host/runtime/supervisor.hpp"

namespace koppel::plugins {

class spawner;

/// What `koppelctl plugin list` shows.
struct plugin_status {
  std::string name;  ///< of the manifest; the file's name where the manifest cannot be read
  std::string file;  ///< path
  std::string version;
  std::string state;   ///< "starting", "running", "failed", "backing_off", "quarantined", "stopped"
  std::string reason;  ///< why it failed, a whole sentence
  std::vector<int> runner_pids;
  std::uint64_t crashes = 0;
  std::size_t jobs = 0;
};

/// What becomes a plugin.* event.
struct plugin_notice {
  enum class kind { loaded, failed, crashed, quarantined } what = kind::loaded;
  std::string name, version, reason;
};

/// What `rescan` made of one plugin.
struct plugin_change {
  enum class kind {
    loaded,     ///< it is new, or was not running
    replaced,   ///< its file changed: what ran before has ended
    unchanged,  ///< the same file, which runs
    removed,    ///< its file is gone: it has ended
    failed      ///< the file cannot be used; what ran before, if anything did, goes on
  } what = kind::unchanged;
  std::string name, file, version, reason;
};
std::string_view to_string(plugin_change::kind what);

struct plugin_host_options {
  std::string folder;
  std::string manifest_library;                      ///< the connector for manifests that lie in the folder alone
  std::vector<core::limit_override> limits;          ///< the operator's
  std::chrono::milliseconds start_deadline{10'000};  ///< from spawn to `ready`
  core::lifecycle_rules lifecycle;                   ///< when a plugin that crashed is started again
};

class plugin_host {
 public:
  plugin_host(runtime::supervisor& supervisor, const runtime::clock& clock, spawner& children,
              plugin_host_options options);
  ~plugin_host();

  /// Scans the folder and starts every usable plugin, without waiting for any: jobs wait for theirs. A plugin that
  /// fails is reported by name and reason; the others run. A failure says why the folder itself cannot be used.
  result<> start();
  /// Completes when each plugin is running or has failed, or none will be any more because the host stops.
  runtime::awaitable<void> settled();
  /// Looks at the folder anew. A file that is new, or whose plugin failed or was quarantined, is started; one that
  /// changed takes its plugin's place once it runs; a plugin whose file is gone ends. Jobs of what ends are cancelled,
  /// and are to be tried again. Completes when that is done; a failure (the folder cannot be used, another rescan is
  /// under way) has changed nothing.
  runtime::awaitable<result<std::vector<plugin_change>>> rescan();
  /// Ends the runners: `destroy`, then, after the limit, SIGKILL.
  runtime::awaitable<void> stop(std::chrono::milliseconds limit);

  /// The manifest of a usable plugin, or nullptr. It is shared: work goes on by it to its end, also where another has
  /// taken its plugin's place meanwhile.
  std::shared_ptr<const core::manifest> find(const std::string& provider) const;
  std::vector<std::shared_ptr<const core::manifest>> manifests() const;
  std::vector<plugin_status> statuses() const;

  /// Runs one job to its end on a runner of this provider, waiting for one to be ready (bounded by the job's deadline).
  /// Each page that is committed gives the job as much time again as it had when it began.
  /// Job ids are assigned here. done.error is "crashed" when the runner ended under it, "try_again" when none could be
  /// had, "cancelled" when the awaiting coroutine was cancelled (the plugin is told), "bug" for a protocol violation.
  runtime::awaitable<messages::done> run(std::string provider, messages::start job, job_effects& effects);

  /// Called for plugin.* events. Set before start.
  std::function<void(plugin_notice)> on_notice;

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace koppel::plugins
