// SPDX-License-Identifier: Apache-2.0
// The consumer's database, and what each event does to it. A delivery is one transaction: the effects of its events
// and the position behind them together, so that a crash at any instruction neither loses nor repeats an effect.
// One thread. After a failure the store must not be used again: the process ends and starts over.
#pragma once

#include <filesystem>
#include <koppel/bus/client.hpp>
#include <memory>
#include <optional>

namespace koppel::proplus {

class store {
 public:
  /// Makes the database, or opens one of ours. A file of something else, or of any other version than ours, is refused:
  /// nothing is migrated, because whatever is here can be read from the bus again.
  /// `patience`: so long what writes waits for another process that does. After that it fails with
  /// resource_unavailable_try_again: nothing was changed, and the same may be tried again.
  static result<std::unique_ptr<store>> open(const std::filesystem::path& file,
                                             std::chrono::milliseconds patience = std::chrono::seconds{5});
  ~store();

  /// Where to go on: the start on the first start, the middle of a snapshot, or a position.
  bus::start_at start() const;
  result<> apply(const bus::delivery& d);

  /// The host's history is another one, or ours is too old: forgets the position and begins the next walk, with a
  /// snapshot. What is here stays until all of that has been read; what does not occur in it is then swept, per
  /// connection and entity, if that stream was completely read once. Connections that do not occur are marked.
  result<> begin_again();
  /// The host's head, as soon as it is known after a snapshot: what changed while it was walked comes until there.
  result<> note_head(std::uint64_t head);
  /// Deletes what our guard held back, in parts, so that another process may follow meanwhile. Returns how many rows.
  result<std::uint64_t> confirm_sweep();

 private:
  struct state;
  explicit store(std::unique_ptr<state> s);
  std::unique_ptr<state> state_;
};

}  // namespace koppel::proplus
