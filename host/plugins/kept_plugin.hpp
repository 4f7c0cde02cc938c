// SPDX-License-Identifier: Apache-2.0
// A plugin of the folder that is kept running: what it is, how it does, and the process it has at present. Main strand
// only. Its loop in plugin_host writes here; jobs read, and wait for `changed`. Shared by both: whichever ends last.
#pragma once

#include <spdlog/logger.h>

#include <memory>
#include <string>

#include "host/core/plugin_lifecycle.hpp"
#include "host/plugins/admission.hpp"
#include "host/plugins/catalogue.hpp"
#include "host/plugins/log_text.hpp"
#include "host/plugins/plugin_runner.hpp"
#include "host/runtime/condition.hpp"

namespace koppel::plugins {

struct kept_plugin {
  explicit kept_plugin(core::lifecycle_rules rules) : life(rules) {}
  candidate what;
  core::plugin_lifecycle life;
  std::string reason;                     ///< why it is not running, or ended last
  std::shared_ptr<plugin_runner> runner;  ///< shared with its jobs, see plugin_runner.hpp
  std::shared_ptr<spdlog::logger> logger;
  line_limit lines;
  bool leaving = false;  ///< another takes its place, or none: its process ends in order, and no job begins on it
  bool settled = false;  ///< `plugin_host::settled` need not wait for it any more
  std::shared_ptr<admission> gate = std::make_shared<admission>();
  runtime::condition changed;

  /// It runs, or will.
  bool alive() const {
    using state = core::plugin_lifecycle::state;
    return what.manifest && life.now() != state::failed && life.now() != state::quarantined;
  }
  bool usable() const { return what.manifest && life.now() != core::plugin_lifecycle::state::failed; }
};

}  // namespace koppel::plugins
