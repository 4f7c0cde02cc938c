// SPDX-License-Identifier: Apache-2.0
// /attask of a customer's host: which version, whose session, what is asked. Decides everything from a request and a
// time.
#pragma once

#include <deque>
#include <map>
#include <string>

#include "grants.hpp"
#include "workfront/dataset.hpp"
#include "workfront/fields.hpp"
#include "workfront/hosts.hpp"
#include "workfront/knobs.hpp"
#include "workfront/selection.hpp"
#include "workfront/subscriptions.hpp"

namespace koppel::provider_sim::workfront {

class api_server {
 public:
  /// What is referred to outlives the server.
  api_server(const dataset& records, const grant_book& grants, subscriptions& events, const knobs& settings,
             std::uint64_t seed)
      : records_(records), grants_(grants), events_(events), settings_(settings), disorder_(seed) {}

  reply handle(const request& asked, const environment& at, instant now);

 private:
  struct call {
    int version = 0;
    std::string object, action;  ///< /{object}/{action}; action may be empty
    form_fields parameters;
  };

  reply answer(const request& asked, const environment& at, instant now, std::string& client_id);
  std::optional<reply> session(const request& asked, const environment& at, instant now, identity& who) const;
  std::optional<reply> read_call(const request& asked, call& out) const;
  reply run(const call& asked, const identity& who, instant now);
  reply one(object_kind kind, const call& asked, const query& with, const view& seen);
  reply rows(object_kind kind, const call& asked, const query& with, const view& seen);
  reply customer_rows(const call& asked, const query& with, const identity& who) const;
  reply dead_session(std::string_view message) const;
  bool admit(const environment& at, instant now);

  const dataset& records_;
  const grant_book& grants_;
  subscriptions& events_;
  const knobs& settings_;
  draw disorder_;
  std::map<std::string, std::deque<instant>> busy_;  ///< by host: when the requests under way will end
};

}  // namespace koppel::provider_sim::workfront
