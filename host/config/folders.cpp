// SPDX-License-Identifier: Apache-2.0
// What the folders of the configuration have to be, asked of the system once at the start.

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "host/config/config.hpp"
#include "host/runtime/ownership.hpp"

namespace koppel::config {
namespace {

namespace fs = std::filesystem;

failure refused(std::string sentence) { return {make_error_code(errc::folder), std::move(sentence)}; }

std::string reason(int error) { return std::generic_category().message(error); }

/// SQLite's locks and the fsync behind every event cannot be trusted over a network.
bool on_network(const std::string& folder) {
  // CIFS and SMB2 have no name in linux/magic.h of every age.
  constexpr std::array<unsigned long, 5> network{NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, 0xFF534D42UL, 0xFE534D42UL,
                                                 0x00C36400UL};
  struct statfs about {};
  if (::statfs(folder.c_str(), &about) != 0) return false;
  for (const auto magic : network)
    if ((static_cast<unsigned long>(about.f_type) & 0xFFFFFFFFUL) == magic) return true;
  return false;
}

result<> check_data_folder(const std::string& folder) {
  std::error_code ec;
  fs::create_directories(fs::path(folder).parent_path(), ec);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return refused("The data folder " + folder + " cannot be made: " + reason(errno) + ".");
  struct stat about {};
  if (::stat(folder.c_str(), &about) != 0)
    return refused("The data folder " + folder + " cannot be looked at: " + reason(errno) + ".");
  if (!S_ISDIR(about.st_mode)) return refused("The data folder " + folder + " is not a folder.");
  if (about.st_uid != ::geteuid())
    return refused("The data folder " + folder +
                   " belongs to another user. Give it to the one that runs koppeld: chown.");
  if ((about.st_mode & 077) != 0)
    return refused("The data folder " + folder + " is open to others. Close it: chmod 700 " + folder);
  if (::access(folder.c_str(), R_OK | W_OK | X_OK) != 0)
    return refused("The data folder " + folder + " cannot be written to: " + reason(errno) + ".");
  if (on_network(folder))
    return refused("The data folder " + folder + " is on a network file system; the ledger needs a local disk.");
  return {};
}

result<> check_plugin_folder(const std::string& folder) {
  struct stat about {};
  if (::stat(folder.c_str(), &about) != 0)
    return refused("The plugin folder " + folder + " cannot be looked at: " + reason(errno) +
                   ". plugin_folder has to name the folder that the plugins are in.");
  if (!S_ISDIR(about.st_mode)) return refused("The plugin folder " + folder + " is not a folder.");
  if (::access(folder.c_str(), R_OK | X_OK) != 0)
    return refused("The plugin folder " + folder + " cannot be read: " + reason(errno) + ".");
  // Whoever can write here decides what code runs.
  if (const auto wrong = runtime::wrong_ownership(about); !wrong.empty())
    return refused("The plugin folder " + folder + " " + wrong + ".");
  return {};
}

}  // namespace

result<> check_folders(const config& c) {
  if (auto done = check_data_folder(c.data_folder.string()); !done) return done.error();
  return check_plugin_folder(c.plugin_folder.string());
}

fs::path runner_path(const config& c) {
  if (!c.runner.empty()) return c.runner;
  std::error_code ec;
  const auto self = fs::read_symlink("/proc/self/exe", ec);
  return self.parent_path() / "koppel-runner";
}

}  // namespace koppel::config
