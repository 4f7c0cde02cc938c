// SPDX-License-Identifier: Apache-2.0
// A sync run's decisions, by transcript: how the last job ended in, what to do next out.

#include "host/core/sync_run.hpp"

#include <catch2/catch.hpp>
#include <limits>

using koppel::core::deletion_facts;
using koppel::core::stream_rule;
using koppel::core::sync_run;
using koppel::core::sync_step;
using kind = sync_step::kind;
using ending = sync_step::ending;

namespace {

koppel::messages::done ended(std::string_view error = "", std::string detail = "") {
  koppel::messages::done d;
  d.error = error;
  d.detail = std::move(detail);
  return d;
}

std::vector<std::string> ids(std::size_t count) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back("id-" + std::to_string(1000 + i));
  return all;
}

/// The read has ended well; so many records were not seen, of a thousand.
sync_step read_well(sync_run& run, std::uint64_t suspects) {
  REQUIRE(run.job_ended(ended(), true).what == kind::count_suspects);
  return run.suspects_counted({.known = 1000, .more = suspects});
}

/// Nothing is held.
sync_step judged(sync_run& run, const sync_step& step) {
  REQUIRE(step.what == kind::judge);
  return run.held_counted({.known = 1000});
}

}  // namespace

TEST_CASE("a full read looks for suspects before it is complete", "[sync]") {
  sync_run run(true, false, stream_rule::deletions::absence, 0.5);
  REQUIRE(run.begin().what == kind::read);

  const auto search = read_well(run, 1);
  REQUIRE(search.what == kind::find_suspects);
  REQUIRE(search.after.empty());

  const auto end = judged(run, run.suspects_found({}));
  REQUIRE(end.what == kind::end);
  REQUIRE(end.as == ending::completed);
  REQUIRE(end.complete);
}

TEST_CASE("a full read that missed nothing looks for no suspects", "[sync]") {
  sync_run run(true, false, stream_rule::deletions::absence, 0.5);
  REQUIRE(judged(run, read_well(run, 0)).complete);
}

TEST_CASE("suspects are read by id, batch by batch, until a short batch", "[sync]") {
  sync_run run(true, false, stream_rule::deletions::absence, 0.5);
  read_well(run, 101);

  const auto first = run.suspects_found(ids(sync_run::suspects_per_batch));
  REQUIRE(first.what == kind::refetch);
  REQUIRE(first.ids.size() == sync_run::suspects_per_batch);

  const auto more = run.job_ended(ended(), true);
  REQUIRE(more.what == kind::find_suspects);
  REQUIRE(more.after == first.ids.back());

  const auto last = run.suspects_found({"id-9"});
  REQUIRE(last.what == kind::refetch);
  REQUIRE(judged(run, run.job_ended(ended(), true)).complete);
}

TEST_CASE("an incremental read concludes nothing from absence", "[sync]") {
  sync_run run(false, false, stream_rule::deletions::absence, 0.5);
  const auto end = run.job_ended(ended(), true);
  REQUIRE(end.what == kind::end);
  REQUIRE(end.as == ending::completed);
  REQUIRE_FALSE(end.complete);
}

TEST_CASE("a resumed full read completes, and concludes nothing from absence", "[sync]") {
  sync_run run(true, true, stream_rule::deletions::absence, 0.5);
  const auto end = run.job_ended(ended(), true);
  REQUIRE(end.what == kind::end);
  REQUIRE_FALSE(end.complete);
}

TEST_CASE("a full read whose runner crashed goes on at the cursor and concludes nothing", "[sync]") {
  sync_run run(true, false, stream_rule::deletions::absence, 0.5);
  REQUIRE_FALSE(run.begin().resumed);
  REQUIRE(run.job_ended(ended("crashed"), true).what == kind::wait);
  REQUIRE(run.resume().what == kind::read);
  REQUIRE(run.resume().resumed);

  const auto end = run.job_ended(ended(), true);
  REQUIRE(end.what == kind::end);
  REQUIRE_FALSE(end.complete);
}

TEST_CASE("a full read whose runner crashed before the first page starts afresh and still concludes", "[sync]") {
  sync_run run(true, false, stream_rule::deletions::absence, 0.5);
  REQUIRE(run.job_ended(ended("crashed"), false).what == kind::wait);
  REQUIRE_FALSE(run.resume().resumed);
  REQUIRE(read_well(run, 1).what == kind::find_suspects);
}

TEST_CASE("a run that the ledger resumed is read as resumed from the first job on", "[sync]") {
  REQUIRE(sync_run(true, true, stream_rule::deletions::absence, 0.5).begin().resumed);
}

TEST_CASE("a suspect that kills the plugin ends the run, though the batch's first ids are committed each time",
          "[sync]") {
  sync_run run(true, false, stream_rule::deletions::absence, 0.5);
  read_well(run, 100);
  const auto batch = run.suspects_found(ids(sync_run::suspects_per_batch));

  for (int i = 1; i < sync_run::max_crashes; ++i) {
    REQUIRE(run.job_ended(ended("crashed"), true).what == kind::wait);
    REQUIRE(run.resume().ids == batch.ids);
  }
  REQUIRE(run.job_ended(ended("crashed"), true).as == ending::failed);
}

TEST_CASE("a batch of suspects that was read to its end starts the count of crashes again", "[sync]") {
  sync_run run(true, false, stream_rule::deletions::absence, 0.5);
  read_well(run, 500);
  for (int batch = 0; batch < 3; ++batch) {
    run.suspects_found(ids(sync_run::suspects_per_batch));
    for (int i = 1; i < sync_run::max_crashes; ++i) REQUIRE(run.job_ended(ended("crashed"), true).what == kind::wait);
    REQUIRE(run.job_ended(ended(), true).what == kind::find_suspects);
  }
}

TEST_CASE("crashes in a row without progress end the run as failed, progress starts the count again", "[sync]") {
  sync_run run(true, false, stream_rule::deletions::absence, 1.0);
  for (int i = 1; i < sync_run::max_crashes; ++i) REQUIRE(run.job_ended(ended("crashed"), false).what == kind::wait);
  REQUIRE(run.job_ended(ended("crashed"), true).what == kind::wait);
  for (int i = 2; i < sync_run::max_crashes; ++i) REQUIRE(run.job_ended(ended("crashed"), false).what == kind::wait);

  const auto end = run.job_ended(ended("crashed", "the runner ended (SIGSEGV)"), false);
  REQUIRE(end.what == kind::end);
  REQUIRE(end.as == ending::failed);
  REQUIRE(end.detail == "the runner ended (SIGSEGV)");
}

TEST_CASE("replays wait longer each time", "[sync]") {
  sync_run run(false, false, stream_rule::deletions::none, 1.0);
  const auto first = run.job_ended(ended("crashed"), false).delay;
  const auto second = run.job_ended(ended("crashed"), false).delay;
  REQUIRE(second > first);
}

TEST_CASE("an exchange that failed after all its retries interrupts the run: no second layer retries it", "[sync]") {
  sync_run run(true, false, stream_rule::deletions::absence, 0.5);
  const auto end = run.job_ended(ended("try_again", "the provider is busy"), true);
  REQUIRE(end.what == kind::end);
  REQUIRE(end.as == ending::interrupted);
  REQUIRE(end.detail == "the provider is busy");
}

TEST_CASE("refused credentials end the run at once, to go on later, and are said to be about credentials", "[sync]") {
  sync_run run(true, false, stream_rule::deletions::absence, 0.5);
  const auto end = run.job_ended(ended("authorise_again", "401"), false);
  REQUIRE(end.what == kind::end);
  REQUIRE(end.credentials);
  REQUIRE(end.as == ending::interrupted);
}

TEST_CASE("refused credentials carry the status of the answer that refused them, or none", "[sync]") {
  auto refused = ended("authorise_again");
  sync_run run(true, false, stream_rule::deletions::absence, 0.5);
  REQUIRE(run.job_ended(refused, false).http_status == 0);
  refused.http_status = 403;
  REQUIRE(run.job_ended(refused, false).http_status == 403);
}

TEST_CASE("what the provider asked to wait is passed on, within a day", "[sync]") {
  auto busy = ended("try_again");
  sync_run run(true, false, stream_rule::deletions::absence, 0.5);
  REQUIRE(run.job_ended(busy, false).retry_after.count() == 0);
  busy.retry_after = 90'000;
  REQUIRE(run.job_ended(busy, false).retry_after == std::chrono::seconds{90});
  busy.retry_after = std::numeric_limits<std::int64_t>::max();
  REQUIRE(run.job_ended(busy, false).retry_after == std::chrono::hours{24});
}

TEST_CASE("a missing scope, bad settings and bugs are final", "[sync]") {
  for (const auto* error : {"scope_missing", "bad_settings", "permanent", "too_large", "bug"}) {
    sync_run run(true, false, stream_rule::deletions::absence, 0.5);
    const auto end = run.job_ended(ended(error), false);
    REQUIRE(end.what == kind::end);
    REQUIRE(end.as == ending::failed);
    REQUIRE_FALSE(end.complete);
  }
}

TEST_CASE("a provider that reports deletions itself makes no suspects", "[sync]") {
  sync_run run(true, false, stream_rule::deletions::reported, 0.5);
  const auto end = judged(run, run.job_ended(ended(), true));
  REQUIRE(end.what == kind::end);
  REQUIRE(end.complete);
}

TEST_CASE("suspects that are too many are read by their ids with their deletions withheld, from the first on",
          "[sync][guard]") {
  sync_run run(true, false, stream_rule::deletions::absence, 0.5);
  read_well(run, 101);
  CHECK(run.suspects_found(ids(sync_run::suspects_per_batch)).withhold);
  CHECK(run.job_ended(ended("crashed"), true).what == kind::wait);
  CHECK(run.resume().withhold);

  sync_run other(true, false, stream_rule::deletions::absence, 0.5);
  read_well(other, 100);
  CHECK_FALSE(other.suspects_found(ids(sync_run::suspects_per_batch)).withhold);
}

TEST_CASE("what was withheld is released where the suspects turned out to be few, and stays held where they did not",
          "[sync][guard]") {
  sync_run run(true, false, stream_rule::deletions::absence, 0.5);
  read_well(run, 101);
  run.suspects_found(ids(1));
  REQUIRE(run.job_ended(ended(), true).what == kind::judge);

  CHECK(run.held_counted({.known = 1000, .held = 100}).what == kind::release);
  CHECK(run.released().complete);
  const auto held = run.held_counted({.known = 1000, .held = 101});
  CHECK(held.what == kind::end);
  CHECK(held.complete);
}

TEST_CASE("deletions that are held already count with those that a run would add", "[sync][guard]") {
  sync_run run(true, false, stream_rule::deletions::absence, 0.5);
  REQUIRE(run.job_ended(ended(), true).what == kind::count_suspects);
  run.suspects_counted({.known = 1000, .held = 100, .more = 1});
  CHECK(run.suspects_found(ids(1)).withhold);
}
