// SPDX-License-Identifier: Apache-2.0
// A full disk: what can wait is refused and nothing else happens; what was answered by a provider is stored although
// not a byte is free; and it goes on by itself when there is room.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <future>

#include "host/ledger/committer.hpp"
#include "host/ledger/schema.hpp"
#include "tests/support/read_file.hpp"
#include "tests/support/simulated_disk.hpp"
#include "tests/unit/ledger/data_folder.hpp"

using namespace koppel;
using ledger::errc;
using ledger::urgency;
using tests::data_folder;
using tests::doing;
using tests::good;
using tests::simulated_disk;

namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;

ledger::credentials pair(const std::string& token) {
  ledger::credentials c;
  c.access_token = core::secret(token + std::string(1500, 'a'));
  c.refresh_token = core::secret(token + std::string(1500, 'r'));
  return c;
}

result<void> add_event(ledger::transaction& tx, std::size_t bytes = 50'000) {
  ledger::event_draft draft{"plugin.loaded", "", nullptr, "acme", {}};
  draft.data["text"] = std::string(bytes, 'x');
  return tx.append(draft);
}

result<void> store_pair(ledger::ledger& l, const std::string& id, const std::string& token, std::uint64_t expected) {
  return l.write_blocking([&](auto& tx) { return tx.store_credentials(id, pair(token), expected); },
                          urgency::cannot_wait);
}

/// The ledger on a simulated disk, with connections that each have a pair and an open renewal.
struct full_disk {
  data_folder folder;
  std::unique_ptr<simulated_disk> disk;
  std::unique_ptr<ledger::ledger> l;
  std::vector<std::string> connections;

  explicit full_disk(int with_pairs) {
    folder.open().reset();
    disk = std::make_unique<simulated_disk>();
    disk->put(folder.database(), test::read_file(folder.database()));
    l = folder.open();
    doing(*l, [&](auto& tx) {
      for (int i = 0; i < with_pairs; ++i) {
        const auto c = good(tx.insert_connection(tests::new_connection("customer-" + std::to_string(i))));
        good(tx.store_credentials(c.id, pair("first"), 0));
        good(tx.store_refresh_intent(c.id, {1, tx.now(), 1}));
        connections.push_back(c.id);
      }
    });
  }
  ~full_disk() { l.reset(); }

  /// Writes events until there is no room for another.
  result<void> fill() {
    for (;;)
      if (auto written = l->write_blocking([](auto& tx) { return add_event(tx); }); !written) return written;
  }
  std::size_t events() { return tests::events_in(*l).size(); }
  std::string token_of(const std::string& id) {
    std::string token;
    doing(*l, [&](auto& tx) {
      const auto found = good(tx.find_credentials(id));
      token = std::string(found->access_token.reveal()).substr(0, 6);
    });
    return token;
  }
};

/// A committer without a thread: who calls it says what is in one commit.
struct committer_on_a_disk {
  struct piece {
    std::function<result<void>(ledger::transaction&)> work;
    urgency how;
  };
  data_folder folder;
  std::unique_ptr<simulated_disk> disk;
  std::uint64_t free = 100 * mebibyte;
  std::vector<std::uint64_t> heads;
  std::unique_ptr<ledger::committer> c;

  committer_on_a_disk() {
    folder.open().reset();
    disk = std::make_unique<simulated_disk>();
    disk->put(folder.database(), test::read_file(folder.database()));
    auto seals = good(ledger::sealer::from_file(folder.key_file));
    auto db = good(ledger::open_database(folder.folder, seals));
    ledger::committer::callbacks calls{[](const failure& why) { FAIL(why.detail); },
                                       [this](std::uint64_t head) { heads.push_back(head); }};
    calls.free_bytes = [this] { return free; };
    c = std::make_unique<ledger::committer>(std::move(db), std::move(seals), folder.clock, calls);
  }
  ~committer_on_a_disk() { c.reset(); }

  std::vector<result<void>> commit(const std::vector<piece>& pieces) {
    std::vector<result<void>> outcomes;
    std::deque<ledger::job> jobs;
    for (const auto& p : pieces)
      jobs.push_back({p.work, [&](result<void> r) { outcomes.push_back(std::move(r)); }, p.how});
    c->commit(jobs, {});
    return outcomes;
  }
  std::uint64_t head() {
    std::uint64_t head = 0;
    good(commit({{[&](ledger::transaction& tx) -> result<void> {
                    head = tx.head();
                    return {};
                  },
                  urgency::can_wait}})[0]);
    return head;
  }
  std::size_t log_bytes() const { return disk->bytes(folder.database() + "-wal").size(); }
};

void rethrow(std::exception_ptr e) {
  if (e) std::rethrow_exception(e);
}

runtime::awaitable<void> write_one(ledger::ledger& l, std::function<result<void>(ledger::transaction&)> work,
                                   urgency how, result<void>& outcome) {
  outcome = co_await l.write(std::move(work), how);
}

}  // namespace

TEST_CASE("a full disk refuses what can wait, says so once, and goes on by itself", "[ledger][full]") {
  full_disk f(1);
  f.disk->limit(f.disk->used() + 3 * mebibyte);

  const auto refused = f.fill();

  CHECK(refused.error().code == errc::disk_full);
  CHECK(refused.error().detail.find("Make room") != std::string::npos);
  CHECK(f.folder.fatal.empty());
  CHECK(f.l->space().full);
  CHECK(f.l->space().since == f.folder.clock.now());
  CHECK(f.folder.spaces == std::vector<bool>{true});
  const auto events = f.events();
  CHECK(events > 20);
  for (int i = 0; i < 20; ++i) {
    CHECK(f.l->write_blocking([](auto& tx) { return add_event(tx, 10); }).error().code == errc::disk_full);
    CHECK(f.l->write_blocking([](auto& tx) { return tx.room(); }).error().code == errc::disk_full);
  }
  CHECK(f.events() == events);

  f.disk->limit(simulated_disk::unlimited);
  doing(*f.l, [](auto& tx) {
    good(tx.room());
    good(add_event(tx));
  });
  CHECK(f.events() == events + 1);
  CHECK_FALSE(f.l->space().full);
  CHECK(f.folder.spaces == std::vector<bool>{true, false});
  f.l.reset();
  f.folder.tamper(
      "SELECT CASE WHEN (SELECT integrity_check FROM pragma_integrity_check) <> 'ok' THEN abs(-9223372036854775808) "
      "END");
}

TEST_CASE("a renewal is refused before it is sent, and one that was answered is stored on a disk without a free byte",
          "[ledger][full]") {
  full_disk f(100);  // many times what can be under way
  const auto another = tests::connected(*f.l, "another").id;
  good(store_pair(*f.l, another, "first", 0));
  const bool in_the_middle = GENERATE(false, true);
  f.disk->limit(f.disk->used() + (in_the_middle ? 6 * mebibyte : 0));
  CHECK(f.fill().error().code == errc::disk_full);
  f.disk->limit(f.disk->used());

  const auto intent = f.l->write_blocking([&](auto& tx) { return tx.store_refresh_intent(another, {1, tx.now(), 1}); });
  CHECK(intent.error().code == errc::disk_full);
  for (const auto& id : f.connections) good(store_pair(*f.l, id, "second", 1));

  CHECK(f.l->space().full);
  f.l.reset();
  f.disk->lose_power(7);
  f.l = f.folder.open();
  for (const auto& id : f.connections) CHECK(f.token_of(id) == "second");
  doing(*f.l, [&](auto& tx) { CHECK_FALSE(good(tx.find_credentials(another))->intent); });
}

TEST_CASE("a pair that shares its commit with what finds no room is stored without it", "[ledger][full]") {
  full_disk f(1);
  f.disk->limit(f.disk->used() + mebibyte / 2);
  std::promise<void> entered, leave;
  auto left = leave.get_future();
  boost::asio::io_context context;
  result<void> first, page, stored, event;
  const auto spawn = [&](std::function<result<void>(ledger::transaction&)> work, urgency how, result<void>& outcome) {
    boost::asio::co_spawn(context, write_one(*f.l, std::move(work), how, outcome), rethrow);
    context.poll();
  };
  spawn(
      [&](ledger::transaction&) -> result<void> {
        entered.set_value();
        left.wait();
        return {};
      },
      urgency::can_wait, first);
  entered.get_future().wait();
  int times = 0;
  const auto much = [](ledger::transaction& tx) -> result<void> {
    for (int i = 0; i < 120; ++i) good(add_event(tx));
    return {};
  };
  spawn(much, urgency::can_wait, page);
  spawn(
      [&](ledger::transaction& tx) {
        ++times;
        return tx.store_credentials(f.connections[0], pair("second"), 1);
      },
      urgency::cannot_wait, stored);
  spawn([](ledger::transaction& tx) { return add_event(tx, 10); }, urgency::can_wait, event);
  leave.set_value();
  context.run();

  CHECK(page.error().code == errc::disk_full);
  CHECK(event.error().code == errc::disk_full);
  good(stored);
  CHECK(times == 2);
  CHECK(f.token_of(f.connections[0]) == "second");
  CHECK(f.events() == 0);
  CHECK(f.folder.fatal.empty());
}

TEST_CASE("of what cannot wait in one commit, what finds no room is refused alone", "[ledger][full]") {
  committer_on_a_disk f;
  const auto much = [](ledger::transaction& tx) -> result<void> {
    for (int i = 0; i < 120; ++i) good(add_event(tx));
    return {};
  };
  const auto little = [](ledger::transaction& tx) { return add_event(tx, 10); };
  ledger::connection c;
  f.commit({{[&](auto& tx) -> result<void> {
               c = good(tx.insert_connection(tests::new_connection()));
               good(tx.store_credentials(c.id, pair("first"), 0));
               return add_event(tx, 10);
             },
             urgency::can_wait}});
  f.heads.clear();
  const auto before = f.head();
  f.disk->limit(f.disk->used() + mebibyte / 2);
  const auto store = [&](ledger::transaction& tx) -> result<void> {
    good(tx.store_credentials(c.id, pair("second"), 1));
    return add_event(tx, 10);
  };

  const auto outcomes = f.commit({{little, urgency::cannot_wait},
                                  {much, urgency::cannot_wait},
                                  {store, urgency::cannot_wait},
                                  {little, urgency::can_wait},
                                  {little, urgency::cannot_wait}});

  good(outcomes[0]);
  CHECK(outcomes[1].error().code == errc::disk_full);
  good(outcomes[2]);
  CHECK(outcomes[3].error().code == errc::disk_full);
  good(outcomes[4]);
  CHECK(f.heads == std::vector<std::uint64_t>{before + 3});
  f.disk->limit(simulated_disk::unlimited);
  f.commit({{little, urgency::can_wait}});
  CHECK(f.heads == std::vector<std::uint64_t>{before + 3, before + 4});
  CHECK(f.head() == before + 4);
}

TEST_CASE("a checkpoint that finds no room leaves the log as it is", "[ledger][full]") {
  full_disk f(1);
  // Until just before the first checkpoint: the log has its room, the database needs some.
  while (f.disk->bytes(f.folder.database() + "-wal").size() < 7 * mebibyte)
    doing(*f.l, [](auto& tx) { good(add_event(tx)); });
  const auto before = f.disk->bytes(f.folder.database()).size();
  f.disk->limit(f.disk->used() + mebibyte / 2);

  CHECK(f.fill().error().code == errc::disk_full);

  CHECK(f.folder.fatal.empty());
  const auto events = f.events();
  good(store_pair(*f.l, f.connections[0], "second", 1));
  f.disk->kill();
  f.l.reset();
  f.l = f.folder.open();
  CHECK(f.events() == events);
  CHECK(f.token_of(f.connections[0]) == "second");
  f.disk->limit(simulated_disk::unlimited);
  doing(*f.l, [](auto& tx) { good(add_event(tx)); });
  f.l.reset();
  CHECK(f.disk->bytes(f.folder.database()).size() > before + 2 * mebibyte);
}

TEST_CASE("room in the log is made by whoever holds the writer's lock, and never beside another program's frames",
          "[ledger][full]") {
  data_folder folder;
  folder.open().reset();
  simulated_disk disk;
  disk.put(folder.database(), test::read_file(folder.database()));
  auto seals = good(ledger::sealer::from_file(folder.key_file));
  auto db = good(ledger::open_database(folder.folder, seals));
  ledger::committer::callbacks calls{[](failure) { FAIL(); }, [](std::uint64_t) {}};
  std::uint64_t writes = 0;
  bool waited = false;
  calls.stop_waiting = [&] {
    waited = true;
    CHECK(disk.counts().writes == writes);
    return true;
  };
  ledger::committer c(std::move(db), std::move(seals), folder.clock, calls);
  const auto commit = [&] {
    std::deque<ledger::job> jobs;
    jobs.push_back({[](ledger::transaction& tx) { return add_event(tx, 10); }, [](const result<void>&) {}});
    c.commit(jobs, {});
  };
  sqlite3* foreign = nullptr;
  REQUIRE(sqlite3_open(folder.database().c_str(), &foreign) == SQLITE_OK);
  REQUIRE(sqlite3_exec(foreign, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
  writes = disk.counts().writes;

  commit();
  CHECK(waited);
  sqlite3_close(foreign);
  commit();
  CHECK(disk.bytes(folder.database() + "-wal").size() >= 4 * mebibyte);
}

TEST_CASE("after a refused write the log does not grow while less is free than is to be kept", "[ledger][full]") {
  committer_on_a_disk f;
  const auto much = [](ledger::transaction& tx) -> result<void> {
    for (int i = 0; i < 120; ++i) good(add_event(tx));
    return {};
  };
  const auto little = [](ledger::transaction& tx) { return add_event(tx, 10); };
  good(f.commit({{little, urgency::can_wait}})[0]);
  f.disk->limit(f.disk->used() + mebibyte / 2);
  CHECK(f.commit({{much, urgency::can_wait}})[0].error().code == errc::disk_full);

  f.disk->limit(simulated_disk::unlimited);
  f.free = 63 * mebibyte;
  f.head();
  const auto size = f.log_bytes();
  for (int i = 0; i < 100; ++i) f.head();
  CHECK(f.log_bytes() == size);
  CHECK(f.commit({{little, urgency::can_wait}})[0].error().code == errc::disk_full);

  f.free = 64 * mebibyte;
  good(f.commit({{little, urgency::can_wait}})[0]);
  CHECK(f.log_bytes() == size + mebibyte);
}

TEST_CASE("with less free than is to be kept the disk counts as full, before it is", "[ledger][full]") {
  data_folder folder;
  folder.open().reset();
  auto seals = good(ledger::sealer::from_file(folder.key_file));
  auto db = good(ledger::open_database(folder.folder, seals));
  std::uint64_t free = 100 * mebibyte;
  std::vector<bool> full;
  ledger::committer::callbacks calls{[](failure) { FAIL(); }, [](std::uint64_t) {}};
  calls.free_bytes = [&] { return free; };
  calls.on_space = [&](const ledger::disk_space& s) { full.push_back(s.full); };
  ledger::committer c(std::move(db), std::move(seals), folder.clock, calls, {.on_disk = 64 * mebibyte});
  const auto commit = [&](std::function<result<void>(ledger::transaction&)> work, urgency how,
                          const ledger::consumer_positions& positions = {}) {
    result<void> outcome;
    std::deque<ledger::job> jobs;
    jobs.push_back({std::move(work), [&](result<void> r) { outcome = std::move(r); }, how});
    c.commit(jobs, positions);
    return outcome;
  };
  const auto event = [](ledger::transaction& tx) { return add_event(tx, 10); };
  const auto connect = [](ledger::transaction& tx) -> result<void> {
    return tx.insert_connection(tests::new_connection()).has_value() ? result<void>() : failure{errc::exists, ""};
  };
  const auto look = [](ledger::transaction& tx) -> result<void> {
    CHECK(tx.connections().empty());
    return {};
  };
  std::size_t stored = 0;
  const auto count_positions = [&stored](ledger::transaction& tx) -> result<void> {
    stored = tx.consumers().size();
    return {};
  };
  good(commit(event, urgency::can_wait));

  free = 63 * mebibyte;
  CHECK(commit(event, urgency::can_wait).error().code == errc::disk_full);
  CHECK(commit(connect, urgency::can_wait).error().code == errc::disk_full);
  good(commit(look, urgency::can_wait, {{"proplus", 1}}));
  good(commit(event, urgency::cannot_wait));
  good(commit(count_positions, urgency::can_wait));
  CHECK(stored == 0);
  CHECK(full == std::vector<bool>{true});

  free = 64 * mebibyte;
  good(commit(connect, urgency::can_wait));
  good(commit(count_positions, urgency::can_wait));
  CHECK(stored == 1);  // what consumers said meanwhile was kept
  CHECK(full == std::vector<bool>{true, false});
}
