// SPDX-License-Identifier: Apache-2.0

#include "host/auth/provider_client.hpp"

#include <spdlog/spdlog.h>
#include <koppel/fault_point.hpp>

#include <algorithm>
#include <map>
#include <random>

#include "host/auth/borne_headers.hpp"
#include "host/auth/request_limits.hpp"
#include "host/core/connection_manifest.hpp"
#include "host/core/egress.hpp"
#include "host/core/retry.hpp"
#include "host/runtime/random.hpp"
#include "host/runtime/supervisor.hpp"

namespace koppel::auth {
namespace {

using ledger::transaction;
using runtime::awaitable;
namespace job_error = messages::job_error;

/// "POST api.focus.teamleader.eu/contacts.list": without the query, which may hold anything.
std::string named(const messages::http& request) {
  auto place = std::string_view(request.url);
  if (const auto scheme = place.find("://"); scheme != std::string_view::npos) place.remove_prefix(scheme + 3);
  return request.method + " " + std::string(place.substr(0, place.find_first_of("?#")));
}

messages::reply refused(std::string_view error, std::string detail) {
  messages::reply reply;
  reply.error = error;
  reply.detail = std::move(detail);
  return reply;
}

}  // namespace

class provider_client::impl {
 public:
  impl(const provider_client& self, net::http_transport& http, ledger::ledger& ledger, const runtime::clock& clock,
       std::function<double()> random)
      : self_(self), http_(http), ledger_(ledger), clock_(clock), random_(std::move(random)) {
    if (!random_) random_ = [this] { return std::uniform_real_distribution<>(0.0, 1.0)(engine_); };
  }

  awaitable<messages::reply> send(context c, messages::http request);
  std::shared_ptr<void> keep_to(std::string connection_id, settings_map former) {
    on_trial_.insert_or_assign(connection_id, std::move(former));
    return {nullptr, [this, id = std::move(connection_id)](void*) { on_trial_.erase(id); }};
  }
  void forget(const std::string& connection_id) {
    tokens_.erase(connection_id);
    app_secrets_.erase(connection_id);
    // Whoever reads it right now has read what is out of date.
    const auto readers = reading_.find(connection_id);
    if (readers == reading_.end()) return;
    for (const auto& one : readers->second)
      if (const auto current = one.lock()) *current = false;
    reading_.erase(readers);
  }

 private:
  struct token {
    core::secret value;
    std::uint64_t generation = 0;
    std::optional<core::instant> expires_at;
    settings_map settings;  ///< of its connection, when it was read
  };
  /// One request with its attempts.
  struct errand {
    context c;
    messages::http request;
    core::secret token;
    core::secret app_secret;               ///< where the provider wants it on every request
    std::uint64_t generation = 0;          ///< of the token
    std::shared_ptr<request_limits> kept;  ///< an errand that is dropped in the midst still gives back what it took
    std::vector<request_limits::bucket> buckets;
    core::instant began{};
  };

  /// Whether the request goes where the settings lead that this token belongs to.
  bool fits(const errand& e, const token& t) const;
  /// The token to bear, or why there is none.
  awaitable<messages::reply> bear_token(errand& e);
  awaitable<result<>> load_token(const std::string& connection_id);
  /// An empty error: there is a newer one.
  awaitable<messages::reply> renew_token(const errand& e, std::uint64_t generation, renewal_cause cause);
  awaitable<messages::reply> wait_for_limits(errand& e, counted_request& out);
  awaitable<result<net::response>> exchange(const errand& e);
  awaitable<result<>> load_app_secret(errand& e);
  awaitable<result<core::secret>> read_app_secret(const std::string& connection_id);
  /// Since this errand's request was sent with the one it has.
  awaitable<bool> app_secret_was_replaced(const errand& e);
  std::vector<request_limits::bucket> buckets_of(const context& c);
  core::instant deadline_of(const context& c) const {
    return c.deadline == core::instant{} ? clock_.now() + std::chrono::hours{1} : c.deadline;
  }

  const provider_client& self_;
  net::http_transport& http_;
  ledger::ledger& ledger_;
  const runtime::clock& clock_;
  std::mt19937_64 engine_{runtime::random_seed()};
  std::function<double()> random_;

  std::map<std::string, token> tokens_;              ///< by connection
  std::map<std::string, settings_map> on_trial_;     ///< by connection: those that its stored token belongs to
  std::map<std::string, core::secret> app_secrets_;  ///< by connection, of providers that want them on every request
  /// Reads of the ledger that are under way, by connection; each holds its mark, which says whether it is still
  /// current.
  using mark = std::shared_ptr<bool>;
  std::map<std::string, std::vector<std::weak_ptr<bool>>> reading_;
  mark begin_reading(const std::string& connection_id) {
    auto& of_it = reading_[connection_id];
    std::erase_if(of_it, [](const auto& one) { return one.expired(); });  // of coroutines that were given up
    auto made = std::make_shared<bool>(true);
    of_it.push_back(made);
    return made;
  }
  bool end_reading(const std::string& connection_id, const mark& mine) {
    if (!*mine) return false;
    const auto of_it = reading_.find(connection_id);
    std::erase_if(of_it->second, [&](const auto& one) { return one.expired() || one.lock() == mine; });
    if (of_it->second.empty()) reading_.erase(of_it);
    return true;
  }
  std::shared_ptr<request_limits> limits_ = std::make_shared<request_limits>();
};

std::vector<request_limits::bucket> provider_client::impl::buckets_of(const context& c) {
  const core::bucket_scope scope{c.manifest->name, c.client_id, c.account_id, c.connection_id};
  std::vector<request_limits::bucket> all;
  for (const auto& rule : c.manifest->limits) all.push_back(limits_->of(rule, scope));
  return all;
}

/// Into `tokens_`; nothing is added where the connection has no credentials.
awaitable<result<>> provider_client::impl::load_token(const std::string& connection_id) {
  for (bool current = false; !current;) {
    token loaded;
    const auto mine = begin_reading(connection_id);
    const std::function<result<void>(transaction&)> read = [&](transaction& tx) -> result<> {
      auto found = tx.find_credentials(connection_id);
      if (!found) return found.error();
      if (!*found) return {};
      loaded = {std::move((*found)->access_token), (*found)->generation, (*found)->expires_at, {}};
      if (auto of = tx.find_connection(connection_id)) loaded.settings = std::move(of->settings);
      return {};
    };
    auto done = co_await ledger_.write(read);
    // New credentials may have been stored while these were read.
    current = end_reading(connection_id, mine);
    if (!done) co_return done;
    if (current && !loaded.value.empty()) tokens_.insert_or_assign(connection_id, std::move(loaded));
  }
  co_return result<>{};
}

bool provider_client::impl::fits(const errand& e, const token& t) const {
  const auto& m = *e.c.manifest;
  const auto trial = on_trial_.find(e.c.connection_id);
  const auto& settings = trial == on_trial_.end() ? t.settings : trial->second;
  return m.filled_with.empty() || m.filled_with == core::addresses_in(m, settings);
}

awaitable<messages::reply> provider_client::impl::bear_token(errand& e) {
  if (e.c.not_yet_stored) {
    e.token = e.c.not_yet_stored->clone();
    co_return messages::reply{};
  }
  const auto& id = e.c.connection_id;
  // The second look finds what the first one had renewed.
  for (int look = 1; look <= 2; ++look) {
    // Perhaps read before the settings changed.
    if (const auto read = tokens_.find(id); read != tokens_.end() && !fits(e, read->second)) tokens_.erase(read);
    if (!tokens_.contains(id)) {
      auto loaded = co_await load_token(id);
      if (!loaded) co_return refused(job_error::try_again, loaded.error().detail);
    }
    const auto known = tokens_.find(id);
    if (known == tokens_.end()) co_return refused(job_error::authorise_again, "this connection has no credentials");
    if (!fits(e, known->second))
      co_return refused(job_error::try_again,
                        "the connection's settings led elsewhere when this was begun than where its token belongs");
    e.generation = known->second.generation;
    const auto expires_at = known->second.expires_at;
    if (!expires_at || *expires_at > clock_.now()) {
      e.token = known->second.value.clone();
      co_return messages::reply{};
    }
    auto renewed = co_await renew_token(e, e.generation, renewal_cause::expired);
    if (!renewed.error.empty()) co_return renewed;
  }
  co_return refused(job_error::try_again, "the access token expired as soon as it was renewed");
}

awaitable<result<>> provider_client::impl::load_app_secret(errand& e) {
  if (e.c.manifest->auth.app_headers.empty()) co_return result<>{};
  const auto known = app_secrets_.find(e.c.connection_id);
  if (known != app_secrets_.end()) {
    e.app_secret = known->second.clone();
    co_return result<>{};
  }
  const auto mine = begin_reading(e.c.connection_id);
  auto reading = read_app_secret(e.c.connection_id);
  auto found = co_await std::move(reading);
  const bool current = end_reading(e.c.connection_id, mine);
  if (!found) co_return found.error();
  e.app_secret = std::move(*found);
  // It may have been replaced while it was read: then this request goes out with the old one, and is the last that
  // does.
  if (current) app_secrets_.insert_or_assign(e.c.connection_id, e.app_secret.clone());
  co_return result<>{};
}

awaitable<result<core::secret>> provider_client::impl::read_app_secret(const std::string& connection_id) {
  core::secret secret;
  const std::function<result<void>(transaction&)> read = [&](transaction& tx) -> result<> {
    const auto connection = tx.find_connection(connection_id);
    if (!connection) return failure{make_error_code(ledger::errc::not_found), "the connection was removed"};
    auto found = tx.client_secret(connection->app_id);
    if (!found) return found.error();
    secret = std::move(*found);
    return {};
  };
  auto done = co_await ledger_.write(read);
  if (!done) co_return done.error();
  co_return std::move(secret);
}

awaitable<bool> provider_client::impl::app_secret_was_replaced(const errand& e) {
  auto reading = read_app_secret(e.c.connection_id);
  const auto current = co_await std::move(reading);
  co_return current && current->reveal() != e.app_secret.reveal();
}

awaitable<messages::reply> provider_client::impl::renew_token(const errand& e, std::uint64_t generation,
                                                              renewal_cause cause) {
  if (!self_.renew) co_return refused(job_error::authorise_again, "the access token is not renewed here");
  auto wish = self_.renew(e.c.connection_id, generation, cause);
  const renewal became = co_await std::move(wish);
  if (became.what == renewal::outcome::renewed) co_return messages::reply{};
  if (became.what == renewal::outcome::later) co_return refused(job_error::try_again, became.detail);
  co_return refused(job_error::authorise_again, became.detail);
}

awaitable<messages::reply> provider_client::impl::wait_for_limits(errand& e, counted_request& out) {
  const auto deadline = std::min(deadline_of(e.c), clock_.now() + e.c.limit_patience);
  for (const auto& b : e.buckets) {
    const auto later = co_await out.wait_turn(b, e.c.connection_id, deadline);
    if (!later) continue;
    if (e.c.limited_until) e.c.limited_until(*later);
    co_return refused(job_error::try_again,
                      "the limit of " + e.c.manifest->title + " is used up until " + core::to_rfc3339(*later));
  }
  co_return messages::reply{};
}

awaitable<result<net::response>> provider_client::impl::exchange(const errand& e) {
  net::request out;
  out.method = e.request.method;
  out.url = e.request.url;
  out.headers = e.request.headers;
  const auto& rules = e.c.manifest->auth;
  out.headers.emplace_back(rules.token_header, rules.token_prefix + std::string(e.token.reveal()));
  for (const auto& name : rules.app_headers) out.headers.emplace_back(name, e.app_secret.reveal());
  out.body = e.request.body;
  net::exchange_limits bounds;
  bounds.private_addresses = core::may_be_private(*e.c.manifest, e.request.url);
  bounds.deadline = std::min<std::chrono::milliseconds>(bounds.deadline, deadline_of(e.c) - clock_.now());
  co_return co_await http_.send(std::move(out), bounds);
}

awaitable<messages::reply> provider_client::impl::send(context c, messages::http request) {
  if (auto why = core::egress_refusal(*c.manifest, request.method, request.url, c.purpose); !why.empty())
    co_return refused(job_error::bug, why);
  if (auto why = header_refusal(c.manifest->auth, request); !why.empty()) co_return refused(job_error::bug, why);
  errand e;
  e.kept = limits_;
  e.buckets = buckets_of(c);
  e.c = std::move(c);
  e.request = std::move(request);

  const bool few_at_once =
      std::any_of(e.buckets.begin(), e.buckets.end(), [](const auto& b) { return b.quota->rule().at_once > 0; });
  bool token_replaced = false;
  for (int number = 1;; ++number) {
    // A renewal may have to ask, too: nobody waits for one in the place that it needs.
    if (few_at_once)
      if (auto stop = co_await bear_token(e); !stop.error.empty()) co_return stop;
    std::optional<counted_request> out(std::in_place, clock_);
    if (auto stop = co_await wait_for_limits(e, *out); !stop.error.empty()) co_return stop;
    // After the wait: a token may have died in it.
    if (auto stop = co_await bear_token(e); !stop.error.empty()) co_return stop;
    auto loading = load_app_secret(e);
    if (auto loaded = co_await std::move(loading); !loaded)
      co_return refused(job_error::try_again, loaded.error().detail);
    if (deadline_of(e.c) <= clock_.now())
      co_return refused(job_error::try_again, "the job's time was over before " + named(e.request) + " was sent");
    // From the first sending: whoever waits for a limit has not tried anything yet.
    if (e.began == core::instant{}) e.began = clock_.now();
    KOPPEL_FAULT_POINT("provider.before_send");
    auto answer = co_await exchange(e);
    KOPPEL_FAULT_POINT("provider.answered");

    core::attempt attempt;
    attempt.number = number;
    attempt.elapsed = clock_.now() - e.began;
    if (answer) {
      attempt.status = answer->status;
      attempt.retry_after = core::read_retry_after(answer->header("retry-after"), answer->header("date"), clock_.now());
      out->answered(*answer);
    } else {
      attempt.fault = net::fault_of(answer.error().code);
    }
    out.reset();
    const auto next = core::decide_retry(attempt, random_(), {.attempts = e.c.attempts});
    const bool in_time = clock_.now() + next.after < deadline_of(e.c);
    if (next.what == core::retry_decision::act::again && in_time) {
      if (!co_await runtime::sleep_for(next.after)) co_return refused(job_error::cancelled, "");
      continue;
    }
    if (!answer) {
      const auto verdict = next.what == core::retry_decision::act::again ? job_error::try_again : next.job_error;
      co_return refused(verdict, named(e.request) + ": " + answer.error().detail);
    }
    const auto* denial = denial_in(e.c.manifest->auth, *answer);
    using meaning = core::denial_rule::meaning;
    const bool token_refused = denial ? denial->means == meaning::renew : answer->status == 401;
    if (token_refused && !e.c.not_yet_stored && !std::exchange(token_replaced, true)) {
      auto renewed = co_await renew_token(e, e.generation, renewal_cause::refused);
      if (renewed.error.empty()) continue;
      if (renewed.error == job_error::try_again) co_return renewed;
    }
    messages::reply reply;
    reply.status = answer->status;
    reply.headers = std::move(answer->headers);
    reply.body = std::move(answer->body);
    clean(reply, {e.token.reveal(), e.app_secret.reveal()});
    if (denial && denial->means == meaning::partner_key_invalid) {
      auto looking = app_secret_was_replaced(e);
      const bool replaced_meanwhile = co_await std::move(looking);
      reply.error = replaced_meanwhile ? job_error::try_again : job_error::bad_settings;
      reply.detail = e.c.manifest->title +
                     " refuses the app's own key, not this connection's: replace it with koppelctl app set-secret";
      if (self_.app_key_refused && !replaced_meanwhile) self_.app_key_refused(e.c.connection_id, answer->status);
    } else if (token_refused) {
      reply.error = job_error::authorise_again;
      reply.detail = e.c.manifest->title + " answered " + std::to_string(reply.status) + " to " + named(e.request);
    }
    co_return reply;
  }
}

provider_client::provider_client(net::http_transport& http, ledger::ledger& ledger, const runtime::clock& clock,
                                 std::function<double()> random)
    : impl_(std::make_unique<impl>(*this, http, ledger, clock, std::move(random))) {}

provider_client::~provider_client() = default;

awaitable<messages::reply> provider_client::send(context c, messages::http request) {
  return impl_->send(std::move(c), std::move(request));
}

std::shared_ptr<void> provider_client::keep_to(std::string connection_id, settings_map former) {
  return impl_->keep_to(std::move(connection_id), std::move(former));
}

void provider_client::forget(const std::string& connection_id) { impl_->forget(connection_id); }

}  // namespace koppel::auth
