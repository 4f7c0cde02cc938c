// SPDX-License-Identifier: Apache-2.0
// koppel-runner as the host sees it: a child process at the other end of a socket.
#include <koppel/abi.h>
#include <koppel/messages.hpp>

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

using namespace koppel::messages;

namespace {

/// A runner and the host's end of its socket. Reads and writes block; a runner that hangs fails by the test's time
/// limit.
class child {
 public:
  explicit child(const std::string& plugin) {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    host_ = ends[0];
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(ends[0]);
      ::execl(KOPPEL_RUNNER, KOPPEL_RUNNER, std::to_string(ends[1]).c_str(), plugin.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(ends[1]);
  }
  ~child() {
    close_socket();
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }

  void write(const std::string& bytes) {
    for (std::size_t done = 0; done < bytes.size();) {
      const auto n = ::send(host_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
      REQUIRE(n > 0);
      done += static_cast<std::size_t>(n);
    }
  }
  static std::string frame(const std::string& bytes) {
    std::string out;
    for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(bytes.size() >> shift & 0xFF);
    return out + bytes;
  }
  void send(const message& m) { write(frame(encode(m))); }

  /// The next frame; empty at the end.
  std::string read_frame() {
    std::string length = read(4);
    if (length.size() < 4) return {};
    std::size_t size = 0;
    for (std::size_t i = 0; i < 4; ++i) size |= std::size_t{static_cast<unsigned char>(length[i])} << (8 * i);
    return read(size);
  }
  message next() {
    const auto got = decode(read_frame());
    INFO(got.reason);
    REQUIRE(got.what == decoded::verdict::known);
    return got.value;
  }

  /// Exit status, or minus the signal.
  int wait() {
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  void close_socket() {
    if (host_ >= 0) ::close(std::exchange(host_, -1));
  }

 private:
  std::string read(std::size_t size) {
    std::string out(size, '\0');
    std::size_t done = 0;
    while (done < size) {
      const auto n = ::recv(host_, out.data() + done, size - done, 0);
      if (n <= 0) break;
      done += static_cast<std::size_t>(n);
    }
    out.resize(done);
    return out;
  }
  int host_ = -1;
  pid_t pid_ = -1;
};

unusable refusal_of(child& of) {
  const auto said = of.next();
  REQUIRE(std::holds_alternative<unusable>(said));
  CHECK(of.wait() == 2);
  return std::get<unusable>(said);
}

unusable refusal_of(const std::string& library) {
  child of(std::string(PLUGINS) + "/runner_" + library + ".so");
  return refusal_of(of);
}

}  // namespace

TEST_CASE("a plugin says ready, and the runner ends with its socket", "[runner]") {
  child runner(TEAMLEADER_PLUGIN);
  hello greeting;
  greeting.abi_version = KOPPEL_ABI_VERSION;
  std::ifstream manifest(TEAMLEADER_MANIFEST, std::ios::binary);
  greeting.manifest.assign(std::istreambuf_iterator<char>(manifest), {});
  runner.send(greeting);

  const auto said = runner.next();
  REQUIRE(std::holds_alternative<ready>(said));
  CHECK(std::get<ready>(said).abi_version == KOPPEL_ABI_VERSION);

  start begin;
  begin.job = 1;
  begin.kind = "sync";
  begin.stream = "companies";
  runner.send(begin);
  CHECK(std::get<http>(runner.next()).url == "https://api.focus.teamleader.eu/companies.list");

  runner.close_socket();
  CHECK(runner.wait() == 0);
}

TEST_CASE("what cannot be loaded is refused by stage and reason", "[runner]") {
  child absent("/nowhere/at/all.so");
  const auto missing = refusal_of(absent);
  CHECK(missing.stage == "load");
  CHECK(missing.reason.find("/nowhere/at/all.so") != std::string::npos);

  child text(__FILE__);
  CHECK(refusal_of(text).stage == "load");

  const auto unresolved = refusal_of("unresolved");
  CHECK(unresolved.stage == "load");
  CHECK(unresolved.reason.find("a_function_that_is_nowhere") != std::string::npos);

  CHECK(refusal_of("no_symbol").stage == "symbol");
  CHECK(refusal_of("no_symbol").reason.find("koppel_plugin_v1") != std::string::npos);

  const auto other = refusal_of("other_abi");
  CHECK(other.stage == "abi");
  CHECK(other.reason == "the plugin was built for ABI 7.2, this host has 1.2");
  CHECK(refusal_of("short_struct").stage == "abi");
  CHECK(refusal_of("no_functions").stage == "abi");
  CHECK(refusal_of("no_instance").stage == "create");
}

TEST_CASE("a library that aborts while it is loaded takes only its runner down, silently", "[runner]") {
  child runner(std::string(PLUGINS) + "/runner_aborts.so");

  CHECK(runner.read_frame().empty());
  CHECK(runner.wait() == -SIGABRT);
}

TEST_CASE("frames arrive whole, however they are cut, up to the limit", "[runner]") {
  child runner(std::string(PLUGINS) + "/runner_echo.so");
  const auto twice = child::frame("abc") + child::frame("") + child::frame("defg");
  for (const char byte : twice) runner.write(std::string(1, byte));
  CHECK(runner.read_frame() == "abc");
  CHECK(runner.read_frame().empty());
  CHECK(runner.read_frame() == "defg");

  const std::string largest(max_to_plugin, 'x');
  runner.write(child::frame(largest));
  CHECK(runner.read_frame() == largest);
}

TEST_CASE("a frame above the limit ends the runner with 3", "[runner]") {
  child runner(std::string(PLUGINS) + "/runner_echo.so");
  const auto size = static_cast<std::uint32_t>(max_to_plugin + 1);
  std::string header(4, '\0');
  std::memcpy(header.data(), &size, 4);
  runner.write(header);

  CHECK(runner.read_frame().empty());
  CHECK(runner.wait() == 3);
}

TEST_CASE("output that nobody reads stops the input, and nothing is lost", "[runner]") {
  child runner(std::string(PLUGINS) + "/runner_echo.so");
  const std::string big(std::size_t{8} << 20, 'b');
  // 16 MiB of output are queued, then the next frames stay unread; a third is taken, for the bound is passed by one
  // frame.
  for (int i = 0; i < 3; ++i) runner.write(child::frame(big));
  for (int i = 0; i < 3; ++i) CHECK(runner.read_frame() == big);
  runner.close_socket();
  CHECK(runner.wait() == 0);
}

TEST_CASE("without a socket or a plugin it says how it is used", "[runner]") {
  const auto status = [](const char* arguments) {
    return WEXITSTATUS(std::system((std::string(KOPPEL_RUNNER) + ' ' + arguments + " 2>/dev/null").c_str()));
  };
  CHECK(status("") == 1);
  CHECK(status("3") == 1);
  CHECK(status("x plugin.so") == 1);
  CHECK(status("-1 plugin.so") == 1);
}
