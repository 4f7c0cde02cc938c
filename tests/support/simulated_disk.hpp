// SPDX-License-Identifier: Apache-2.0
// A disk in memory, as a VFS of SQLite, that can lose power, fail, and be full, and does so the same way each time for
// the same seeds. Beside its use by SQLite everything here may be called from any thread.
//
// What it takes from real disks (Linux, the file systems and drives that people have):
//  - A write is seen by every reader at once, and durable only when a sync of its file has succeeded.
//  - When the power goes, each write since the last sync is kept, lost or torn, whatever became of those before and
//    after it. Torn means: a part of its front is there, mostly whole sectors of 512 bytes, sometimes cut inside one.
//    The file may be longer than what was written into it; there it reads as zeros.
//  - A truncation, a creation and a deletion that nothing made durable may be undone.
//  - A sync that fails has forgotten: some of what was written since the last one is durable and the rest never will
//  be,
//    though readers still see it and the next sync says yes.
//  - A write that fails, or finds the disk full, may have written a part.
//  - Bytes beside those written are not touched (as SQLite's own VFS promises: POWERSAFE_OVERWRITE).
// What it leaves out: a drive that lies about syncs, bits that rot, a sync that takes long, memory maps, more than one
// process.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

namespace koppel::tests {

class simulated_disk {
 public:
  enum class kind { write, sync, truncate, remove };
  struct operation {
    kind what;
    std::string_view path;  ///< valid during the call
    std::uint64_t number;   ///< of all these operations, from 1
    std::uint64_t offset;   ///< of a write; of a truncation the new size
    std::uint64_t bytes;    ///< of a write
  };
  /// power_lost: this operation fails, and so does everything after it until lose_power() is called, or kill(), if it
  /// was the process alone that ended.
  enum class fault { proceed, io_error, full, power_lost };

  struct tally {
    std::uint64_t reads = 0, writes = 0, syncs = 0, truncates = 0, removes = 0, opens = 0, bytes_written = 0;
  };

  enum class role { by_name, default_vfs };
  /// Registers itself; as default_vfs SQLite uses it wherever no other is named, until it is destroyed (those that live
  /// at one time end in reverse order). The seed is SQLite's randomness and what failing operations leave behind.
  explicit simulated_disk(std::uint64_t seed = 1, role as = role::default_vfs);
  /// All connections are closed before.
  ~simulated_disk();
  simulated_disk(const simulated_disk&) = delete;
  simulated_disk& operator=(const simulated_disk&) = delete;

  const std::string& vfs_name() const;

  /// Durable files. An imported one must not be open in SQLite: reading it would drop SQLite's locks on it.
  void import_file(const std::string& path_on_real_disk, const std::string& path);
  void put(const std::string& path, std::string bytes);
  /// As readers see it; empty if there is none.
  std::string bytes(const std::string& path) const;
  bool has(const std::string& path) const;

  /// Asked before each operation, on the thread that does it and with the disk's lock held. It may read through other
  /// connections.
  std::function<fault(const operation&)> on_operation;

  /// The process died: what it had open is dead (calls fail and change nothing), its locks and shared memory are gone,
  /// every byte it wrote is still there. Its connections are closed before new ones are made.
  void kill();
  /// As kill, and the machine lost its power: what was not durable is kept, lost or torn, as the seed says.
  void lose_power(std::uint64_t seed);

  static constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();
  /// A write that would make all files together longer than this is answered with SQLITE_FULL.
  void limit(std::uint64_t bytes_of_all_files);
  std::uint64_t used() const;

  /// What SQLite takes for the time (it stands still in between); 2026-01-01 at first.
  void set_time(std::int64_t milliseconds_since_1970);

  tally counts() const;

 private:
  struct state;
  struct vfs;
  std::unique_ptr<state> state_;
};

const char* to_string(simulated_disk::kind what);

}  // namespace koppel::tests
