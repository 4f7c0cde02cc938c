// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/network.hpp"

#include <array>
#include <optional>

namespace koppel::simulation {
namespace {

enum class trouble {
  none,
  refused,         ///< nobody listens
  lost_request,    ///< and nothing ever comes back
  cut_request,     ///< the connection ends before the provider has read it
  late_request,    ///< it is carried out long after it was sent
  lost_answer,     ///< carried out, and nothing ever comes back
  cut_answer,      ///< carried out, and the connection ends
  gateway_before,  ///< 502, and the provider never saw it
  gateway_after,   ///< 504, and the provider carried it out
  throttled,
  garbled_answer,  ///< carried out; what comes back is not what the provider said
};
constexpr std::array names{"",
                           "connection refused",
                           "request lost",
                           "connection cut before the request arrived",
                           "request late",
                           "answer lost",
                           "connection cut before the answer",
                           "bad gateway, request not carried out",
                           "gateway timeout, request carried out",
                           "throttled",
                           "answer garbled"};

net::response plain(int status, std::string body) {
  net::response r;
  r.status = status;
  r.headers = {{"content-type", "text/html"}};
  r.body = std::move(body);
  return r;
}

std::string named(const net::request& r) {
  const auto grant = parameter(r.body, "grant_type");
  if (!grant.empty()) return "token (" + grant + " " + parameter(r.body, "refresh_token") + ")";
  return r.method + " " + r.url.substr(r.url.find(".test") + 5);
}

}  // namespace

struct network::exchange {
  net::request request;
  std::optional<result<net::response>> outcome;
  runtime::steady_timer* waiting = nullptr;  ///< in the frame of `send`, while that lives

  void answer(result<net::response> r) {
    if (!waiting) return;  // too late, or nobody there
    outcome = std::move(r);
    waiting->cancel();
  }
};

namespace {

/// Leaves word however the coroutine ends.
class asking {
 public:
  asking(request_watch& watch, std::uint64_t id) : watch_(watch), id_(id) {}
  asking(const asking&) = delete;
  ~asking() {
    if (!told_) watch_.abandoned(id_);
  }
  void ended(const result<net::response>& outcome) {
    told_ = true;
    watch_.ended(id_, outcome);
  }

 private:
  request_watch& watch_;
  const std::uint64_t id_;
  bool told_ = false;
};

template <class Exchange>
struct waiting_place {
  Exchange& e;
  waiting_place(Exchange& of, runtime::steady_timer& timer) : e(of) { e.waiting = &timer; }
  waiting_place(const waiting_place&) = delete;
  ~waiting_place() { e.waiting = nullptr; }
};

}  // namespace

runtime::awaitable<result<net::response>> network::send(net::request r, net::exchange_limits limits) {
  const auto mine = std::make_shared<exchange>();
  mine->request = std::move(r);
  asking open(watch_, watch_.began(boot_, mine->request));
  const auto executor = co_await runtime::asio::this_coro::executor;
  runtime::steady_timer timer(executor, limits.deadline);
  const waiting_place<exchange> place(*mine, timer);
  if (limits.on_sending) limits.on_sending();
  dispatch(mine);
  const auto [interrupted] = co_await timer.async_wait(runtime::token);
  result<net::response> outcome = failure{net::errc::timeout, "no answer came in time"};
  if (mine->outcome)
    outcome = std::move(*mine->outcome);
  else if (interrupted)
    outcome = failure{net::errc::cancelled, "no longer wanted"};
  open.ended(outcome);
  co_return outcome;
}

void network::dispatch(const std::shared_ptr<exchange>& e) {
  auto& chance = world_.chance;
  auto what = trouble::none;
  if (virtual_time::now() < world_.outage_until)
    what = trouble::refused;
  else if (!world_.calm && chance.hits(world_.network_trouble))
    what = static_cast<trouble>(chance.between(1, static_cast<int>(names.size()) - 1));
  if (what != trouble::none) world_.fault(names[static_cast<std::size_t>(what)], named(e->request));

  auto there = chance.around(milliseconds{40}) + milliseconds{1};
  const auto back = chance.around(milliseconds{40}) + milliseconds{1};
  const auto later = [&w = world_](milliseconds delay, const std::shared_ptr<exchange>& of, result<net::response> r) {
    w.after(delay, [weak = std::weak_ptr(of), r = std::move(r)] {
      if (const auto alive = weak.lock()) alive->answer(r);
    });
  };
  const failure cut{net::errc::cut, "the connection was cut"};
  switch (what) {
    case trouble::refused:
      return later(there, e, failure{net::errc::connect, "nobody listens"});
    case trouble::lost_request:
      return;
    case trouble::cut_request:
      return later(there, e, cut);
    case trouble::gateway_before:
      return later(there + back, e, plain(502, "<html>Bad Gateway</html>"));
    case trouble::throttled: {
      auto r = plain(429, "{}");
      if (chance.hits(0.7)) r.headers.emplace_back("retry-after", std::to_string(chance.between(1, 60)));
      return later(there + back, e, std::move(r));
    }
    case trouble::late_request:
      there = chance.between(milliseconds{1'000}, milliseconds{29'000});
      break;
    default:
      break;
  }
  // From here on the request arrives, whatever becomes of whoever sent it.
  world_.after(there,
               [later, asker = std::weak_ptr(e), request = e->request, what, back, cut, &w = world_, &p = provider_] {
                 auto r = p.answer(request);
                 w.tell("provider", named(request) + ": " + std::to_string(r.status));
                 const auto asking_still = asker.lock();
                 if (!asking_still || what == trouble::lost_answer) return;
                 if (what == trouble::cut_answer) return later(back, asking_still, cut);
                 if (what == trouble::gateway_after)
                   return later(back, asking_still, plain(504, "<html>Gateway Timeout</html>"));
                 if (what == trouble::garbled_answer)
                   return later(back, asking_still, plain(200, "<html>Welcome to the hotel</html>"));
                 later(back, asking_still, std::move(r));
               });
}

}  // namespace koppel::simulation
