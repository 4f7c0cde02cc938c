// SPDX-License-Identifier: Apache-2.0
// The ledger, with its thread, on a disk that loses power at 200 moments chosen by a seed: in the middle of commits and
// checkpoints, when the log begins anew, when the host ends. After each it is opened again and must be exactly what was
// acknowledged, with the commit that was under way whole or absent; and the bus's reader, which looks at every sync,
// must never have seen an event that is gone. Several databases are lived through, each with many losses, so that what
// one recovery leaves behind is the next one's beginning.

#include <iostream>

#include "tests/support/read_file.hpp"
#include "tests/unit/ledger/power_loss.hpp"

using namespace koppel;
using namespace koppel::tests::power_loss;
using tests::data_folder;
using tests::doing;
using tests::good;
using tests::simulated_disk;

namespace {

constexpr int databases = 10;
constexpr int losses_each = 20;

moment some_moment(std::mt19937_64& random) {
  using target = moment::target;
  switch (random() % 16) {
    case 0:
      return {target::log_begins_anew, 1};
    case 1:
      return {target::checkpoint_write, 1 + random() % 300};
    case 2:
      return {target::checkpoint_sync, 1};
    case 3:
      return {target::truncated, 1};
    case 4:
      return {target::removed, 1};
    case 5:
    case 6:
      return {target::log_sync, 1 + random() % 4};
    default:
      return {target::any, 1 + random() % 120};
  }
}

/// The bytes of a new database: what each life begins with.
std::string empty_database(data_folder& folder) {
  folder.open().reset();  // a real one; the simulated disk is asked for files of the same name
  return test::read_file(folder.database());
}

}  // namespace

TEST_CASE("power is lost at 200 moments, and nothing that was acknowledged is", "[ledger][power]") {
  data_folder folder;
  const auto empty = empty_database(folder);
  std::map<std::string, int> moments_hit;
  simulated_disk::tally all;

  for (std::uint64_t seed = 1; seed <= databases; ++seed) {
    life one(folder, empty, seed, moments_hit);
    std::mt19937_64 random(seed * 1000);
    for (int loss = 0; loss < losses_each; ++loss) {
      INFO("database " << seed << ", loss " << loss);
      one.live_until_power_is_lost(some_moment(random));
    }
    all.writes += one.counts().writes;
    all.syncs += one.counts().syncs;
  }

  int moments = 0;
  std::cout << "power was lost at:";
  for (const auto& [name, times] : moments_hit) {
    std::cout << " " << name << " " << times << " times,";
    moments += times;
  }
  std::cout << " among " << all.writes << " writes and " << all.syncs << " syncs\n";
  CHECK(moments >= databases * losses_each);
  for (const auto* name : {"write of the log", "sync of the log", "write of the log header", "write of the database",
                           "sync of the database", "truncate of the database", "remove of the log"})
    CHECK(moments_hit[name] >= 5);
}

TEST_CASE("the bus's reader does not see a commit before it is synced", "[ledger][power]") {
  data_folder folder;
  const auto empty = empty_database(folder);
  simulated_disk disk;
  disk.put(folder.database(), empty);
  auto l = folder.open();
  const auto reader = l->make_event_source();
  std::vector<std::uint64_t> seen;
  auto last = kind::write;
  disk.on_operation = [&](const simulated_disk::operation& o) {
    last = o.what;
    const auto head = reader->head();
    seen.push_back(head ? *head : 99);
    return simulated_disk::fault::proceed;
  };

  doing(*l, [](auto& tx) { good(tx.append({"plugin.loaded", "one", nullptr, "acme", {}})); });
  disk.on_operation = nullptr;

  CHECK(seen.size() > 2);
  CHECK(last == kind::sync);
  CHECK(seen == std::vector<std::uint64_t>(seen.size(), 0));
  CHECK(good(reader->head()) == 1);
}
