// SPDX-License-Identifier: Apache-2.0
// The ledger's thread: it takes whatever is queued, runs it inside one transaction with a savepoint each, commits, and
// then answers. It is the only thread that writes or checkpoints.

#include "host/ledger/ledger.hpp"

#include <pthread.h>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>

#include "host/ledger/event_source.hpp"
#include "host/ledger/folder.hpp"
#include "host/ledger/schema.hpp"
#include "host/ledger/transaction_impl.hpp"

namespace koppel::ledger {
namespace {

constexpr std::size_t works_per_commit = 256;
constexpr std::size_t event_bytes_per_commit = std::size_t{8} << 20;
constexpr int pages_before_checkpoint = 1000;

using work_function = std::function<result<void>(transaction&)>;
using done_function = std::function<void(result<void>)>;

struct job {
  work_function work;
  done_function done;
  result<void> outcome{};
};

class sqlite_ledger final : public ledger {
 public:
  struct parts {
    folder_lock lock;
    sealer seals;
    std::unique_ptr<database> db;
    std::string path, epoch;
    std::uint64_t head = 0;
  };
  sqlite_ledger(parts p, const runtime::clock& clock, std::function<void(failure)> on_fatal,
                std::function<void(std::uint64_t)> on_commit);
  ~sqlite_ledger() override;

  const std::string& epoch() const override { return epoch_; }
  std::unique_ptr<bus::event_source> make_event_source() override;

 protected:
  void enqueue(work_function work, done_function done) override;

 private:
  void run();
  bool wait_for_work(std::deque<job>& jobs, std::map<std::string, std::uint64_t>& positions);
  void put_back(std::deque<job>& jobs);
  void commit(std::deque<job>& jobs, const std::map<std::string, std::uint64_t>& positions, std::size_t& ran);
  bool begin();
  void perform(job& j, sql_transaction& tx);
  void give_up(failure why);

  // Constant after construction. The lock goes last: the database is closed while the folder is still ours.
  folder_lock lock_;
  const sealer seals_;
  const std::string path_, epoch_;
  const runtime::clock& clock_;
  const std::function<void(failure)> on_fatal_;
  const std::function<void(std::uint64_t)> on_commit_;

  // The ledger's thread only.
  std::unique_ptr<database> db_;
  event_buffer events_;
  std::optional<failure> failed_;

  // Guarded by mutex_.
  std::mutex mutex_;
  std::condition_variable queued_;
  std::deque<job> jobs_;
  std::map<std::string, std::uint64_t> positions_;
  bool stopping_ = false;

  std::thread thread_;
};

sqlite_ledger::sqlite_ledger(parts p, const runtime::clock& clock, std::function<void(failure)> on_fatal,
                             std::function<void(std::uint64_t)> on_commit)
    : lock_(std::move(p.lock)),
      seals_(std::move(p.seals)),
      path_(std::move(p.path)),
      epoch_(std::move(p.epoch)),
      clock_(clock),
      on_fatal_(std::move(on_fatal)),
      on_commit_(std::move(on_commit)),
      db_(std::move(p.db)),
      events_(epoch_, p.head),
      thread_([this] { run(); }) {
  pthread_setname_np(thread_.native_handle(), "koppel-ledger");
}

sqlite_ledger::~sqlite_ledger() {
  {
    const std::lock_guard hold(mutex_);
    stopping_ = true;
  }
  queued_.notify_one();
  thread_.join();
}

std::unique_ptr<bus::event_source> sqlite_ledger::make_event_source() {
  return std::make_unique<stored_events>(path_, epoch_, [this](const std::string& consumer, std::uint64_t seq) {
    {
      const std::lock_guard hold(mutex_);
      auto& position = positions_[consumer];
      position = std::max(position, seq);
    }
    queued_.notify_one();
  });
}

void sqlite_ledger::enqueue(work_function work, done_function done) {
  {
    const std::lock_guard hold(mutex_);
    jobs_.push_back({std::move(work), std::move(done)});
  }
  queued_.notify_one();
}

/// False when all is done and nothing more will come.
bool sqlite_ledger::wait_for_work(std::deque<job>& jobs, std::map<std::string, std::uint64_t>& positions) {
  std::unique_lock hold(mutex_);
  queued_.wait(hold, [this] { return stopping_ || !jobs_.empty() || !positions_.empty(); });
  jobs.swap(jobs_);
  positions.swap(positions_);
  return !jobs.empty() || !positions.empty();
}

/// What one commit had no room for goes to the front of the next.
void sqlite_ledger::put_back(std::deque<job>& jobs) {
  const std::lock_guard hold(mutex_);
  while (!jobs.empty()) {
    jobs_.push_front(std::move(jobs.back()));
    jobs.pop_back();
  }
}

void sqlite_ledger::run() {
  for (;;) {
    std::deque<job> jobs;
    std::map<std::string, std::uint64_t> positions;
    if (!wait_for_work(jobs, positions)) return;
    std::size_t ran = 0;
    bool announced = false;
    if (!failed_) {
      try {
        commit(jobs, positions, ran);
        announced = !events_.empty();
        events_.written();
      } catch (const sqlite_error& e) {
        give_up(failure_of(e.fault, "The ledger cannot be written"));
      } catch (const std::exception& e) {
        give_up({errc::corrupt, std::string("The ledger met what must not be: ") + e.what() + "."});
      }
    }
    // After a failure nobody knows what reached the disk: every one of them hears of it.
    if (failed_) ran = jobs.size();
    for (; ran > 0; --ran) {
      auto& first = jobs.front();
      first.done(failed_ ? result<void>(*failed_) : std::move(first.outcome));
      jobs.pop_front();
    }
    put_back(jobs);
    if (announced) on_commit_(events_.head());
    try {
      if (!failed_ && db_->log_pages() >= pages_before_checkpoint) db_->checkpoint();
    } catch (const sqlite_error& e) {
      give_up(failure_of(e.fault, "The write-ahead log cannot be copied into the database"));
    }
  }
}

/// Waits for a foreign lock as long as it takes; false if told to stop meanwhile.
bool sqlite_ledger::begin() {
  constexpr int busy = 5;  // SQLITE_BUSY
  for (;;) {
    try {
      query(*db_, "BEGIN IMMEDIATE").run();
      return true;
    } catch (const sqlite_error& e) {
      if ((e.fault.code & 0xFF) != busy) throw;
      const std::lock_guard hold(mutex_);
      if (stopping_) return false;
    }
  }
}

void sqlite_ledger::commit(std::deque<job>& jobs, const std::map<std::string, std::uint64_t>& positions,
                           std::size_t& ran) {
  if (!begin()) {
    for (auto& j : jobs) j.outcome = failure{errc::io, "Another program held the database until the host stopped."};
    ran = jobs.size();
    return;
  }
  sql_transaction tx(*db_, seals_, events_, clock_.now());
  for (auto& j : jobs) {
    if (ran == works_per_commit || events_.bytes() > event_bytes_per_commit) break;
    perform(j, tx);
    ++ran;
  }
  for (const auto& [consumer, seq] : positions) tx.store_position(consumer, seq);
  events_.write(*db_);
  query(*db_, "COMMIT").run();
}

/// Runs one piece of work in a savepoint of its own. What SQLite says of the work alone (a constraint) is its failure;
/// what it says of the disk goes up.
void sqlite_ledger::perform(job& j, sql_transaction& tx) {
  const auto mark = events_.mark();
  query(*db_, "SAVEPOINT work").run();
  try {
    j.outcome = j.work(tx);
  } catch (const sqlite_error& e) {
    if (is_fatal(e.fault)) throw;
    j.outcome = failure_of(e.fault, "The database refused");
  } catch (const broken_row& e) {
    j.outcome = failure{errc::corrupt, std::string("A stored row is damaged: ") + e.what() + "."};
  }
  if (!j.outcome) {
    events_.take_back_to(mark);
    query(*db_, "ROLLBACK TO work").run();
  }
  query(*db_, "RELEASE work").run();
}

void sqlite_ledger::give_up(failure why) {
  failed_ = why;
  on_fatal_(std::move(why));
}

}  // namespace

result<std::unique_ptr<ledger>> ledger::open(options o, const runtime::clock& clock,
                                             std::function<void(failure)> on_fatal,
                                             std::function<void(std::uint64_t)> on_commit) {
  // The key first: without it nothing is touched.
  auto seals = sealer::from_file(o.key_file);
  if (!seals) return seals.error();
  if (auto folder = prepare_folder(o.folder); !folder) return folder.error();
  auto lock = folder_lock::take(o.folder);
  if (!lock) return lock.error();
  auto db = open_database(o.folder, *seals);
  if (!db) return db.error();
  try {
    std::string epoch;
    std::uint64_t head = 0;
    {
      query q(**db, "SELECT (SELECT value FROM meta WHERE key = 'epoch'), (SELECT value FROM meta WHERE key = 'head')");
      q.step();
      epoch = q.text(0);
      head = static_cast<std::uint64_t>(q.integer(1));
    }
    sqlite_ledger::parts p{std::move(*lock), std::move(*seals), std::move(*db), database_path(o.folder), epoch, head};
    return std::unique_ptr<ledger>(
        std::make_unique<sqlite_ledger>(std::move(p), clock, std::move(on_fatal), std::move(on_commit)));
  } catch (const sqlite_error& e) {
    return failure_of(e.fault, "The database in " + o.folder + " cannot be read");
  }
}

runtime::awaitable<result<void>> ledger::write(std::function<result<void>(transaction&)> work) {
  namespace asio = boost::asio;
  auto hand_over = [this](auto handler, work_function given) {
    // Tracked: the caller's io_context must not run out of work while the answer is on its way from the other thread.
    auto executor = asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked);
    auto waiting = std::make_shared<decltype(handler)>(std::move(handler));
    enqueue(std::move(given), [waiting, executor](result<void> outcome) {
      asio::post(executor, [resume = std::move(*waiting), outcome = std::move(outcome)]() mutable {
        std::move(resume)(std::move(outcome));
      });
    });
  };
  return asio::async_initiate<const asio::use_awaitable_t<>&, void(result<void>)>(hand_over, asio::use_awaitable,
                                                                                  std::move(work));
}

result<void> ledger::write_blocking(std::function<result<void>(transaction&)> work) {
  // Shared: the ledger's thread may still be inside set_value when the caller is already gone.
  auto answer = std::make_shared<std::promise<result<void>>>();
  auto future = answer->get_future();
  enqueue(std::move(work), [answer](result<void> outcome) { answer->set_value(std::move(outcome)); });
  return future.get();
}

}  // namespace koppel::ledger
