// SPDX-License-Identifier: Apache-2.0
// One simulated provider: its hosts, its OAuth server, its API, its records. The simulator around it routes, breaks and
// delays answers, and serves the control port; what differs from provider to provider is asked of this class.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "clients.hpp"
#include "delivery.hpp"
#include "digest.hpp"
#include "grants.hpp"
#include "http_message.hpp"
#include "knob_list.hpp"
#include "record_store.hpp"

namespace koppel::provider_sim {

/// What every provider starts with.
struct beginning {
  std::uint64_t seed = 1;
  instant at;
  hex_source random;
};

/// Records that the control port has just added, updated or deleted.
struct record_change {
  std::size_t entity = 0;
  std::string what;  ///< added, updated, deleted
  std::vector<std::string> ids;
};

class provider {
 public:
  provider() = default;
  provider(const provider&) = delete;
  provider& operator=(const provider&) = delete;
  virtual ~provider() = default;

  /// Every host name that it answers for. The certificate covers them, ready.json lists them.
  virtual std::vector<std::string> hosts() const = 0;

  virtual reply serve(const request& asked, instant now) = 0;

  virtual record_store& records() = 0;

  /// The knobs of GET and POST /knobs; refers to the provider.
  virtual knob_list knobs() = 0;

  /// A code as if it had been issued `age` ago; nothing if there is no such client.
  virtual std::optional<std::string> issue_code(const std::string& client_id, const std::string& redirect_uri,
                                                instant now, std::chrono::seconds age) = 0;

  /// A client that is about to be registered: what it leaves out is filled in. Returns what is wrong with it.
  virtual std::optional<std::string> complete_client(client&) const { return std::nullopt; }

  /// Webhooks for a change; they go out through `send`. Nothing need have changed: a flood is announced as well.
  virtual void announce(const record_change&, instant) {}
  virtual boost::json::array webhooks_overview() const { return {}; }
  /// How an attempt at a delivery with `registration` went; `attempts_left` (already counted down) and `pause` may be
  /// changed.
  virtual void delivered(delivery&, const attempt&) {}

  /// A request on the control port that this provider answers itself, or otherwise than usual.
  virtual std::optional<reply> control(const request&, const boost::json::object&, instant) { return std::nullopt; }

  client_registry& clients() { return clients_; }
  grant_book& grants() { return grants_; }

  /// The deliveries that came up since the last call.
  std::vector<delivery> take_deliveries() { return std::exchange(deliveries_, {}); }

 protected:
  void send(delivery one) { deliveries_.push_back(std::move(one)); }

 private:
  client_registry clients_;
  grant_book grants_;
  std::vector<delivery> deliveries_;
};

}  // namespace koppel::provider_sim
