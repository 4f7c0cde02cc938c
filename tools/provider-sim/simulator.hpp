// SPDX-License-Identifier: Apache-2.0
// All of the provider behind its two host names, plus what a test may order of it. No socket: the shell hands in each
// request with the time, and carries out the reply. Used from one thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "api_server.hpp"
#include "dataset.hpp"
#include "faults.hpp"
#include "journal.hpp"
#include "knobs.hpp"
#include "oauth_server.hpp"
#include "webhooks.hpp"

namespace koppel::provider_sim {

inline constexpr const char* oauth_host = "focus.teamleader.eu";
inline constexpr const char* api_host = "api.focus.teamleader.eu";

struct simulator_options {
  dataset_size size;
  std::uint64_t seed = 1;
  instant start;
  std::chrono::milliseconds answer_delay{0};
  knobs settings;
};

class simulator {
 public:
  simulator(const simulator_options& options, hex_source random);
  simulator(const simulator&) = delete;

  /// What the provider answers.
  reply serve(const request& asked, instant now);

  /// What the control port answers (control.cpp).
  reply control(const request& asked, instant now);

  /// The webhooks that the last control requests caused; the shell delivers them and reports through `hooks()`.
  std::vector<delivery> take_deliveries();

  webhooks& hooks() { return hooks_; }
  journal& requests() { return journal_; }
  knobs& settings() { return settings_; }

  /// The simulator's clock: its start, plus `elapsed` since then, plus what tests added.
  instant clock(std::chrono::milliseconds elapsed) const { return start_ + elapsed + advanced_; }

 private:
  using json_object = boost::json::object;

  reply proper_answer(const request& asked, instant now);
  reply post(const std::string& path, const json_object& body, instant now);
  reply get(const std::string& path, const request& asked, instant now);
  reply put_client(const json_object& body);
  reply list_clients() const;
  reply issue_code(const json_object& body, instant now);
  reply change_records(const std::string& what, const json_object& body, instant now);
  reply touch_record(const json_object& body, instant now);
  reply export_records(const request& asked) const;
  void announce(entity kind, const std::string& what, const std::vector<std::string>& ids);

  instant start_;
  std::chrono::milliseconds advanced_{0};
  std::map<std::string, std::chrono::milliseconds> delays_;  ///< by part of a path; "" for every path
  knobs settings_;
  dataset records_;
  oauth_server oauth_;
  webhooks hooks_;
  api_server api_;
  faults faults_;
  journal journal_;
  draw disorder_;
  hex_source random_;
  std::vector<delivery> undelivered_;
};

}  // namespace koppel::provider_sim
