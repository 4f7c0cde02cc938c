// SPDX-License-Identifier: Apache-2.0
// A provider, plus what a test may order of it: faults, delays, time, records. No socket: the shell hands in each
// request with the time, and carries out the reply. Used from one thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "faults.hpp"
#include "journal.hpp"
#include "outbox.hpp"
#include "provider.hpp"
#include "webhook_route.hpp"

namespace koppel::provider_sim {

class simulator {
 public:
  /// `played` was made with the same `with`.
  simulator(std::unique_ptr<provider> played, const beginning& with, std::chrono::milliseconds answer_delay = {});
  simulator(const simulator&) = delete;

  /// What the provider answers.
  reply serve(const request& asked, instant now);

  /// What the control port answers (control.cpp).
  reply control(const request& asked, instant now);

  /// The webhooks that requests caused; the courier asks for what is due and reports through `delivered`.
  outbox& deliveries() { return outbox_; }
  void delivered(parcel one, const attempt& result, instant now);
  const webhook_routes& webhook_places() const { return webhook_routes_; }

  std::vector<std::string> hosts() const { return provider_->hosts(); }
  journal& requests() { return journal_; }

  /// The simulator's clock: its start, plus `elapsed` since then, plus what tests added.
  instant clock(std::chrono::milliseconds elapsed) const { return start_ + elapsed + advanced_; }

 private:
  using json_object = boost::json::object;

  reply answer_control(const request& asked, instant now);
  reply post(const std::string& path, const json_object& body, instant now);
  reply get(const std::string& path, const request& asked, instant now);
  reply put_client(const json_object& body);
  reply issue_code(const json_object& body, instant now);
  reply change_records(const std::string& what, const json_object& body, instant now);
  reply touch_record(const json_object& body, instant now);
  reply export_records(const request& asked);
  reply count_records();
  std::string entity_choice();
  // webhook_control.cpp
  reply webhook_order(const std::string& method, const std::string& path, const request& asked, const json_object& body,
                      instant now);
  reply flood(const json_object& body, instant now);
  reply forge(const json_object& body, instant now);
  reply route_webhooks(const json_object& body);

  std::unique_ptr<provider> provider_;
  instant start_;
  std::chrono::milliseconds advanced_{0};
  std::map<std::string, std::chrono::milliseconds> delays_;  ///< by part of a path; "" for every path
  outbox outbox_;
  webhook_routes webhook_routes_;
  faults faults_;
  journal journal_;
  hex_source random_;
};

}  // namespace koppel::provider_sim
