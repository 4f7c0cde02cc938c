// SPDX-License-Identifier: Apache-2.0
// The bus thread: it owns the context, both sockets and the event source, and does what follow_hub and live_feed say.
// Everybody else reaches it through a small inbox and an eventfd.

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <ctime>
#include <koppel/bus/server.hpp>
#include <koppel/fault_point.hpp>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <zmq.hpp>

#include "connection_count.hpp"
#include "folder.hpp"
#include "follow_hub.hpp"
#include "live_feed.hpp"

namespace koppel::bus {
namespace {

/// RFC 3339 UTC with milliseconds. For people: nothing is decided by it.
std::string wall_clock() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  ::gmtime_r(&now.tv_sec, &parts);
  char day[32], out[48];
  std::strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(out, sizeof out, "%s.%03ldZ", day, now.tv_nsec / 1'000'000);
  return out;
}

/// Wakes a poll from another thread; many wakes become one.
class wake_up {
 public:
  wake_up() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  ~wake_up() {
    if (fd_ >= 0) ::close(fd_);
  }
  wake_up(const wake_up&) = delete;
  wake_up& operator=(const wake_up&) = delete;

  int fd() const { return fd_; }
  void ring() {
    if (ringing_.exchange(true)) return;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);  // cannot fail below 2^64-1
  }
  void answer() {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto taken = ::read(fd_, &count, sizeof count);
    // Only then: who rings from here on writes again, and we look at everything after this.
    ringing_.store(false);
  }

 private:
  int fd_;
  std::atomic<bool> ringing_{false};
};

std::string_view text_of(const zmq::message_t& m) { return {static_cast<const char*>(m.data()), m.size()}; }

}  // namespace

struct server::state {
  state(std::filesystem::path f, std::unique_ptr<event_source> s, server_options o)
      : folder(std::move(f)),
        source(std::move(s)),
        options(std::move(o)),
        hub(*source, {options.max_sessions, options.heartbeat * limits::silent_heartbeats,
                      [this](const failure& why) { say_broken(why); }}) {}

  result<> open();
  void close();
  void run();
  void show_sessions();
  result<> turn(time_point now);
  result<> beat(time_point now);
  result<> take_requests(time_point now);
  void take_subscriptions();
  void count_connections();
  result<> send_batches();
  result<> publish();
  result<> publish_page(const std::vector<stored_batch>& page);
  void publish(const live_message& m);
  void say_broken(const failure& why) const {
    if (options.on_broken) options.on_broken(why);
  }
  bool send(const outgoing& m);

  // Constant after construction.
  const std::filesystem::path folder;
  const std::unique_ptr<event_source> source;
  const server_options options;

  // Shared: atomics, or under inbox_mutex.
  wake_up wake;
  std::atomic<bool> stopping{false};
  std::atomic<std::uint64_t> committed{0};
  std::atomic<std::size_t> connections{0};
  std::mutex inbox_mutex;
  std::vector<event> inbox;

  // Whoever asks is answered after the turn that runs: a lock held by turn after turn could be waited for for ever.
  std::mutex shown_mutex;
  std::condition_variable shown_changed;
  std::vector<session_info> shown;
  std::uint64_t asked = 0, answered = 0;
  bool running = false;

  // The bus thread's.
  follow_hub hub;
  folder_lock held;
  zmq::context_t context{1};
  zmq::socket_t router, xpub;
  connection_count follow_count, live_count;
  std::set<std::string> subscriptions;
  std::uint64_t live_after = 0;   ///< published up to here
  std::uint64_t live_number = 0;  ///< counts ids of events without seq
  time_point next_beat;
  bool many = false;  ///< connections, and that was told
  bool busy = false;  ///< there is more to send: do not sleep

  std::thread thread;
};

result<> server::state::open() {
  if (auto r = prepare_folder(folder); !r) return r;
  if (auto r = held.take(folder); !r) return r;
  const auto head = source->head();
  if (!head) return head.error();
  hub.head(*head);
  live_after = *head;
  try {
    // Every option before bind: later ones do not reach the connections that came first.
    router = zmq::socket_t(context, zmq::socket_type::router);
    router.set(zmq::sockopt::linger, 0);
    router.set(zmq::sockopt::router_mandatory, true);
    router.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(limits::request_bytes));
    router.set(zmq::sockopt::rcvhwm, limits::peer_hwm);
    router.set(zmq::sockopt::sndhwm, limits::follower_hwm);
    xpub = zmq::socket_t(context, zmq::socket_type::xpub);
    xpub.set(zmq::sockopt::linger, 0);
    xpub.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(limits::subscription_bytes));
    xpub.set(zmq::sockopt::sndhwm, limits::live_hwm);
    follow_count.watch(context, router, "follow-connections");
    live_count.watch(context, xpub, "live-connections");
    router.bind(follow_endpoint(folder));
    xpub.bind(live_endpoint(folder));
  } catch (const zmq::error_t& e) {
    close();
    return failure{errc::socket_failed, "The bus cannot listen in " + folder.string() + ": " + e.what() + "."};
  }
  return {};
}

void server::state::close() {
  follow_count.close();
  live_count.close();
  router.close();
  xpub.close();
}

void server::state::run() {
  next_beat = std::chrono::steady_clock::now();
  while (!stopping) {
    const time_point before = std::chrono::steady_clock::now();
    const auto until_beat = std::chrono::ceil<std::chrono::milliseconds>(next_beat - before);
    zmq::pollitem_t items[] = {{router.handle(), 0, ZMQ_POLLIN, 0},
                               {xpub.handle(), 0, ZMQ_POLLIN, 0},
                               {nullptr, wake.fd(), ZMQ_POLLIN, 0},
                               follow_count.poll_item(),
                               live_count.poll_item()};
    const auto wait = busy ? std::chrono::milliseconds(0) : std::max(until_beat, std::chrono::milliseconds(0));
    result<> outcome;
    try {
      zmq::poll(items, std::size(items), wait);
      if ((items[2].revents & ZMQ_POLLIN) != 0) wake.answer();
      if (stopping) break;
      outcome = turn(std::chrono::steady_clock::now());
      show_sessions();
    } catch (const zmq::error_t& e) {
      if (e.num() == EINTR) continue;
      outcome = failure{errc::socket_failed, std::string("The bus stops: ") + e.what() + "."};
    }
    if (!outcome) {
      if (options.on_fatal) options.on_fatal(outcome.error());
      break;
    }
  }
  close();
  const std::lock_guard guard(shown_mutex);
  shown.clear();
  running = false;
  shown_changed.notify_all();
}

void server::state::show_sessions() {
  const std::lock_guard lock(shown_mutex);
  if (answered == asked) return;
  shown.clear();
  for (const auto& [peer, one] : hub.sessions()) {
    const follow_session& s = one.session;
    shown.push_back({s.name(), s.at(), s.acked(), s.credit(), one.connected_since, s.filter()});
  }
  answered = asked;
  shown_changed.notify_all();
}

result<> server::state::turn(time_point now) {
  busy = false;
  hub.head(committed.load());
  if (now >= next_beat)
    if (auto r = beat(now); !r) return r;
  if (auto r = take_requests(now); !r) return r;
  take_subscriptions();
  count_connections();
  if (auto r = send_batches(); !r) return r;
  return publish();
}

result<> server::state::beat(time_point now) {
  next_beat = now + options.heartbeat;
  // Also a net below `notify`: a head that nobody told us is seen here.
  const auto head = source->head();
  if (!head) return head.error();
  hub.head(*head);
  const std::string wall = wall_clock();
  for (const outgoing& m : hub.heartbeat(now, wall)) send(m);
  publish(heartbeat_form(source->epoch(), hub.head(), wall, ++live_number));
  return {};
}

/// DONTWAIT and ROUTER_MANDATORY: a full pipe pauses that peer, a gone one ends its session. False: not sent.
bool server::state::send(const outgoing& m) {
  try {
    // Either both frames go or none: the first fails when the pipe has no room.
    if (router.send(zmq::buffer(m.peer), zmq::send_flags::dontwait | zmq::send_flags::sndmore) &&
        router.send(zmq::buffer(m.bytes), zmq::send_flags::dontwait))
      return true;
    hub.would_block(m.peer);
  } catch (const zmq::error_t& e) {
    if (e.num() != EHOSTUNREACH) throw;
    hub.unreachable(m.peer);
  }
  return false;
}

result<> server::state::take_requests(time_point now) {
  // Bounded, so that a flood of requests leaves time for sending.
  for (int budget = 256; budget > 0; --budget) {
    zmq::message_t peer, body;
    if (!router.recv(peer, zmq::recv_flags::dontwait)) return {};
    bool more = router.get(zmq::sockopt::rcvmore);
    if (more) {
      [[maybe_unused]] const auto size = router.recv(body);  // the frames of a message arrive together
      more = router.get(zmq::sockopt::rcvmore);
    }
    const std::string_view bytes = more ? std::string_view() : text_of(body);  // more frames than one: no request
    while (more) {
      zmq::message_t extra;
      [[maybe_unused]] const auto size = router.recv(extra);
      more = router.get(zmq::sockopt::rcvmore);
    }
    auto answers = hub.receive(std::string(text_of(peer)), bytes, now, wall_clock());
    if (!answers) return answers.error();
    for (const outgoing& answer : *answers) send(answer);
  }
  busy = true;
  return {};
}

void server::state::take_subscriptions() {
  zmq::message_t m;
  for (int budget = 256; budget > 0; --budget) {
    if (!xpub.recv(m, zmq::recv_flags::dontwait)) return;
    const std::string_view text = text_of(m);
    if (text.empty()) continue;
    if (text[0] == 1) subscriptions.emplace(text.substr(1));
    if (text[0] == 0) subscriptions.erase(std::string(text.substr(1)));
  }
  busy = true;
}

void server::state::count_connections() {
  const auto now = follow_count.now() + live_count.now();
  connections = now;
  if (now >= options.many_connections && !std::exchange(many, true) && options.on_many_connections)
    options.on_many_connections(now);
  if (now < options.many_connections / 2) many = false;
}

result<> server::state::send_batches() {
  // A few megabytes a turn; requests, heartbeats and watchers get their share in between.
  for (int budget = 8; budget > 0; --budget) {
    auto m = hub.next();
    if (!m) return m.error();
    if (!*m) return {};
    KOPPEL_FAULT_POINT("bus.before_batch");
    if (!send(**m)) continue;
    KOPPEL_FAULT_POINT("bus.after_batch");
    hub.sent((*m)->peer);
  }
  busy = true;
  return {};
}

void server::state::publish(const live_message& m) {
  // XPUB drops for a watcher that does not keep up; it never says EAGAIN.
  xpub.send(zmq::buffer(m.topic), zmq::send_flags::dontwait | zmq::send_flags::sndmore);
  xpub.send(zmq::buffer(m.body), zmq::send_flags::dontwait);
}

result<> server::state::publish() {
  std::vector<event> live;
  {
    const std::lock_guard lock(inbox_mutex);
    live.swap(inbox);
  }
  for (event& e : live) publish(live_form(std::move(e), source->epoch(), ++live_number));

  if (live_after >= hub.head()) return {};
  if (subscriptions.empty()) {
    live_after = hub.head();  // nobody looks
    return {};
  }
  const auto page = source->read(live_after, limits::batch_bytes);
  const auto published = page ? publish_page(*page) : result<>(page.error());
  if (!published) {
    if (published.error().code != errc::history_broken) return published;
    say_broken(published.error());
    live_after = hub.head();  // watchers may miss something
    return {};
  }
  if (page->empty()) return {};  // not there yet; the next heartbeat looks again
  busy = busy || live_after < hub.head();
  return {};
}

result<> server::state::publish_page(const std::vector<stored_batch>& page) {
  for (const stored_batch& batch : page) {
    for (std::string_view rest = batch.bytes; !rest.empty();) {
      const auto e = peek(rest);
      if (!e) return failure{errc::history_broken, "The stored history is broken: " + e.error().detail};
      rest.remove_prefix(e->raw.size());
      if (e->seq > live_after) publish(live_form(*e, options.live));
    }
    live_after = std::max(live_after, batch.last_seq);
  }
  return {};
}

server::server(std::filesystem::path folder, std::unique_ptr<event_source> source, server_options options)
    : state_(std::make_unique<state>(std::move(folder), std::move(source), std::move(options))) {}

server::~server() { stop(); }

result<> server::start() {
  if (auto r = state_->open(); !r) return r;
  // Signals are the main thread's business.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  state_->running = true;
  state_->thread = std::thread([s = state_.get()] { s->run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return {};
}

void server::stop() {
  state_->stopping = true;
  state_->wake.ring();
  if (state_->thread.joinable()) state_->thread.join();
}

void server::notify(std::uint64_t head_seq) {
  std::uint64_t known = state_->committed.load();
  while (known < head_seq && !state_->committed.compare_exchange_weak(known, head_seq)) {
  }
  state_->wake.ring();
}

void server::publish_live(event e) {
  {
    const std::lock_guard lock(state_->inbox_mutex);
    if (state_->inbox.size() >= limits::live_queue) return;
    state_->inbox.push_back(std::move(e));
  }
  state_->wake.ring();
}

std::size_t server::connections() const { return state_->connections; }

std::vector<session_info> server::sessions() const {
  std::unique_lock lock(state_->shown_mutex);
  const auto mine = ++state_->asked;
  state_->wake.ring();
  state_->shown_changed.wait(lock, [&] { return state_->answered >= mine || !state_->running; });
  return state_->shown;
}

}  // namespace koppel::bus
