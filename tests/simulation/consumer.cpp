// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/consumer.hpp"

#include "tests/simulation/host.hpp"

namespace koppel::simulation {

/// One life of the process.
struct simulated_consumer::process {
  std::unique_ptr<proplus::store> store;
  std::unique_ptr<bus::follow_client> client;
  bus_lines::line line = 0;
  std::deque<std::string> inbox;
  bool at_work = false;  ///< with a delivery
};

simulated_consumer::simulated_consumer(world& w, bus_lines& lines, std::string name, bus::filters filter,
                                       std::chrono::milliseconds heartbeat)
    : world_(w),
      lines_(lines),
      name_(std::move(name)),
      filter_(std::move(filter)),
      heartbeat_(heartbeat),
      disk_(w.chance.number(), tests::simulated_disk::role::by_name) {
  disk_.on_operation = [this](const tests::simulated_disk::operation& op) {
    using fault = tests::simulated_disk::fault;
    if (operations_left_ == 0 || --operations_left_ > 0) return fault::proceed;
    world_.fault(dies_by_ == end::kill ? "consumer killed at a disk operation" : "consumer's power lost",
                 tests::to_string(op.what));
    return fault::power_lost;
  };
}

simulated_consumer::~simulated_consumer() {
  if (up()) die(end::kill);
}

result<> simulated_consumer::boot() {
  mount(disk_);
  auto opened = proplus::store::open(database_path());
  if (!opened) {
    settle_disk();
    return opened.error();
  }
  world_.tell(name_, "starts");
  process_ = std::make_unique<process>();
  process_->store = std::move(*opened);
  ++life_;
  frozen_until_ = {};
  begin_to_follow();
  look_soon(milliseconds{0});
  return {};
}

void simulated_consumer::begin_to_follow() {
  bus::follower_options options;
  options.consumer = name_;
  options.filter = filter_;
  options.heartbeat = heartbeat_;
  options.from = process_->store->start();
  if (process_->line != 0) lines_.close(process_->line);
  process_->line = 0;
  process_->inbox.clear();
  process_->client =
      std::make_unique<bus::follow_client>(std::move(options), static_cast<std::uint32_t>(world_.chance.number()));
}

void simulated_consumer::die(end how) {
  world_.tell(name_, "ends");
  dies_by_ = how;
  settle_disk();
  if (process_->line != 0) lines_.close(process_->line);
  process_.reset();
  ++life_;
}

/// What the disk keeps of a process that is no more.
void simulated_consumer::settle_disk() {
  if (dies_by_ == end::kill)
    disk_.kill();
  else
    disk_.lose_power(world_.chance.number());
  operations_left_ = 0;
  dies_by_ = end::kill;
}

void simulated_consumer::die_at_disk_operation(std::uint64_t n, end how) {
  operations_left_ = n;
  dies_by_ = how;
}

std::uint64_t simulated_consumer::at() const {
  if (!up()) return 0;
  const auto from = process_->store->start();
  const auto* at = std::get_if<bus::position>(&from);
  return at ? at->seq : 0;
}

void simulated_consumer::look_soon(milliseconds delay) {
  world_.after(delay, [this, life = life_] {
    if (life == life_) look();
  });
}

void simulated_consumer::look() {
  auto& p = *process_;
  const auto now = virtual_time::now();
  if (now < frozen_until_) return look_soon(std::chrono::ceil<milliseconds>(frozen_until_ - now));
  if (p.at_work) return;
  auto& client = *p.client;
  if (const auto at = client.connect_at(); at && *at <= now) {
    if (p.line != 0) lines_.close(p.line);
    world_.tell(name_, "connects" + (client.last_fault().empty() ? "" : ": " + client.last_fault()));
    p.inbox.clear();
    p.line = lines_.open(name_, [this, life = life_](std::string bytes) {
      if (life != life_) return;
      process_->inbox.push_back(std::move(bytes));
      look_soon(milliseconds{0});
    });
    lines_.send_to_host(p.line, client.connected(now));
  }
  while (!p.inbox.empty()) {
    const auto bytes = std::move(p.inbox.front());
    p.inbox.pop_front();
    auto got = client.receive(bytes, now);
    if (!got) return refused(got.error());
    if (*got) return work_on(std::move(**got));
  }
  for (auto& message : client.due(now)) lines_.send_to_host(p.line, std::move(message));
  wake_ = client.wake_at();
  const auto pause = std::max(std::chrono::ceil<milliseconds>(*wake_ - now), milliseconds{1});
  world_.after(pause, [this, life = life_, wake = *wake_] {
    if (life == life_ && wake_ == wake) look();  // else somebody else has set a later time
  });
}

void simulated_consumer::work_on(bus::delivery d) {
  process_->at_work = true;
  auto pause = world_.chance.around(milliseconds{10});
  if (!world_.calm && world_.chance.hits(0.01)) {
    world_.fault("consumer slow", name_);
    pause = milliseconds{3'000};
  }
  world_.after(pause, [this, life = life_, d = std::move(d)] {
    if (life == life_) apply(d);
  });
}

void simulated_consumer::apply(const bus::delivery& d) {
  auto& p = *process_;
  world_.count("delivery");
  if (const auto done = p.store->apply(d); !done) {
    world_.tell(name_, done.error().detail);
    return die(dies_by_);
  }
  p.at_work = false;
  if (!d.walking) p.client->acknowledge(d.complete_up_to);
  for (auto& message : p.client->outbox(virtual_time::now())) lines_.send_to_host(p.line, std::move(message));
  if (!p.client->connect_at()) p.client->waiting(virtual_time::now());
  look();
}

void simulated_consumer::refused(const failure& why) {
  world_.tell(name_, "refused: " + why.detail);
  const auto& code = why.code;
  if (code != bus::errc::epoch_changed && code != bus::errc::position_expired && code != bus::errc::position_ahead)
    return die(end::kill);  // whoever runs it starts it again
  ++walks_;
  if (const auto again = process_->store->begin_again(); !again) return die(dies_by_);
  begin_to_follow();
  look_soon(milliseconds{0});
}

}  // namespace koppel::simulation
