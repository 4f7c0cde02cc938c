// SPDX-License-Identifier: Apache-2.0
// koppeld: arguments -> configuration -> run_host. The parent of all runners is forked here, before any thread, key or
// database exists.

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>

#include "host/version.hpp"
#include "host/wiring.hpp"

namespace {

void start_logging(const koppel::config::log& log) {
  spdlog::sink_ptr sink;
  if (log.file.empty())
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  else
    sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(log.file);
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("koppeld", sink));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %-8l %n: %v", spdlog::pattern_time_type::utc);
  spdlog::set_level(spdlog::level::from_str(log.level));
  spdlog::flush_on(spdlog::level::info);
}

/// Secrets live in this process: no core file, no reading of its memory by others of the same user.
void harden() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0);
}

int run(int argc, char** argv) {
  CLI::App app{"koppeld: connects accounts at providers, reads their records, publishes what happens.", "koppeld"};
  std::string config_file = "/etc/koppel/koppel.toml";
  bool check = false;
  app.add_option("-c,--config", config_file, "configuration file (TOML)")->capture_default_str();
  app.add_flag("--check-config", check, "read the configuration, say what is wrong with it, and end");
  app.set_version_flag("--version", std::string("koppeld ") + std::string(koppel::version));
  CLI11_PARSE(app, argc, argv);

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
  harden();
  auto children = koppel::plugins::spawner::fork_before_threads(koppel::config::runner_path(*config).string());
  if (!children) {
    std::cerr << "koppeld: " << children.error().detail << "\n";
    return static_cast<int>(koppel::exit_code::failed);
  }
  start_logging(config->log);
  return static_cast<int>(koppel::run_host(*config, **children));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::cerr << "koppeld: " << e.what() << "\n";
    return static_cast<int>(koppel::exit_code::failed);
  }
}
