// SPDX-License-Identifier: Apache-2.0
// Requests to the spawner, and its answers.

#include "host/plugins/spawner.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>

#include "host/plugins/errors.hpp"
#include "host/plugins/spawner_wire.hpp"

namespace koppel::plugins {

using spawner_wire::answer;
using spawner_wire::request;

namespace {

constexpr std::chrono::seconds spawn_limit{10};

/// Keeps 0, 1 and 2 taken, so that none of our sockets becomes somebody's standard output.
void occupy_standard_descriptors() {
  int fd = ::open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO) fd = ::open("/dev/null", O_RDWR);
  if (fd >= 0) ::close(fd);
}

std::size_t threads_of_this_process() {
  std::size_t count = 0;
  std::error_code ec;
  for (auto entry = std::filesystem::directory_iterator("/proc/self/task", ec);
       !ec && entry != std::filesystem::directory_iterator(); entry.increment(ec))
    ++count;
  return count;
}

std::string refusal_text(const answer& a) {
  const std::string why = std::strerror(a.number);
  if (a.step == answer::exec) return "koppel-runner could not be started: " + why;
  if (a.step == answer::fork) return "no process could be had for a plugin: " + why;
  return "no socket could be had for a plugin: " + why;
}

class forked_spawner final : public spawner {
 public:
  forked_spawner(pid_t pid, descriptor channel, const runner_limits& limits)
      : spawner(limits), pid_(pid), channel_(std::move(channel)) {}
  ~forked_spawner() override;

  runtime::awaitable<void> serve() override;
  runtime::awaitable<result<child>> spawn(std::string plugin_path) override;
  void kill(pid_t pid, int signal) override;
  bool alive() const override { return alive_; }
  pid_t pid() const override { return pid_; }

 private:
  struct pending {
    std::optional<result<child>> outcome;
    runtime::condition changed;
  };
  using pending_map = std::map<std::uint64_t, pending*>;
  struct registration {
    pending_map& map;
    std::uint64_t token;
    registration(pending_map& m, std::uint64_t t, pending& p) : map(m), token(t) { map[token] = &p; }
    registration(const registration&) = delete;
    ~registration() { map.erase(token); }
  };
  bool send(const void* bytes, std::size_t size);
  bool read_one();
  void lost();

  const pid_t pid_;
  descriptor channel_;
  bool alive_ = true;
  std::uint64_t next_token_ = 1;
  pending_map pending_;                               ///< in the frames of `spawn`
  std::map<pid_t, std::shared_ptr<child_end>> ends_;  ///< of children that live
};

forked_spawner::~forked_spawner() {
  channel_.reset();
  ::kill(pid_, SIGKILL);  // our own child, not yet waited for, so the number is still its
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

runtime::awaitable<void> forked_spawner::serve() {
  runtime::asio::posix::stream_descriptor readable(co_await runtime::asio::this_coro::executor,
                                                   ::fcntl(channel_.get(), F_DUPFD_CLOEXEC, 0));
  while (alive_) {
    const auto [ec] = co_await readable.async_wait(runtime::asio::posix::descriptor_base::wait_read, runtime::token);
    if (ec) co_return;
    while (read_one()) {
    }
  }
}

bool forked_spawner::read_one() {
  answer a;
  iovec part{&a, sizeof a};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(2 * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t n = ::recvmsg(channel_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (n < 0 && errno == EINTR) return true;
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
  if (n != static_cast<ssize_t>(sizeof a)) {
    lost();
    return false;
  }
  descriptor socket, output;
  if (const cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr && header->cmsg_type == SCM_RIGHTS) {
    std::array<int, 2> passed{-1, -1};
    std::memcpy(passed.data(), CMSG_DATA(header), sizeof passed);
    socket.reset(passed[0]);
    output.reset(passed[1]);
  }
  if (a.what == answer::exited) {
    if (const auto found = ends_.find(a.pid); found != ends_.end()) {
      found->second->status = a.number;
      found->second->changed.notify_all();
      ends_.erase(found);
    }
    return true;
  }
  const auto waiting = pending_.find(a.token);
  if (a.what == answer::spawned) {
    if (waiting == pending_.end()) {
      kill(a.pid, SIGKILL);  // whoever wanted it has gone away
      return true;
    }
    child born{a.pid, std::move(socket), std::move(output), std::make_shared<child_end>()};
    ends_[a.pid] = born.end;
    waiting->second->outcome.emplace(std::move(born));
  } else if (waiting != pending_.end()) {
    waiting->second->outcome.emplace(fail(errc::spawn_failed, refusal_text(a)));
  }
  if (waiting != pending_.end()) waiting->second->changed.notify_all();
  return true;
}

void forked_spawner::lost() {
  alive_ = false;
  if (on_lost) on_lost();
  for (auto& [token, waiting] : pending_) waiting->changed.notify_all();
  // Their parent's death has killed them; nobody is left to say so.
  for (auto& [pid, end] : ends_) {
    end->status = SIGKILL;
    end->changed.notify_all();
  }
  ends_.clear();
}

runtime::awaitable<result<child>> forked_spawner::spawn(std::string plugin_path) {
  request r;
  r.token = next_token_++;
  std::string packet(reinterpret_cast<const char*>(&r), sizeof r);
  packet += plugin_path;
  if (plugin_path.size() > spawner_wire::longest_path)
    co_return fail(errc::spawn_failed, "the plugin's path is longer than 4096 bytes");
  if (!send(packet.data(), packet.size()))
    co_return fail(errc::spawn_failed, "the process that starts plugins has ended; restart koppeld");
  pending waiting;
  const registration entry(pending_, r.token, waiting);
  const auto deadline = runtime::steady_clock::now() + spawn_limit;
  bool go_on = true;
  while (go_on && !waiting.outcome && alive_ && runtime::steady_clock::now() < deadline)
    go_on = co_await waiting.changed.wait_or_stop(deadline);
  if (!waiting.outcome) co_return fail(errc::spawn_failed, "the process that starts plugins does not answer");
  co_return std::move(*waiting.outcome);
}

void forked_spawner::kill(pid_t pid, int signal) {
  request r;
  r.what = request::kill;
  r.pid = pid;
  r.signal = signal;
  send(&r, sizeof r);
}

bool forked_spawner::send(const void* bytes, std::size_t size) {
  if (!alive_) return false;
  while (::send(channel_.get(), bytes, size, MSG_NOSIGNAL) < 0) {
    if (errno == EAGAIN) {
      // A full queue means that the spawner has dozens of requests before it: it needs microseconds for each.
      pollfd full{channel_.get(), POLLOUT, 0};
      if (::poll(&full, 1, 1000) > 0) continue;
    }
    if (errno != EINTR) return false;
  }
  return true;
}

}  // namespace

std::string describe_end(int status) {
  if (WIFSTOPPED(status)) return "SIGKILL, for it was stopped by SIG" + std::string(::sigabbrev_np(WSTOPSIG(status)));
  if (WIFSIGNALED(status)) {
    const char* name = ::sigabbrev_np(WTERMSIG(status));
    return name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(WTERMSIG(status));
  }
  return "exit status " + std::to_string(WEXITSTATUS(status));
}

result<std::unique_ptr<spawner>> spawner::fork_before_threads(std::string runner_path, const runner_limits& limits) {
  if (threads_of_this_process() > 1)
    return fail(errc::spawn_failed, "the spawner must be forked before the process has threads");
  if (::access(runner_path.c_str(), X_OK) != 0)
    return fail(errc::spawn_failed, "the program " + runner_path + " cannot be run: " + std::strerror(errno) +
                                        "; it is installed beside koppeld");
  occupy_standard_descriptors();
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail(errc::spawn_failed, std::string("no socket pair: ") + std::strerror(errno));
  descriptor ours(ends[0]), theirs(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return fail(errc::spawn_failed, std::string("fork: ") + std::strerror(errno));
  if (pid == 0) {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent) ::_exit(127);
    run_spawner(theirs.release(), runner_path, limits);
  }
  return std::unique_ptr<spawner>(std::make_unique<forked_spawner>(pid, std::move(ours), limits));
}

}  // namespace koppel::plugins
