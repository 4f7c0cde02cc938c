// SPDX-License-Identifier: Apache-2.0
// A usable plugin stands for the known one of its name, wherever that came from; a file that cannot be used stands for
// what came from it.

#include "host/plugins/folder_changes.hpp"

namespace koppel::plugins {

std::vector<folder_change> compare(const std::vector<known_plugin>& known, const std::vector<candidate>& found) {
  using kind = folder_change::kind;
  std::vector<folder_change> changes(found.size());
  std::vector<bool> claimed(known.size(), false);
  const auto claim = [&](folder_change& change, auto&& matches) {
    for (std::size_t i = 0; i < known.size() && !change.known; ++i)
      if (!claimed[i] && matches(known[i])) change.known = i;
    if (change.known) claimed[*change.known] = true;
  };
  for (std::size_t i = 0; i < found.size(); ++i) {
    const candidate& c = found[i];
    folder_change& change = changes[i];
    change.found = i;
    if (!c.manifest) continue;
    claim(change, [&](const known_plugin& k) { return k.what.manifest && k.what.name == c.name; });
    if (!change.known) claim(change, [&](const known_plugin& k) { return !k.what.manifest && k.what.file == c.file; });
    const bool same =
        change.known && known[*change.known].what.file == c.file && known[*change.known].what.stamp == c.stamp;
    change.what = same && known[*change.known].alive ? kind::unchanged : kind::begin;
  }
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i].manifest) continue;
    folder_change& change = changes[i];
    claim(change, [&](const known_plugin& k) { return k.what.file == found[i].file; });
    change.what = change.known && known[*change.known].alive ? kind::keep : kind::refuse;
  }
  for (std::size_t i = 0; i < known.size(); ++i)
    if (!claimed[i]) changes.push_back({kind::end, std::nullopt, i});
  return changes;
}

}  // namespace koppel::plugins
