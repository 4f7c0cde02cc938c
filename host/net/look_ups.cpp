// SPDX-License-Identifier: Apache-2.0

#include "host/net/look_ups.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <mutex>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace koppel::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using runtime::awaitable;

namespace {

/// The last two labels: whose name servers are asked, or nearly so. Where that is a public suffix ("co.uk") strangers
/// share a zone, which is why one host has a bound of its own, below the zone's.
std::string zone_of(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  const auto last = host.rfind('.');
  const auto before = last == std::string_view::npos || last == 0 ? std::string_view::npos : host.rfind('.', last - 1);
  return std::string(before == std::string_view::npos ? host : host.substr(before + 1));
}

/// Signals are the main thread's: one that came to a thread left alone here would find nobody who listens for it.
class without_signals {
 public:
  without_signals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  without_signals(const without_signals&) = delete;
  without_signals& operator=(const without_signals&) = delete;
  ~without_signals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace

struct look_ups::answer {
  endpoints found;
  std::string why;  ///< there is none
};

struct look_ups::look_up {
  look_up(const asio::any_io_executor& executor, std::string name, std::uint16_t to_port)
      : host(std::move(name)), zone(zone_of(host)), port(to_port), wait(executor) {}
  const std::string host, zone;
  const std::uint16_t port;
  asio::steady_timer wait;
  bool done = false;
  answer came;
};

/// A place in line that ends with the coroutine: nobody is looked up for whoever is gone.
struct look_ups::in_line {
  in_line(look_ups& of, std::shared_ptr<look_up> one) : all(of), mine(std::move(one)) { all.line_.push_back(mine); }
  in_line(const in_line&) = delete;
  in_line& operator=(const in_line&) = delete;
  ~in_line() { std::erase(all.line_, mine); }
  look_ups& all;
  const std::shared_ptr<look_up> mine;
};

/// Where threads hand in what they found, for as long as somebody is there to take it.
struct look_ups::doorway {
  doorway(look_ups* of, asio::any_io_executor executor) : owner(of), strand(std::move(executor)) {}
  std::mutex mutex;
  look_ups* owner;  ///< written on the main strand alone
  const asio::any_io_executor strand;
};

look_ups::look_ups(asio::any_io_executor executor)
    : executor_(std::move(executor)), doorway_(std::make_shared<doorway>(this, executor_)) {}

look_ups::~look_ups() {
  const std::lock_guard lock(doorway_->mutex);
  doorway_->owner = nullptr;
}

awaitable<result<look_ups::endpoints>> look_ups::find(std::string host, std::uint16_t port,
                                                      std::chrono::steady_clock::time_point deadline) {
  boost::system::error_code no_address;
  const auto numeric = asio::ip::make_address(host, no_address);
  if (!no_address) {
    endpoints itself{tcp::endpoint{numeric, port}};
    co_return itself;
  }
  const auto mine = std::make_shared<look_up>(executor_, std::move(host), port);
  mine->wait.expires_at(deadline);
  const in_line place(*this, mine);
  start_next();
  if (!mine->done) {
    const auto [waited] = co_await mine->wait.async_wait(runtime::token);
    if (!mine->done && waited) co_return failure{errc::cancelled, "The look-up of " + mine->host + " was cancelled."};
  }
  if (!mine->done)
    co_return failure{errc::timeout, "The address of " + mine->host + " was not found within the deadline."};
  if (mine->came.found.empty())
    co_return failure{errc::resolve, "The name " + mine->host + " has no address (" + mine->came.why + ")."};
  co_return std::move(mine->came.found);
}

bool look_ups::may_start(const look_up& one) const {
  std::size_t of_host = 0, of_zone = 0;
  for (const auto& [ticket, other] : running_) {
    of_host += other->host == one.host ? 1 : 0;
    of_zone += other->zone == one.zone ? 1 : 0;
  }
  return running_.size() < limits::look_ups && of_host < limits::look_ups_of_host && of_zone < limits::look_ups_of_zone;
}

void look_ups::start_next() {
  for (auto at = line_.begin(); at != line_.end() && running_.size() < limits::look_ups;) {
    if (!may_start(**at)) {
      ++at;
      continue;
    }
    const auto next = *at;
    at = line_.erase(at);
    const auto ticket = ++tickets_;
    if (launch(ticket, *next)) {
      running_[ticket] = next;
      continue;
    }
    next->done = true;
    next->came.why = "the system has no thread for the look-up";
    next->wait.cancel();
  }
}

bool look_ups::launch(std::uint64_t ticket, const look_up& one) const {
  // Copies alone: the thread may outlive everything here, and what has a timer belongs to the main strand.
  const auto work = [doorway = doorway_, ticket, host = one.host, port = one.port] {
    auto came = ask_system(host, port);
    const std::lock_guard lock(doorway->mutex);
    if (!doorway->owner) return;
    asio::post(doorway->strand, [doorway, ticket, came = std::move(came)]() mutable {
      if (doorway->owner) doorway->owner->ended(ticket, std::move(came));
    });
  };
  try {
    const without_signals while_it_starts;
    std::thread(work).detach();
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

void look_ups::ended(std::uint64_t ticket, answer came) {
  const auto one = running_.extract(ticket).mapped();
  one->done = true;
  one->came = std::move(came);
  one->wait.cancel();
  start_next();
}

look_ups::answer look_ups::ask_system(const std::string& host, std::uint16_t port) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_protocol = IPPROTO_TCP;
  addrinfo* first = nullptr;
  const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &first);
  if (error == EAI_SYSTEM) return {{}, std::generic_category().message(errno)};
  if (error != 0) return {{}, ::gai_strerror(error)};
  answer all{{}, "its addresses are of no kind that is known"};
  for (const auto* one = first; one != nullptr; one = one->ai_next) {
    tcp::endpoint to;
    const bool known = one->ai_family == AF_INET || one->ai_family == AF_INET6;
    if (!known || one->ai_addrlen > to.capacity()) continue;
    std::memcpy(to.data(), one->ai_addr, one->ai_addrlen);
    to.resize(one->ai_addrlen);
    all.found.push_back(to);
  }
  ::freeaddrinfo(first);
  return all;
}

}  // namespace koppel::net
