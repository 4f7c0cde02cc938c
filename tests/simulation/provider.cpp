// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/provider.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/url/decode_view.hpp>

namespace koppel::simulation {
namespace json = boost::json;

namespace {

constexpr std::string_view api = "https://api.almanac.test";

net::response answered(int status, const json::value& body) {
  net::response r;
  r.status = status;
  r.headers = {{"content-type", "application/json"}};
  r.body = json::serialize(body);
  return r;
}

json::object shown(const row& r) {
  return {{"id", r.id}, {"name", r.name}, {"note", r.note}, {"changed", core::to_rfc3339(r.changed)}};
}

std::string_view bearer(const net::request& r) {
  const auto value = net::find_header(r.headers, "authorization");
  constexpr std::string_view scheme = "Bearer ";
  return value.starts_with(scheme) ? value.substr(scheme.size()) : std::string_view();
}

}  // namespace

std::string parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto part = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (part.starts_with(name) && part.substr(name.size()).starts_with('=')) {
      std::string value;
      for (const char c : boost::urls::decode_view(part.substr(name.size() + 1))) value += c;
      return value;
    }
  }
  return {};
}

provider::provider(world& w, traits t, std::size_t accounts) : world_(w), traits_(t) {
  for (std::size_t i = 0; i < accounts; ++i) {
    account a;
    a.id = "account-" + std::to_string(i);
    accounts_.push_back(std::move(a));
    for (std::size_t rows = world_.chance.between<std::size_t>(10, 40); rows > 0; --rows) change(i);
  }
}

std::string provider::word(const char* kind) { return kind + std::to_string(next_word_++); }

void provider::touch(row& r) {
  last_change_ = r.changed = std::max(world::now(), last_change_ + milliseconds{1});
  r.note = "as of " + std::to_string(next_word_++);
}

void provider::change(std::size_t of) {
  auto& list = accounts_[of].lists[world_.chance.hits(0.7) ? "people" : "firms"];
  const double what = world_.chance.unit();
  if (list.size() < 5 || what < 0.45) {
    row r;
    r.id = "r" + std::to_string(next_row_++);
    r.name = "Name of " + r.id;
    touch(r);
    list.emplace(r.id, std::move(r));
    return;
  }
  auto some = list.begin();
  std::advance(some, static_cast<std::ptrdiff_t>(world_.chance.below(list.size())));
  if (some->second.gone) return;
  if (what < 0.8)
    touch(some->second);
  else
    some->second.gone = true;
}

void provider::poison(std::size_t of) {
  for (auto& [id, r] : accounts_[of].lists["people"]) {
    if (r.gone) continue;
    r.name = poisoned;
    touch(r);
    return;
  }
}

void provider::heal() {
  for (auto& a : accounts_)
    for (auto& [name, list] : a.lists)
      for (auto& [id, r] : list)
        if (r.name == poisoned) {
          r.name = "Name of " + id;
          touch(r);
        }
}

std::string provider::consent(std::size_t of, const std::string& redirect_uri, const std::string& state) {
  const auto code = word("code");
  codes_[code] = {of, world::now() + std::chrono::minutes{10}};
  return redirect_uri + "?code=" + code + "&state=" + state;
}

void provider::revoke(std::size_t of) {
  accounts_[of].alive = false;
  accounts_[of].access.clear();
}

const account* provider::owner_of(const std::string& refresh_token) const {
  for (const auto& a : accounts_)
    if (a.refresh_token == refresh_token || a.spent.contains(refresh_token)) return &a;
  return nullptr;
}

net::response provider::grant(account& a) {
  const auto access = word("access");
  a.access[access] = world::now() + traits_.access_life;
  json::object body{{"token_type", "Bearer"}, {"access_token", access}, {"expires_in", traits_.access_life.count()}};
  if (a.refresh_token.empty() || traits_.rotates) {
    if (!a.refresh_token.empty()) a.spent.insert(a.refresh_token);
    a.refresh_token = word("refresh");
    body["refresh_token"] = a.refresh_token;
  }
  return answered(200, body);
}

net::response provider::token(const std::string& body) {
  const auto refused = [] { return answered(400, {{"error", "invalid_grant"}}); };
  if (parameter(body, "grant_type") == "authorization_code") {
    const auto known = codes_.find(parameter(body, "code"));
    if (known == codes_.end() || known->second.second < world::now()) return refused();
    auto& a = accounts_[known->second.first];
    codes_.erase(known);
    // A new grant ends the one before.
    if (!a.refresh_token.empty()) a.spent.insert(a.refresh_token);
    a.refresh_token.clear();
    a.access.clear();
    a.alive = true;
    return grant(a);
  }
  const auto presented = parameter(body, "refresh_token");
  for (auto& a : accounts_) {
    if (a.refresh_token == presented && a.alive) return grant(a);
    if (a.refresh_token == presented || a.spent.contains(presented)) {
      // Somebody has a token that was used before: who of the two is the thief, nobody knows.
      if (a.spent.contains(presented)) revoke(static_cast<std::size_t>(&a - accounts_.data()));
      return refused();
    }
  }
  return refused();
}

net::response provider::list(account& a, const std::string& name, const std::string& since) {
  std::vector<const row*> rows;
  const auto from = since.empty() ? core::instant{} : core::from_iso8601(since).value_or(core::instant{});
  for (const auto& [id, r] : a.lists[name])
    if (!r.gone && r.changed >= from) rows.push_back(&r);
  std::sort(rows.begin(), rows.end(), [](const row* x, const row* y) { return x->changed < y->changed; });
  json::array shown_rows;
  for (std::size_t i = 0; i < rows.size() && i < traits_.page; ++i) shown_rows.push_back(shown(*rows[i]));
  const bool more = rows.size() > traits_.page;
  auto& reading = a.readings[name];
  if (since.empty()) reading.began = virtual_time::now();
  // The first last page, which may be the first of all: a later one may be the late request of a process that is dead.
  if (!more && reading.ended < reading.began) reading.ended = virtual_time::now();
  return answered(200, {{"rows", std::move(shown_rows)}, {"more", more}});
}

net::response provider::answer(const net::request& r) {
  if (r.url == "https://login.almanac.test/token") return token(r.body);
  for (auto& a : accounts_) {
    const auto known = a.access.find(std::string(bearer(r)));
    if (known == a.access.end() || known->second <= world::now()) continue;
    auto path = std::string_view(r.url).substr(api.size());
    const auto query = path.find('?') == path.npos ? std::string_view() : path.substr(path.find('?') + 1);
    path = path.substr(0, path.find('?'));
    if (path == "/me") return answered(200, {{"account", a.id}, {"title", "Almanac of " + a.id}});
    for (const std::string name : {"people", "firms"}) {
      if (path == "/" + name) return list(a, name, parameter(query, "since"));
      if (!path.starts_with("/" + name + "/")) continue;
      const auto found = a.lists[name].find(std::string(path.substr(name.size() + 2)));
      if (found == a.lists[name].end() || found->second.gone) return answered(404, json::object{});
      return answered(200, shown(found->second));
    }
    return answered(404, json::object{});
  }
  return answered(401, {{"error", "invalid_token"}});
}

}  // namespace koppel::simulation
