// SPDX-License-Identifier: Apache-2.0
// Folder and lock by plain POSIX calls. The database file itself is never opened here: closing any descriptor of it
// would drop SQLite's own locks on it.

#include "host/ledger/folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>

#include "host/ledger/errors.hpp"

namespace koppel::ledger {
namespace {

failure io(const std::string& what) { return {errc::io, what + ": " + std::strerror(errno) + "."}; }

std::string holder_of(int descriptor) {
  char text[32] = {};
  const auto size = ::pread(descriptor, text, sizeof text - 1, 0);
  const std::string pid(text, size > 0 ? std::strcspn(text, "\n") : 0);
  return pid.empty() ? "another process" : "process " + pid;
}

}  // namespace

result<void> prepare_folder(const std::string& folder) {
  if (folder.empty() || folder[0] != '/') return failure{errc::io, "The data folder must be an absolute path."};
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return io("The data folder " + folder + " cannot be made");
  struct stat about {};
  if (::stat(folder.c_str(), &about) != 0) return io("The data folder " + folder + " cannot be read");
  if (!S_ISDIR(about.st_mode)) return failure{errc::io, "The data folder " + folder + " is not a folder."};
  if (about.st_uid != ::geteuid())
    return failure{errc::io, "The data folder " + folder + " belongs to another user; koppeld must own it."};
  if ((about.st_mode & 0077) != 0)
    return failure{errc::io, "Others may enter the data folder " + folder + "; run: chmod 700 " + folder};
  return {};
}

result<folder_lock> folder_lock::take(const std::string& folder) {
  const std::string path = folder + "/lock";
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) return io("The lock file " + path + " cannot be opened");
  folder_lock lock(descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return io("The lock file " + path + " cannot be locked");
    return failure{errc::locked, "The data folder " + folder + " is held by " + holder_of(descriptor) +
                                     "; stop that host first, or give this one a folder of its own."};
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(descriptor, 0) != 0 || ::pwrite(descriptor, pid.data(), pid.size(), 0) < 0)
    return io("The lock file " + path + " cannot be written");
  return lock;
}

folder_lock::~folder_lock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::uint64_t free_bytes(const std::string& folder) {
  struct statvfs about {};
  if (::statvfs(folder.c_str(), &about) != 0) return std::numeric_limits<std::uint64_t>::max();
  return std::uint64_t{about.f_bavail} * about.f_frsize;
}

result<void> sync_folder(const std::string& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return io("The data folder " + folder + " cannot be opened");
  const int code = ::fsync(descriptor);
  ::close(descriptor);
  if (code != 0) return io("The data folder " + folder + " cannot be synced");
  return {};
}

}  // namespace koppel::ledger
