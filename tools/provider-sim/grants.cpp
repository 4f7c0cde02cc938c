// SPDX-License-Identifier: Apache-2.0
// A code is used up by success only: a request with a wrong redirect address leaves it alone.
#include "grants.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "digest.hpp"

namespace koppel::provider_sim {
namespace {

namespace json = boost::json;

constexpr std::size_t remembered_presentations = 100'000;

template <class Map>
auto* find(Map& grants, const std::string& secret) {
  const auto found = grants.find(secret);
  return found == grants.end() ? nullptr : &found->second;
}

/// Returns how many of the client's were alive.
template <class Map, class Flag>
std::size_t end_all(Map& grants, Flag flag, const std::string& client_id) {
  std::size_t ended = 0;
  for (auto& [secret, granted] : grants) {
    if (granted.who.client_id != client_id || granted.*flag) continue;
    granted.*flag = true;
    ++ended;
  }
  return ended;
}

}  // namespace

std::string_view name_of(grant_state state) {
  switch (state) {
    case grant_state::ok:
      return "ok";
    case grant_state::unknown:
      return "unknown";
    case grant_state::expired:
      return "expired";
    case grant_state::used:
      return "used";
    case grant_state::revoked:
      return "revoked";
    case grant_state::other_client:
      return "other_client";
    case grant_state::redirect_mismatch:
      return "redirect_mismatch";
  }
  return "unknown";
}

void grant_book::add_code(const std::string& code, identity who, const std::string& redirect_uri, instant expires) {
  codes_[code] = {std::move(who), redirect_uri, expires};
}

void grant_book::add_access(const std::string& token, identity who, instant expires) {
  access_[token] = {std::move(who), expires};
}

void grant_book::add_refresh(const std::string& token, identity who, const std::string& access, instant expires) {
  refresh_[token] = {std::move(who), access, expires};
}

grant_state grant_book::judge(const code_grant* found, const std::string& client_id, const std::string& redirect_uri,
                              instant now) const {
  if (!found) return grant_state::unknown;
  if (now >= found->expires) return grant_state::expired;
  if (found->used) return grant_state::used;
  if (found->who.client_id != client_id) return grant_state::other_client;
  if (found->redirect_uri != redirect_uri) return grant_state::redirect_mismatch;
  return grant_state::ok;
}

grant_verdict grant_book::redeem(const std::string& code, const std::string& client_id, const std::string& redirect_uri,
                                 instant now) {
  auto* found = find(codes_, code);
  const auto state = judge(found, client_id, redirect_uri, now);
  note("code", code, name_of(state));
  if (state != grant_state::ok) return {state, {}};
  found->used = true;
  return {state, found->who};
}

grant_verdict grant_book::renew(const std::string& token, const std::string& client_id, const renewal_rules& rules,
                                instant now) {
  auto* found = find(refresh_, token);
  const auto state = !found                                               ? grant_state::unknown
                     : found->who.client_id != client_id                  ? grant_state::other_client
                     : found->revoked                                     ? grant_state::revoked
                     : now >= std::min(found->expires, found->idle_until) ? grant_state::expired
                                                                          : grant_state::ok;
  note("refresh", token, name_of(state));
  if (state != grant_state::ok) return {state, {}};
  if (rules.rotate) found->revoked = true;
  if (!rules.old_access_survives) {
    if (auto* access = find(access_, found->access_token)) access->revoked = true;
  }
  return {state, found->who};
}

void grant_book::pair(const std::string& refresh_token, const std::string& access) {
  if (auto* found = find(refresh_, refresh_token)) found->access_token = access;
}

void grant_book::let_idle_until(const std::string& refresh_token, instant until) {
  if (auto* found = find(refresh_, refresh_token)) found->idle_until = until;
}

grant_verdict grant_book::check(const std::string& access_token, instant now) const {
  const auto* found = find(access_, access_token);
  if (!found) return {grant_state::unknown, {}};
  if (found->revoked) return {grant_state::revoked, {}};
  if (now >= found->expires) return {grant_state::expired, {}};
  return {grant_state::ok, found->who};
}

bool grant_book::end(const std::string& token) {
  auto* access = find(access_, token);
  if (auto* refresh = find(refresh_, token)) {
    refresh->revoked = true;
    if (auto* with = find(access_, refresh->access_token)) with->revoked = true;
    return true;
  }
  if (access) access->revoked = true;
  return access != nullptr;
}

std::size_t grant_book::end_access(const std::string& client_id) {
  return end_all(access_, &access_grant::revoked, client_id);
}

std::size_t grant_book::revoke(const std::string& client_id) {
  return end_all(codes_, &code_grant::used, client_id) + end_all(access_, &access_grant::revoked, client_id) +
         end_all(refresh_, &refresh_grant::revoked, client_id);
}

void grant_book::note(std::string_view kind, const std::string& secret, std::string_view result) {
  if (presented_.size() >= remembered_presentations) presented_.erase(presented_.begin());
  auto& entry = presented_[sha256_hex(secret)];
  entry.kind = kind;
  ++entry.count;
  if (entry.results.size() < 100) entry.results.emplace_back(result);
}

json::object grant_book::presented() const {
  json::array list;
  for (const auto& [digest, entry] : presented_) {
    list.push_back({{"sha256", digest},
                    {"kind", entry.kind},
                    {"count", entry.count},
                    {"results", json::array(entry.results.begin(), entry.results.end())}});
  }
  return {{"presented", std::move(list)}};
}

json::object grant_book::secrets() const {
  const auto keys = [](const auto& grants) {
    json::array all;
    for (const auto& entry : grants) all.push_back(json::string(entry.first));
    return all;
  };
  return {{"codes", keys(codes_)}, {"access_tokens", keys(access_)}, {"refresh_tokens", keys(refresh_)}};
}

}  // namespace koppel::provider_sim
