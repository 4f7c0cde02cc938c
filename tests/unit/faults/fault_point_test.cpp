// SPDX-License-Identifier: Apache-2.0
// Each order is obeyed in a child, for an order is read once in a process.

#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <koppel/fault_point.hpp>
#include <string>

namespace koppel::tests {

int pass_the_points();

namespace {

/// How a child ends that passes the points `times` times: its exit code is the number of failures.
int child_with(const std::string& orders, int times, const std::string& folder = {}) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::setenv("KOPPEL_FAULTS", orders.c_str(), 1);
    if (!folder.empty()) ::setenv("KOPPEL_FAULTS_FIRED", folder.c_str(), 1);
    char name[] = "child";
    char* arguments[] = {name, nullptr};
    if (faults::begin(1, arguments)) ::_exit(99);
    int failures = 0;
    while (times-- > 0) failures += pass_the_points();
    ::_exit(failures);
  }
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  return status;
}

bool killed(int status) { return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL; }
int exit_code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : -1; }

}  // namespace

TEST_CASE("a point kills at the pass that was ordered, and not before", "[faults]") {
  CHECK(exit_code(child_with("test.only_a_point:kill:3", 2)) == 0);
  CHECK(killed(child_with("test.only_a_point:kill:3", 3)));
  CHECK(killed(child_with("other.program:kill,test.can_fail:kill", 1)));
}

TEST_CASE("a point that can fail fails once, at the pass that was ordered", "[faults]") {
  CHECK(exit_code(child_with("test.can_fail:fail:2", 1)) == 0);
  CHECK(exit_code(child_with("test.can_fail:fail:2", 5)) == 1);
}

TEST_CASE("a point can be late", "[faults]") {
  const auto before = std::chrono::steady_clock::now();
  CHECK(exit_code(child_with("test.only_a_point:delay:60", 3)) == 0);
  const auto took = std::chrono::steady_clock::now() - before;
  CHECK(took >= std::chrono::milliseconds{60});
}

TEST_CASE("orders that cannot be read end the program", "[faults]") {
  for (const auto* orders : {"test.only_a_point", "test.only_a_point:explode", "test.only_a_point:kill:0",
                             "test.only_a_point:kill:1:1", "test.only_a_point:delay", "test.only_a_point:kill:x"}) {
    INFO(orders);
    CHECK(exit_code(child_with(orders, 1)) == 2);
  }
}

TEST_CASE("a point that fired leaves a file and fires no more, in no process", "[faults]") {
  char folder[] = "/tmp/koppel-faults-XXXXXX";
  REQUIRE(::mkdtemp(folder) != nullptr);
  CHECK(killed(child_with("test.only_a_point:kill", 1, folder)));
  CHECK(std::filesystem::exists(std::string(folder) + "/test.only_a_point"));
  CHECK(exit_code(child_with("test.only_a_point:kill", 1, folder)) == 0);
  std::filesystem::remove_all(folder);
}

TEST_CASE("without the option nothing is left of a point, not even its name", "[faults]") {
  std::ifstream in(OBJECT_WITHOUT, std::ios::binary);
  REQUIRE(in.good());
  const std::string object(std::istreambuf_iterator<char>(in), {});
  CHECK(object.find("pass_the_points") != std::string::npos);
  for (const auto* word : {"test.only_a_point", "test.can_fail", "KOPPEL_FAULTS"})
    CHECK(object.find(word) == std::string::npos);
}

}  // namespace koppel::tests
