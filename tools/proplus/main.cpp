// SPDX-License-Identifier: Apache-2.0
// koppel-proplus: follows the bus and keeps a database right. Exit codes: 0 stopped or shown, 2 wrong arguments,
// 3 something that a person must mend (said on stderr).

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <boost/json/serialize.hpp>
#include <csignal>
#include <iostream>
#include <koppel/fault_point.hpp>

#include "run.hpp"
#include "show.hpp"

namespace {

std::atomic<bool> stop{false};

void on_signal(int) { stop = true; }

int complain(const koppel::failure& why) {
  std::cerr << "koppel-proplus: " << why.detail << '\n';
  return 3;
}

int show(const std::string& database, bool as_json) {
  const auto summary = koppel::proplus::summary(database);
  if (!summary) return complain(summary.error());
  std::cout << (as_json ? boost::json::serialize(*summary) + "\n" : koppel::proplus::table_of(*summary));
  return 0;
}

int confirm_sweep(const std::string& database) {
  auto store = koppel::proplus::store::open(database);
  if (!store) return complain(store.error());
  const auto rows = (*store)->confirm_sweep();
  if (!rows) return complain(rows.error());
  std::cout << *rows << " rows removed\n";
  return 0;
}

int follow(const std::string& database, const koppel::bus::follower_options& options) {
  struct sigaction action {};
  action.sa_handler = on_signal;  // no SA_RESTART: a waiting poll ends at once
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
  auto store = koppel::proplus::store::open(database);
  if (!store) return complain(store.error());
  if (const auto r = koppel::proplus::run(**store, options, stop); !r) return complain(r.error());
  spdlog::info("stopped");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (koppel::faults::begin(argc, argv)) return 0;
  CLI::App app{"Follows Koppel's bus and keeps a database right"};
  koppel::bus::follower_options options;
  std::string database, level = "info";
  options.consumer = "proplus";
  bool show_it = false, as_json = false, confirm = false;
  auto* folder = app.add_option("--bus", options.folder, "The host's bus folder; may come later than this program");
  app.add_option("--database", database, "The SQLite file to keep")->required();
  app.add_option("--name", options.consumer, "The consumer's name, [a-z0-9-]; one process per name");
  app.add_option("--log-level", level, "trace, debug, info, warn, error")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}));
  auto* shown = app.add_flag("--show", show_it, "Print the connections and counts, and end");
  app.add_flag("--json", as_json, "With --show: as JSON")->needs(shown);
  app.add_flag("--confirm-sweep", confirm, "Remove the rows that a sweep held back, and end")->excludes(shown);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  spdlog::set_default_logger(spdlog::stderr_logger_st("proplus"));
  spdlog::set_level(spdlog::level::from_str(level));
  if (show_it) return show(database, as_json);
  if (confirm) return confirm_sweep(database);
  if (folder->count() == 0) {
    std::cerr << "koppel-proplus: --bus is required\n";
    return 2;
  }
  return follow(database, options);
}
