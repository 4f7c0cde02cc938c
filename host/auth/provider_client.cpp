// SPDX-License-Identifier: Apache-2.0

#include "host/auth/provider_client.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>

#include "host/auth/fair_queue.hpp"
#include "host/core/quota.hpp"
#include "host/core/retry.hpp"
#include "host/runtime/supervisor.hpp"

namespace koppel::auth {
namespace {

using ledger::transaction;
using runtime::awaitable;
namespace job_error = messages::job_error;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
  return out;
}

template <std::size_t N>
bool one_of(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Headers that say who asks, or where a message ends: the host's to write.
std::string header_refusal(const messages::http& request) {
  constexpr std::array<std::string_view, 13> ours{
      "authorization", "proxy-authorization", "cookie",           "host",    "content-length", "transfer-encoding",
      "connection",    "keep-alive",          "proxy-connection", "upgrade", "trailer",        "te",
      "expect"};
  for (const auto& [name, value] : request.headers)
    if (one_of(ours, lower(name)))
      return "the plugin set the header \"" + lower(name) + "\", which is the host's to set";
  return {};
}

/// Takes out of an answer what a plugin must not see; an echo of the token is blotted out.
void clean(messages::reply& reply, std::string_view token) {
  constexpr std::array<std::string_view, 7> secret_headers{
      "set-cookie",    "set-cookie2",         "www-authenticate",         "proxy-authenticate",
      "authorization", "authentication-info", "proxy-authentication-info"};
  std::erase_if(reply.headers, [&](const auto& header) { return one_of(secret_headers, header.first); });
  const auto blot = [&](std::string& text) {
    for (auto at = text.find(token); at != std::string::npos; at = text.find(token, at + token.size()))
      text.replace(at, token.size(), token.size(), '*');
  };
  if (token.empty()) return;
  blot(reply.body);
  for (auto& header : reply.headers) blot(header.second);
}

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
  impl(net::http_client& http, ledger::ledger& ledger, const runtime::clock& clock, std::function<double()> random)
      : http_(http), ledger_(ledger), clock_(clock), random_(std::move(random)) {
    if (!random_) random_ = [this] { return std::uniform_real_distribution<>(0.0, 1.0)(engine_); };
  }

  awaitable<messages::reply> send(context c, messages::http request);
  void forget(const std::string& connection_id) {
    tokens_.erase(connection_id);
    ++forgotten_;
  }

 private:
  struct token {
    core::secret value;
    std::optional<core::instant> expires_at;
  };
  struct bucket {
    core::quota* quota;
    fair_queue* queue;
  };
  struct limits {
    core::bucket_table quotas;
    std::map<const core::quota*, fair_queue> queues;
  };
  class sending;
  /// One request with its attempts.
  struct errand {
    context c;
    messages::http request;
    core::secret token;
    std::shared_ptr<limits> kept;  ///< an errand that is dropped in the midst still gives back what it took
    std::vector<bucket> buckets;
    core::instant began{};
  };

  /// The token to bear, or why there is none.
  awaitable<messages::reply> bear_token(errand& e);
  awaitable<messages::reply> wait_for_limits(errand& e, sending& out);
  awaitable<result<net::response>> exchange(const errand& e);
  std::vector<bucket> buckets_of(const context& c);
  core::instant deadline_of(const context& c) const {
    return c.deadline == core::instant{} ? clock_.now() + std::chrono::hours{1} : c.deadline;
  }

  net::http_client& http_;
  ledger::ledger& ledger_;
  const runtime::clock& clock_;
  std::mt19937_64 engine_{std::random_device{}()};
  std::function<double()> random_;

  std::map<std::string, token> tokens_;  ///< by connection
  std::uint64_t forgotten_ = 0;
  std::shared_ptr<limits> limits_ = std::make_shared<limits>();
};

/// What was taken from the limits: told what came of it, also where the errand ends in the midst of it.
class provider_client::impl::sending {
 public:
  explicit sending(const runtime::clock& clock) : clock_(clock) {}
  sending(const sending&) = delete;
  ~sending() {
    for (auto& b : taken_) b.quota->unanswered(clock_.now());
  }
  void took(bucket b) { taken_.push_back(b); }
  void answered(const net::response& answer) {
    for (auto& b : std::exchange(taken_, {})) {
      b.quota->observe(clock_.now(), answer.status, answer.headers);
      b.queue->wake();
    }
  }

 private:
  const runtime::clock& clock_;
  std::vector<bucket> taken_;
};

std::vector<provider_client::impl::bucket> provider_client::impl::buckets_of(const context& c) {
  const core::bucket_scope scope{c.manifest->name, c.client_id, c.account_id, c.connection_id};
  std::vector<bucket> all;
  for (const auto& rule : c.manifest->limits) {
    auto& quota = limits_->quotas.of(rule, scope);
    all.push_back({&quota, &limits_->queues[&quota]});
  }
  return all;
}

awaitable<messages::reply> provider_client::impl::bear_token(errand& e) {
  if (e.c.not_yet_stored) {
    e.token = e.c.not_yet_stored->clone();
    co_return messages::reply{};
  }
  const auto& id = e.c.connection_id;
  if (!tokens_.contains(id)) {
    token loaded;
    const auto forgotten = forgotten_;
    const auto read = [&](transaction& tx) -> result<> {
      auto found = tx.find_credentials(id);
      if (!found) return found.error();
      if (!*found) return {};
      loaded.value = std::move((*found)->access_token);
      loaded.expires_at = (*found)->expires_at;
      return {};
    };
    if (auto done = co_await ledger_.write(read); !done) co_return refused(job_error::try_again, done.error().detail);
    if (loaded.value.empty()) co_return refused(job_error::authorise_again, "this connection has no credentials");
    // New credentials may have been stored while these were read: then the next attempt reads again.
    if (forgotten != forgotten_) co_return refused(job_error::try_again, "the credentials are just being replaced");
    tokens_.insert_or_assign(id, std::move(loaded));
  }
  const auto& known = tokens_.at(id);
  if (known.expires_at && *known.expires_at <= clock_.now()) {
    auto reply =
        refused(job_error::authorise_again, "the access token expired at " + core::to_rfc3339(*known.expires_at) +
                                                "; this version does not renew it: connect the account again");
    reply.status = 401;
    co_return reply;
  }
  e.token = known.value.clone();
  co_return messages::reply{};
}

awaitable<messages::reply> provider_client::impl::wait_for_limits(errand& e, sending& out) {
  const auto deadline = deadline_of(e.c);
  for (const auto& b : e.buckets) {
    const auto take = [&](core::instant now) {
      const auto later = b.quota->ask(now);
      if (!later) b.quota->sent(now);
      return later;
    };
    const auto later = co_await b.queue->wait_turn(e.c.connection_id, deadline, clock_, take);
    if (later)
      co_return refused(job_error::try_again,
                        "the limit of " + e.c.manifest->title + " is used up until " + core::to_rfc3339(*later));
    out.took(b);
  }
  co_return messages::reply{};
}

awaitable<result<net::response>> provider_client::impl::exchange(const errand& e) {
  net::request out;
  out.method = e.request.method;
  out.url = e.request.url;
  out.headers = e.request.headers;
  out.headers.emplace_back("Authorization", "Bearer " + std::string(e.token.reveal()));
  out.body = e.request.body;
  net::exchange_limits bounds;
  bounds.deadline = std::min<std::chrono::milliseconds>(bounds.deadline, deadline_of(e.c) - clock_.now());
  co_return co_await http_.send(std::move(out), bounds);
}

awaitable<messages::reply> provider_client::impl::send(context c, messages::http request) {
  if (auto why = core::egress_refusal(*c.manifest, request.method, request.url); !why.empty())
    co_return refused(job_error::bug, why);
  if (auto why = header_refusal(request); !why.empty()) co_return refused(job_error::bug, why);
  errand e;
  e.kept = limits_;
  e.buckets = buckets_of(c);
  e.c = std::move(c);
  e.request = std::move(request);
  e.began = clock_.now();

  for (int number = 1;; ++number) {
    std::optional<sending> out(std::in_place, clock_);
    if (auto stop = co_await wait_for_limits(e, *out); !stop.error.empty()) co_return stop;
    // After the wait: a token may have died in it.
    if (auto stop = co_await bear_token(e); !stop.error.empty()) co_return stop;
    if (deadline_of(e.c) <= clock_.now())
      co_return refused(job_error::try_again, "the job's time was over before " + named(e.request) + " was sent");
    auto answer = co_await exchange(e);

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
    const auto next = core::decide_retry(attempt, random_());
    const bool in_time = clock_.now() + next.after < deadline_of(e.c);
    if (next.what == core::retry_decision::act::again && in_time) {
      if (!co_await runtime::sleep_for(next.after)) co_return refused(job_error::cancelled, "");
      continue;
    }
    if (!answer) {
      const auto verdict = next.what == core::retry_decision::act::again ? job_error::try_again : next.job_error;
      co_return refused(verdict, named(e.request) + ": " + answer.error().detail);
    }
    messages::reply reply;
    reply.status = answer->status;
    reply.headers = std::move(answer->headers);
    reply.body = std::move(answer->body);
    clean(reply, e.token.reveal());
    if (reply.status == 401) {
      reply.error = job_error::authorise_again;
      reply.detail = e.c.manifest->title + " answered 401 to " + named(e.request);
    }
    co_return reply;
  }
}

provider_client::provider_client(net::http_client& http, ledger::ledger& ledger, const runtime::clock& clock,
                                 std::function<double()> random)
    : impl_(std::make_unique<impl>(http, ledger, clock, std::move(random))) {}

provider_client::~provider_client() = default;

awaitable<messages::reply> provider_client::send(context c, messages::http request) {
  return impl_->send(std::move(c), std::move(request));
}

void provider_client::forget(const std::string& connection_id) { impl_->forget(connection_id); }

}  // namespace koppel::auth
