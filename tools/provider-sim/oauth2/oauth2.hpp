// SPDX-License-Identifier: Apache-2.0
// Google's and Intercom's OAuth, as one provider: for the generic plugin, which knows providers by settings alone. A
// client of the control port has an account at both; at Google its name is the mail address, at Intercom the workspace.
// README.md has what is imitated, and from where.
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>

#include "oauth_forms.hpp"
#include "offer.hpp"
#include "provider.hpp"

namespace koppel::provider_sim::oauth2 {

struct knobs {
  std::chrono::seconds access_life{3599};
  bool repeat_refresh_token = true;  ///< Google's prompt=consent is heeded; else the first consent alone gives one
  std::size_t code_bytes = 140;      ///< of Google's codes
  knob_list list();
};

/// There is nothing to read.
class no_records final : public record_store {
 public:
  explicit no_records(std::uint64_t seed) : record_store({}, seed, std::chrono::milliseconds{1}, "") {}
  boost::json::object full(std::size_t, slot, boost::json::storage_ptr) const override { return {}; }

 protected:
  std::string sort_name(std::size_t, const recipe&) const override { return {}; }
};

class two_providers final : public provider {
 public:
  two_providers(const oauth2::knobs& given, const beginning& with);

  std::vector<std::string> hosts() const override;
  reply serve(const request& asked, instant now) override;
  record_store& records() override { return records_; }
  knob_list knobs() override { return settings_.list(); }
  /// Google's.
  std::optional<std::string> issue_code(const std::string& client_id, const std::string& redirect_uri, instant now,
                                        std::chrono::seconds age) override;

 private:
  enum class brand { google, intercom };
  reply authorize(const request& asked, brand at, instant now);
  reply show(const form_fields& query, brand at);
  reply decide(const form_fields& form, brand at, instant now);
  std::string new_code(const client& by, brand at, const std::string& redirect_uri, instant made);
  reply google_token(const request& asked, instant now);
  reply google_pair(const identity& who, bool with_refresh, instant now);
  reply intercom_token(const request& asked, instant now);
  reply api(const request& asked, brand at, instant now);

  oauth2::knobs settings_;
  hex_source random_;
  no_records records_;
  open_consents consents_;
  std::map<std::string, bool> offline_;  ///< by code: whether a refresh token goes with it
  std::set<std::string> consented_;      ///< clients whose account has given access before
};

offer as_offer();

}  // namespace koppel::provider_sim::oauth2
