// SPDX-License-Identifier: Apache-2.0
// The small parent of all runners, in its own process: single-threaded, knows no key and no database. It does three
// things: start a runner, signal one of its own, and tell when one has ended. When the daemon dies it dies, and they
// with it.

#include <koppel/fault_point.hpp>

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>
#include <vector>

#include "host/plugins/descriptor.hpp"
#include "host/plugins/pidfd.hpp"
#include "host/plugins/spawner_wire.hpp"

namespace koppel::plugins {

namespace {

using spawner_wire::answer;
using spawner_wire::request;

constexpr int runner_socket = 3;  ///< the one descriptor beside 0, 1, 2 that a runner is born with
constexpr rlim_t runner_descriptors = 64;
constexpr int runner_niceness = 10;  ///< one that computes for ever yields to the host

/// Small and fixed: nothing of the operator's environment reaches a plugin, but what tests order.
char* const* clean_environment() {
  static char path[] = "PATH=/usr/bin:/bin";
  static char lang[] = "LANG=C.UTF-8";
  static char* const environment[] = {path, lang, const_cast<char*>(faults::orders_for_child()),
                                      const_cast<char*>(faults::folder_for_child()), nullptr};
  return environment;
}

void limit(int resource, rlim_t most) {
  rlimit wanted{most, most};
  rlimit now{};
  if (::getrlimit(static_cast<__rlimit_resource>(resource), &now) == 0 && now.rlim_max < most)
    wanted = {now.rlim_max, now.rlim_max};
  ::setrlimit(static_cast<__rlimit_resource>(resource), &wanted);
}

/// In the runner-to-be, between fork and exec. Answers only if something failed: with an errno through `failed`.
[[noreturn]] void become_runner(const std::string& runner, const std::string& plugin, const runner_limits& limits,
                                int socket, int output, int failed, pid_t parent) {
  const auto give_up = [failed] {
    const int error = errno;
    [[maybe_unused]] const auto n = ::write(failed, &error, sizeof error);
    ::_exit(127);
  };
  // Follows the thread that forked, which is the spawner's only one. It may have died before the call: look again.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) give_up();
  if (::getppid() != parent) ::_exit(127);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + runner_niceness);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NOFILE, runner_descriptors);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // whose shadow of the memory alone is larger
  limit(RLIMIT_DATA, limits.memory);
  limit(RLIMIT_NPROC, 0);  // neither threads nor children; root's processes the kernel does not count
#endif
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  // What a library prints is read by the daemon, which escapes and bounds it.
  if (::dup2(output, STDOUT_FILENO) < 0 || ::dup2(output, STDERR_FILENO) < 0) give_up();
  const int report = ::fcntl(failed, F_DUPFD_CLOEXEC, runner_socket + 1);
  if (report < 0 || ::dup2(socket, runner_socket) < 0) give_up();
  ::fcntl(runner_socket, F_SETFD, 0);  // dup2 onto itself keeps close-on-exec
  failed = report;
  ::close_range(runner_socket + 1, ~0u, CLOSE_RANGE_CLOEXEC);
  const std::string number = std::to_string(runner_socket);
  const std::string call_s = std::to_string(limits.call_s);
  const std::array<const char*, 5> arguments{"koppel-runner", number.c_str(), plugin.c_str(), call_s.c_str(), nullptr};
  ::execve(runner.c_str(), const_cast<char* const*>(arguments.data()), clean_environment());
  const int error = errno;
  [[maybe_unused]] const auto n = ::write(report, &error, sizeof error);
  ::_exit(127);
}

class spawner_process {
 public:
  spawner_process(int channel, std::string runner, const runner_limits& limits)
      : channel_(channel), runner_(std::move(runner)), limits_(limits) {
    sigset_t ends;
    ::sigemptyset(&ends);
    ::sigaddset(&ends, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &ends, nullptr);
    stops_.reset(::signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK));
  }

  void serve() {
    while (true) {
      std::vector<pollfd> watched{{channel_, POLLIN, 0}, {stops_.get(), POLLIN, 0}};
      std::vector<pid_t> pids{0, 0};
      for (const auto& [pid, process] : children_) {
        watched.push_back({process.get(), POLLIN, 0});
        pids.push_back(pid);
      }
      if (::poll(watched.data(), watched.size(), -1) < 0) {
        if (errno == EINTR) continue;
        return;
      }
      // Exits first: a kill that was asked for in the same moment then finds nothing, and no later process of that
      // number.
      for (std::size_t i = 2; i < watched.size(); ++i)
        if (watched[i].revents != 0) reap(pids[i]);
      if (watched[1].revents != 0) end_stopped();
      if (watched[0].revents != 0 && !read_request()) return;
    }
  }

  void kill_all() {
    for (const auto& [pid, process] : children_) signal_pidfd(process.get(), SIGKILL);
  }

 private:
  bool read_request() {
    std::array<char, sizeof(request) + spawner_wire::longest_path> buffer;
    const ssize_t n = ::recv(channel_, buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) return true;
    if (n < static_cast<ssize_t>(sizeof(request))) return false;  // closed: the daemon has ended
    request r;
    std::memcpy(&r, buffer.data(), sizeof r);
    if (r.what == request::spawn) {
      spawn(r.token, std::string(buffer.data() + sizeof r, static_cast<std::size_t>(n) - sizeof r));
    } else if (r.what == request::kill) {
      // Only ours, and by pidfd: between an exit and its number's reuse lies our own waitid.
      if (const auto found = children_.find(r.pid); found != children_.end())
        signal_pidfd(found->second.get(), r.signal);
    }
    return true;
  }

  void spawn(std::uint64_t token, const std::string& plugin) {
    std::array<int, 2> ends{-1, -1}, report{-1, -1}, output{-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
      return refuse(token, answer::socket, errno);
    descriptor host_end(ends[0]), runner_end(ends[1]);
    if (::pipe2(report.data(), O_CLOEXEC) != 0) return refuse(token, answer::socket, errno);
    descriptor report_read(report[0]), report_write(report[1]);
    if (::pipe2(output.data(), O_CLOEXEC) != 0) return refuse(token, answer::socket, errno);
    descriptor output_read(output[0]), output_write(output[1]);

    if (KOPPEL_FAULT_FAILS("spawner.before_fork")) return refuse(token, answer::fork, EAGAIN);
    const pid_t self = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) return refuse(token, answer::fork, errno);
    if (pid == 0)
      become_runner(runner_, plugin, limits_, runner_end.get(), output_write.get(), report_write.get(), self);

    KOPPEL_FAULT_POINT("spawner.after_fork");
    runner_end.reset();
    output_write.reset();
    report_write.reset();
    int error = 0;
    ssize_t n = 0;
    do n = ::read(report_read.get(), &error, sizeof error);
    while (n < 0 && errno == EINTR);
    descriptor process(open_pidfd(pid));
    if (n == sizeof error || !process) {
      if (n != sizeof error) error = errno;
      ::kill(pid, SIGKILL);  // our own child, not yet waited for
      ::waitpid(pid, nullptr, 0);
      return refuse(token, answer::exec, error);
    }
    children_[pid] = std::move(process);
    answer a;
    a.pid = pid;
    a.token = token;
    say(a, {host_end.get(), output_read.get()});
  }

  void refuse(std::uint64_t token, decltype(answer::step) step, int error) {
    answer a;
    a.what = answer::refused;
    a.step = step;
    a.number = error;
    a.token = token;
    say(a, {});
  }

  /// A stopped process hears no SIGALRM and would sit on its jobs for as long as they may take. (One that a debugger
  /// stops is not told of here.)
  void end_stopped() {
    signalfd_siginfo told{};
    while (::read(stops_.get(), &told, sizeof told) > 0) {
    }
    for (const auto& [pid, process] : children_) {
      siginfo_t facts{};
      if (::waitid(P_PID, static_cast<id_t>(pid), &facts, WSTOPPED | WNOHANG) != 0 || facts.si_pid != pid) continue;
      stopped_by_[pid] = facts.si_status;
      signal_pidfd(process.get(), SIGKILL);
    }
  }

  void reap(pid_t pid) {
    int status = 0;
    if (::waitpid(pid, &status, WNOHANG) != pid) return;
    children_.erase(pid);
    if (const auto found = stopped_by_.find(pid); found != stopped_by_.end()) {
      status = W_STOPCODE(found->second);
      stopped_by_.erase(found);
    }
    KOPPEL_FAULT_POINT("spawner.before_end_told");
    answer a;
    a.what = answer::exited;
    a.pid = pid;
    a.number = status;
    say(a, {});
  }

  void say(const answer& a, const std::vector<int>& passed) {
    answer copy = a;
    iovec part{&copy, sizeof copy};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(2 * sizeof(int))> control{};
    if (!passed.empty()) {
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(passed.size() * sizeof(int));
      std::memcpy(CMSG_DATA(header), passed.data(), passed.size() * sizeof(int));
    }
    while (::sendmsg(channel_, &message, MSG_NOSIGNAL) < 0 && errno == EINTR) {
    }
  }

  int channel_;
  std::string runner_;
  runner_limits limits_;
  descriptor stops_;                      ///< readable when a child has stopped, or ended
  std::map<pid_t, int> stopped_by_;       ///< signals; of children that are being killed for it
  std::map<pid_t, descriptor> children_;  ///< pid -> pidfd; ours and not yet waited for
};

void forget_what_was_inherited(int& channel) {
  const int null = ::open("/dev/null", O_RDONLY);
  if (null >= 0) ::dup2(null, STDIN_FILENO);
  ::dup2(channel, 3);
  channel = 3;
  ::fcntl(channel, F_SETFD, FD_CLOEXEC);
  ::close_range(4, ~0u, 0);
  ::clearenv();
  for (const int signal : {SIGPIPE, SIGCHLD, SIGUSR1, SIGUSR2, SIGALRM}) ::signal(signal, SIG_DFL);
  // A Ctrl-C or a service manager's SIGTERM reaches the whole group; the daemon alone decides when plugins end.
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::signal(signal, SIG_IGN);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::prctl(PR_SET_NAME, "koppel-spawner");
}

}  // namespace

void run_spawner(int channel, const std::string& runner_path, const runner_limits& limits) {
  forget_what_was_inherited(channel);
  spawner_process process(channel, runner_path, limits);
  process.serve();
  process.kill_all();
  ::_exit(0);
}

}  // namespace koppel::plugins
