// SPDX-License-Identifier: Apache-2.0
// koppel-provider-sim: a provider to develop, test and demonstrate against. Arguments, then certificates, then serving;
// DIR/ready.json appears when it listens.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <variant>
#include <vector>

#include "cardfile/cardfile.hpp"
#include "certificates.hpp"
#include "digest.hpp"
#include "oauth2/oauth2.hpp"
#include "offer.hpp"
#include "server.hpp"
#include "simulator.hpp"
#include "snelstart/snelstart.hpp"
#include "teamleader/teamleader.hpp"
#include "timestamps.hpp"
#include "workfront/workfront.hpp"
#include "zoho/zoho.hpp"

namespace {

namespace sim = koppel::provider_sim;

struct arguments {
  std::filesystem::path folder;
  std::uint16_t port = 0;
  std::uint16_t control_port = 0;
  std::uint64_t seed = 1;
  std::string start_time = "now";
  std::int64_t answer_delay_ms = 0;
};

void declare_common(CLI::App& command, arguments& given) {
  command.add_option("--dir", given.folder, "folder for ca.pem and ready.json")->required();
  command.add_option("--port", given.port, "TLS port on the loopback, 0 for any")->capture_default_str();
  command.add_option("--control-port", given.control_port, "control port, 0 for any")->capture_default_str();
  command.add_option("--seed", given.seed, "the same seed and start time make the same records")->capture_default_str();
  command.add_option("--start-time", given.start_time, "RFC 3339, or now")->capture_default_str();
  command.add_option("--answer-delay-ms", given.answer_delay_ms, "before every answer of the provider")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
}

void declare(CLI::App& command, const sim::knob& one) {
  const auto option = "--" + one.option;
  if (auto* const* target = std::get_if<bool*>(&one.what)) {
    command.add_flag(option, **target, one.help);
  } else if (const auto* number = std::get_if<sim::knob_number>(&one.what)) {
    command.add_option_function<std::int64_t>(option, number->set, one.help)
        ->check(CLI::Range(number->least, number->most))
        ->default_str(std::to_string(number->get()));
  } else {
    const auto& text = std::get<sim::knob_text>(one.what);
    auto* declared = command.add_option(option, *text.target, one.help)->capture_default_str();
    if (!text.choices.empty()) declared->check(CLI::IsMember(text.choices));
  }
}

sim::beginning begin(const arguments& given) {
  sim::beginning with{given.seed, {}, sim::random_hex};
  if (given.start_time == "now") {
    with.at = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    return with;
  }
  const auto start = sim::parse_time(given.start_time);
  if (!start) throw std::runtime_error("--start-time is neither RFC 3339 nor now");
  with.at = start->at;
  return with;
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

void run(const arguments& given, const sim::offer& chosen) {
  const auto with = begin(given);
  sim::simulator simulator(chosen.make(with), with, std::chrono::milliseconds(given.answer_delay_ms));
  const auto hosts = simulator.hosts();
  std::filesystem::create_directories(given.folder);
  const auto folder = std::filesystem::absolute(given.folder);
  std::filesystem::remove(folder / "ready.json");
  const auto certificates = sim::ensure_certificates(folder, hosts);
  sim::server server(simulator, certificates, given.port, given.control_port);

  const auto address = "127.0.0.1:" + std::to_string(server.port());
  const auto control = "http://127.0.0.1:" + std::to_string(server.control_port());
  write_ready(folder, {{"pid", ::getpid()},
                       {"provider", chosen.name},
                       {"address", address},
                       {"control", control},
                       {"ca_file", certificates.ca.string()},
                       {"hosts", boost::json::array(hosts.begin(), hosts.end())}});
  std::cout << chosen.name << " simulator: TLS " << address << ", control " << control << ", CA "
            << certificates.ca.string() << std::endl;
  server.run();
  std::filesystem::remove(folder / "ready.json");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"A simulated provider for Koppel", "koppel-provider-sim"};
  app.require_subcommand(1);
  arguments given;
  const std::vector<sim::offer> offers{sim::cardfile::as_offer(),  sim::oauth2::as_offer(),
                                       sim::snelstart::as_offer(), sim::teamleader::as_offer(),
                                       sim::workfront::as_offer(), sim::zoho::as_offer()};
  for (const auto& one : offers) {
    auto& command = *app.add_subcommand(one.name, one.description);
    declare_common(command, given);
    for (const auto& option : one.options.all()) declare(command, option);
    for (const auto& knob : one.knobs.all()) declare(command, knob);
  }
  CLI11_PARSE(app, argc, argv);
  try {
    for (const auto& one : offers)
      if (app.got_subcommand(one.name)) run(given, one);
  } catch (const std::exception& error) {
    std::cerr << "koppel-provider-sim: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
