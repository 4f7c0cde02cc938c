// SPDX-License-Identifier: Apache-2.0

#include "host/net/http_client.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <charconv>
#include <deque>
#include <optional>
#include <tuple>

#include "host/net/address.hpp"
#include "host/net/client_connection.hpp"
#include "host/net/look_ups.hpp"
#include "host/net/request_text.hpp"

namespace koppel::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using runtime::awaitable;
using runtime::token;

/// Where requests to one host go and whom they trust.
struct path_out {
  std::shared_ptr<tls_trust> trust;
  std::optional<tcp::endpoint> address;  ///< a route's; else the host's own name is looked up
};

/// Connections to one host and port: so many at once, the others wait in line.
struct pool {
  struct waiter {
    asio::steady_timer turn;
    bool served = false;
  };
  std::size_t free = 0;
  std::deque<std::shared_ptr<waiter>> line;
  std::vector<client_connection::pointer> idle;  ///< the most recently used last
};

/// The right to one connection, given to the next in line when it ends.
class place {
 public:
  place() = default;
  explicit place(std::shared_ptr<pool> owner) : owner_(std::move(owner)) {}
  place(place&&) noexcept = default;
  place& operator=(place&&) = delete;
  ~place() {
    if (!owner_) return;
    if (owner_->line.empty()) {
      ++owner_->free;
      return;
    }
    owner_->line.front()->served = true;
    owner_->line.front()->turn.cancel();
    owner_->line.pop_front();
  }

 private:
  std::shared_ptr<pool> owner_;
};

/// A wait in line that ends with the coroutine: one that was cancelled must not be served. (One that was served and
/// then cancelled resumes first, takes its place and passes it on.)
class wait_in_line {
 public:
  wait_in_line(std::shared_ptr<pool> owner, const asio::any_io_executor& executor, deadline_point deadline)
      : owner_(std::move(owner)), waiter_(std::make_shared<pool::waiter>(pool::waiter{asio::steady_timer{executor}})) {
    waiter_->turn.expires_at(deadline);
    owner_->line.push_back(waiter_);
  }
  wait_in_line(const wait_in_line&) = delete;
  wait_in_line& operator=(const wait_in_line&) = delete;
  ~wait_in_line() {
    if (!waiter_->served) std::erase(owner_->line, waiter_);
  }
  asio::steady_timer& turn() { return waiter_->turn; }
  std::optional<place> take() {
    if (!waiter_->served) return std::nullopt;
    return place{owner_};
  }

 private:
  std::shared_ptr<pool> owner_;
  std::shared_ptr<pool::waiter> waiter_;
};

std::optional<tcp::endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  boost::system::error_code ec;
  const auto address = asio::ip::make_address(host, ec);
  if (ec || error != std::errc{} || end != port_text.data() + port_text.size() || port == 0) return std::nullopt;
  return tcp::endpoint{address, port};
}

}  // namespace

class http_client::impl {
 public:
  impl(asio::any_io_executor executor, client_options options)
      : executor_(std::move(executor)), options_(std::move(options)), look_ups_(executor_) {}

  result<> prepare();
  awaitable<result<response>> send(request r, exchange_limits limits);
  std::size_t look_ups_under_way() const { return look_ups_.under_way(); }

 private:
  std::shared_ptr<pool> pool_of(const destination& to, bool private_addresses);
  const path_out& path_to(const std::string& host) const;
  awaitable<result<place>> take_place(std::shared_ptr<pool> connections, std::string host, deadline_point deadline);
  awaitable<result<client_connection::pointer>> connect(destination to, bool private_addresses,
                                                        deadline_point deadline);
  static client_connection::pointer take_idle(pool& connections, std::chrono::milliseconds idle_limit);

  const asio::any_io_executor executor_;
  const client_options options_;
  look_ups look_ups_;
  path_out open_internet_;
  std::map<std::string, path_out> routes_;
  std::map<std::tuple<std::string, std::uint16_t, bool>, std::shared_ptr<pool>> pools_;
};

result<> http_client::impl::prepare() {
  auto system = make_tls_trust({});
  if (!system) return system.error();
  open_internet_.trust = std::move(*system);
  for (const route& r : options_.routes) {
    const auto address = parse_endpoint(r.address);
    if (!address) {
      return failure{errc::bad_url, "The address \"" + r.address + "\" of the [[route]] for " + r.host +
                                        " is not an IP address with a port, like 127.0.0.1:8443."};
    }
    auto trust = make_tls_trust(r.ca_file);
    if (!trust) return trust.error();
    routes_[r.host] = path_out{std::move(*trust), address};
  }
  return {};
}

const path_out& http_client::impl::path_to(const std::string& host) const {
  const auto found = routes_.find(host);
  return found == routes_.end() ? open_internet_ : found->second;
}

// A host has one path out, fixed by the options: host and port name the pool. Whom no private address is allowed gets
// no connection that was opened for somebody whom it is.
std::shared_ptr<pool> http_client::impl::pool_of(const destination& to, bool private_addresses) {
  auto& found = pools_[{to.host, to.port, private_addresses}];
  if (!found) {
    found = std::make_shared<pool>();
    found->free = std::max<std::size_t>(options_.connections_per_host, 1);
  }
  return found;
}

awaitable<result<place>> http_client::impl::take_place(std::shared_ptr<pool> connections, std::string host,
                                                       deadline_point deadline) {
  if (connections->free > 0) {
    --connections->free;
    co_return place{std::move(connections)};
  }
  wait_in_line wait(connections, executor_, deadline);
  const auto [ec] = co_await wait.turn().async_wait(token);
  if (auto taken = wait.take()) co_return std::move(*taken);
  if (ec)
    co_return failure{errc::cancelled, "The request to " + host + " was cancelled while it waited for a connection."};
  co_return failure{errc::timeout, "No connection to " + host + " became free within the deadline."};
}

client_connection::pointer http_client::impl::take_idle(pool& connections, std::chrono::milliseconds idle_limit) {
  const auto oldest = std::chrono::steady_clock::now() - idle_limit;
  std::erase_if(connections.idle, [oldest](const auto& c) { return c->idle_since() <= oldest || !c->is_quiet(); });
  if (connections.idle.empty()) return nullptr;
  auto newest = std::move(connections.idle.back());
  connections.idle.pop_back();
  return newest;
}

awaitable<result<client_connection::pointer>> http_client::impl::connect(destination to, bool private_addresses,
                                                                         deadline_point deadline) {
  const path_out path = path_to(to.host);
  std::vector<tcp::endpoint> endpoints;
  if (path.address) {
    endpoints.push_back(*path.address);
  } else {
    auto looking = look_ups_.find(to.host, to.port, deadline);
    auto found = co_await std::move(looking);
    if (!found) co_return found.error();
    endpoints = std::move(*found);
    std::string_view refusal;
    std::erase_if(endpoints, [&refusal, private_addresses](const tcp::endpoint& e) {
      const auto why = private_addresses ? std::string_view{} : address_refusal(e.address());
      if (!why.empty()) refusal = why;
      return !why.empty();
    });
    if (endpoints.empty()) {
      co_return failure{errc::address_refused, "The name " + to.host + " leads to an address that is not public (" +
                                                   std::string{refusal} + "); a [[route]] would have to allow it."};
    }
  }
  if (endpoints.size() > limits::addresses_tried) endpoints.resize(limits::addresses_tried);
  failure last{errc::connect, "The host " + to.host + " could not be reached."};
  for (const tcp::endpoint& endpoint : endpoints) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline) break;
    const auto connection = client_connection::make(executor_, *path.trust, to.host);
    const auto opened = co_await connection->open(endpoint, std::min(deadline, now + limits::connect_deadline));
    if (opened) co_return connection;
    last = opened.error();
    // Nothing of the request was sent yet: an address that does not answer is no unknown outcome.
    if (last.code == errc::timeout && std::chrono::steady_clock::now() < deadline) last.code = errc::connect;
    if (last.code != errc::connect) break;
  }
  co_return last;
}

/// A request that must not be sent twice: its sender has to know that it was not sent at all.
static failure before_sending(failure why, const exchange_limits& limits) {
  if (limits.fresh_connection && why.code == errc::timeout) why.code = errc::connect;
  return why;
}

awaitable<result<response>> http_client::impl::send(request r, exchange_limits limits) {
  auto deadline = std::chrono::steady_clock::now() + limits.deadline;
  const auto to = parse_destination(r.url);
  if (!to) co_return to.error();
  auto bytes = request_bytes(r, *to);
  if (!bytes) co_return bytes.error();
  const auto connections = pool_of(*to, limits.private_addresses);
  // Who may be asked only once leaves soon, or not at all.
  const auto leaves_by =
      limits.fresh_connection ? std::chrono::steady_clock::now() + limits::token_connect_deadline : deadline;
  const auto held = co_await take_place(connections, to->host, leaves_by);
  if (!held) co_return before_sending(held.error(), limits);

  client_connection::pointer pooled = limits.fresh_connection ? nullptr : take_idle(*connections, options_.idle_limit);
  const bool head = r.method == "HEAD";
  for (;;) {
    client_connection::pointer connection = pooled;
    if (!connection) {
      auto opened = co_await connect(*to, limits.private_addresses, leaves_by);
      if (!opened) co_return before_sending(opened.error(), limits);
      connection = std::move(*opened);
    }
    // And has all of its time for the answer, however long it stood in line.
    if (limits.fresh_connection) deadline = std::chrono::steady_clock::now() + limits.deadline;
    if (limits.on_sending) limits.on_sending();
    auto outcome = co_await connection->exchange(*bytes, head, limits.body, deadline);
    if (outcome.reusable && !limits.fresh_connection) connections->idle.push_back(connection);
    // A pooled connection may have been closed while the request was on its way; a new one cannot have been. What
    // changes something may have been carried out before it was closed, so it is the sender's to repeat.
    const bool once_more = pooled && outcome.unanswered && (is_safe(r.method) || outcome.unsent);
    if (!once_more) co_return std::move(outcome.answer);
    pooled = nullptr;
  }
}

http_client::http_client(std::shared_ptr<impl> p) : impl_(std::move(p)) {}
http_client::~http_client() = default;
std::size_t http_client::look_ups_under_way() const { return impl_->look_ups_under_way(); }

result<std::unique_ptr<http_client>> http_client::make(asio::any_io_executor executor, client_options options) {
  auto made = std::make_shared<impl>(std::move(executor), std::move(options));
  if (const auto prepared = made->prepare(); !prepared) return prepared.error();
  return std::unique_ptr<http_client>(new http_client(std::move(made)));
}

awaitable<result<response>> http_client::send(request r, exchange_limits limits) {
  // Kept alive by the exchange: at a hard stop the client may be gone before the coroutine's frame is.
  const auto alive = impl_;
  co_return co_await alive->send(std::move(r), limits);
}

}  // namespace koppel::net
