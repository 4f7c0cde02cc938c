// SPDX-License-Identifier: Apache-2.0
// Making and judging the bus folder.

#include "folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <koppel/bus/error.hpp>

namespace koppel::bus {

result<> prepare_folder(const std::filesystem::path& folder) {
  const auto unsafe = [&](const std::string& why) {
    return failure{errc::folder_unsafe, "The bus folder " + folder.string() + " " + why};
  };
  if ((folder / "follow").string().size() >= sizeof(sockaddr_un::sun_path))
    return unsafe("has too long a path for a unix socket; choose a shorter one.");
  std::error_code ec;
  if (folder.has_parent_path()) std::filesystem::create_directories(folder.parent_path(), ec);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return unsafe(std::string("cannot be made: ") + std::strerror(errno) + ".");
  // A link would let somebody else choose the folder: lstat, not stat.
  struct stat about {};
  if (::lstat(folder.c_str(), &about) != 0 || !S_ISDIR(about.st_mode)) return unsafe("is not a folder.");
  if (about.st_uid != ::geteuid()) return unsafe("belongs to another user; remove it or choose another.");
  if ((about.st_mode & 077) != 0) return unsafe("is open to other users; run chmod 700 on it.");
  return {};
}

result<> folder_lock::take(const std::filesystem::path& folder) {
  release();
  const auto name = folder / "lock";
  file_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file_ < 0)
    return failure{errc::folder_unsafe, "The bus folder " + folder.string() + " cannot be locked: " + name.string() +
                                            ": " + std::strerror(errno) + "."};
  if (::flock(file_, LOCK_EX | LOCK_NB) == 0) return {};
  const int why = errno;
  release();
  if (why == EWOULDBLOCK)
    return failure{errc::folder_in_use, "The bus folder " + folder.string() +
                                            " is in use by another host: end that one, or choose another folder."};
  return failure{errc::folder_unsafe,
                 "The bus folder " + folder.string() + " cannot be locked: " + std::strerror(why) + "."};
}

void folder_lock::release() {
  if (file_ >= 0) ::close(file_);
  file_ = -1;
}

}  // namespace koppel::bus
