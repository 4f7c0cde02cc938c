// SPDX-License-Identifier: Apache-2.0
// Plugins as processes: which of a folder run, what is said of the others, and how one that dies comes back.

#include "host/plugins/plugin_host.hpp"

#include <algorithm>
#include <csignal>

#include "plugin_world.hpp"

using namespace koppel::plugins;
using namespace koppel::plugins::test;
namespace messages = koppel::messages;

TEST_CASE("usable plugins run, and each of the others is reported by name and reason", "[plugins][host]") {
  plugin_world w;
  w.add(test_plugin("echo.so"));
  for (const char* name : {"text.so", "cut.so", "no_symbol.so", "other_abi.so", "bad_manifest.so", "null_create.so",
                           "aborts.so", "crashes_in_job.so"})
    w.add(bad_plugin(name));
  w.folder.write("README.txt", "not a plugin, and nobody's business");
  w.folder.write(".upload.so", "half a file");

  w.start();

  CHECK(w.status("echo").state == "running");
  CHECK(w.status("echo").version == "1.0.0");
  CHECK(w.status("echo").runner_pids.size() == 1);
  CHECK(w.status("crashes-in-job").state == "running");
  CHECK(w.host->statuses().size() == 9);
  CHECK(w.host->manifests().size() == 2);
  CHECK(w.host->find("echo") != nullptr);
  CHECK(w.host->find("null-create") == nullptr);

  CHECK(w.failure("text.so") == "text.so is a text file, not a shared library");
  CHECK(w.failure("cut.so").starts_with("cut.so is cut off: its section table would end at byte "));
  CHECK(w.failure("no_symbol.so")
            .starts_with("no_symbol.so exports no koppel_plugin_v1; build it with koppel_add_plugin"));
  CHECK(w.failure("bad_manifest.so").find("line 8, column 1: plugin.colour: is not a key that Koppel knows") !=
        std::string::npos);
  CHECK(w.failure("bad_manifest.so").find("not an IP address") != std::string::npos);
  CHECK(w.failure("bad_manifest.so").find("stream[1].interval_s: must be a whole number from 1") != std::string::npos);
  CHECK(w.failure("other-abi").find("ABI 2.0") != std::string::npos);
  CHECK(w.failure("null-create") == "the plugin could not make an instance of itself");
  CHECK(w.failure("aborts") == "its library ended the process while it was being loaded (SIGABRT)");

  // Each was told once, as an event: seven failed, two loaded.
  CHECK(w.count(plugin_notice::kind::failed) == 7);
  CHECK(w.count(plugin_notice::kind::loaded) == 2);
}

TEST_CASE("a library that loads and says nothing fails at the deadline, once", "[plugins][host]") {
  plugin_world w;
  w.options.start_deadline = std::chrono::milliseconds{100};
  w.add(test_plugin("never_ready.so"));

  w.start();

  CHECK(w.failure("never-ready") == "it did not become ready within 100 ms; its process was ended");
  CHECK(w.status("never-ready").runner_pids.empty());
}

TEST_CASE("of two plugins with one name the second file is refused", "[plugins][host]") {
  plugin_world w;
  w.add(test_plugin("echo.so"), "a.so");
  w.add(test_plugin("echo.so"), "b.so");

  w.start();

  const auto all = w.host->statuses();
  REQUIRE(all.size() == 2);
  CHECK(all[0].state == "running");
  CHECK(all[1].state == "failed");
  CHECK(all[1].reason == "b.so is a second plugin named echo; a.so has that name already");
}

TEST_CASE("a plugin whose manifest names another interface version is not loaded", "[plugins][host]") {
  plugin_world w;
  std::string bytes = read_file(test_plugin("echo.so"));
  const auto at = bytes.find("\nabi = 1\n");
  REQUIRE(at != std::string::npos);
  bytes[at + 7] = '9';
  w.folder.write("echo.so", bytes);

  w.start();

  CHECK(w.failure("echo") ==
        "echo.so was built for version 9 of the plugin interface, this Koppel speaks version 1; build it with this "
        "Koppel's SDK");
}

TEST_CASE("a file name with control characters is refused and shown escaped", "[plugins][host]") {
  plugin_world w;
  w.add(test_plugin("echo.so"), "a\nb.so");
  w.start();
  CHECK(w.failure("a\\nb.so") == "a\\nb.so has a name with control characters or broken UTF-8; rename it");
}

TEST_CASE("a folder that cannot be used is an error that says why", "[plugins][host]") {
  plugin_world w;
  const auto error = [&](const fs::path& folder) {
    w.options.folder = folder.string();
    const auto started = w.try_start();
    return started ? std::string() : started.error().detail;
  };
  const fs::path missing = w.folder.path() / "missing";
  CHECK(error(missing) ==
        "the plugin folder " + missing.string() + " does not exist; create it and put the plugins there");
  const fs::path file = w.folder.write("file", "x");
  CHECK(error(file) == "the plugin folder " + file.string() + " is not a folder");
  fs::permissions(w.folder.path(), fs::perms::others_write, fs::perm_options::add);
  CHECK(error(w.folder.path()).find("can be written by everybody") != std::string::npos);
}

TEST_CASE("an empty folder is no error", "[plugins][host]") {
  plugin_world w;
  w.start();
  CHECK(w.host->statuses().empty());
}

TEST_CASE("a plugin that was killed comes back as another process, the others unaffected", "[plugins][host]") {
  plugin_world w;
  w.add(test_plugin("echo.so"));
  w.add(bad_plugin("crashes_in_job.so"));
  w.start();
  const int victim = w.status("echo").runner_pids.at(0), other = w.status("crashes-in-job").runner_pids.at(0);

  ::kill(victim, SIGKILL);
  run_until(w.context, [&] { return w.status("echo").crashes == 1 && w.status("echo").state == "running"; });

  CHECK(w.status("echo").runner_pids.at(0) != victim);
  CHECK(w.status("crashes-in-job").runner_pids.at(0) == other);
  CHECK(w.reason(plugin_notice::kind::crashed) == "its process ended (SIGKILL)");
  CHECK(w.count(plugin_notice::kind::loaded) == 3);
}

TEST_CASE("a plugin that keeps dying without a job is quarantined", "[plugins][host]") {
  plugin_world w;
  w.options.lifecycle.backoff_base = std::chrono::milliseconds{1};
  w.options.lifecycle.quarantine_crashes = 3;
  w.options.lifecycle.quarantine_window = std::chrono::minutes{7};
  w.add(test_plugin("echo.so"));
  w.start();

  for (int crash = 1; crash <= 3; ++crash) {
    REQUIRE(w.status("echo").state == "running");
    ::kill(w.status("echo").runner_pids.at(0), SIGKILL);
    run_until(w.context, [&] {
      const auto s = w.status("echo");
      return s.crashes == static_cast<std::uint64_t>(crash) && (s.state == "running" || s.state == "quarantined");
    });
  }

  CHECK(w.status("echo").state == "quarantined");
  CHECK(w.status("echo").runner_pids.empty());
  CHECK(w.count(plugin_notice::kind::quarantined) == 1);
  CHECK(w.reason(plugin_notice::kind::quarantined) ==
        "it ended 3 times within 7 minutes without a job; last: its process ended (SIGKILL)");
  CHECK(w.host->find("echo") != nullptr);  // its connections keep their manifest
}

TEST_CASE("a file that is not the one that was examined is never started, and is refused by name", "[plugins][host]") {
  plugin_world w;
  w.add(test_plugin("echo.so"));
  w.start();
  const auto file = w.folder.path() / "echo.so";
  fs::remove(file);  // as an upgrade does it; the runner keeps the old one
  w.add(bad_plugin("crashes_in_job.so"), "echo.so");
  CHECK(w.status("echo").state == "running");

  ::kill(w.status("echo").runner_pids.at(0), SIGKILL);
  run_until(w.context, [&] { return w.status("echo").state == "failed"; });

  CHECK(w.failure("echo") == "echo.so changed since it was examined; say koppelctl plugin rescan");
  CHECK(w.host->find("echo") == nullptr);
}

TEST_CASE("a host is told at once when no plugin can be started any more", "[plugins][host]") {
  plugin_world w;
  w.add(test_plugin("echo.so"));
  bool lost = false;
  w.children->on_lost = [&] { lost = true; };
  w.start();

  ::kill(w.children->pid(), SIGKILL);
  run_until(w.context, [&] { return lost; });

  CHECK_FALSE(w.children->alive());
}

TEST_CASE("starting waits for no plugin", "[plugins][host]") {
  plugin_world w;
  w.add(test_plugin("never_ready.so"));
  w.add(test_plugin("echo.so"));
  w.host = std::make_unique<plugin_host>(w.supervisor, w.clock, *w.children, w.options);
  const auto before = std::chrono::steady_clock::now();

  REQUIRE(w.host->start().has_value());

  CHECK(w.host->find("echo") != nullptr);
  recording_effects effects;
  CHECK(w.run_job(sync_of("http"), effects).error.empty());
  run(w.context, w.host->stop(std::chrono::milliseconds{100}));  // also while one is being loaded
  CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds{5});
}

TEST_CASE("stopping ends every runner in order", "[plugins][host]") {
  plugin_world w;
  w.add(test_plugin("echo.so"));
  w.add(bad_plugin("crashes_in_job.so"));
  w.start();
  const auto before = std::chrono::steady_clock::now();

  run(w.context, w.host->stop(std::chrono::seconds{20}));

  CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds{10});
  for (const auto& s : w.host->statuses()) {
    CHECK(s.state == "stopped");
    CHECK(s.runner_pids.empty());
    CHECK(s.crashes == 0);
  }
}

TEST_CASE("a runner that does not end when asked is killed at the limit", "[plugins][host]") {
  plugin_world w;
  w.add(test_plugin("echo.so"));
  w.start();
  recording_effects effects;
  started<messages::done> job(w.context, w.host->run("echo", sync_of("loop"), effects));
  run_until(w.context, [&] { return w.status("echo").jobs == 1; });
  for (int i = 0; i < 50; ++i) w.context.poll_one();

  run(w.context, w.host->stop(std::chrono::milliseconds{50}));

  CHECK(w.status("echo").state == "stopped");
  CHECK(w.status("echo").runner_pids.empty());
  run_until(w.context, [&] { return job.done(); });
  CHECK(job.get().error == "try_again");
}
