// SPDX-License-Identifier: Apache-2.0
// The inside of the simulated disk. A file is its bytes as readers see them, its bytes as they are durable, and what
// was done to it in between, one by one; a sync applies that to the durable bytes. One lock guards it all.
// simulated_disk.cpp decides what is left when a process ends or the power goes; simulated_disk_vfs.cpp is what SQLite
// calls.
#pragma once

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tests/support/simulated_disk.hpp"

namespace koppel::tests {
namespace disk_parts {

inline constexpr std::size_t sector = 512;
inline constexpr int longest_path = 512;
inline constexpr std::int64_t first_of_2026 = 1'767'225'600'000;
inline constexpr std::int64_t unix_epoch_as_julian = 210'866'760'000'000;  // in milliseconds

/// splitmix64.
class random_numbers {
 public:
  explicit random_numbers(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t end) { return next() % end; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }

 private:
  std::uint64_t state_;
};

inline void write_into(std::string& content, std::uint64_t offset, std::string_view bytes) {
  if (content.size() < offset + bytes.size()) content.resize(offset + bytes.size());
  std::memcpy(content.data() + offset, bytes.data(), bytes.size());
}

/// A write, or a truncation to `offset`.
struct change {
  bool truncates = false;
  std::uint64_t offset = 0;
  std::string bytes;

  void apply_to(std::string& content) const {
    if (truncates)
      content.resize(std::min<std::uint64_t>(content.size(), offset));
    else
      write_into(content, offset, bytes);
  }
};

/// How much of `size` bytes is there when a write was torn.
inline std::size_t torn_at(std::size_t size, random_numbers& random) {
  const std::size_t whole = random.below(size / sector + 1) * sector;
  return random.one_in(4) ? random.below(size + 1) : std::min(whole, size);
}

/// The shared memory of those who have a file open, with its locks: as in SQLite's own VFS, -1 is exclusive.
struct shared_memory {
  std::vector<std::unique_ptr<char[]>> regions;
  std::array<int, SQLITE_SHM_NLOCK> locks{};
  int users = 0;
};

struct handle;

struct file {
  std::string content, durable;
  std::vector<change> unsynced;
  std::vector<handle*> open;  ///< of the living process
  std::shared_ptr<shared_memory> shm;

  void settle(const change& c) { c.apply_to(durable); }
  void sync() {
    for (const auto& c : unsynced) settle(c);
    unsynced.clear();
  }
};

/// An open file. One of a process that died has `dead` set and belongs to nothing.
struct handle {
  std::string path;
  std::shared_ptr<file> of;
  bool dead = false;
  bool read_only = false;
  bool remove_on_close = false;
  int lock = SQLITE_LOCK_NONE;
  std::shared_ptr<shared_memory> shm;
  unsigned shared = 0, exclusive = 0;  ///< its locks on shm, as bits
};

struct open_file : sqlite3_file {
  simulated_disk* disk;
  handle* own;
};

}  // namespace disk_parts

using namespace disk_parts;

struct simulated_disk::state {
  explicit state(std::uint64_t seed) : random(seed), given_seed(seed) {}

  mutable std::recursive_mutex mutex;
  std::map<std::string, std::shared_ptr<file>> names;    ///< as processes see them
  std::map<std::string, std::shared_ptr<file>> durable;  ///< as they would be found after a loss of power
  std::vector<std::unique_ptr<handle>> handles;
  random_numbers random;
  std::uint64_t given_seed;
  bool powered = true;
  std::uint64_t capacity = unlimited;
  std::uint64_t used = 0;  ///< bytes in `names`
  std::uint64_t number = 0;
  std::int64_t time = first_of_2026;
  tally counts;
  std::string name;
  sqlite3_vfs vfs{};
  sqlite3_vfs* former = nullptr;  ///< the default before us, if we took its place

  /// SQLite's entry points for this disk (simulated_disk_vfs.cpp), under this name.
  static sqlite3_vfs entry_points(simulated_disk& disk, const std::string& name);

  void end_process() {
    for (auto& h : handles) {
      h->dead = true;
      h->of->open.clear();
      h->of->shm = nullptr;
    }
  }

  void count_used() {
    used = 0;
    for (const auto& [path, f] : names) used += f->content.size();
  }
};

}  // namespace koppel::tests
