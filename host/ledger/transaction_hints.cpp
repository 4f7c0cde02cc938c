// SPDX-License-Identifier: Apache-2.0
// Webhook addresses of connections and what came there: a row waits until what it hints at has been read. Addresses
// are found in memory by whoever receives; here they are kept, with their secrets sealed.

#include <algorithm>
#include <array>
#include <utility>

#include "host/core/fingerprint.hpp"
#include "host/ledger/rows.hpp"
#include "host/ledger/transaction_impl.hpp"

namespace koppel::ledger {
namespace {

using state = webhook_address::state;

constexpr std::array<std::pair<state, const char*>, 4> words{{{state::none, "none"},
                                                              {state::registered, "registered"},
                                                              {state::refused, "refused"},
                                                              {state::failing, "failing"}}};

state state_from(const std::string& text) {
  for (const auto& [value, word] : words)
    if (text == word) return value;
  throw broken_row("a webhook address has an unknown state");
}

place secret_of(const std::string& connection_id) { return {"webhook_addresses", connection_id, "secret"}; }
place token_of(const std::string& connection_id) { return {"webhook_addresses", connection_id, "token"}; }

std::vector<std::string> words_in(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t from = 0; from < text.size();) {
    const auto end = std::min(text.find(' ', from), text.size());
    if (end > from) out.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return out;
}

/// URLs have no spaces.
std::string in_words(const std::vector<std::string>& urls) {
  std::string text;
  for (const auto& one : urls) text += (text.empty() ? "" : " ") + one;
  return text;
}

}  // namespace

std::string to_string(webhook_address::state s) {
  for (const auto& [value, word] : words)
    if (value == s) return word;
  return "none";
}

webhook_address sql_transaction::address_in(const query& q) {
  webhook_address a;
  a.connection_id = q.text(0);
  a.now = state_from(q.text(1));
  a.places.current = q.text(2);
  a.reason = q.text(3);
  a.registered_at = instant_in(q, 4);
  a.ends_at = instant_in(q, 5);
  a.failures = static_cast<std::uint32_t>(q.integer(6));
  a.tried_at = instant_in(q, 7);
  a.last_received_at = instant_in(q, 8);
  a.places.former = words_in(q.text(9));
  return a;
}

result<void> sql_transaction::open_secrets(const query& q, int column, webhook_address& a) const {
  auto secret = seals_.open(q.bytes(column), secret_of(a.connection_id));
  if (!secret) return secret.error();
  auto token = seals_.open(q.bytes(column + 1), token_of(a.connection_id));
  if (!token) return token.error();
  a.secret = std::move(*secret);
  a.token = std::move(*token);
  return {};
}

result<webhook_address> sql_transaction::webhook_address_of(const std::string& connection_id) {
  {
    query q(db_,
            "SELECT connection_id, state, base_url, reason, registered_at, ends_at, failures, tried_at, "
            "last_received_at, former_urls, secret, token FROM webhook_addresses WHERE connection_id = ?",
            connection_id);
    if (q.step()) {
      auto a = address_in(q);
      if (auto opened = open_secrets(q, 10, a); !opened) return opened.error();
      return a;
    }
  }
  if (auto present = check_present(connection_id); !present) return present.error();
  webhook_address a;
  a.connection_id = connection_id;
  a.secret = core::secret(random_word());
  a.token = core::secret(random_word());
  const auto secret = seals_.seal(a.secret, secret_of(connection_id));
  const auto token = seals_.seal(a.token, token_of(connection_id));
  query(db_, "INSERT INTO webhook_addresses(connection_id, digest, secret, token) VALUES(?, ?, ?, ?)", connection_id,
        core::fingerprint(a.secret.reveal()), blob{secret}, blob{token})
      .run();
  return a;
}

result<std::vector<webhook_address>> sql_transaction::webhook_addresses() {
  std::vector<webhook_address> out;
  query q(db_,
          "SELECT connection_id, state, base_url, reason, registered_at, ends_at, failures, tried_at, "
          "last_received_at, former_urls, secret, token FROM webhook_addresses ORDER BY connection_id");
  while (q.step()) {
    auto a = address_in(q);
    if (auto opened = open_secrets(q, 10, a); !opened) return opened.error();
    out.push_back(std::move(a));
  }
  return out;
}

std::optional<webhook_address> sql_transaction::find_webhook_state(const std::string& connection_id) {
  query q(db_,
          "SELECT connection_id, state, base_url, reason, registered_at, ends_at, failures, tried_at, "
          "last_received_at, former_urls FROM webhook_addresses WHERE connection_id = ?",
          connection_id);
  if (!q.step()) return std::nullopt;
  return address_in(q);
}

void sql_transaction::store_webhook_state(const webhook_address& a) {
  query(db_,
        "UPDATE webhook_addresses SET state = ?, base_url = ?, reason = ?, registered_at = ?, ends_at = ?, failures = "
        "?, tried_at = ?, former_urls = ? WHERE connection_id = ?",
        to_string(a.now), a.places.current, a.reason, milliseconds(a.registered_at), milliseconds(a.ends_at),
        a.failures, milliseconds(a.tried_at), in_words(a.places.former), a.connection_id)
      .run();
}

void sql_transaction::mark_webhook_received(const std::string& connection_id, core::instant at) {
  query(db_, "UPDATE webhook_addresses SET last_received_at = ? WHERE connection_id = ?", milliseconds(at),
        connection_id)
      .run();
}

std::int64_t sql_transaction::newest_webhook() {
  query q(db_, "SELECT coalesce(max(number), 0) FROM webhooks");
  q.step();
  return q.integer(0);
}

std::vector<waiting_webhook> sql_transaction::waiting_webhooks(std::int64_t after, std::size_t limit) {
  std::vector<waiting_webhook> out;
  query q(db_,
          "SELECT number, id, provider, received_at, connection_id, streams, body FROM webhooks WHERE state = "
          "'waiting' AND number > ? ORDER BY number LIMIT ?",
          after, static_cast<std::int64_t>(limit));
  while (q.step()) {
    waiting_webhook w;
    w.about.number = q.integer(0);
    w.about.id = q.text(1);
    w.about.provider = q.text(2);
    w.about.received_at = instant_from(q.integer(3));
    w.about.connection_id = q.text(4);
    w.about.now = webhook::state::waiting;
    w.streams = words_in(q.text(5));
    if (const auto sealed = q.bytes(6); !sealed.empty()) {
      auto opened = seals_.open(sealed, {"webhooks", w.about.id, "body"});
      if (opened)
        w.body = std::move(*opened);
      else
        w.damage = opened.error().detail;
    }
    out.push_back(std::move(w));
  }
  return out;
}

void sql_transaction::settle_webhooks(const std::vector<std::int64_t>& numbers, const std::string& reason) {
  for (const auto number : numbers)
    query(db_, "UPDATE webhooks SET state = 'done', reason = ?, body = x'' WHERE number = ? AND state = 'waiting'",
          reason, number)
        .run();
}

void sql_transaction::widen_webhook(std::int64_t number, const std::string& stream) {
  query(db_,
        "UPDATE webhooks SET streams = streams || ' ' || ? WHERE number = ? AND instr(streams || ' ', ' ' || ? || ' ') "
        "= 0",
        stream, number, stream)
      .run();
}

void sql_transaction::trim_webhooks_of(const std::string& connection_id, std::size_t keep, core::instant horizon) {
  query(db_,
        "DELETE FROM webhooks WHERE connection_id = ? AND app_id = '' AND state <> 'waiting' AND (received_at < ? OR "
        "number <= (SELECT number FROM webhooks WHERE connection_id = ? AND app_id = '' ORDER BY number DESC LIMIT 1 "
        "OFFSET ?))",
        connection_id, milliseconds(horizon), connection_id, static_cast<std::int64_t>(keep))
      .run();
}

}  // namespace koppel::ledger
