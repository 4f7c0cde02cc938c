// SPDX-License-Identifier: Apache-2.0
// The tokens of the REST API. A revoked one leaves nothing behind: what is not there opens nothing.

#include <algorithm>

#include "host/ledger/rows.hpp"
#include "host/ledger/transaction_impl.hpp"

namespace koppel::ledger {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find(' ', begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

}  // namespace

result<void> sql_transaction::insert_api_token(const api_token& t) {
  query taken(db_, "SELECT 1 FROM api_tokens WHERE name = ?", t.name);
  if (taken.step()) return failure{errc::exists, "There is a token " + t.name + " already: revoke it first."};
  query(db_, "INSERT INTO api_tokens(name, hash, customer, scopes, created_at) VALUES(?, ?, ?, ?, ?)", t.name,
        blob{t.hash}, t.customer, joined(t.scopes), milliseconds(t.created_at))
      .run();
  return {};
}

std::vector<api_token> sql_transaction::api_tokens() {
  std::vector<api_token> out;
  query q(db_, "SELECT name, hash, customer, scopes, created_at, last_used_at FROM api_tokens ORDER BY name");
  while (q.step()) {
    api_token t;
    t.name = q.text(0);
    t.hash = q.bytes(1);
    if (!q.null(2)) t.customer = q.text(2);
    t.scopes = split(q.text(3));
    t.created_at = instant_from(q.integer(4));
    t.last_used_at = instant_in(q, 5);
    out.push_back(std::move(t));
  }
  return out;
}

result<void> sql_transaction::delete_api_token(const std::string& name) {
  if (query(db_, "DELETE FROM api_tokens WHERE name = ?", name).run() == 0)
    return failure{errc::not_found, "There is no token " + name + "."};
  return {};
}

void sql_transaction::mark_api_token_used(const std::string& name, core::instant at) {
  query(db_, "UPDATE api_tokens SET last_used_at = ? WHERE name = ?", milliseconds(at), name).run();
}

}  // namespace koppel::ledger
