// SPDX-License-Identifier: Apache-2.0
// Keeping tokens fresh: one owner per connection (the gate), a durable intent before the request, a durable pair before
// its first use. core/token_refresh says what to do next; nothing is concluded here.

#include <spdlog/spdlog.h>
#include <koppel/fault_point.hpp>
#include <koppel/planted_bug.hpp>

#include <algorithm>
#include <functional>
#include <vector>

#include "host/auth/auth_impl.hpp"
#include "host/auth/error.hpp"
#include "host/core/auth_texts.hpp"
#include "host/core/connection_manifest.hpp"
#include "host/core/setting_value.hpp"

namespace koppel::auth {
namespace {

using core::token_refresh;
using ledger::transaction;
using runtime::awaitable;
namespace job_error = messages::job_error;

constexpr std::size_t at_once = 16;             ///< renewals ahead of need; requests that wait for one come besides
constexpr std::chrono::seconds line_limit{30};  ///< for a turn at the token endpoint
constexpr std::chrono::seconds look_limit{1};   ///< between two looks at what is due

renewal later(core::instant not_before, std::string detail) {
  return {renewal::outcome::later, not_before, std::move(detail)};
}
renewal impossible(std::string detail) { return {renewal::outcome::impossible, {}, std::move(detail)}; }
renewal renewed() { return {renewal::outcome::renewed, {}, {}}; }

std::string name_of(const ledger::connection& c) { return c.provider + "/" + c.name; }

std::string said(const core::refusal& why) {
  if (!why.http_status) return "the provider could not be asked, or its answer was lost";
  return "the provider answered " + std::to_string(*why.http_status) +
         (why.provider_error.empty() ? "" : " (" + why.provider_error + ")");
}

token_refresh::probe_outcome outcome_of(const messages::done& done) {
  if (done.error.empty()) return token_refresh::probe_outcome::works;
  return done.error == job_error::authorise_again ? token_refresh::probe_outcome::refused
                                                  : token_refresh::probe_outcome::unclear;
}

}  // namespace

awaitable<renewal> auth_service::impl::renew(std::string id, std::uint64_t generation, renewal_cause cause) {
  std::string lane = id;
  if (planted(bug::second_refresh_in_flight)) lane += std::to_string(random_());
  const auto pass = co_await gate_.enter(std::move(lane));
  auto loaded = co_await load(id);
  if (!loaded) {
    if (loaded.error().code == ledger::errc::not_found) fresh_.erase(id);
    // A plugin that is gone may come back.
    if (loaded.error().code == make_error_code(errc::no_plugin))
      co_return later(clock_.now() + look_limit, loaded.error().detail);
    co_return impossible(loaded.error().detail);
  }
  const subject& about = *loaded;
  const auto secrets = co_await read_secrets(about);
  if (!secrets) {
    spdlog::error("{}: its tokens cannot be read: {}", name_of(about.connection), secrets.error().detail);
    co_return later(clock_.now() + std::chrono::minutes{5}, secrets.error().detail);
  }
  if (!secrets->pair) co_return impossible("this connection has no credentials");
  // Others waited at the gate for what the first of them has fetched.
  if (secrets->pair->generation > generation) co_return renewed();
  if (about.connection.auth.status != core::auth_status::authorized)
    co_return impossible("the connection is not authorized: it is " +
                         std::string(core::to_string(about.connection.auth.status)));
  auto work = renew_pair(about, *secrets, cause);
  co_return co_await std::move(work);
}

awaitable<result<auth_service::impl::stored_secrets>> auth_service::impl::read_secrets(const subject& about) {
  stored_secrets found;
  const std::function<result<void>(transaction&)> read = [&](transaction& tx) -> result<> {
    auto pair = tx.find_credentials(about.connection.id);
    if (!pair) return pair.error();
    auto secret = tx.client_secret(about.app.id, core::region_name(about.manifest->auth, about.connection.learned));
    if (!secret) return secret.error();
    found = {std::move(*pair), std::move(*secret)};
    return {};
  };
  auto done = co_await ledger_.write(read);
  if (!done) co_return done.error();
  co_return found;
}

awaitable<renewal> auth_service::impl::renew_pair(const subject& about, const stored_secrets& secrets,
                                                  renewal_cause cause) {
  const auto& id = about.connection.id;
  const auto& pair = *secrets.pair;
  auto& known = fresh_[id];
  if (known.age.generation != pair.generation) {
    known = freshness{};
    known.provider = about.connection.provider;
    known.age = pair.age();
  }
  if (pair.refresh_token.empty()) {
    known.renewable = false;
    co_return impossible("the access token is over, and " + about.manifest->title + " gave none to renew it with");
  }
  if (cause == renewal_cause::refused) known.refused = true;
  believe(known);
  const bool disproved = known.old_token_serves && known.refused;
  if (clock_.now() < known.not_before && !disproved) co_return later(known.not_before, known.why);

  const auto kept = token_limits_;
  counted_request out(clock_);
  // Of two servers of one plugin, equal client ids are of two clients.
  const auto client = about.app.client_id + " at " + core::host_in(about.manifest->auth.token_url);
  const auto bucket = kept->of(about.manifest->auth.token_limit, {about.connection.provider, client, "", id});
  const auto deadline = clock_.now() + line_limit;
  const auto room = co_await out.wait_turn(bucket, id, deadline);
  if (room) {
    auto& waiting = fresh_[id];
    waiting.not_before = *room;
    waiting.why = "many access tokens are being renewed; this one's turn comes after " + core::to_rfc3339(*room);
    co_return later(*room, waiting.why);
  }
  if (stopping_) co_return later(clock_.now() + look_limit, "the host is shutting down");
  auto work = carry_out(about, pair, secrets.client_secret, fresh_[id].refused, out);
  co_return co_await shielded(std::move(work));
}

awaitable<renewal> auth_service::impl::carry_out(const subject& about, const ledger::credentials& pair,
                                                 const core::secret& client_secret, bool access_refused,
                                                 counted_request& out) {
  const auto until_settled = asking_;
  const auto& rules = about.manifest->auth;
  const double random = std::uniform_real_distribution<>(0.0, 1.0)(random_);
  const auto& before = fresh_[about.connection.id];
  token_refresh machine(pair.age(), pair.intent, {access_refused, before.failures, before.not_understood}, random);
  core::instant sent_at{};
  auto step = machine.begin(clock_.now());
  for (;;) {
    using kind = token_refresh::step::kind;
    switch (step.what) {
      case kind::store_intent: {
        if (planted(bug::refresh_without_intent)) {
          step = machine.intent_stored(clock_.now());
          break;
        }
        const std::function<result<void>(transaction&)> store = [&](transaction& tx) {
          return tx.store_refresh_intent(about.connection.id, step.intent);
        };
        auto stored = co_await ledger_.write(store);
        if (!stored) {
          // No disk, no renewal: an answer that cannot be kept would be lost, and the old token with it.
          auto& waiting = fresh_[about.connection.id];
          waiting.not_before = clock_.now() + look_limit;
          waiting.why = stored.error().detail;
          co_return later(waiting.not_before, waiting.why);
        }
        step = machine.intent_stored(clock_.now());
        break;
      }
      case kind::send: {
        core::renewal_parameters parameters{about.app.client_id, client_secret.reveal(), pair.refresh_token.reveal()};
        auto prepared = core::token_renewal(rules, parameters);
        KOPPEL_FAULT_POINT("auth.renewal.before_send");
        sent_at = clock_.now();
        auto asking = ask_for_tokens(*about.manifest, std::move(prepared), sent_at);
        auto answer = co_await std::move(asking);
        machine.sent(sent_at);
        KOPPEL_FAULT_POINT("auth.renewal.answered");
        const auto now = clock_.now();
        if (!answer) {
          spdlog::warn("{}: renewing the access token: {}", name_of(about.connection), answer.error().detail);
          step = machine.not_answered(net::fault_of(answer.error().code), now);
          break;
        }
        out.answered(*answer);
        auto read =
            core::read_token_answer(rules, "refresh_token", answer->status, answer->body, pair.refresh_token.reveal());
        const auto asked = core::read_retry_after(answer->header("retry-after"), answer->header("date"), now);
        step = machine.answered(std::move(read), asked, now);
        break;
      }
      case kind::try_access_token: {
        const auto probed = co_await probe(about, pair.access_token);
        step = machine.probed(outcome_of(probed.done), clock_.now());
        break;
      }
      case kind::store_pair: {
        auto work = store_renewed(about, pair, std::move(step.pair), sent_at);
        co_return co_await std::move(work);
      }
      case kind::wait: {
        auto work = put_off(about, pair.generation, std::move(step));
        co_return co_await std::move(work);
      }
      case kind::dead: {
        auto looking = secret_was_replaced(about, client_secret, step.why);
        const bool with_the_former = co_await std::move(looking);
        if (with_the_former) {
          step.intent_settled = true;
          step.not_before = clock_.now() + look_limit;
          auto once_more = put_off(about, pair.generation, std::move(step));
          co_return co_await std::move(once_more);
        }
        auto work = give_up(about, pair.generation, std::move(step.why));
        co_return co_await std::move(work);
      }
    }
  }
}

awaitable<bool> auth_service::impl::secret_was_replaced(const subject& about, const core::secret& used,
                                                        const core::refusal& why) {
  if (why.reason != core::auth_reason::secret_wrong && why.reason != core::auth_reason::client_unknown) co_return false;
  // Whoever mended it looked for connections that the former one had cost, and this one was none of them yet.
  auto reading = read_secrets(about);
  const auto now = co_await std::move(reading);
  co_return now && now->client_secret.reveal() != used.reveal();
}

awaitable<renewal> auth_service::impl::store_renewed(const subject& about, const ledger::credentials& old,
                                                     core::token_pair pair, core::instant sent_at) {
  ledger::credentials fresh;
  fresh.access_token = std::move(pair.access);
  // A provider that names no new refresh token means that the old one goes on.
  fresh.refresh_token = pair.refresh.empty() ? old.refresh_token.clone() : std::move(pair.refresh);
  fresh.obtained_at = sent_at;
  if (pair.expires_in) fresh.expires_at = sent_at + *pair.expires_in;
  const auto& id = about.connection.id;
  fresh.unproven = old.unproven;
  const auto& lives = pair.lives;
  const bool moved =
      !lives.where.region.empty() && lives.where != core::known_place(about.manifest->auth, about.connection.learned);
  const std::function<result<void>(transaction&)> store = [&](transaction& tx) -> result<> {
    auto stored = tx.store_credentials(id, fresh, old.generation);
    if (!stored || !moved) return stored;
    auto there = tx.find_connection(id);
    if (!there) return stored;
    core::remember_place(there->learned, lives.where);
    return tx.update_connection(*there);
  };
  auto writing = ledger_.write(store, ledger::urgency::cannot_wait);
  auto stored = co_await std::move(writing);
  // Nobody else has this pair: it is held until there is room for it.
  while (!stored && stored.error().code == ledger::errc::disk_full && !stopping_) {
    spdlog::error("{}: the renewed tokens wait for room: {}", name_of(about.connection), stored.error().detail);
    const bool in_time = co_await runtime::sleep_for(look_limit);
    if (!in_time) break;
    auto once_more = ledger_.write(store, ledger::urgency::cannot_wait);
    stored = co_await std::move(once_more);
  }
  KOPPEL_FAULT_POINT("auth.renewal.stored");
  provider_.forget(id);
  if (!stored && stored.error().code == ledger::errc::stale) co_return renewed();
  if (!stored) {
    spdlog::error("{}: the renewed tokens could not be stored: {}", name_of(about.connection), stored.error().detail);
    if (stored.error().code == ledger::errc::not_found) co_return impossible(stored.error().detail);
    co_return later(clock_.now() + look_limit, stored.error().detail);  // the intent says what has to be looked into
  }
  fresh.generation = old.generation + 1;
  freshness next;
  next.provider = about.connection.provider;
  next.age = fresh.age();
  next.under_way = fresh_[id].under_way;
  fresh_[id] = std::move(next);
  spdlog::info("{}: access token renewed{}{}", name_of(about.connection),
               fresh.expires_at ? ", good until " + core::to_rfc3339(*fresh.expires_at) : std::string(),
               moved ? ", for " + lives.host : std::string());
  if (!lives.unknown) co_return renewed();
  // The pair stays; no host that we know is shown its token.
  spdlog::warn("{}: the renewed token is for {}, which is none of the hosts in the manifest", name_of(about.connection),
               lives.host);
  core::refusal why;
  why.reason = core::auth_reason::wrong_data_centre;
  auto work = give_up(about, fresh.generation, std::move(why));
  co_return co_await std::move(work);
}

awaitable<renewal> auth_service::impl::put_off(const subject& about, std::uint64_t generation,
                                               token_refresh::step step) {
  const auto& id = about.connection.id;
  if (step.intent_settled) {
    const std::function<result<void>(transaction&)> clear = [&](transaction& tx) {
      return tx.clear_refresh_intent(id, generation);
    };
    auto cleared = co_await ledger_.write(clear, ledger::urgency::cannot_wait);
    if (!cleared) spdlog::error("{}: {}", name_of(about.connection), cleared.error().detail);
  }
  auto& waiting = fresh_[id];
  waiting.not_before = step.not_before;
  waiting.old_token_serves = step.access_token_works;
  if (step.access_token_works) waiting.refused = false;
  waiting.failures = step.access_token_works ? 0 : waiting.failures + 1;
  if (step.not_understood) ++waiting.not_understood;
  waiting.why = step.access_token_works ? "the answer to a renewal was lost; the old access token still works"
                                        : "the access token is not renewed yet: " + said(step.why);
  spdlog::warn("{}: {}; next try at {}", name_of(about.connection), waiting.why, core::to_rfc3339(step.not_before));
  co_return later(step.not_before, waiting.why);
}

awaitable<renewal> auth_service::impl::give_up(const subject& about, std::uint64_t generation, core::refusal why) {
  bool superseded = false;
  const decider decide = [&](const core::auth_subject& s, transaction& tx, core::instant now) {
    const auto age = tx.find_token_age(about.connection.id);
    superseded = age && age->generation > generation;
    // A definite answer; of the pair of this generation, so that a newer one's is not touched.
    if (!superseded) static_cast<void>(tx.clear_refresh_intent(about.connection.id, generation));
    if (!superseded) tx.mark_credentials(about.connection.id, "");
    return core::renewal_refused(s, why, superseded, now);
  };
  auto settled = co_await settle(about, decide, nullptr);
  if (superseded) co_return renewed();
  if (!settled) co_return impossible(settled.error().detail);
  co_return impossible("the access token cannot be renewed: " + said(why));
}

void auth_service::impl::watch(const ledger::connection& c, const std::optional<core::token_age>& age) {
  if (c.auth.status != core::auth_status::authorized || !age) {
    fresh_.erase(c.id);
    return;
  }
  auto& known = fresh_[c.id];
  if (known.age.generation == age->generation && known.provider == c.provider) return;
  freshness next;
  next.provider = c.provider;
  next.age = *age;
  next.under_way = known.under_way;
  // What was begun is looked into at once.
  if (age->renewal_open) next.not_before = clock_.now();
  known = std::move(next);
  renewal_timer_.cancel();
}

std::optional<core::instant> auth_service::impl::due(const std::string& id, const freshness& f) const {
  const auto m = plugins_.find(f.provider);
  if (!m || !f.renewable || f.under_way) return std::nullopt;
  constexpr double steps = 1024;
  const auto mixed = std::hash<std::string>{}(id + "#" + std::to_string(f.age.generation));
  // What was begun is brought to its end, however long the token may last.
  if (f.not_before != core::instant{}) return f.not_before;
  return core::renewal_due(f.age, m->auth, static_cast<double>(mixed % 1024) / steps);
}

/// A clock that was set back must not make a pause longer than pauses are.
void auth_service::impl::believe(freshness& f) const {
  if (!f.old_token_serves) f.not_before = std::min(f.not_before, clock_.now() + std::chrono::hours{1});
}

core::instant auth_service::impl::start_due_renewals() {
  const auto now = clock_.now();
  auto look_again = now + look_limit;
  due_.clear();
  for (auto& [id, f] : fresh_) {
    believe(f);
    const auto when = due(id, f);
    if (when && *when <= now)
      due_[f.provider].emplace_back(f.age.expires_at.value_or(now), id);
    else if (when)
      look_again = std::min(look_again, *when);
  }
  for (auto& [provider, line] : due_) {
    // Whose token ends first goes first.
    std::sort(line.begin(), line.end(), std::greater<>());
    start_next(provider);
  }
  return look_again;
}

void auth_service::impl::start_next(const std::string& provider) {
  auto& line = due_[provider];
  auto& running = renewing_[provider];
  while (running < at_once && !line.empty() && !stopping_) {
    const auto id = std::move(line.back().second);
    line.pop_back();
    // Somebody's need may have come first, or the connection's end.
    const auto known = fresh_.find(id);
    if (known == fresh_.end()) continue;
    auto& f = known->second;
    const auto when = due(id, f);
    if (!when || *when > clock_.now()) continue;
    ++running;
    f.under_way = true;
    supervisor_.run("renewal of " + provider + " " + id, renew_ahead(id, provider, f.age.generation));
  }
}

awaitable<void> auth_service::impl::renew_ahead(std::string id, std::string provider, std::uint64_t generation) {
  auto wish = renew(id, generation, renewal_cause::ahead);
  const auto became = co_await std::move(wish);
  if (const auto known = fresh_.find(id); known != fresh_.end()) {
    auto& f = known->second;
    f.under_way = false;
    if (became.what == renewal::outcome::impossible) f.renewable = false;
    // Whatever it has to wait for: never without a pause.
    if (became.what == renewal::outcome::later)
      f.not_before = std::max({f.not_before, became.not_before, clock_.now() + look_limit});
  }
  --renewing_[provider];
  // The others that are due were found already: to look at thousands of connections after each of them takes too long.
  start_next(provider);
}

awaitable<void> auth_service::impl::keep_tokens_fresh() {
  std::vector<std::pair<ledger::connection, core::token_age>> stored;
  const std::function<result<void>(transaction&)> load_all = [&](transaction& tx) -> result<> {
    for (auto& c : tx.connections())
      if (auto age = tx.find_token_age(c.id)) stored.emplace_back(std::move(c), *age);
    return {};
  };
  auto loaded = co_await ledger_.write(load_all);
  if (!loaded) spdlog::error("which tokens there are could not be read: {}", loaded.error().detail);
  for (const auto& [c, age] : stored)
    if (!fresh_.contains(c.id)) watch(c, age);
  while (!stopping_) {
    const auto next = start_due_renewals();
    const auto pause = std::max<std::chrono::milliseconds>(next - clock_.now(), std::chrono::milliseconds{1});
    renewal_timer_.expires_after(std::min<std::chrono::milliseconds>(pause, look_limit));
    co_await renewal_timer_.async_wait(runtime::token);
  }
}

void auth_service::impl::stop_renewing() {
  stopping_ = true;
  renewal_timer_.cancel();
}

}  // namespace koppel::auth
