// SPDX-License-Identifier: Apache-2.0
// koppel-provider-sim: a provider to develop, test and demonstrate against. Arguments, then certificates, then serving;
// DIR/ready.json appears when it listens.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "certificates.hpp"
#include "digest.hpp"
#include "server.hpp"
#include "simulator.hpp"
#include "timestamps.hpp"

namespace {

namespace sim = koppel::provider_sim;

struct arguments {
  std::filesystem::path folder;
  std::uint16_t port = 0;
  std::uint16_t control_port = 0;
  std::string start_time = "now";
  std::int64_t answer_delay_ms = 0;
  std::int64_t rate_window = 60;
  sim::simulator_options options;
};

void declare(CLI::App& teamleader, arguments& given) {
  auto& options = given.options;
  auto& settings = options.settings;
  teamleader.add_option("--dir", given.folder, "folder for ca.pem and ready.json")->required();
  teamleader.add_option("--port", given.port, "TLS port on the loopback, 0 for any")->capture_default_str();
  teamleader.add_option("--control-port", given.control_port, "control port, 0 for any")->capture_default_str();
  teamleader.add_option("--companies", options.size.companies)->capture_default_str();
  teamleader.add_option("--contacts", options.size.contacts)->capture_default_str();
  teamleader.add_option("--seed", options.seed, "the same seed and start time make the same records")
      ->capture_default_str();
  teamleader.add_option("--start-time", given.start_time, "RFC 3339, or now")->capture_default_str();
  teamleader.add_option("--rate-limit", settings.rate_limit)->check(CLI::PositiveNumber)->capture_default_str();
  teamleader.add_option("--rate-window", given.rate_window, "seconds")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  teamleader.add_option("--answer-delay-ms", given.answer_delay_ms)
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  teamleader.add_option("--webhook-retries", settings.webhook_retries)
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  teamleader.add_flag("--updated-since-exclusive", settings.updated_since_exclusive);
  teamleader.add_flag("--list-active-only", settings.list_active_only, "default of filter.status");
  teamleader.add_flag("--denial-drops-state", settings.denial_drops_state);
  teamleader.add_flag("--old-access-survives", settings.old_access_survives,
                      "a refresh leaves the old access token alive");
  teamleader.add_flag("--plain-code-errors", settings.plain_code_errors, "{\"error\":...} when a code is refused");
  teamleader.add_flag("--retry-after", settings.retry_after, "on 429");
  teamleader.add_flag("--reset-header-utc", settings.reset_header_utc, "X-RateLimit-Reset as +00:00, no milliseconds");
  teamleader.add_flag("--webhook-disorder", settings.webhook_disorder, "deliver shuffled, every tenth twice");
}

void finish(arguments& given) {
  given.options.settings.rate_window = std::chrono::seconds(given.rate_window);
  given.options.answer_delay = std::chrono::milliseconds(given.answer_delay_ms);
  if (given.start_time == "now") {
    given.options.start = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    return;
  }
  const auto start = sim::parse_time(given.start_time);
  if (!start) throw std::runtime_error("--start-time is neither RFC 3339 nor now");
  given.options.start = start->at;
}

/// Whoever waits for the file finds it whole.
void write_ready(const std::filesystem::path& folder, const boost::json::object& content) {
  const auto draft = folder / "ready.json.new";
  std::ofstream out(draft);
  out << boost::json::serialize(content) << '\n';
  out.close();
  if (!out) throw std::runtime_error("cannot write " + draft.string());
  std::filesystem::rename(draft, folder / "ready.json");
}

void run(const arguments& given) {
  std::filesystem::create_directories(given.folder);
  const auto folder = std::filesystem::absolute(given.folder);
  std::filesystem::remove(folder / "ready.json");
  const auto certificates = sim::ensure_certificates(folder);
  sim::simulator simulator(given.options, sim::random_hex);
  sim::server server(simulator, certificates, given.port, given.control_port);

  const auto address = "127.0.0.1:" + std::to_string(server.port());
  const auto control = "http://127.0.0.1:" + std::to_string(server.control_port());
  write_ready(folder,
              {{"pid", ::getpid()}, {"address", address}, {"control", control}, {"ca_file", certificates.ca.string()}});
  std::cout << "teamleader simulator: TLS " << address << ", control " << control << ", CA " << certificates.ca.string()
            << std::endl;
  server.run();
  std::filesystem::remove(folder / "ready.json");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"A simulated provider for Koppel", "koppel-provider-sim"};
  app.require_subcommand(1);
  arguments given;
  declare(*app.add_subcommand("teamleader", "Teamleader Focus, API V2"), given);
  CLI11_PARSE(app, argc, argv);
  try {
    finish(given);
    run(given);
  } catch (const std::exception& error) {
    std::cerr << "koppel-provider-sim: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
