// SPDX-License-Identifier: Apache-2.0
// The sockets of the consumer's side; follow_client decides, these only carry.

#include <koppel/bus/client.hpp>
#include <random>
#include <zmq.hpp>

#include "folder.hpp"
#include "follow_client.hpp"

namespace koppel::bus {
namespace {

using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

/// Waits for a message until `until`; an empty result is the time that is up, or a signal.
zmq::recv_result_t receive_until(zmq::socket_t& socket, zmq::message_t& into, time_point until) {
  const auto left = std::max(std::chrono::ceil<milliseconds>(until - clock::now()), milliseconds(0));
  zmq::pollitem_t item{socket.handle(), 0, ZMQ_POLLIN, 0};
  if (zmq::poll(&item, 1, left) == 0) return {};
  return socket.recv(into, zmq::recv_flags::dontwait);
}

failure socket_failure(const zmq::error_t& e) {
  return {errc::socket_failed, std::string("The connection to the bus failed: ") + e.what() + "."};
}

}  // namespace

struct follower::state {
  explicit state(follower_options o)
      : endpoint(follow_endpoint(o.folder)), client(std::move(o), std::random_device{}()) {}

  void connect(time_point now);
  void send(const std::string& message);

  std::string endpoint;
  follow_client client;
  zmq::context_t context{1};
  zmq::socket_t socket;
};

void follower::state::connect(time_point now) {
  // A new socket is a new peer for the host: nothing of the old session can mix with the new one.
  socket.close();
  socket = zmq::socket_t(context, zmq::socket_type::dealer);
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(limits::batch_message_bytes));
  socket.set(zmq::sockopt::rcvhwm, limits::peer_hwm);
  socket.set(zmq::sockopt::sndhwm, limits::peer_hwm);
  socket.set(zmq::sockopt::reconnect_ivl, 100);
  socket.connect(endpoint);
  send(client.connected(now));
}

void follower::state::send(const std::string& message) {
  // A full pipe means a host that does not read: its silence will make us connect anew.
  [[maybe_unused]] const auto sent = socket.send(zmq::buffer(message), zmq::send_flags::dontwait);
}

follower::follower(follower_options options) : state_(std::make_unique<state>(std::move(options))) {}
follower::follower(follower&&) noexcept = default;
follower& follower::operator=(follower&&) noexcept = default;

follower::~follower() {
  if (!state_ || !state_->socket) return;
  try {
    // So that the host need not wait for our silence. LINGER: a moment for the word to leave, no more.
    state_->socket.set(zmq::sockopt::linger, 50);
    state_->send(encode_consumer_message(bye_request{}));
  } catch (const zmq::error_t&) {  // it will notice anyway
  }
}

result<std::optional<delivery>> follower::next(milliseconds wait) {
  const time_point until = clock::now() + wait;
  if (!state_->client.connect_at()) state_->client.waiting(clock::now());
  try {
    while (true) {
      const time_point now = clock::now();
      if (const auto at = state_->client.connect_at(); at && *at <= now) state_->connect(now);
      for (const std::string& message : state_->client.due(now)) state_->send(message);
      const time_point wake = std::min(until, state_->client.wake_at());
      zmq::message_t message;
      if (receive_until(state_->socket, message, wake)) {
        const std::string_view bytes{static_cast<const char*>(message.data()), message.size()};
        auto got = state_->client.receive(bytes, clock::now());
        if (!got || *got) return got;
        continue;
      }
      if (clock::now() >= until) break;
    }
  } catch (const zmq::error_t& e) {
    if (e.num() != EINTR) return socket_failure(e);
  }
  state_->client.returning(clock::now());
  return std::optional<delivery>();
}

result<> follower::ack(const position& at) {
  state_->client.acknowledge(at);
  try {
    if (state_->socket)
      for (const std::string& message : state_->client.outbox(clock::now())) state_->send(message);
  } catch (const zmq::error_t& e) {
    if (e.num() != EINTR) return socket_failure(e);
  }
  return {};
}

std::uint64_t follower::head() const { return state_->client.head(); }
std::uint64_t follower::reconnects() const { return state_->client.reconnects(); }
const std::string& follower::last_fault() const { return state_->client.last_fault(); }

struct watcher::state {
  result<> usable;
  zmq::context_t context{1};
  zmq::socket_t socket{context, zmq::socket_type::sub};
};

watcher::watcher(const std::filesystem::path& folder, const std::vector<std::string>& topics)
    : state_(std::make_unique<state>()) {
  // The host would close the connection, again and again, without a word.
  for (const std::string& topic : topics)
    if (topic.size() > limits::topic_bytes)
      state_->usable =
          failure{errc::bad_request, "The topic \"" + topic.substr(0, 40) + "...\" has " +
                                         std::to_string(topic.size()) + " bytes; a topic has at most " +
                                         std::to_string(limits::topic_bytes) + ": watch a shorter beginning of it."};
  if (!state_->usable) return;
  zmq::socket_t& socket = state_->socket;
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(limits::event_bytes));
  socket.set(zmq::sockopt::rcvhwm, limits::live_hwm);
  for (const std::string& topic : topics) socket.set(zmq::sockopt::subscribe, topic);
  if (topics.empty()) socket.set(zmq::sockopt::subscribe, "");
  socket.connect(live_endpoint(folder));
}

watcher::~watcher() = default;

result<std::optional<event>> watcher::next(milliseconds wait) {
  if (!state_->usable) return state_->usable.error();
  const time_point until = clock::now() + wait;
  try {
    zmq::message_t topic, body;
    if (!receive_until(state_->socket, topic, until)) return std::optional<event>();
    if (!state_->socket.get(zmq::sockopt::rcvmore) || !state_->socket.recv(body))
      return failure{errc::malformed, "A message on the live socket has no body."};
    auto e = decode({static_cast<const char*>(body.data()), body.size()});
    if (!e) return e.error();
    return std::optional<event>(std::move(*e));
  } catch (const zmq::error_t& e) {
    if (e.num() == EINTR) return std::optional<event>();
    return socket_failure(e);
  }
}

}  // namespace koppel::bus
