// SPDX-License-Identifier: Apache-2.0
// The inside of plugin_host: plugin_folder.cpp knows which plugins there are, plugin_host.cpp keeps each of them
// running.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "host/plugins/catalogue.hpp"
#include "host/plugins/folder_changes.hpp"
#include "host/plugins/job_conductor.hpp"
#include "host/plugins/kept_plugin.hpp"
#include "host/plugins/plugin_host.hpp"
#include "host/plugins/plugin_runner.hpp"
#include "host/plugins/spawner.hpp"
#include "host/runtime/random.hpp"

namespace koppel::plugins {

class plugin_host::impl {
 public:
  impl(plugin_host& owner, runtime::supervisor& supervisor, const runtime::clock& clock, spawner& children,
       plugin_host_options options)
      : owner_(owner),
        supervisor_(supervisor),
        clock_(clock),
        children_(children),
        options_(std::move(options)),
        jobs_(clock) {}

  result<> start();
  runtime::awaitable<void> settled();
  runtime::awaitable<result<std::vector<plugin_change>>> rescan();
  runtime::awaitable<void> stop(std::chrono::milliseconds limit);
  runtime::awaitable<messages::done> run(std::string provider, messages::start job, job_effects& effects);

  std::shared_ptr<const core::manifest> find(const std::string& provider) const;
  std::vector<std::shared_ptr<const core::manifest>> manifests() const;
  std::vector<plugin_status> statuses() const;

 private:
  using kept = std::shared_ptr<kept_plugin>;

  /// One file on its way into the list, or out of it.
  struct move {
    folder_change::kind what;
    kept fresh;           ///< what was started, or refused
    kept old;             ///< whose place it takes
    std::string refusal;  ///< of a file whose plugin is kept
    bool old_was_alive = false;
    bool made = false;  ///< the list is as it has to be
  };
  std::chrono::milliseconds start_limit() const;
  kept begin(candidate c);
  std::vector<move> begin_moves(std::vector<candidate> found);
  void settle_moves(std::vector<move>& moves, bool at_last);
  plugin_change outcome_of(const move& m) const;
  void leave(kept_plugin& p);
  kept of(const std::string& provider) const;

  void log(kept_plugin& p, const messages::log& line);
  void notify(const kept_plugin& p, plugin_notice::kind what, std::string reason);
  void settle(kept_plugin& p);
  double random() { return std::uniform_real_distribution<double>(0.0, 1.0)(generator_); }

  runtime::awaitable<void> keep(kept p);
  runtime::awaitable<core::plugin_lifecycle::step> live(kept_plugin& p);
  runtime::awaitable<void> follow(kept_plugin& p, plugin_runner& r);
  bool ending(const kept_plugin& p) const { return stopping_ || p.leaving; }
  core::plugin_lifecycle::step judge(kept_plugin& p, const plugin_runner& r);
  void say_hello(plugin_runner& r, const candidate& what);
  std::int64_t now_ms() const { return clock_.now().time_since_epoch().count(); }

  plugin_host& owner_;
  runtime::supervisor& supervisor_;
  const runtime::clock& clock_;
  spawner& children_;
  const plugin_host_options options_;

  job_conductor jobs_;
  std::vector<kept> plugins_;   ///< in the order of their files
  std::vector<kept> living_;    ///< whose `keep` runs; some are on their way into the list, or were in it
  std::weak_ptr<void> rescan_;  ///< lives as long as one is under way
  std::mt19937_64 generator_{runtime::random_seed()};
  bool stopping_ = false;
  runtime::steady_time stop_deadline_{};
  runtime::condition changed_;
};

}  // namespace koppel::plugins
