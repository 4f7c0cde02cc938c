// SPDX-License-Identifier: Apache-2.0
// The simulated disk. A file is its bytes as readers see them, its bytes as they are durable, and what was done to it
// in between, one by one; a sync applies that to the durable bytes. One lock guards it all.

#include "tests/support/simulated_disk.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

namespace koppel::tests {
namespace {

constexpr std::size_t sector = 512;
constexpr int longest_path = 512;
constexpr std::int64_t first_of_2026 = 1'767'225'600'000;
constexpr std::int64_t unix_epoch_as_julian = 210'866'760'000'000;  // in milliseconds

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

void write_into(std::string& content, std::uint64_t offset, std::string_view bytes) {
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
std::size_t torn_at(std::size_t size, random_numbers& random) {
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

}  // namespace

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

/// SQLite's entry points. Each takes the lock and sees first whether its process still lives.
struct simulated_disk::vfs {
  static simulated_disk& disk_of(sqlite3_vfs* v) { return *static_cast<simulated_disk*>(v->pAppData); }
  static open_file& at(sqlite3_file* f) { return *static_cast<open_file*>(f); }

  static fault ask(simulated_disk& disk, kind what, std::string_view path, std::uint64_t offset, std::uint64_t bytes) {
    auto& s = *disk.state_;
    ++s.number;
    const auto answer = disk.on_operation ? disk.on_operation({what, path, s.number, offset, bytes}) : fault::proceed;
    if (answer == fault::power_lost) {
      s.powered = false;
      s.end_process();
    }
    return answer;
  }

  static int open(sqlite3_vfs* v, const char* name, sqlite3_file* out, int flags, int* out_flags) {
    auto& disk = disk_of(v);
    auto& s = *disk.state_;
    const std::lock_guard hold(s.mutex);
    auto& f = at(out);
    f.pMethods = nullptr;
    if (!s.powered) return SQLITE_CANTOPEN;
    auto h = std::make_unique<handle>();
    if (!name) {
      h->of = std::make_shared<file>();  // a temporary one, which nobody else sees
    } else {
      h->path = name;
      const auto found = s.names.find(h->path);
      if (found == s.names.end() && (flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
      if (found != s.names.end() && (flags & SQLITE_OPEN_EXCLUSIVE) != 0) return SQLITE_CANTOPEN;
      if (found == s.names.end()) s.names[h->path] = std::make_shared<file>();
      h->of = s.names[h->path];
    }
    h->read_only = (flags & SQLITE_OPEN_READONLY) != 0;
    h->remove_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
    h->of->open.push_back(h.get());
    if (out_flags) *out_flags = flags;
    ++s.counts.opens;
    f.disk = &disk;
    f.own = h.get();
    f.pMethods = &methods;
    s.handles.push_back(std::move(h));
    return SQLITE_OK;
  }

  static int close(sqlite3_file* out) {
    auto& f = at(out);
    auto& s = *f.disk->state_;
    const std::lock_guard hold(s.mutex);
    auto& h = *f.own;
    if (!h.dead) {
      release_shm(h);
      auto& open = h.of->open;
      open.erase(std::remove(open.begin(), open.end(), &h), open.end());
      if (h.remove_on_close && !h.path.empty()) {
        s.names.erase(h.path);
        s.durable.erase(h.path);
        s.count_used();
      }
    }
    s.handles.erase(std::find_if(s.handles.begin(), s.handles.end(), [&](const auto& one) { return one.get() == &h; }));
    f.pMethods = nullptr;
    return SQLITE_OK;
  }

  static int read(sqlite3_file* out, void* to, int amount, sqlite3_int64 offset) {
    auto& f = at(out);
    auto& s = *f.disk->state_;
    const std::lock_guard hold(s.mutex);
    if (f.own->dead) return SQLITE_IOERR_READ;
    ++s.counts.reads;
    const auto& content = f.own->of->content;
    const auto from = static_cast<std::size_t>(offset), wanted = static_cast<std::size_t>(amount);
    const std::size_t there = from < content.size() ? std::min(wanted, content.size() - from) : 0;
    if (there > 0) std::memcpy(to, content.data() + from, there);
    if (there == wanted) return SQLITE_OK;
    std::memset(static_cast<char*>(to) + there, 0, wanted - there);
    return SQLITE_IOERR_SHORT_READ;
  }

  static void write_now(state& s, handle& h, std::uint64_t offset, std::string_view bytes) {
    const auto before = h.of->content.size();
    write_into(h.of->content, offset, bytes);
    if (!h.path.empty()) {
      h.of->unsynced.push_back({false, offset, std::string(bytes)});
      s.used += h.of->content.size() - before;
    }
    s.counts.bytes_written += bytes.size();
  }

  static int write(sqlite3_file* out, const void* from, int amount, sqlite3_int64 at_offset) {
    auto& f = at(out);
    auto& s = *f.disk->state_;
    const std::lock_guard hold(s.mutex);
    auto& h = *f.own;
    if (h.dead) return SQLITE_IOERR_WRITE;
    if (h.read_only) return SQLITE_READONLY;
    const auto offset = static_cast<std::uint64_t>(at_offset);
    const std::string_view bytes(static_cast<const char*>(from), static_cast<std::size_t>(amount));
    auto answer = ask(*f.disk, kind::write, h.path, offset, bytes.size());
    const auto size = h.of->content.size();
    const auto more = offset + bytes.size() > size ? offset + bytes.size() - size : 0;
    if (answer == fault::proceed && more > 0 && s.used + more > s.capacity) answer = fault::full;
    ++s.counts.writes;
    switch (answer) {
      case fault::proceed:
      case fault::power_lost:  // it was on its way
        write_now(s, h, offset, bytes);
        return answer == fault::proceed ? SQLITE_OK : SQLITE_IOERR_WRITE;
      case fault::full:
        // There may have been room for its front.
        if (s.used + more <= s.capacity) write_now(s, h, offset, bytes.substr(0, torn_at(bytes.size(), s.random)));
        return SQLITE_FULL;
      case fault::io_error:
        break;
    }
    write_now(s, h, offset, bytes.substr(0, torn_at(bytes.size(), s.random)));
    return SQLITE_IOERR_WRITE;
  }

  static int truncate(sqlite3_file* out, sqlite3_int64 size) {
    auto& f = at(out);
    auto& s = *f.disk->state_;
    const std::lock_guard hold(s.mutex);
    auto& h = *f.own;
    if (h.dead) return SQLITE_IOERR_TRUNCATE;
    const auto answer = ask(*f.disk, kind::truncate, h.path, static_cast<std::uint64_t>(size), 0);
    if (answer == fault::io_error || answer == fault::full) return SQLITE_IOERR_TRUNCATE;
    ++s.counts.truncates;
    const change done{true, static_cast<std::uint64_t>(size), {}};
    const auto before = h.of->content.size();
    done.apply_to(h.of->content);
    if (!h.path.empty()) {
      h.of->unsynced.push_back(done);
      s.used -= before - h.of->content.size();
    }
    return answer == fault::proceed ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
  }

  static int sync(sqlite3_file* out, int) {
    auto& f = at(out);
    auto& s = *f.disk->state_;
    const std::lock_guard hold(s.mutex);
    auto& h = *f.own;
    if (h.dead) return SQLITE_IOERR_FSYNC;
    const auto answer = ask(*f.disk, kind::sync, h.path, 0, 0);
    ++s.counts.syncs;
    if (answer == fault::power_lost) return SQLITE_IOERR_FSYNC;
    if (answer == fault::proceed) {
      h.of->sync();
      if (!h.path.empty()) s.durable[h.path] = h.of;
      return SQLITE_OK;
    }
    for (const auto& c : h.of->unsynced)
      if (s.random.one_in(2)) h.of->settle(c);
    h.of->unsynced.clear();
    return SQLITE_IOERR_FSYNC;
  }

  static int file_size(sqlite3_file* out, sqlite3_int64* size) {
    auto& f = at(out);
    const std::lock_guard hold(f.disk->state_->mutex);
    if (f.own->dead) return SQLITE_IOERR_FSTAT;
    *size = static_cast<sqlite3_int64>(f.own->of->content.size());
    return SQLITE_OK;
  }

  static int strongest_of_others(const handle& h) {
    int strongest = SQLITE_LOCK_NONE;
    for (const auto* other : h.of->open)
      if (other != &h) strongest = std::max(strongest, other->lock);
    return strongest;
  }

  static int lock(sqlite3_file* out, int wanted) {
    auto& f = at(out);
    const std::lock_guard hold(f.disk->state_->mutex);
    auto& h = *f.own;
    if (h.dead) return SQLITE_IOERR_LOCK;
    if (h.lock >= wanted) return SQLITE_OK;
    const int others = strongest_of_others(h);
    if (wanted == SQLITE_LOCK_SHARED) {
      if (others >= SQLITE_LOCK_PENDING) return SQLITE_BUSY;
    } else if (others >= SQLITE_LOCK_RESERVED) {
      return SQLITE_BUSY;
    } else if (wanted == SQLITE_LOCK_EXCLUSIVE && others > SQLITE_LOCK_NONE) {
      h.lock = SQLITE_LOCK_PENDING;  // no new readers while the present ones finish
      return SQLITE_BUSY;
    }
    h.lock = wanted;
    return SQLITE_OK;
  }

  static int unlock(sqlite3_file* out, int wanted) {
    auto& f = at(out);
    const std::lock_guard hold(f.disk->state_->mutex);
    if (f.own->dead) return SQLITE_IOERR_UNLOCK;
    f.own->lock = std::min(f.own->lock, wanted);
    return SQLITE_OK;
  }

  static int check_reserved_lock(sqlite3_file* out, int* reserved) {
    auto& f = at(out);
    const std::lock_guard hold(f.disk->state_->mutex);
    if (f.own->dead) return SQLITE_IOERR_CHECKRESERVEDLOCK;
    *reserved = std::max(f.own->lock, strongest_of_others(*f.own)) >= SQLITE_LOCK_RESERVED;
    return SQLITE_OK;
  }

  static int file_control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
  // As SQLite's own VFS answers on Linux.
  static int sector_size(sqlite3_file*) { return 4096; }
  static int device_characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

  static int shm_map(sqlite3_file* out, int region, int bytes, int extend, void volatile** memory) {
    auto& f = at(out);
    const std::lock_guard hold(f.disk->state_->mutex);
    auto& h = *f.own;
    *memory = nullptr;
    if (h.dead) return SQLITE_IOERR_SHMMAP;
    if (!h.shm) {
      if (!h.of->shm) h.of->shm = std::make_shared<shared_memory>();
      h.shm = h.of->shm;
      ++h.shm->users;
    }
    auto& regions = h.shm->regions;
    const auto wanted = static_cast<std::size_t>(region);
    if (wanted >= regions.size() && extend == 0) return SQLITE_OK;
    while (wanted >= regions.size())
      regions.push_back(std::make_unique<char[]>(static_cast<std::size_t>(bytes)));  // zeroed
    *memory = regions[wanted].get();
    return SQLITE_OK;
  }

  static int shm_lock(sqlite3_file* out, int first, int count, int flags) {
    auto& f = at(out);
    const std::lock_guard hold(f.disk->state_->mutex);
    auto& h = *f.own;
    if (h.dead || !h.shm) return SQLITE_IOERR_SHMLOCK;
    auto& locks = h.shm->locks;
    if ((flags & SQLITE_SHM_UNLOCK) != 0) {
      for (int i = first; i < first + count; ++i) unlock_slot(h, i);
      return SQLITE_OK;
    }
    const bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
    for (int i = first; i < first + count; ++i) {
      const unsigned bit = 1U << i;
      const int own = (h.shared & bit) != 0 ? 1 : 0;
      const int held = locks[static_cast<std::size_t>(i)];
      if ((h.exclusive & bit) != 0) continue;
      if (held < 0 || (exclusive && held > own)) return SQLITE_BUSY;
    }
    for (int i = first; i < first + count; ++i) {
      const unsigned bit = 1U << i;
      auto& held = locks[static_cast<std::size_t>(i)];
      if (exclusive) {
        held = -1;
        h.exclusive |= bit;
        h.shared &= ~bit;
      } else if ((h.shared & bit) == 0) {
        ++held;
        h.shared |= bit;
      }
    }
    return SQLITE_OK;
  }

  static void unlock_slot(handle& h, int slot) {
    const unsigned bit = 1U << slot;
    auto& held = h.shm->locks[static_cast<std::size_t>(slot)];
    if ((h.exclusive & bit) != 0) held = 0;
    if ((h.shared & bit) != 0) --held;
    h.exclusive &= ~bit;
    h.shared &= ~bit;
  }

  static void shm_barrier(sqlite3_file* out) {
    const std::lock_guard hold(at(out).disk->state_->mutex);
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }

  static void release_shm(handle& h) {
    if (!h.shm) return;
    for (int i = 0; i < SQLITE_SHM_NLOCK; ++i) unlock_slot(h, i);
    if (--h.shm->users == 0 && h.of->shm == h.shm) h.of->shm = nullptr;
    h.shm = nullptr;
  }

  static int shm_unmap(sqlite3_file* out, int) {
    auto& f = at(out);
    const std::lock_guard hold(f.disk->state_->mutex);
    if (f.own->dead)
      f.own->shm = nullptr;
    else
      release_shm(*f.own);
    return SQLITE_OK;
  }

  static int remove(sqlite3_vfs* v, const char* name, int sync_folder) {
    auto& disk = disk_of(v);
    auto& s = *disk.state_;
    const std::lock_guard hold(s.mutex);
    if (!s.powered) return SQLITE_IOERR_DELETE;
    if (s.names.count(name) == 0) return SQLITE_IOERR_DELETE_NOENT;
    const auto answer = ask(disk, kind::remove, name, 0, 0);
    if (answer == fault::io_error || answer == fault::full) return SQLITE_IOERR_DELETE;
    ++s.counts.removes;
    s.names.erase(name);
    s.count_used();
    if (answer == fault::power_lost) return SQLITE_IOERR_DELETE;
    if (sync_folder != 0) s.durable.erase(name);
    return SQLITE_OK;
  }

  static int access(sqlite3_vfs* v, const char* name, int flags, int* out) {
    auto& s = *disk_of(v).state_;
    const std::lock_guard hold(s.mutex);
    if (!s.powered) return SQLITE_IOERR_ACCESS;
    const auto found = s.names.find(name);
    // As SQLite's own VFS: for "exists" an empty file is none.
    *out = found != s.names.end() && (flags != SQLITE_ACCESS_EXISTS || !found->second->content.empty());
    return SQLITE_OK;
  }

  static int full_pathname(sqlite3_vfs*, const char* name, int size, char* out) {
    const auto length = std::strlen(name);
    if (length >= static_cast<std::size_t>(size)) return SQLITE_CANTOPEN;
    std::memcpy(out, name, length + 1);
    return SQLITE_OK;
  }

  static int randomness(sqlite3_vfs* v, int bytes, char* out) {
    auto& s = *disk_of(v).state_;
    const std::lock_guard hold(s.mutex);
    std::generate_n(out, bytes, [&] { return static_cast<char>(s.random.next()); });
    return bytes;
  }

  // SQLite sleeps where another thread holds a lock: that one gets a chance, and no test waits long.
  static int sleep(sqlite3_vfs*, int microseconds) {
    std::this_thread::sleep_for(std::chrono::microseconds(std::min(microseconds, 50)));
    return microseconds;
  }

  static int current_time(sqlite3_vfs* v, sqlite3_int64* out) {
    auto& s = *disk_of(v).state_;
    const std::lock_guard hold(s.mutex);
    *out = unix_epoch_as_julian + s.time;
    return SQLITE_OK;
  }
  static int current_time_in_days(sqlite3_vfs* v, double* out) {
    sqlite3_int64 now = 0;
    current_time(v, &now);
    *out = static_cast<double>(now) / 86'400'000.0;
    return SQLITE_OK;
  }
  static int last_error(sqlite3_vfs*, int, char*) { return 0; }

  static const sqlite3_io_methods methods;
};

const sqlite3_io_methods simulated_disk::vfs::methods = {2,
                                                         close,
                                                         read,
                                                         write,
                                                         truncate,
                                                         sync,
                                                         file_size,
                                                         lock,
                                                         unlock,
                                                         check_reserved_lock,
                                                         file_control,
                                                         sector_size,
                                                         device_characteristics,
                                                         shm_map,
                                                         shm_lock,
                                                         shm_barrier,
                                                         shm_unmap,
                                                         nullptr,
                                                         nullptr};

simulated_disk::simulated_disk(std::uint64_t seed, role as) : state_(std::make_unique<state>(seed)) {
  static std::atomic<unsigned> made = 0;
  auto& s = *state_;
  s.name = "koppel-simulated-" + std::to_string(++made);
  if (as == role::default_vfs) s.former = sqlite3_vfs_find(nullptr);
  s.vfs.iVersion = 2;
  s.vfs.szOsFile = sizeof(open_file);
  s.vfs.mxPathname = longest_path;
  s.vfs.zName = s.name.c_str();
  s.vfs.pAppData = this;
  s.vfs.xOpen = vfs::open;
  s.vfs.xDelete = vfs::remove;
  s.vfs.xAccess = vfs::access;
  s.vfs.xFullPathname = vfs::full_pathname;
  s.vfs.xRandomness = vfs::randomness;
  s.vfs.xSleep = vfs::sleep;
  s.vfs.xCurrentTime = vfs::current_time_in_days;
  s.vfs.xGetLastError = vfs::last_error;
  s.vfs.xCurrentTimeInt64 = vfs::current_time;
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
