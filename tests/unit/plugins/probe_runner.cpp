// SPDX-License-Identifier: Apache-2.0
// Stands in for koppel-runner in the spawner's tests: tells through its socket what it was born with, then does what
// one letter says: x exits with 3, s gets SIGSEGV, p stops itself, anything else (EOF too) exits with 0.

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>

extern char** environ;

namespace {

std::string same_file(int a, int b) {
  struct stat x {
  }, y{};
  return ::fstat(a, &x) == 0 && ::fstat(b, &y) == 0 && x.st_ino == y.st_ino && x.st_dev == y.st_dev ? "yes" : "no";
}

std::string report(int argc, char** argv) {
  std::ostringstream out;
  for (int i = 0; i < argc; ++i) out << "argument " << argv[i] << '\n';
  for (char** e = environ; *e != nullptr; ++e) out << "environment " << *e << '\n';
  for (int fd = 0; fd < 256; ++fd) {
    // Asked one by one: listing the folder would show the listing's own descriptor.
    struct stat facts {};
    if (::fstat(fd, &facts) != 0) continue;
    out << "descriptor " << fd << ' ' << (S_ISSOCK(facts.st_mode) ? "socket" : "other") << '\n';
  }
  std::error_code ec;
  out << "stdin " << std::filesystem::read_symlink("/proc/self/fd/0", ec).string() << '\n';
  out << "stdout is stderr " << same_file(1, 2) << '\n';
  int death = 0;
  ::prctl(PR_GET_PDEATHSIG, &death);
  out << "death signal " << death << '\n';
  out << "no new privileges " << ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) << '\n';
  rlimit core{}, files{};
  ::getrlimit(RLIMIT_CORE, &core);
  ::getrlimit(RLIMIT_NOFILE, &files);
  rlimit memory{};
  ::getrlimit(RLIMIT_DATA, &memory);
  rlimit processes{};
  ::getrlimit(RLIMIT_NPROC, &processes);
  out << "niceness " << ::getpriority(PRIO_PROCESS, 0) << '\n';
  out << "processes " << processes.rlim_max << '\n';
  out << "memory " << memory.rlim_max << '\n';
  out << "core " << core.rlim_max << '\n' << "files " << files.rlim_max << '\n';
  out << "end\n";
  return out.str();
}

}  // namespace

int main(int argc, char** argv) {
  const int socket = argc > 1 ? std::atoi(argv[1]) : -1;
  const std::string text = report(argc, argv);
  if (::send(socket, text.data(), text.size(), MSG_NOSIGNAL) < 0) return 9;
  char letter = 0;
  if (::recv(socket, &letter, 1, 0) != 1) return 0;
  if (letter == 'x') return 3;
  if (letter == 'p') ::raise(SIGSTOP);
  if (letter == 's') {
    ::signal(SIGSEGV, SIG_DFL);  // AddressSanitizer turns it into an exit otherwise
    ::raise(SIGSEGV);
  }
  return 0;
}
