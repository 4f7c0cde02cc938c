// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/life.hpp"

#include <sodium/core.h>
#include <sodium/randombytes.h>
#include <sodium/randombytes_sysrandom.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <functional>
#include <memory>
#include <mutex>
#include <set>

#include "tests/simulation/checker.hpp"
#include "tests/simulation/people.hpp"

namespace koppel::simulation {
namespace {

using namespace std::chrono_literals;
using host_end = simulated_host::end;
using consumer_end = simulated_consumer::end;

// ---- randomness and log of the whole process

chance* dice = nullptr;

/// libsodium's source of randomness: keys, nonces, ids and states out of the life's seed.
randombytes_implementation seeded_randomness() {
  randombytes_implementation r{};
  r.implementation_name = [] { return "simulation"; };
  r.random = [] { return static_cast<std::uint32_t>(dice->number()); };
  r.buf = [](void* at, std::size_t size) {
    auto* bytes = static_cast<unsigned char*>(at);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<unsigned char>(dice->number());
  };
  return r;
}

class story_sink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit story_sink(world& w) : world_(w) {}

 private:
  void sink_it_(const spdlog::details::log_msg& m) override {
    world_.narrate("log", std::string(m.payload.data(), m.payload.size()));
  }
  void flush_() override {}
  world& world_;
};

class life {
 public:
  life(std::uint64_t seed, bool tells, const surroundings& around);
  ~life() { spdlog::set_default_logger(std::make_shared<spdlog::logger>("none")); }

  life_outcome run();

 private:
  struct mishap {
    std::string_view name;
    double weight;
    std::function<void()> happen;
  };

  provider::traits provider_traits();
  host_settings settings(const surroundings& around);

  void pass(milliseconds time);
  void keep_up();
  void boot_host();
  void boot(simulated_consumer& c);
  void cannot_start(const std::string& who, const failure& why);

  std::vector<mishap> mishaps();
  void next_mishap();
  void next_change();
  simulated_consumer& some_consumer() { return *consumers_[world_.chance.below(consumers_.size())]; }

  void storm();
  void calm();
  bool settled();
  void ask_for_reads(bool full);
  bool read_all(bool full);
  bool wait_until(milliseconds limit, const char* what, const std::function<bool()>& there);

  world world_;
  simulation::provider provider_;
  request_watch watch_;
  checker checker_;
  bus_lines lines_;
  simulated_host host_;
  people people_;
  std::vector<std::unique_ptr<simulated_consumer>> consumers_;
  std::vector<mishap> mishaps_;
  milliseconds between_mishaps_{}, between_changes_{};
  bool storming_ = false, host_comes_ = false;
  std::set<simulated_consumer*> consumers_coming_;
};

life::life(std::uint64_t seed, bool tells, const surroundings& around)
    : world_(seed, tells),
      provider_(world_, provider_traits(), world_.chance.between<std::size_t>(1, 3)),
      watch_(world_, provider_),
      checker_(world_, provider_),
      lines_(world_),
      host_(world_, provider_, watch_, lines_, checker_, settings(around)),
      people_(world_, host_, provider_, checker_) {
  dice = &world_.chance;
  auto logger = std::make_shared<spdlog::logger>("koppeld", std::make_shared<story_sink>(world_));
  logger->set_level(tells ? spdlog::level::debug : spdlog::level::off);
  spdlog::set_default_logger(std::move(logger));
  host_.disk().put(simulated_host::database_path(), around.database);

  bus::filters some;
  if (world_.chance.hits(0.5))
    some.types = {"sync.contact", "auth"};
  else
    some.connections = {"almanac/c0"};
  const auto heartbeat = 10'000ms;
  consumers_.push_back(std::make_unique<simulated_consumer>(world_, lines_, "proplus", bus::filters{}, heartbeat));
  consumers_.push_back(std::make_unique<simulated_consumer>(world_, lines_, "filtered", some, heartbeat));
  world_.network_trouble = world_.chance.unit() * 0.2;
  between_mishaps_ = world_.chance.between(milliseconds{15s}, milliseconds{80s});
  between_changes_ = world_.chance.between(milliseconds{2s}, milliseconds{40s});
  mishaps_ = mishaps();
}

provider::traits life::provider_traits() {
  provider::traits t;
  t.rotates = world_.chance.hits(0.8);
  t.access_life = std::chrono::seconds(world_.chance.between(90, 600));
  t.page = world_.chance.between<std::size_t>(4, 10);
  return t;
}

host_settings life::settings(const surroundings& around) {
  host_settings s;
  s.plugin_folder = around.plugin_folder;
  s.key_file = around.key_file;
  s.sync.interval = std::chrono::seconds(world_.chance.between(60, 180));
  // Rarely in some lives, so that nothing is healed by it; often in others, so that absence is concluded under fire.
  s.sync.full_interval = world_.chance.hits(0.5) ? std::chrono::seconds(86'400) : std::chrono::seconds(300);
  const double wild = world_.chance.hits(0.5) ? 0.006 : 0;
  s.manners = {wild, wild / 2, wild / 2};
  return s;
}

// ---- how time passes

/// Everything that can be done now is done before time goes on.
void life::pass(milliseconds time) {
  const auto until = virtual_time::now() + time;
  for (;;) {
    keep_up();
    virtual_time::forget_timers();
    if (host_.poll_one()) continue;
    if (world_.anything_due()) {
      world_.do_next();
      continue;
    }
    auto next = std::min(virtual_time::earliest_timer(), world_.next_due());
    if (virtual_time::now() < host_.frozen_until()) next = std::min(host_.frozen_until(), world_.next_due());
    if (next >= until) break;
    virtual_time::advance_to(next);
  }
  virtual_time::advance_to(until);
}

/// What has died is started again, after a while, as a service manager does.
void life::keep_up() {
  if (!host_.up() && !host_comes_) {
    host_comes_ = true;
    world_.after(world_.chance.between(500ms, 20'000ms), [this] { boot_host(); });
  }
  for (auto& c : consumers_)
    if (!c->up() && consumers_coming_.insert(c.get()).second)
      world_.after(world_.chance.between(200ms, 10'000ms), [this, &c] {
        consumers_coming_.erase(c.get());
        boot(*c);
      });
}

/// Whoever keeps something running tries again; once the disks are well it has to work.
void life::cannot_start(const std::string& who, const failure& why) {
  world_.tell(who, "cannot start: " + why.detail);
  if (world_.calm) world_.violation(who + " cannot start: " + why.detail);
}

void life::boot(simulated_consumer& c) {
  if (const auto booted = c.boot(); !booted) cannot_start(c.name(), booted.error());
}

void life::boot_host() {
  host_comes_ = false;
  if (const auto booted = host_.boot(); !booted) cannot_start("host", booted.error());
}

// ---- the data

void life::next_change() {
  if (!storming_) return;
  provider_.change(world_.chance.below(provider_.accounts().size()));
  world_.after(world_.chance.around(between_changes_), [this] { next_change(); });
}

// ---- what goes wrong

std::vector<life::mishap> life::mishaps() {
  const auto soon = [this](std::function<void()> what) {
    world_.after(world_.chance.below(3000) * 1ms, std::move(what));
  };
  const auto operations = [this] { return world_.chance.between<std::uint64_t>(1, 40); };
  return {
      {"host killed", 2,
       [this, soon] {
         soon([this] {
           if (!host_.up()) return;
           world_.fault("host killed");
           host_.die(host_end::kill, "SIGKILL");
         });
       }},
      {"power lost", 2,
       [this, soon] {
         soon([this] {
           if (!host_.up()) return;
           world_.fault("power lost");
           host_.die(host_end::power_loss, "no power");
         });
       }},
      {"killed at the disk", 2, [this, operations] { host_.die_at_disk_operation(operations(), host_end::kill); }},
      {"power lost at the disk", 2,
       [this, operations] { host_.die_at_disk_operation(operations(), host_end::power_loss); }},
      {"sync fails", 1, [this] { host_.fail_next_sync(); }},
      {"disk full", 0.5,
       [this] {
         world_.fault("disk full");
         host_.fill_disk();
         const auto lasts = world_.chance.between(milliseconds{1s}, milliseconds{120s});
         world_.full_until = std::max(world_.full_until, virtual_time::now() + lasts + 30s);
         world_.after(lasts, [this] { host_.make_room(); });
       }},
      {"told to stop", 1,
       [this] {
         if (!host_.up()) return;
         world_.fault("host told to stop");
         host_.stop();
       }},
      {"frozen", 1,
       [this] {
         if (!host_.up()) return;
         world_.fault("host frozen");
         host_.freeze_until(virtual_time::now() + world_.chance.between(milliseconds{1s}, milliseconds{90s}));
       }},
      {"clock set", 0.5,
       [this] {
         if (watch_.any_on_the_way()) return;  // the patience with a lost request goes by this clock
         world_.fault("clock set");
         watch_.begin_anew();
         world_.wall.set_by(world_.chance.between(milliseconds{-20min}, milliseconds{20min}));
       }},
      {"outage", 1,
       [this] {
         world_.fault("provider unreachable");
         world_.outage_until = virtual_time::now() + world_.chance.between(milliseconds{5s}, milliseconds{180s});
       }},
      {"revoked", 0.3,
       [this] {
         world_.fault("access revoked");
         provider_.revoke(world_.chance.below(provider_.accounts().size()));
       }},
      {"runner killed", 1,
       [this] {
         if (host_.up()) host_.kill_runner();
       }},
      {"poisoned", 0.2, [this] { provider_.poison(world_.chance.below(provider_.accounts().size())); }},
      {"line cut", 1.5, [this] { lines_.cut_one(); }},
      {"line silent", 1, [this] { lines_.silence_one(); }},
      {"consumer killed", 1,
       [this] {
         auto& c = some_consumer();
         if (!c.up()) return;
         world_.fault("consumer killed");
         c.die(consumer_end::kill);
       }},
      {"consumer killed at the disk", 1.5,
       [this, operations] {
         some_consumer().die_at_disk_operation(operations(),
                                               world_.chance.hits(0.5) ? consumer_end::kill : consumer_end::power_loss);
       }},
      {"consumer frozen", 0.5,
       [this] {
         world_.fault("consumer frozen");
         some_consumer().freeze_until(virtual_time::now() + world_.chance.between(milliseconds{1s}, milliseconds{90s}));
       }},
  };
}

void life::next_mishap() {
  if (!storming_) return;
  double all = 0;
  for (const auto& m : mishaps_) all += m.weight;
  double at = world_.chance.unit() * all;
  for (const auto& m : mishaps_) {
    at -= m.weight;
    if (at > 0) continue;
    m.happen();
    break;
  }
  world_.after(world_.chance.around(between_mishaps_), [this] { next_mishap(); });
}

// ---- the course of it

bool life::wait_until(milliseconds limit, const char* what, const std::function<bool()>& there) {
  const auto until = virtual_time::now() + limit;
  while (virtual_time::now() < until) {
    if (there()) return true;
    pass(1s);
  }
  auto how = std::string("it takes for ever: ") + what + "; head " + std::to_string(checker_.head());
  for (const auto& c : consumers_) how += ", " + c->name() + (c->up() ? " at " + std::to_string(c->at()) : " down");
  if (!host_.up()) how += ", no host";
  for (const auto& c : people_.connections())
    how += ", " + provider_.accounts()[c.account].id + " " + std::string(to_string(c.status)) +
           (provider_.accounts()[c.account].alive ? "" : " (its grant is dead)");
  if (host_.up())
    how += ", runs " + std::to_string(host_.sync().live_runs().size()) + ", waiting " +
           std::to_string(host_.sync().queued().size());
  world_.violation(std::move(how));
  return false;
}

void life::storm() {
  storming_ = true;
  boot_host();
  for (auto& c : consumers_) boot(*c);
  world_.after(2s, [this] { people_.come(); });
  world_.after(world_.chance.around(between_changes_), [this] { next_change(); });
  world_.after(world_.chance.around(between_mishaps_), [this] { next_mishap(); });
  pass(world_.chance.between(milliseconds{5min}, milliseconds{15min}));
  // Enough has to have happened for a life to be worth a check.
  const auto faults = [this] {
    std::uint64_t all = 0;
    for (const auto& [kind, n] : world_.faults()) all += n;
    return all;
  };
  while (faults() < 10 || world_.events() < 1000) pass(1min);
  storming_ = false;
}

bool life::settled() {
  return host_.up() && people_.are_content() && host_.sync().live_runs().empty() && host_.sync().queued().empty();
}

void life::ask_for_reads(bool full) {
  watch_.begin_anew();
  for (const auto& c : people_.connections()) static_cast<void>(host_.sync().request(c.id, "", full));
}

/// Asks until every stream was read once more.
bool life::read_all(bool full) {
  std::map<std::string, std::uint64_t> before;
  const auto readings = [&](const people::connection& c, const char* entity) {
    return checker_.readings(c.id, entity, full);
  };
  for (const auto& c : people_.connections())
    for (const char* entity : {"contact", "company"}) before[c.id + entity] = readings(c, entity);
  int waited = 0;
  return wait_until(1h, full ? "a full read" : "an incremental read", [&] {
    if (host_.up() && waited++ % 120 == 0) ask_for_reads(full);
    for (const auto& c : people_.connections())
      for (const char* entity : {"contact", "company"})
        if (readings(c, entity) == before[c.id + entity]) return false;
    return true;
  });
}

void life::calm() {
  world_.tell("", "calm");
  world_.calm = true;
  world_.outage_until = {};
  host_.calm();
  provider_.heal();
  for (auto& c : consumers_) c->calm();
  // Every connection works again: by itself, or because its administrator was told to come.
  if (!wait_until(2h, "a connection does not work again", [this] { return settled(); })) return;
  // What was changed has come; what was deleted is the next full read's.
  const auto caught_up = [this] {
    for (auto& c : consumers_)
      if (!c->up() || c->at() != checker_.head()) return false;
    return settled();
  };
  auto& proplus = *consumers_.front();
  if (!read_all(false) || !wait_until(5min, "consumers do not catch up", caught_up)) return;
  for (const auto& c : people_.connections()) checker_.equal(proplus, c.id, false);
  if (!read_all(true) || !wait_until(5min, "consumers do not catch up", caught_up)) return;
  for (const auto& c : people_.connections()) {
    checker_.equal(proplus, c.id, true);
    checker_.status_is_true(proplus, c.id, c.status);
  }
  for (auto& c : consumers_) {
    checker_.applied_once(*c);
    if (c->walks() > 1) world_.violation(c->name() + " had to begin again, though no history was lost");
  }
}

life_outcome life::run() {
  storm();
  calm();
  life_outcome o;
  o.violations = world_.violations();
  o.faults = world_.faults();
  o.events = world_.events();
  o.fingerprint = world_.fingerprint();
  o.boots = host_.boots();
  o.presentations = watch_.presentations();
  o.history = checker_.head();
  return o;
}

}  // namespace

life_outcome live(std::uint64_t seed, bool tells, const surroundings& around) {
  static randombytes_implementation randomness = seeded_randomness();
  chance before_birth(seed);
  dice = &before_birth;
  randombytes_set_implementation(&randomness);
  if (sodium_init() < 0) throw std::runtime_error("libsodium cannot be used");
  virtual_time::reset();
  const auto outcome = life(seed, tells, around).run();
  randombytes_set_implementation(&randombytes_sysrandom_implementation);
  return outcome;
}

}  // namespace koppel::simulation
