// SPDX-License-Identifier: Apache-2.0
// SQLite is a shared library: this definition in the program comes before libc's.

#include "tests/unit/ledger/failing_disk.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace koppel::tests {

std::atomic<int> syncs = 0;
std::atomic<bool> syncs_fail = false;
std::atomic<int> die_at_sync = 0;

}  // namespace koppel::tests

extern "C" int fdatasync(int descriptor) {
  if (++koppel::tests::syncs == koppel::tests::die_at_sync) ::kill(::getpid(), SIGKILL);
  if (koppel::tests::syncs_fail) {
    errno = EIO;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_fdatasync, descriptor));
}
