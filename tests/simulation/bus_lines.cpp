// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/bus_lines.hpp"

#include <utility>

namespace koppel::simulation {

bus_lines::line bus_lines::open(const std::string& consumer, to_consumer receive) {
  auto s = std::make_shared<state>();
  s->consumer = consumer;
  s->receive = std::move(receive);
  reconnect(*s);
  lines_[next_] = std::move(s);
  return next_++;
}

void bus_lines::reconnect(state& s) {
  s.peer = s.consumer + "#" + std::to_string(next_peer_++);
  ++s.connection;
}

void bus_lines::close(line l) {
  lines_.erase(l);
  waiting_.erase(l);
}

milliseconds bus_lines::way(runtime::steady_time& last) {
  const auto now = virtual_time::now();
  last = std::max(last, now + world_.chance.around(milliseconds{5}));
  return std::chrono::ceil<milliseconds>(last - now);
}

void bus_lines::send_to_host(line l, std::string bytes) {
  const auto found = lines_.find(l);
  if (found == lines_.end() || found->second->silent) return;
  if (!host_) {
    waiting_[l].push_back(std::move(bytes));
    return;
  }
  auto& s = *found->second;
  world_.after(way(s.last_there), [this, weak = std::weak_ptr(found->second), connection = s.connection,
                                   bytes = std::move(bytes)]() mutable {
    const auto alive = weak.lock();
    if (!alive || alive->silent || alive->connection != connection || !host_) return;
    world_.count("message to host");
    host_(alive->peer, std::move(bytes));
  });
}

void bus_lines::host_is(to_host receive) {
  host_ = std::move(receive);
  // A consumer's socket connects anew by itself, and then says what it could not say before.
  for (auto& [l, s] : lines_) reconnect(*s);
  if (!host_) return;
  for (auto& [l, messages] : std::exchange(waiting_, {}))
    for (auto& bytes : messages) send_to_host(l, std::move(bytes));
}

bool bus_lines::send_to_consumer(const std::string& peer, std::string bytes) {
  for (auto& [l, s] : lines_) {
    if (s->peer != peer) continue;
    if (s->silent) return true;
    world_.after(way(s->last_back),
                 [this, weak = std::weak_ptr(s), connection = s->connection, bytes = std::move(bytes)]() mutable {
                   const auto alive = weak.lock();
                   if (!alive || alive->silent || alive->connection != connection) return;
                   world_.count("message to consumer");
                   alive->receive(std::move(bytes));
                 });
    return true;
  }
  return false;
}

bus_lines::state* bus_lines::some() {
  if (lines_.empty()) return nullptr;
  auto one = lines_.begin();
  std::advance(one, static_cast<std::ptrdiff_t>(world_.chance.below(lines_.size())));
  return one->second.get();
}

void bus_lines::cut_one() {
  auto* s = some();
  if (!s) return;
  world_.fault("bus line cut", s->consumer);
  reconnect(*s);
}

void bus_lines::silence_one() {
  auto* s = some();
  if (!s) return;
  world_.fault("bus line silent", s->consumer);
  s->silent = true;
}

}  // namespace koppel::simulation
