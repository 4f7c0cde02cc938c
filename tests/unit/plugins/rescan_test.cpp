// SPDX-License-Identifier: Apache-2.0
// A folder that changes under a running host, and a rescan of it: what is loaded, replaced, ended and kept, and what
// becomes of the jobs.

#include <csignal>

#include "plugin_world.hpp"

using namespace koppel::plugins;
using namespace koppel::plugins::test;
namespace messages = koppel::messages;
namespace runtime = koppel::runtime;
using namespace std::chrono_literals;

namespace {

using change = plugin_change::kind;

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  if (at == std::string::npos) FAIL("not found: " + std::string(from));
  return text.replace(at, from.size(), to);
}

std::string echo_of_version(const std::string& version) {
  return replaced(read_file(test_plugin("echo.so")), "version = \"1.0.0\"", "version = \"" + version + "\"");
}

/// A library whose manifest says that it is echo.
std::string as_echo(std::string library, const std::string& name) {
  const std::string filler(name.size() - 4, ' ');
  return replaced(std::move(library), "name = \"" + name + "\"", "name = \"echo\"" + filler);
}

struct rescan_world : plugin_world {
  recording_effects effects;

  explicit rescan_world(bool with_echo = true) {
    options.lifecycle.backoff_base = 1ms;
    options.start_deadline = 2s;
    if (with_echo) add(test_plugin("echo.so"));
    start();
  }

  /// As an upgrade does it: a new file is moved over the old one.
  void put(const std::string& name, const std::string& bytes) {
    folder.write(".upload", bytes);
    fs::rename(folder.path() / ".upload", folder.path() / name);
  }
  void remove(const std::string& name) { fs::remove(folder.path() / name); }

  /// Each plugin's name and what became of it, and whether that took a moment.
  std::vector<plugin_change> rescan() {
    auto changes = run(context, host->rescan());
    if (!changes) FAIL(changes.error().detail);
    return *changes;
  }
  plugin_change rescan_of_one() {
    const auto changes = rescan();
    REQUIRE(changes.size() == 1);
    return changes.front();
  }
  int pid() const { return status("echo").runner_pids.at(0); }
  std::string version() const { return host->find("echo")->version; }
};

/// http answers that never come.
class silent_effects : public recording_effects {
 public:
  runtime::awaitable<messages::reply> http(messages::http request) override {
    urls.push_back(request.url);
    const auto for_ever = 1h;
    co_await runtime::sleep_for(for_ever);
    co_return messages::reply();
  }
};

}  // namespace

TEST_CASE("what lies in the folder anew is loaded, and what is there already is left alone", "[plugins][rescan]") {
  rescan_world w;
  const int before = w.pid();
  w.add(bad_plugin("crashes_in_job.so"));
  w.add(bad_plugin("text.so"));

  const auto changes = w.rescan();

  REQUIRE(changes.size() == 3);
  CHECK(changes[0].name == "crashes-in-job");
  CHECK(changes[0].what == change::loaded);
  CHECK(changes[0].version == "1.0.0");
  CHECK(changes[1].name == "echo");
  CHECK(changes[1].what == change::unchanged);
  CHECK(changes[2].name == "text.so");
  CHECK(changes[2].what == change::failed);
  CHECK(changes[2].reason == "text.so is a text file, not a shared library");
  CHECK(w.pid() == before);
  CHECK(w.run_job(sync_of("http"), w.effects, "crashes-in-job").error.empty());
  CHECK(w.count(plugin_notice::kind::loaded) == 2);
  CHECK(w.count(plugin_notice::kind::failed) == 1);
}

TEST_CASE("a changed file takes its plugin's place, and who works by the old manifest keeps it", "[plugins][rescan]") {
  rescan_world w;
  const int before = w.pid();
  const auto old = w.host->find("echo");
  w.put("echo.so", echo_of_version("1.0.1"));

  const auto outcome = w.rescan_of_one();

  CHECK(outcome.what == change::replaced);
  CHECK(outcome.version == "1.0.1");
  CHECK(w.version() == "1.0.1");
  CHECK(old->version == "1.0.0");
  CHECK(w.host->statuses().size() == 1);
  CHECK(w.status("echo").state == "running");
  CHECK(w.pid() != before);
  CHECK(::kill(before, 0) != 0);
  CHECK(w.run_job(sync_of("http"), w.effects).error.empty());
  CHECK(w.count(plugin_notice::kind::loaded) == 2);
  CHECK(w.count(plugin_notice::kind::crashed) == 0);
}

TEST_CASE("jobs of a plugin that is replaced end in order, and are to be tried again", "[plugins][rescan]") {
  rescan_world w;
  silent_effects asking;
  started<messages::done> waits(w.context, w.host->run("echo", sync_of("waits"), w.effects));
  started<messages::done> asks(w.context, w.host->run("echo", sync_of("http"), asking));
  run_until(w.context, [&] { return asking.urls.size() == 1 && w.status("echo").jobs == 2; });
  w.put("echo.so", echo_of_version("1.0.1"));

  CHECK(w.rescan_of_one().what == change::replaced);

  REQUIRE(waits.done());
  REQUIRE(asks.done());
  for (auto* job : {&waits, &asks}) {
    CHECK(job->get().error == "try_again");
    CHECK(job->get().detail == "the plugin echo was replaced or removed");
  }
}

TEST_CASE("a job that does not end when its plugin is replaced is ended with its process, and is not charged",
          "[plugins][rescan]") {
  const std::string stream = GENERATE("deaf", "loop");
  rescan_world w;
  const int before = w.pid();
  started<messages::done> stubborn(w.context, w.host->run("echo", sync_of(stream), w.effects));
  run_until(w.context, [&] { return w.status("echo").jobs == 1; });
  w.put("echo.so", echo_of_version("1.0.1"));

  CHECK(w.rescan_of_one().what == change::replaced);

  REQUIRE(stubborn.done());
  CHECK(stubborn.get().error == "try_again");
  CHECK(::kill(before, 0) != 0);
  CHECK(w.run_job(sync_of("http"), w.effects).error.empty());
}

TEST_CASE("a new file that cannot be used leaves the plugin that runs as it is", "[plugins][rescan]") {
  rescan_world w;
  const int before = w.pid();
  const bool no_library = GENERATE(true, false);
  const std::string said =
      no_library ? "echo.so is a text file, not a shared library" : "the plugin could not make an instance of itself";
  w.put("echo.so", no_library ? "a note" : as_echo(read_file(bad_plugin("null_create.so")), "null-create"));

  const auto outcome = w.rescan_of_one();

  CHECK(outcome.name == "echo");
  CHECK(outcome.what == change::failed);
  CHECK(outcome.reason == said + "; what ran before goes on until its process ends");
  CHECK(w.count(plugin_notice::kind::failed) == 1);
  CHECK(w.pid() == before);
  CHECK(w.status("echo").state == "running");
  CHECK(w.status("echo").reason == said);
  CHECK(w.version() == "1.0.0");
  CHECK(w.run_job(sync_of("http"), w.effects).error.empty());

  w.put("echo.so", echo_of_version("1.0.2"));  // put right
  CHECK(w.rescan_of_one().what == change::replaced);
  CHECK(w.version() == "1.0.2");
  CHECK(w.status("echo").reason.empty());
}

TEST_CASE("once its process ends, a plugin whose new file cannot be used has failed", "[plugins][rescan]") {
  rescan_world w;
  w.put("echo.so", "a note");
  CHECK(w.rescan_of_one().what == change::failed);

  ::kill(w.pid(), SIGKILL);
  run_until(w.context, [&] { return w.status("echo").state == "failed"; });

  CHECK(w.failure("echo") == "echo.so changed since it was examined; say koppelctl plugin rescan");
}

TEST_CASE("a plugin whose file is gone ends, and comes back with it", "[plugins][rescan]") {
  rescan_world w;
  const int before = w.pid();
  started<messages::done> job(w.context, w.host->run("echo", sync_of("waits"), w.effects));
  run_until(w.context, [&] { return w.status("echo").jobs == 1; });
  w.remove("echo.so");

  CHECK(w.rescan_of_one().what == change::removed);

  CHECK(w.host->statuses().empty());
  CHECK(w.host->find("echo") == nullptr);
  CHECK(::kill(before, 0) != 0);
  REQUIRE(job.done());
  CHECK(job.get().error == "try_again");
  CHECK(w.rescan().empty());

  w.put("echo.so", echo_of_version("1.0.1"));
  CHECK(w.rescan_of_one().what == change::loaded);
  CHECK(w.run_job(sync_of("http"), w.effects).error.empty());
}

TEST_CASE("a plugin that failed or was quarantined is tried anew, though its file is the same", "[plugins][rescan]") {
  rescan_world w(false);
  w.options.lifecycle.quarantine_crashes = 1;
  w.add(test_plugin("echo.so"));
  w.start();
  ::kill(w.pid(), SIGKILL);
  run_until(w.context, [&] { return w.status("echo").state == "quarantined"; });

  const auto outcome = w.rescan_of_one();

  CHECK(outcome.what == change::loaded);
  CHECK(w.status("echo").state == "running");
  CHECK(w.status("echo").crashes == 0);
}

TEST_CASE("a rescan of a folder that cannot be used, and a second one at once, change nothing", "[plugins][rescan]") {
  rescan_world w;
  const int before = w.pid();
  w.add(test_plugin("never_ready.so"));
  started<koppel::result<std::vector<plugin_change>>> first(w.context, w.host->rescan());
  run_until(w.context, [&] { return w.host->statuses().size() == 2; });

  const auto second = run(w.context, w.host->rescan());
  CHECK(second.error().detail == "a rescan is under way; ask again in a moment");
  run_until(w.context, [&] { return first.done(); });
  REQUIRE(first.get().has_value());
  CHECK(first.get()->at(1).reason == "it did not become ready within 2000 ms; its process was ended");

  fs::permissions(w.folder.path(), fs::perms::others_write, fs::perm_options::add);
  const auto third = run(w.context, w.host->rescan());
  REQUIRE_FALSE(third.has_value());
  CHECK(third.error().detail.find("can be written by everybody") != std::string::npos);
  CHECK(w.pid() == before);
}

TEST_CASE("a host that stops in the midst of a rescan ends whatever was begun", "[plugins][rescan]") {
  rescan_world w;
  w.put("echo.so", as_echo(read_file(test_plugin("never_ready.so")), "never-ready"));
  started<koppel::result<std::vector<plugin_change>>> rescan(w.context, w.host->rescan());
  for (int i = 0; i < 50; ++i) w.context.poll_one();

  run(w.context, w.host->stop(1s));

  run_until(w.context, [&] { return rescan.done(); });
  CHECK(w.supervisor.names().find("plugin") == std::string::npos);
}
