// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/runners.hpp"

#include <koppel/abi.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <csignal>

#include "host/plugins/channel.hpp"
#include "host/plugins/errors.hpp"
#include "tests/simulation/provider.hpp"

namespace koppel::simulation {

/// One process with one instance of the plugin. Its coroutines keep it alive until its channel has closed.
class simulated_spawner::runner : public std::enable_shared_from_this<runner> {
 public:
  runner(world& w, const runtime::asio::any_io_executor& executor, const runner_manners& manners, pid_t number,
         plugins::descriptor socket, plugins::descriptor output, std::function<void()> on_death)
      : pid(number),
        world_(w),
        manners_(manners),
        on_death_(std::move(on_death)),
        channel_(executor, std::move(socket)),
        output_(std::move(output)) {}
  ~runner() {
    speaks_ = false;
    if (instance_) koppel_plugin_v1()->destroy(instance_);
  }

  void start(const runtime::asio::any_io_executor& executor) {
    instance_ = koppel_plugin_v1()->create(&host_);
    boost::asio::co_spawn(executor, read(shared_from_this()), boost::asio::detached);
    boost::asio::co_spawn(executor, write(shared_from_this()), boost::asio::detached);
  }

  void end(int status) {
    if (end_->status) return;
    speaks_ = false;
    channel_.close();
    output_.reset();
    end_->status = status;
    end_->changed.notify_all();
  }
  bool ended() const { return end_->status.has_value(); }

  const pid_t pid;
  const std::shared_ptr<plugins::child_end> end_ = std::make_shared<plugins::child_end>();

 private:
  static runtime::awaitable<void> read(std::shared_ptr<runner> self) {
    plugins::frame_reader::sink sink = [raw = self.get()](messages::message m) { return raw->take(m); };
    const std::string why = co_await self->channel_.read(std::move(sink));
    self->end(0);  // the host has closed its end
  }
  static runtime::awaitable<void> write(std::shared_ptr<runner> self) { co_await self->channel_.write(); }

  std::string take(const messages::message& m) {
    if (hangs_) return {};
    const auto bytes = messages::encode(m);
    const auto* reply = std::get_if<messages::reply>(&m);
    if (reply && reply->body.find(provider::poisoned) != std::string::npos) return die("a poisoned row", SIGSEGV);
    auto& chance = world_.chance;
    if (!world_.calm && !std::holds_alternative<messages::hello>(m)) {
      if (chance.hits(manners_.crash)) return die("runner crashes", SIGSEGV);
      if (chance.hits(manners_.garbage)) {
        world_.fault("runner speaks nonsense");
        channel_.post("no message");
        return {};
      }
      if (chance.hits(manners_.hang)) {
        world_.fault("runner hangs");
        hangs_ = true;
        world_.after(std::chrono::seconds{60}, [weak = weak_from_this()] {
          if (const auto alive = weak.lock(); alive && !alive->ended()) alive->die("", SIGALRM);
        });
        return {};
      }
    }
    world_.count("message to plugin");
    koppel_plugin_v1()->receive(instance_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    return {};
  }

  std::string die(const char* why, int signal) {
    if (*why != 0) world_.fault(why);
    on_death_();
    end(signal);
    return "dead";  // ends the reading
  }

  static void send(void* self, const std::uint8_t* bytes, std::uint64_t size) {
    auto& r = *static_cast<runner*>(self);
    if (r.speaks_) r.channel_.post({reinterpret_cast<const char*>(bytes), size});
  }

  world& world_;
  const runner_manners& manners_;
  const std::function<void()> on_death_;
  plugins::channel channel_;
  plugins::descriptor output_;
  const koppel_host host_{KOPPEL_ABI_VERSION, sizeof(koppel_host), this, &send};
  void* instance_ = nullptr;
  bool speaks_ = true, hangs_ = false;
};

simulated_spawner::simulated_spawner(world& w, const runtime::asio::any_io_executor& executor,
                                     const runner_manners& manners, std::function<void()> on_death)
    : spawner(plugins::runner_limits{}),
      world_(w),
      executor_(executor),
      manners_(manners),
      on_death_(std::move(on_death)) {}

simulated_spawner::~simulated_spawner() = default;

runtime::awaitable<void> simulated_spawner::serve() { co_return; }

runtime::awaitable<result<plugins::child>> simulated_spawner::spawn(std::string) {
  int socket[2], output[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socket) != 0 || ::pipe2(output, O_CLOEXEC) != 0)
    co_return plugins::fail(plugins::errc::spawn_failed, "the simulation has no descriptors left");
  std::erase_if(runners_, [](const auto& r) { return r->ended(); });
  const auto born = std::make_shared<runner>(world_, executor_, manners_, next_pid_++, plugins::descriptor(socket[1]),
                                             plugins::descriptor(output[1]), on_death_);
  runners_.push_back(born);
  plugins::child ours{born->pid, plugins::descriptor(socket[0]), plugins::descriptor(output[0]), born->end_};
  born->start(executor_);
  co_return ours;
}

std::shared_ptr<simulated_spawner::runner> simulated_spawner::find(pid_t pid) const {
  const auto found = std::find_if(runners_.begin(), runners_.end(), [&](const auto& r) { return r->pid == pid; });
  return found == runners_.end() ? nullptr : *found;
}

void simulated_spawner::kill(pid_t pid, int signal) {
  const auto r = find(pid);
  if (!r || r->ended()) return;
  on_death_();
  r->end(signal);
}

void simulated_spawner::kill_one() {
  for (const auto& r : runners_)
    if (!r->ended()) {
      world_.fault("runner killed");
      on_death_();
      return r->end(SIGKILL);
    }
}

}  // namespace koppel::simulation
