// SPDX-License-Identifier: Apache-2.0

#include "tests/support/simulated_disk.hpp"

#include <atomic>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>

#include "tests/support/simulated_disk_state.hpp"

namespace koppel::tests {

simulated_disk::simulated_disk(std::uint64_t seed, role as) : state_(std::make_unique<state>(seed)) {
  static std::atomic<unsigned> made = 0;
  auto& s = *state_;
  s.name = "koppel-simulated-" + std::to_string(++made);
  if (as == role::default_vfs) s.former = sqlite3_vfs_find(nullptr);
  s.vfs = state::entry_points(*this, s.name);
  if (sqlite3_vfs_register(&s.vfs, as == role::default_vfs ? 1 : 0) != SQLITE_OK)
    throw std::runtime_error("SQLite did not take the simulated disk");
  sqlite3_randomness(0, nullptr);  // SQLite's own generator starts anew, from the default VFS
}

simulated_disk::~simulated_disk() {
  sqlite3_vfs_unregister(&state_->vfs);
  if (state_->former) sqlite3_vfs_register(state_->former, 1);
  sqlite3_randomness(0, nullptr);
}

const std::string& simulated_disk::vfs_name() const { return state_->name; }

void simulated_disk::import_file(const std::string& path_on_real_disk, const std::string& path) {
  std::ifstream real(path_on_real_disk, std::ios::binary);
  if (!real) throw std::runtime_error("There is no file " + path_on_real_disk);
  put(path, {std::istreambuf_iterator<char>(real), {}});
}

void simulated_disk::put(const std::string& path, std::string bytes) {
  const std::lock_guard hold(state_->mutex);
  auto made = std::make_shared<file>();
  made->content = bytes;
  made->durable = std::move(bytes);
  state_->names[path] = made;
  state_->durable[path] = made;
  state_->count_used();
}

std::string simulated_disk::bytes(const std::string& path) const {
  const std::lock_guard hold(state_->mutex);
  const auto found = state_->names.find(path);
  return found == state_->names.end() ? std::string() : found->second->content;
}

bool simulated_disk::has(const std::string& path) const {
  const std::lock_guard hold(state_->mutex);
  return state_->names.count(path) != 0;
}

void simulated_disk::kill() {
  const std::lock_guard hold(state_->mutex);
  state_->end_process();
  state_->powered = true;
}

void simulated_disk::lose_power(std::uint64_t seed) {
  const std::lock_guard hold(state_->mutex);
  auto& s = *state_;
  s.end_process();
  random_numbers random(seed);
  // Some losses keep everything, some nothing, the others from a little to most.
  const auto keep_of_8 = random.below(9);

  std::set<std::string> paths;
  for (const auto& [path, f] : s.names) paths.insert(path);
  for (const auto& [path, f] : s.durable) paths.insert(path);
  std::map<std::string, std::shared_ptr<file>> left;
  for (const auto& path : paths) {
    const auto now = s.names.find(path), before = s.durable.find(path);
    const bool settled = now != s.names.end() && before != s.durable.end() && now->second == before->second;
    const bool as_now = settled || random.below(8) < keep_of_8;
    if (as_now && now != s.names.end()) left[path] = now->second;
    if (!as_now && before != s.durable.end()) left[path] = before->second;
  }
  for (auto& [path, f] : left) {
    for (const auto& c : f->unsynced) {
      if (random.below(8) < keep_of_8) {
        f->settle(c);
      } else if (!c.truncates) {
        const auto front = random.one_in(3) ? torn_at(c.bytes.size(), random) : 0;
        if (front > 0) write_into(f->durable, c.offset, std::string_view(c.bytes).substr(0, front));
        const auto end = c.offset + c.bytes.size();
        if (f->durable.size() < end && random.one_in(4)) f->durable.resize(end);
      }
    }
    f->unsynced.clear();
    f->content = f->durable;
  }
  s.names = left;
  s.durable = std::move(left);
  s.count_used();
  s.powered = true;
}

void simulated_disk::limit(std::uint64_t bytes_of_all_files) {
  const std::lock_guard hold(state_->mutex);
  state_->capacity = bytes_of_all_files;
}

std::uint64_t simulated_disk::used() const {
  const std::lock_guard hold(state_->mutex);
  return state_->used;
}

void simulated_disk::set_time(std::int64_t milliseconds_since_1970) {
  const std::lock_guard hold(state_->mutex);
  state_->time = milliseconds_since_1970;
}

simulated_disk::tally simulated_disk::counts() const {
  const std::lock_guard hold(state_->mutex);
  return state_->counts;
}

const char* to_string(simulated_disk::kind what) {
  switch (what) {
    case simulated_disk::kind::write:
      return "write";
    case simulated_disk::kind::sync:
      return "sync";
    case simulated_disk::kind::truncate:
      return "truncate";
    case simulated_disk::kind::remove:
      return "remove";
  }
  return "";
}

}  // namespace koppel::tests
