// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/host.hpp"

#include <sqlite3.h>
#include <stdlib.h>

#include <boost/asio/co_spawn.hpp>
#include <filesystem>
#include <fstream>
#include <set>
#include <utility>

#include "host/core/text.hpp"
#include "host/ledger/event_source.hpp"
#include "host/ledger/schema.hpp"

namespace koppel::simulation {
namespace {

/// An io_context whose coroutines can be dropped while what they refer to is still there.
struct context : boost::asio::io_context {
  context() : io_context(1) {}
  void drop() { shutdown(); }
};

}  // namespace

/// One life of the process: what wiring.cpp makes, in the same order.
struct simulated_host::process {
  process(simulated_host& of, std::uint64_t boot, std::unique_ptr<koppel::ledger::database> db,
          koppel::ledger::sealer seals)
      : host(of),
        world(of.world_),
        supervisor(io.get_executor()),
        book(
            world, database_path(), std::move(db), std::move(seals), [this](failure f) { has_to_end(f.detail); },
            [this](std::uint64_t head) { committed(head); }, [&of] { return of.full_ ? 0 : std::uint64_t{1} << 40; }),
        source(book.make_event_source()),
        hub(*source, {256, host.settings_.heartbeat * 6, [this](const failure& f) { has_to_end(f.detail); }}),
        net(world, of.provider_, of.watch_, boot),
        children(world, io.get_executor(), host.settings_.manners,
                 [&of] {
                   of.watch_.begin_anew();
                   of.observer_.runner_died();
                 }),
        plugins(supervisor, world.wall, children, plugin_options(host.settings_)),
        provider(net, book, world.wall),
        auth(supervisor, book, net, plugins, provider, world.wall,
             auth::auth_service::options{"https://koppel.example"}),
        sync(surroundings(), host.settings_.sync) {
    supervisor.on_fatal = [this](const std::string& name, const std::string& what) {
      has_to_end(name + ": " + what);
      host.world_.violation("a coroutine of the host failed: " + name + ": " + what);
    };
    plugins.on_notice = [this](plugins::plugin_notice n) {
      host.watch_.begin_anew();  // a frozen host learns of a runner's death late
      supervisor.run("plugin notice", publish(std::move(n)));
    };
    auth.on_change = [this](const ledger::connection& c) { sync.connection_changed(c); };
  }

  static plugins::plugin_host_options plugin_options(const host_settings& s) {
    plugins::plugin_host_options o;
    o.folder = s.plugin_folder;
    return o;
  }
  sync::sync_surroundings surroundings() {
    return {supervisor,
            world.wall,
            book,
            plugins,
            provider,
            [](const ledger::connection&, const std::string&, boost::json::object) {},
            [this](std::string id, int status, std::string detail) {
              supervisor.run("refused credentials", auth.credentials_refused(std::move(id), status, std::move(detail)));
            }};
  }

  void has_to_end(std::string why) {
    if (ends_because.empty()) ends_because = std::move(why);
  }

  runtime::awaitable<void> start() {
    if (auto scanned = plugins.start(); !scanned) {
      has_to_end(scanned.error().detail);
      co_return;
    }
    const auto syncing = co_await sync.start();
    if (!syncing) {
      has_to_end(syncing.error().detail);
      co_return;
    }
    supervisor.run("resume of grants", auth.resume());
    supervisor.run("renewal of tokens", auth.keep_tokens_fresh());
  }

  runtime::awaitable<void> shut_down() {
    const std::chrono::milliseconds soft{5'000}, runners{1'000}, hard{2'000};
    auth.stop_renewing();
    co_await sync.stop(soft);
    co_await plugins.stop(runners);
    const bool all_ended = co_await supervisor.stop(hard);
    if (!all_ended) world.tell("host", "ended without waiting for: " + supervisor.names());
    has_to_end("SIGTERM");
  }

  runtime::awaitable<void> publish(plugins::plugin_notice n) {
    const auto append = [&](ledger::transaction& tx) -> result<> {
      ledger::event_draft draft;
      draft.type = n.what == plugins::plugin_notice::kind::loaded ? "plugin.loaded" : "plugin.crashed";
      draft.provider = n.name;
      draft.data = {{"plugin", n.name}, {"version", n.version}, {"reason", n.reason}};
      return tx.append(draft);
    };
    const auto done = co_await book.write(append);
    if (!done) world.tell("host", "a plugin event could not be stored: " + done.error().detail);
  }

  // ---- the bus, as bus/src/server.cpp does it

  void committed(std::uint64_t head) {
    host.observer_.history(*source, head);
    hub.head(head);
    serve_soon();
  }
  /// In a turn of its own, like the bus's thread.
  void serve_soon() {
    if (serving) return;
    serving = true;
    boost::asio::post(io, [this] { serve(); });
  }
  void serve() {
    serving = false;
    for (int budget = 8; budget > 0; --budget) {
      auto next = hub.next();
      if (!next) return has_to_end("the bus: " + next.error().detail);
      if (!*next) return;
      if (host.lines_.send_to_consumer((*next)->peer, (*next)->bytes))
        hub.sent((*next)->peer);
      else
        hub.unreachable((*next)->peer);
    }
    serve_soon();
  }
  void hear(const std::string& peer, const std::string& bytes) {
    auto answers = hub.receive(peer, bytes, virtual_time::now(), core::to_rfc3339(world.wall.now()));
    if (!answers) return has_to_end("the bus: " + answers.error().detail);
    for (auto& a : *answers) host.lines_.send_to_consumer(a.peer, std::move(a.bytes));
    serve_soon();
  }
  runtime::awaitable<void> beat() {
    for (bool go_on = true; go_on;) {
      const auto head = source->head();
      if (!head) {
        has_to_end("the bus: " + head.error().detail);
        co_return;
      }
      hub.head(*head);
      for (auto& m : hub.heartbeat(virtual_time::now(), core::to_rfc3339(world.wall.now())))
        host.lines_.send_to_consumer(m.peer, std::move(m.bytes));
      serve_soon();
      go_on = co_await runtime::sleep_for(host.settings_.heartbeat);
    }
  }

  simulated_host& host;
  simulation::world& world;
  context io;
  runtime::supervisor supervisor;
  simulated_ledger book;
  std::unique_ptr<bus::event_source> source;
  bus::follow_hub hub;
  network net;
  simulated_spawner children;
  plugins::plugin_host plugins;
  auth::provider_client provider;
  auth::auth_service auth;
  sync::sync_service sync;
  std::string ends_because;
  bool serving = false, stopping = false;
};

simulated_host::simulated_host(world& w, simulation::provider& p, request_watch& watch, bus_lines& lines, observer& o,
                               host_settings settings)
    : world_(w),
      provider_(p),
      watch_(watch),
      lines_(lines),
      observer_(o),
      settings_(std::move(settings)),
      disk_(w.chance.number(), tests::simulated_disk::role::by_name) {
  disk_.on_operation = [this](const tests::simulated_disk::operation& op) { return at_operation(op); };
}

simulated_host::~simulated_host() {
  if (up()) die(end::kill, "the life is over");
}

tests::simulated_disk::fault simulated_host::at_operation(const tests::simulated_disk::operation& op) {
  using fault = tests::simulated_disk::fault;
  if (next_sync_fails_ && op.what == tests::simulated_disk::kind::sync) {
    next_sync_fails_ = false;
    world_.fault("sync of the disk failed");
    return fault::io_error;
  }
  if (operations_left_ == 0 || --operations_left_ > 0) return fault::proceed;
  world_.fault(dies_by_ == end::kill ? "host killed at a disk operation" : "power lost at a disk operation",
               tests::to_string(op.what));
  return fault::power_lost;
}

result<> simulated_host::boot() {
  mount(disk_);
  operations_left_ = 0;
  dies_by_ = end::kill;
  auto seals = koppel::ledger::sealer::from_file(settings_.key_file);
  if (!seals) return seals.error();
  std::unique_ptr<koppel::ledger::database> db;
  try {
    auto opened = koppel::ledger::open_database_file(database_path(), *seals);
    if (!opened) return opened.error();
    db = std::move(*opened);
  } catch (const koppel::ledger::sqlite_error& e) {
    return failure{koppel::ledger::errc::io, e.what()};
  }
  world_.tell("host", "starts");
  process_ = std::make_unique<process>(*this, ++boots_, std::move(db), std::move(*seals));
  const auto head = process_->source->head();
  if (!head) return head.error();
  observer_.history(*process_->source, *head);
  process_->hub.head(*head);
  process_->supervisor.run("start", process_->start());
  process_->supervisor.run("heartbeat", process_->beat());
  lines_.host_is([this](const std::string& peer, std::string bytes) {
    // A message arrives when the process has time for it.
    boost::asio::post(process_->io, [this, peer, bytes = std::move(bytes)] { process_->hear(peer, bytes); });
  });
  return {};
}

void simulated_host::die(end how, std::string_view why) {
  world_.tell("host", "ends: " + std::string(why));
  lines_.host_is({});
  // The disk first: whatever the objects do on their way out, it reaches nothing.
  if (how == end::kill)
    disk_.kill();
  else
    disk_.lose_power(world_.chance.number());
  process_->io.drop();
  process_->book.drop();
  process_.reset();
  operations_left_ = 0;
  dies_by_ = end::kill;
  next_sync_fails_ = false;
  frozen_until_ = {};
  watch_.host_died(boots_);
  observer_.host_died();
}

void simulated_host::die_at_disk_operation(std::uint64_t n, end how) {
  operations_left_ = n;
  dies_by_ = how;
}

void simulated_host::fill_disk() {
  full_ = true;
  disk_.limit(disk_.used());
}

void simulated_host::make_room() {
  full_ = false;
  disk_.limit(tests::simulated_disk::unlimited);
}

void simulated_host::calm() {
  make_room();
  operations_left_ = 0;
  next_sync_fails_ = false;
  frozen_until_ = {};
}

void simulated_host::fail_next_sync() { next_sync_fails_ = true; }

void simulated_host::stop() {
  if (std::exchange(process_->stopping, true)) return;  // a second signal changes nothing here
  boost::asio::co_spawn(process_->io, process_->shut_down(), [](std::exception_ptr) {});
}

bool simulated_host::poll_one() {
  if (!up() || virtual_time::now() < frozen_until_) return false;
  process_->io.restart();
  const bool ran = process_->io.poll_one() > 0;
  if (!process_->ends_because.empty()) {
    const auto why = process_->ends_because;
    die(dies_by_, why);
    return true;
  }
  return ran;
}

void simulated_host::run(std::string name, runtime::awaitable<void> work) {
  process_->supervisor.run(std::move(name), std::move(work));
}
ledger::ledger& simulated_host::ledger() { return process_->book; }
auth::auth_service& simulated_host::auth() { return process_->auth; }
sync::sync_service& simulated_host::sync() { return process_->sync; }
void simulated_host::kill_runner() { process_->children.kill_one(); }

std::string new_database(const std::string& key_file) {
  char folder[] = "/tmp/koppel-simulation-XXXXXX";
  if (::mkdtemp(folder) == nullptr) throw std::runtime_error("no temporary folder");
  const std::string data = std::string(folder) + "/data";
  {
    const wall_clock clock;
    auto opened = koppel::ledger::ledger::open(
        {data, key_file}, clock, [](failure) {}, [](std::uint64_t) {});
    if (!opened) throw std::runtime_error(opened.error().detail);
  }
  std::ifstream file(koppel::ledger::database_path(data), std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(file), {});
  std::filesystem::remove_all(folder);
  return bytes;
}

void mount(const tests::simulated_disk& disk) { sqlite3_vfs_register(sqlite3_vfs_find(disk.vfs_name().c_str()), 1); }

}  // namespace koppel::simulation
