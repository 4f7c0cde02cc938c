// SPDX-License-Identifier: Apache-2.0
// koppeld: arguments -> configuration -> run_host. The parent of all runners is forked here, before any thread, key or
// database exists.

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <koppel/fault_point.hpp>

#include "host/runtime/log.hpp"
#include "host/version.hpp"
#include "host/wiring.hpp"

namespace {

/// Secrets live in this process: no core file, no reading of its memory by others of the same user, no file of ours
/// that others can read.
void harden() {
  umask(S_IRWXG | S_IRWXO);
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0);
}

/// Each connection to the bus, to a listener and to a provider is one; where there is none, ZeroMQ ends the process.
/// The usual 1,024 are few, and what is allowed beyond them costs nothing. Runners have a limit of their own.
void allow_many_descriptors() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

int run(int argc, char** argv) {
  CLI::App app{"koppeld: connects accounts at providers, reads their records, publishes what happens.", "koppeld"};
  std::string config_file = "/etc/koppel/koppel.toml";
  bool check = false, restored = false;
  app.add_option("-c,--config", config_file, "configuration file (TOML)")->capture_default_str();
  app.add_flag("--check-config", check, "read the configuration, say what is wrong with it, and end");
  app.add_flag("--restored", restored, "the data folder was restored from a backup: check each token before using it");
  app.set_version_flag("--version", std::string("koppeld ") + std::string(koppel::version));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : static_cast<int>(koppel::exit_code::bad_usage);
  }

  const auto config = koppel::config::load(config_file);
  if (!config) {
    std::cerr << config.error().detail << "\n";
    return static_cast<int>(koppel::exit_code::bad_configuration);
  }
  if (check) {
    std::cout << config_file << ": good\n";
    return 0;
  }
  if (auto folders = koppel::config::check_folders(*config); !folders) {
    std::cerr << "koppeld: " << folders.error().detail << "\n";
    return static_cast<int>(koppel::exit_code::bad_configuration);
  }
  // Whoever reads our log or a socket of ours may go away: a write then fails, no more.
  std::signal(SIGPIPE, SIG_IGN);
  harden();
  auto children = koppel::plugins::spawner::fork_before_threads(koppel::config::runner_path(*config).string());
  if (!children) {
    std::cerr << "koppeld: " << children.error().detail << "\n";
    return static_cast<int>(koppel::exit_code::failed);
  }
  allow_many_descriptors();  // behind the fork: whoever starts runners needs no more
  koppel::runtime::start_log(config->log.level, config->log.file);
  const auto code = static_cast<int>(koppel::run_host(*config, **children, restored));
  if (!koppel::runtime::end_log(koppel::log_limit)) std::_Exit(code);
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  if (koppel::faults::begin(argc, argv)) return 0;
  koppel::mask_signals(SIG_BLOCK);
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::cerr << "koppeld: " << e.what() << "\n";
    return static_cast<int>(koppel::exit_code::failed);
  }
}
