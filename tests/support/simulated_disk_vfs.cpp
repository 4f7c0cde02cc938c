// SPDX-License-Identifier: Apache-2.0
// What SQLite calls: files, locks and shared memory as its own VFS for Unix has them.

#include <chrono>
#include <set>
#include <thread>

#include "tests/support/simulated_disk_state.hpp"

namespace koppel::tests {

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

sqlite3_vfs simulated_disk::state::entry_points(simulated_disk& disk, const std::string& name) {
  sqlite3_vfs v{};
  v.iVersion = 2;
  v.szOsFile = sizeof(open_file);
  v.mxPathname = longest_path;
  v.zName = name.c_str();
  v.pAppData = &disk;
  v.xOpen = simulated_disk::vfs::open;
  v.xDelete = simulated_disk::vfs::remove;
  v.xAccess = simulated_disk::vfs::access;
  v.xFullPathname = simulated_disk::vfs::full_pathname;
  v.xRandomness = simulated_disk::vfs::randomness;
  v.xSleep = simulated_disk::vfs::sleep;
  v.xCurrentTime = simulated_disk::vfs::current_time_in_days;
  v.xGetLastError = simulated_disk::vfs::last_error;
  v.xCurrentTimeInt64 = simulated_disk::vfs::current_time;
  return v;
}

}  // namespace koppel::tests
