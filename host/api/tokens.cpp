// SPDX-License-Identifier: Apache-2.0

#include "host/api/tokens.hpp"

#include <sodium.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <utility>

namespace koppel::api {
namespace {

using ledger::transaction;
using runtime::awaitable;

/// Tells a token from other secrets, for people and for programs that search files for secrets.
constexpr std::string_view prefix = "koppel_";
constexpr std::size_t random_bytes = 32;
constexpr std::size_t digest_bytes = 32;
constexpr std::chrono::hours between_notes{1};

core::secret make_token() {
  std::array<unsigned char, random_bytes> random;
  randombytes_buf(random.data(), random.size());
  constexpr int form = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::string text(sodium_base64_ENCODED_LEN(random_bytes, form), '\0');
  sodium_bin2base64(text.data(), text.size(), random.data(), random.size(), form);
  sodium_memzero(random.data(), random.size());
  text.pop_back();  // the terminating zero
  core::secret made(std::string(prefix) + text);
  sodium_memzero(text.data(), text.size());
  return made;
}

std::string digest_of(std::string_view token) {
  std::string digest(digest_bytes, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(digest.data()), digest.size(),
                     reinterpret_cast<const unsigned char*>(token.data()), token.size(), nullptr, 0);
  return digest;
}

bool before(const ledger::api_token& t, const std::string& name) { return t.name < name; }

}  // namespace

awaitable<result<void>> token_keeper::load() {
  const auto read = [this](transaction& tx) -> result<> {
    tokens_ = tx.api_tokens();
    return {};
  };
  co_return co_await ledger_.write(read);
}

awaitable<result<core::secret>> token_keeper::add(ledger::api_token t) {
  auto made = make_token();
  t.hash = digest_of(made.reveal());
  const auto insert = [&t](transaction& tx) {
    t.created_at = tx.now();
    return tx.insert_api_token(t);
  };
  if (auto done = co_await ledger_.write(insert); !done) co_return done.error();
  spdlog::info("API token {} was made, for {}", t.name, t.customer ? "one customer" : "all customers");
  const auto place = std::lower_bound(tokens_.begin(), tokens_.end(), t.name, before);
  tokens_.insert(place, std::move(t));
  co_return std::move(made);
}

awaitable<result<void>> token_keeper::revoke(std::string name) {
  const auto remove = [&name](transaction& tx) { return tx.delete_api_token(name); };
  // It takes access away: also on a full disk.
  if (auto done = co_await ledger_.write(remove, ledger::urgency::cannot_wait); !done) co_return done.error();
  std::erase_if(tokens_, [&name](const ledger::api_token& t) { return t.name == name; });
  spdlog::info("API token {} was revoked", name);
  co_return result<void>{};
}

std::optional<caller> token_keeper::identify(std::string_view presented) {
  const auto digest = digest_of(presented);
  ledger::api_token* found = nullptr;
  // Every token is compared, and whole, so that the time says nothing.
  for (auto& t : tokens_)
    if (t.hash.size() == digest.size() && sodium_memcmp(t.hash.data(), digest.data(), digest.size()) == 0) found = &t;
  if (!found) return std::nullopt;
  note_use(*found);
  return caller{found->name, digest, found->customer, found->scopes};
}

bool token_keeper::opens(const caller& who) const {
  return who.token.empty() || std::any_of(tokens_.begin(), tokens_.end(), [&who](const ledger::api_token& t) {
           return t.name == who.token && t.hash == who.digest;
         });
}

void token_keeper::note_use(ledger::api_token& t) {
  const auto now = clock_.now();
  if (t.last_used_at && now - *t.last_used_at < between_notes) return;
  t.last_used_at = now;
  supervisor_.run("note of a token's use", store_use(t.name, now));
}

awaitable<void> token_keeper::store_use(std::string name, core::instant at) {
  const auto mark = [&](transaction& tx) -> result<> {
    tx.mark_api_token_used(name, at);
    return {};
  };
  // Not worth a word where it fails: the next use says it again.
  co_await ledger_.write(mark);
}

}  // namespace koppel::api
