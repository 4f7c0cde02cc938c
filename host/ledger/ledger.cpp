// SPDX-License-Identifier: Apache-2.0
// The ledger's thread: it makes a commit of whatever is queued (committer.hpp). It is the only thread that writes or
// checkpoints.

#include "host/ledger/ledger.hpp"

#include <pthread.h>
#include <spdlog/spdlog.h>

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

#include "host/ledger/committer.hpp"
#include "host/ledger/event_source.hpp"
#include "host/ledger/folder.hpp"
#include "host/ledger/schema.hpp"

namespace koppel::ledger {
namespace {

using work_function = std::function<result<void>(transaction&)>;
using done_function = std::function<void(result<void>)>;

class sqlite_ledger final : public ledger {
 public:
  sqlite_ledger(folder_lock lock, std::unique_ptr<high_water_file> mark, options o, std::unique_ptr<database> db,
                sealer seals, const runtime::clock& clock, std::function<void(failure)> on_fatal,
                std::function<void(std::uint64_t)> on_commit);
  ~sqlite_ledger() override;

  const std::string& epoch() const override { return committer_.epoch(); }
  std::unique_ptr<bus::event_source> make_event_source() override;
  disk_space space() const override;
  std::uint64_t recovered_pages() const override { return committer_.recovered_pages(); }

 protected:
  void enqueue(work_function work, urgency how, done_function done) override;

 private:
  void run();
  bool wait_for_work(std::deque<job>& jobs, consumer_positions& positions);
  void put_back(std::deque<job>& jobs);
  bool stopping();
  void remember(const disk_space& space);
  std::uint64_t free() const { return options_.free_bytes ? options_.free_bytes() : free_bytes(options_.folder); }

  // Constant after construction. The lock goes last: the database is closed while the folder is still ours.
  folder_lock lock_;
  const std::unique_ptr<high_water_file> mark_;
  const options options_;

  committer committer_;  ///< the ledger's thread only, but for what is constant in it

  // Guarded by mutex_.
  mutable std::mutex mutex_;
  std::condition_variable queued_;
  std::deque<job> jobs_;
  consumer_positions positions_;
  disk_space space_;
  bool stopping_ = false;

  std::thread thread_;
};

sqlite_ledger::sqlite_ledger(folder_lock lock, std::unique_ptr<high_water_file> mark, options o,
                             std::unique_ptr<database> db, sealer seals, const runtime::clock& clock,
                             std::function<void(failure)> on_fatal, std::function<void(std::uint64_t)> on_commit)
    : lock_(std::move(lock)),
      mark_(std::move(mark)),
      options_(std::move(o)),
      committer_(std::move(db), std::move(seals), clock,
                 {.on_fatal = std::move(on_fatal),
                  .on_commit = std::move(on_commit),
                  .on_durable = [this](const high_water& now) { mark_->write(now); },
                  .stop_waiting = [this] { return stopping(); },
                  .free_bytes = [this] { return free(); },
                  .on_space = [this](const disk_space& space) { remember(space); }},
                 {.on_disk = options_.keep_free}),
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
  const auto path = database_path(options_.folder);
  return std::make_unique<stored_events>(path, epoch(), [this](const std::string& consumer, std::uint64_t seq) {
    {
      const std::lock_guard hold(mutex_);
      auto& position = positions_[consumer];
      position = std::max(position, seq);
    }
    queued_.notify_one();
  });
}

void sqlite_ledger::enqueue(work_function work, urgency how, done_function done) {
  {
    const std::lock_guard hold(mutex_);
    jobs_.push_back({std::move(work), std::move(done), how});
  }
  queued_.notify_one();
}

void sqlite_ledger::remember(const disk_space& space) {
  {
    const std::lock_guard hold(mutex_);
    space_ = space;
  }
  options_.on_space(space);
}

disk_space sqlite_ledger::space() const {
  auto out = [this] {
    const std::lock_guard hold(mutex_);
    return space_;
  }();
  out.free_bytes = free();
  out.kept_bytes = options_.keep_free;
  return out;
}

/// False when all is done and nothing more will come.
bool sqlite_ledger::wait_for_work(std::deque<job>& jobs, consumer_positions& positions) {
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

bool sqlite_ledger::stopping() {
  const std::lock_guard hold(mutex_);
  return stopping_;
}

void sqlite_ledger::run() {
  for (;;) {
    std::deque<job> jobs;
    consumer_positions positions;
    if (!wait_for_work(jobs, positions)) return;
    committer_.commit(jobs, positions);
    put_back(jobs);
  }
}

void notice_restored(database& db, high_water_file& mark, bool said, core::instant now) {
  const auto before = mark.read();
  const auto found = high_water_of(db);
  const bool noticed = before && is_older(found, *before);
  if (said || noticed) {
    const auto how = noticed ? fmt::format(" ({} events and {} stored grants, where there were {} and {})", found.head,
                                           found.grants, before->head, before->grants)
                             : "";
    spdlog::warn(
        "the database is an older copy{}: each token is tried before it is renewed, links that were not used are "
        "void, consumers that are ahead of it begin again",
        how);
    take_as_restored(db, now);
  }
  mark.write(high_water_of(db));
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
    auto mark = std::make_unique<high_water_file>(o.folder);
    notice_restored(**db, *mark, o.restored, clock.now());
    return std::unique_ptr<ledger>(std::make_unique<sqlite_ledger>(std::move(*lock), std::move(mark), o, std::move(*db),
                                                                   std::move(*seals), clock, std::move(on_fatal),
                                                                   std::move(on_commit)));
  } catch (const sqlite_error& e) {
    return failure_of(e.fault, "The database in " + o.folder + " cannot be read");
  }
}

runtime::awaitable<result<void>> ledger::write(std::function<result<void>(transaction&)> work, urgency how) {
  namespace asio = boost::asio;
  auto hand_over = [this, how](auto handler, work_function given) {
    // Tracked: the caller's io_context must not run out of work while the answer is on its way from the other thread.
    auto executor = asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked);
    auto waiting = std::make_shared<decltype(handler)>(std::move(handler));
    enqueue(std::move(given), how, [waiting, executor](result<void> outcome) {
      asio::post(executor, [resume = std::move(*waiting), outcome = std::move(outcome)]() mutable {
        std::move(resume)(std::move(outcome));
      });
    });
  };
  return asio::async_initiate<const asio::use_awaitable_t<>&, void(result<void>)>(hand_over, asio::use_awaitable,
                                                                                  std::move(work));
}

result<void> ledger::write_blocking(std::function<result<void>(transaction&)> work, urgency how) {
  // Shared: the ledger's thread may still be inside set_value when the caller is already gone.
  auto answer = std::make_shared<std::promise<result<void>>>();
  auto future = answer->get_future();
  enqueue(std::move(work), how, [answer](result<void> outcome) { answer->set_value(std::move(outcome)); });
  return future.get();
}

}  // namespace koppel::ledger
