// SPDX-License-Identifier: Apache-2.0
// Cardfile, the made-up provider of docs/provider-without-code.md: people on cards, read by a manifest alone. It speaks
// as RFC 6749 does, and lists by cursor. README.md has what it answers.
#pragma once

#include <string>

#include "cardfile/people.hpp"
#include "oauth_forms.hpp"
#include "offer.hpp"
#include "provider.hpp"
#include "rate_window.hpp"

namespace koppel::provider_sim::cardfile {

inline constexpr const char* login_host = "login.cardfile.example";
inline constexpr const char* api_host = "api.cardfile.example";

struct knobs {
  std::chrono::seconds access_life{3600};
  std::size_t rate_limit = 60;  ///< requests a minute and account
  knob_list list();
};

class card_file final : public provider {
 public:
  card_file(std::size_t people, const cardfile::knobs& given, const beginning& with);

  std::vector<std::string> hosts() const override { return {login_host, api_host}; }
  reply serve(const request& asked, instant now) override;
  record_store& records() override { return records_; }
  knob_list knobs() override { return settings_.list(); }
  std::optional<std::string> issue_code(const std::string& client_id, const std::string& redirect_uri, instant now,
                                        std::chrono::seconds age) override;

 private:
  reply show(const form_fields& query);
  reply decide(const form_fields& form, instant now);
  reply token(const request& asked, instant now);
  reply pair(const identity& who, instant now);
  reply api(const request& asked, instant now);
  reply read(const request& asked, const identity& who) const;
  reply list(const form_fields& query) const;

  cardfile::knobs settings_;
  hex_source random_;
  people records_;
  open_consents consents_;
  rate_windows windows_;
};

offer as_offer();

}  // namespace koppel::provider_sim::cardfile
