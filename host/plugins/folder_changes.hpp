// SPDX-License-Identifier: Apache-2.0
// What is new in the plugin folder, compared with what was found there earlier: pure. plugin_host acts on it.
#pragma once

#include <optional>
#include <vector>

#include "host/plugins/catalogue.hpp"

namespace koppel::plugins {

/// A plugin that was found earlier.
struct known_plugin {
  const candidate& what;
  bool alive;  ///< it runs, or will: neither failed nor quarantined
};

struct folder_change {
  enum class kind {
    unchanged,  ///< the same file, and its plugin is alive
    begin,      ///< start what was found, in the place of what was known, if anything was
    refuse,     ///< what was found cannot be used, and nothing alive came from its file
    keep,       ///< what was found cannot be used; what came from its file earlier is alive and goes on
    end,        ///< its file is gone
  } what = kind::unchanged;
  std::optional<std::size_t> found;  ///< which candidate; none for `end`
  std::optional<std::size_t> known;  ///< which known plugin; none for one that is new
};

/// One change for each candidate, in their order, then one for each known plugin that none of them stands for.
std::vector<folder_change> compare(const std::vector<known_plugin>& known, const std::vector<candidate>& found);

}  // namespace koppel::plugins
