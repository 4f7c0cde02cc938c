// SPDX-License-Identifier: Apache-2.0
// A ledger, with its thread, on a disk that loses its power: work in groups, as much as was acknowledged of it, and
// what has to be there when it is opened again.
#pragma once

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <future>
#include <iostream>
#include <map>
#include <random>

#include "tests/support/simulated_disk.hpp"
#include "tests/unit/ledger/data_folder.hpp"

namespace koppel::tests::power_loss {

using ledger::errc;
using ledger::run_mode;
using kind = simulated_disk::kind;

inline constexpr int connections = 5;
inline constexpr int record_ids = 150;  ///< of each connection

inline std::string known_as(int connection, int record) {
  return std::to_string(connection) + "-" + std::to_string(record);
}

/// What was acknowledged.
struct model {
  struct account {
    std::string id;
    std::uint64_t generation = 0;
    std::string token;
    bool intent = false;
    std::string cursor;
  };
  std::vector<account> accounts;
  std::vector<std::string> subjects;           ///< of the events, from seq 1
  std::map<std::string, std::string> records;  ///< id to what it says now
  std::map<std::string, std::uint64_t> positions;
};

/// One piece of work of a group, and what it changes if the group is there.
struct step {
  std::function<result<void>(ledger::transaction&)> work;
  std::function<void(model&)> effect;
  bool fails = false;
};

inline void rethrow(std::exception_ptr e) {
  if (e) std::rethrow_exception(e);
}

inline runtime::awaitable<void> write_one(ledger::ledger& l, std::function<result<void>(ledger::transaction&)> work,
                                          result<void>& outcome) {
  outcome = co_await l.write(std::move(work));
}

/// When the power goes: at the `countdown`th operation that is one of `which`.
struct moment {
  enum class target { any, log_begins_anew, log_sync, checkpoint_write, checkpoint_sync, truncated, removed };
  target which = target::any;
  std::uint64_t countdown = 0;
};

inline bool is_one(const moment& m, const simulated_disk::operation& o) {
  const bool log = o.path.substr(o.path.size() - 4) == "-wal";
  switch (m.which) {
    case moment::target::any:
      return true;
    case moment::target::log_begins_anew:
      return log && o.what == kind::write && o.offset == 0;
    case moment::target::log_sync:
      return log && o.what == kind::sync;
    case moment::target::checkpoint_write:
      return !log && o.what == kind::write;
    case moment::target::checkpoint_sync:
      return !log && o.what == kind::sync;
    case moment::target::truncated:
      return o.what == kind::truncate;
    case moment::target::removed:
      return o.what == kind::remove;
  }
  return false;
}

inline std::string name_of(const simulated_disk::operation& o) {
  const bool log = o.path.substr(o.path.size() - 4) == "-wal";
  const std::string header = log && o.what == kind::write && o.offset == 0 ? " header" : "";
  return to_string(o.what) + std::string(" of the ") + (log ? "log" : "database") + header;
}

class life {
 public:
  life(data_folder& folder, const std::string& empty_database, std::uint64_t seed,
       std::map<std::string, int>& moments_hit)
      : folder_(folder), disk_(seed), random_(seed), moments_hit_(moments_hit) {
    disk_.put(folder.database(), empty_database);
    disk_.on_operation = [this](const auto& o) { return meet(o); };
    open();
    doing(*ledger_, [&](auto& tx) {
      for (int i = 0; i < connections; ++i) {
        const auto c = good(tx.insert_connection(tests::new_connection("customer-" + std::to_string(i))));
        good(tx.store_credentials(c.id, pair("first"), 0));
        good(tx.begin_run(c, "companies", "company", run_mode::incremental, "schedule"));
        abouts_.push_back(c);
        known_.accounts.push_back({c.id, 1, "first", false, ""});
      }
    });
  }

  ~life() {
    disk_.on_operation = nullptr;
    reader_.reset();
    ledger_.reset();
  }

  void live_until_power_is_lost(moment when) {
    lost_ = false;
    next_ = when;
    const bool while_it_ends = when.which == moment::target::truncated || when.which == moment::target::removed;
    const std::uint64_t groups_between_restarts = while_it_ends ? 4 : 40;
    while (!lost_) {
      if (below(groups_between_restarts) == 0) restart();
      if (!lost_) work_together(make_group());
    }
    reader_.reset();
    ledger_.reset();
    disk_.lose_power(random_());
    lost_ = false;
    if (below(3) == 0) next_ = {moment::target::any, 1 + below(200)};
    open();
    next_ = {};
    check();
  }

  simulated_disk::tally counts() const { return disk_.counts(); }

 private:
  std::uint64_t below(std::uint64_t end) { return random_() % end; }

  static ledger::credentials pair(const std::string& token) {
    ledger::credentials c;
    c.access_token = core::secret("access " + token);
    c.refresh_token = core::secret("refresh " + token);
    return c;
  }

  /// The power may go again while it is opened.
  void open() {
    auto opened = folder_.try_open();
    while (!opened && lost_) {
      lost_ = false;
      disk_.lose_power(random_());
      opened = folder_.try_open();
    }
    if (!opened) FAIL(opened.error().detail);
    ledger_ = std::move(*opened);
    reader_ = ledger_->make_event_source();
  }

  /// Returns when the ledger's thread has done what follows a commit.
  void idle() {
    (void)ledger_->write_blocking([](ledger::transaction&) -> result<void> { return {}; });
  }

  /// The host ends in good order, if the power lasts.
  void restart() {
    reader_.reset();
    ledger_.reset();
    if (lost_) return;
    open();
  }

  /// On the thread that does the operation: the ledger's, or ours while it opens and closes.
  simulated_disk::fault meet(const simulated_disk::operation& o) {
    if (reader_ && o.what == kind::sync) look();
    if (next_.countdown == 0 || !is_one(next_, o) || --next_.countdown > 0) return simulated_disk::fault::proceed;
    lost_ = true;
    where_ = name_of(o);
    ++moments_hit_[where_];
    return simulated_disk::fault::power_lost;
  }

  /// What the bus would publish now.
  void look() {
    const auto head = reader_->head();
    if (!head || *head <= seen_) return;
    const auto id = reader_->id_at(*head);
    if (!id) return;
    seen_ = *head;
    seen_id_ = *id;
  }

  std::vector<step> make_group() {
    std::vector<step> group;
    const auto works = 1 + below(5);
    for (std::uint64_t i = 0; i < works; ++i) {
      const auto at = below(connections);
      switch (below(6)) {
        case 0:
          group.push_back(intent(at));
          break;
        case 1:
          group.push_back(new_pair(at));
          break;
        case 2:
          group.push_back(failing(at));
          break;
        default:
          group.push_back(page(at));
      }
    }
    group.push_back(event());
    return group;
  }

  // A group may refresh one account twice: what a step expects is read within it.
  step intent(std::size_t at) {
    const auto id = known_.accounts[at].id;
    return {[id](ledger::transaction& tx) -> result<void> {
              const auto age = tx.find_token_age(id);
              return tx.store_refresh_intent(id, {age->generation, tx.now(), 1});
            },
            [at](model& m) { m.accounts[at].intent = true; }};
  }

  step new_pair(std::size_t at) {
    const auto id = known_.accounts[at].id;
    const auto token = std::to_string(++number_);
    return {[id, token](ledger::transaction& tx) -> result<void> {
              const auto age = tx.find_token_age(id);
              return tx.store_credentials(id, pair(token), age->generation);
            },
            [at, token](model& m) {
              ++m.accounts[at].generation;
              m.accounts[at].token = token;
              m.accounts[at].intent = false;
            }};
  }

  step failing(std::size_t at) {
    const auto id = known_.accounts[at].id;
    return {[id](ledger::transaction& tx) -> result<void> {
              (void)tx.delete_credentials(id);
              (void)tx.append({"plugin.loaded", "never", nullptr, "acme", {}});
              return failure{errc::stale, "changed its mind"};
            },
            [](model&) {}, true};
  }

  step page(std::size_t at) {
    messages::page p;
    std::map<std::string, std::string> says;
    const auto records = 1 + below(16);
    for (std::uint64_t i = 0; i < records; ++i) {
      const auto id = known_as(static_cast<int>(at), static_cast<int>(below(record_ids)));
      if (says.count(id) != 0) continue;
      const auto word = "word-" + std::to_string(++number_) + "-";
      const auto more = std::string(below(1500), 'r');
      p.records.push_back(
          tests::said(id, {tests::core_facet(R"({"name":")" + word + R"(","remarks":")" + more + "\"}")}));
      says[id] = word;
    }
    p.cursor = "cursor-" + std::to_string(++number_);
    return {[this, at, p](ledger::transaction& tx) -> result<void> {
              auto run = tx.open_runs()[at];
              const auto written = tx.commit_page(run, abouts_[at], p, 1, "absent", false);
              if (!written) return written.error();
              return {};
            },
            [at, p, says](model& m) {
              for (const auto& r : p.records) m.subjects.push_back(r.id);
              for (const auto& [id, word] : says) m.records[id] = word;
              m.accounts[at].cursor = p.cursor;
            }};
  }

  step event() {
    const auto subject = "event-" + std::to_string(++number_);
    return {[subject](ledger::transaction& tx) {
              return tx.append({"plugin.loaded", subject, nullptr, "acme", {}});
            },
            [subject](model& m) { m.subjects.push_back(subject); }};
  }

  /// Queues the group while the ledger is held up by another piece of work, so that it is one commit.
  void work_together(std::vector<step> group) {
    std::promise<void> entered, leave;
    auto left = leave.get_future();
    boost::asio::io_context context;
    result<void> held_up;
    std::vector<result<void>> outcomes(group.size(), failure{errc::io, "not answered"});
    boost::asio::co_spawn(context,
                          write_one(
                              *ledger_,
                              [&](ledger::transaction&) -> result<void> {
                                entered.set_value();
                                left.wait();
                                return {};
                              },
                              held_up),
                          rethrow);
    context.poll();
    // After a loss nothing is called any more, and what was handed over is answered at once.
    const auto is_held_up = entered.get_future();
    while (is_held_up.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready && !held_up.has_error())
      context.poll();
    context.restart();  // out of work, if so
    for (std::size_t i = 0; i < group.size(); ++i)
      boost::asio::co_spawn(context, write_one(*ledger_, group[i].work, outcomes[i]), rethrow);
    const std::string consumer = "consumer-" + std::to_string(below(3));
    const auto position = known_.subjects.empty() ? 0 : 1 + below(known_.subjects.size());
    if (reader_) reader_->acknowledge(consumer, position);
    context.poll();
    leave.set_value();
    context.run();
    idle();
    group.push_back({nullptr, [consumer, position](model& m) {
                       m.positions[consumer] = std::max(m.positions[consumer], position);
                     }});

    const bool acknowledged = outcomes.back().has_value();
    for (std::size_t i = 0; i < outcomes.size(); ++i)
      CHECK(outcomes[i].has_value() == (acknowledged && !group[i].fails));
    if (acknowledged)
      for (const auto& s : group) s.effect(known_);
    else
      under_way_ = std::move(group);
  }

  void check() {
    std::uint64_t head = 0;
    std::vector<ledger::run> runs;
    std::vector<std::optional<ledger::credentials>> pairs;
    std::vector<std::string> cursors;
    std::map<std::string, std::uint64_t> positions;
    doing(*ledger_, [&](auto& tx) {
      head = tx.head();
      runs = tx.open_runs();
      for (const auto& p : tx.consumers()) positions[p.name] = p.acked_seq;
      for (const auto& a : known_.accounts) {
        auto found = tx.find_credentials(a.id);
        pairs.push_back(found ? std::move(*found) : std::nullopt);
        const auto stream = tx.find_stream(a.id, "companies");
        cursors.push_back(stream ? stream->cursor : "none");
      }
    });
    INFO("lost at a " << where_);
    if (head != known_.subjects.size())  // then it is the commit of which the answer was lost
      for (const auto& s : under_way_) s.effect(known_);
    under_way_.clear();
    REQUIRE(head == known_.subjects.size());
    CHECK(head >= seen_);
    if (seen_ > 0) CHECK(good(reader_->id_at(seen_)) == seen_id_);
    CHECK(positions == known_.positions);
    REQUIRE(runs.size() == connections);
    for (std::size_t i = 0; i < connections; ++i) {
      const auto& wanted = known_.accounts[i];
      REQUIRE(pairs[i]);
      CHECK(pairs[i]->generation == wanted.generation);
      CHECK(pairs[i]->access_token.reveal() == "access " + wanted.token);
      CHECK(pairs[i]->refresh_token.reveal() == "refresh " + wanted.token);
      CHECK(pairs[i]->intent.has_value() == wanted.intent);
      CHECK(runs[i].cursor == wanted.cursor);
      CHECK(cursors[i] == wanted.cursor);
    }
    const auto newest = check_events();
    check_records(newest);
  }

  /// Every event is there once and in order; returns the newest seq of each subject.
  std::map<std::string, std::uint64_t> check_events() {
    std::map<std::string, std::uint64_t> newest;
    const auto events = tests::events_in(*ledger_);  // checksums are verified on the way
    REQUIRE(events.size() == known_.subjects.size());
    bool same = true;
    for (std::size_t i = 0; i < events.size(); ++i) {
      same = same && events[i].seq == i + 1 && events[i].subject == known_.subjects[i];
      newest[events[i].subject] = events[i].seq;
    }
    CHECK(same);
    return newest;
  }

  /// With plain SQL: each record says what its newest event says, and the database is sound.
  void check_records(const std::map<std::string, std::uint64_t>& newest) {
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open_v2(folder_.database().c_str(), &db, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    sqlite3_stmt* rows = nullptr;
    REQUIRE(sqlite3_prepare_v2(db,
                               "SELECT id, seq, bytes FROM records JOIN record_bodies ON body = number "
                               "UNION ALL SELECT 'integrity', 0, integrity_check FROM pragma_integrity_check",
                               -1, &rows, nullptr) == SQLITE_OK);
    std::size_t records = 0;
    std::string integrity;
    while (sqlite3_step(rows) == SQLITE_ROW) {
      const std::string id = reinterpret_cast<const char*>(sqlite3_column_text(rows, 0));
      const std::string bytes(static_cast<const char*>(sqlite3_column_blob(rows, 2)),
                              static_cast<std::size_t>(sqlite3_column_bytes(rows, 2)));
      if (id == "integrity") {
        integrity += bytes;
        continue;
      }
      ++records;
      const auto says = known_.records.find(id);
      REQUIRE(says != known_.records.end());
      const bool as_announced = newest.at(id) == static_cast<std::uint64_t>(sqlite3_column_int64(rows, 1));
      const bool as_known = bytes.find(says->second) != std::string::npos;
      if (!as_announced || !as_known) CHECK(id == "as it was acknowledged");
    }
    CHECK(integrity == "ok");
    CHECK(records == known_.records.size());
    sqlite3_finalize(rows);
    sqlite3_close(db);
  }

  data_folder& folder_;
  simulated_disk disk_;
  std::mt19937_64 random_;
  std::map<std::string, int>& moments_hit_;
  std::unique_ptr<ledger::ledger> ledger_;
  std::unique_ptr<bus::event_source> reader_;
  std::vector<ledger::connection> abouts_;
  model known_;
  std::vector<step> under_way_;
  std::uint64_t number_ = 0;
  std::uint64_t seen_ = 0;
  std::string seen_id_;
  moment next_;
  std::atomic<bool> lost_ = false;
  std::string where_;
};

}  // namespace koppel::tests::power_loss
