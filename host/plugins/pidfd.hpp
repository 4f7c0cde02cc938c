// SPDX-License-Identifier: Apache-2.0
// A descriptor for a process, so that a signal never reaches a later process of the same number. By system call: the
// header of glibc 2.36 (Debian 12) lacks `extern "C"`.
#pragma once

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

namespace koppel::plugins {

inline int open_pidfd(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0u)); }

inline int signal_pidfd(int pidfd, int signal) {
  return static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0u));
}

}  // namespace koppel::plugins
