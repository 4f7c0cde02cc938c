// SPDX-License-Identifier: Apache-2.0
// What only a real process shows: a terminal that does not echo secrets, and an output that nobody reads any more.

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <csignal>

#include "fake_daemon.hpp"

namespace {

using namespace koppel::test;
using Catch::Matchers::Contains;

/// Reads until `wanted` appears or the other side is gone, at most ten seconds for each piece.
void read_until(int fd, const std::string& wanted, std::string& seen) {
  std::array<char, 4096> piece;
  while (seen.find(wanted) == std::string::npos) {
    pollfd ready{fd, POLLIN, 0};
    if (::poll(&ready, 1, 10'000) <= 0) return;
    const auto count = ::read(fd, piece.data(), piece.size());
    if (count <= 0) return;
    seen.append(piece.data(), static_cast<std::size_t>(count));
  }
}

const std::string never = "this never appears";

TEST_CASE("a secret typed at a terminal is not shown, and the terminal echoes again afterwards",
          "[koppelctl][process]") {
  fake_daemon daemon;
  daemon.answer("POST /v1/apps", 201, "{}");
  int terminal = -1;
  const auto socket = daemon.socket();
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, nullptr);
  REQUIRE(child >= 0);
  if (child == 0) {
    ::execl(KOPPELCTL_PROGRAM, "koppelctl", "--socket", socket.c_str(), "app", "add", "teamleader/main", "--client-id",
            "c1", nullptr);
    ::_exit(127);
  }
  // Held open, so that the terminal's settings can be looked at after the program has ended.
  const int kept = ::open(::ptsname(terminal), O_RDWR | O_NOCTTY);

  std::string seen;
  read_until(terminal, "shown):", seen);
  REQUIRE(::write(terminal, "s3cret\n", 7) == 7);
  read_until(terminal, "added", seen);
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);

  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK_THAT(seen, Contains("Client secret") && !Contains("s3cret"));
  CHECK(daemon.body_of("POST /v1/apps").at("client_secret") == "s3cret");
  termios after{};
  REQUIRE(::tcgetattr(kept, &after) == 0);
  CHECK((after.c_lflag & ECHO) != 0);
  ::close(kept);
  ::close(terminal);
}

TEST_CASE("an interrupt while a secret is asked for gives the terminal its echo back", "[koppelctl][process]") {
  fake_daemon daemon;
  int terminal = -1;
  const auto socket = daemon.socket();
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, nullptr);
  REQUIRE(child >= 0);
  if (child == 0) {
    ::execl(KOPPELCTL_PROGRAM, "koppelctl", "--socket", socket.c_str(), "app", "add", "teamleader/main", "--client-id",
            "c1", nullptr);
    ::_exit(127);
  }
  const int kept = ::open(::ptsname(terminal), O_RDWR | O_NOCTTY);
  std::string seen;
  read_until(terminal, "shown):", seen);
  termios during{};
  REQUIRE(::tcgetattr(kept, &during) == 0);
  CHECK((during.c_lflag & ECHO) == 0);

  REQUIRE(::write(terminal, "\x03", 1) == 1);
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);

  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGINT);
  termios after{};
  REQUIRE(::tcgetattr(kept, &after) == 0);
  CHECK((after.c_lflag & ECHO) != 0);
  ::close(kept);
  ::close(terminal);
}

TEST_CASE("an output that nobody reads ends the program without a word", "[koppelctl][process]") {
  std::array<int, 2> out{}, err{};
  REQUIRE(::pipe2(out.data(), O_CLOEXEC) == 0);
  REQUIRE(::pipe2(err.data(), O_CLOEXEC) == 0);
  ::close(out[0]);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::signal(SIGPIPE, SIG_IGN);  // as some parents leave it
    ::dup2(out[1], STDOUT_FILENO);
    ::dup2(err[1], STDERR_FILENO);
    ::execl(KOPPELCTL_PROGRAM, "koppelctl", "--help", nullptr);
    ::_exit(127);
  }
  ::close(out[1]);
  ::close(err[1]);

  std::string complaints;
  read_until(err[0], never, complaints);
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);

  CHECK(complaints.empty());
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGPIPE);
  ::close(err[0]);
}

}  // namespace
