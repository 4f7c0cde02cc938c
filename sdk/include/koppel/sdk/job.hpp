// SPDX-License-Identifier: Apache-2.0
// What a connector's coroutines are given: a job to ask effects of. One job never runs twice at a time; everything here
// belongs to its coroutine and is gone when the coroutine ends or is unwound.
#pragma once

#include <koppel/sdk/http.hpp>
#include <koppel/sdk/record.hpp>
#include <koppel/sdk/task.hpp>
#include <koppel/sdk/time.hpp>

#include <any>
#include <coroutine>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace koppel::sdk {

class field_table;

namespace detail {
struct job_core;

/// Awaiting one asks the host and resumes with the answer. If the host says that the effect failed (no network,
/// shutting down), the job ends with the host's reason and the coroutine is unwound instead.
class effect {
 public:
  bool await_ready() const noexcept { return false; }

 protected:
  explicit effect(job_core& core) : core_(&core) {}
  job_core* core_;
};

class http_effect : public effect {
 public:
  http_effect(job_core& core, request asked, bool any_status)
      : effect(core), asked_(std::move(asked)), any_status_(any_status) {}
  void await_suspend(std::coroutine_handle<> waiting);
  response await_resume();

 private:
  request asked_;
  bool any_status_;
};

class sleep_effect : public effect {
 public:
  sleep_effect(job_core& core, std::chrono::milliseconds wanted) : effect(core), wanted_(wanted) {}
  void await_suspend(std::coroutine_handle<> waiting);
  void await_resume() const noexcept {}

 private:
  std::chrono::milliseconds wanted_;
};

}  // namespace detail

class job {
 public:
  explicit job(detail::job_core& core) : core_(core) {}
  job(const job&) = delete;
  job& operator=(const job&) = delete;

  std::string_view stream() const;  ///< its name in the manifest; empty in a probe
  /// The stream's field table, [stream.fields] of the manifest (connector::fields_in_manifest).
  const field_table& fields() const;
  time_point now() const;       ///< of the host's last message: the only clock
  time_point deadline() const;  ///< after it the host cancels
  /// A setting of the connection, or what an earlier job remembered about it.
  std::optional<std::string_view> setting(std::string_view name) const;
  /// One without which nothing can be asked. Throws job_failure (bad_settings) where it is missing or empty; `why` says
  /// so to operators who do not know it by its name.
  std::string_view needed_setting(std::string_view name, std::string_view why = {}) const;

  /// Requests to the connector's API: `path` is added to its base URL, unless it is a whole https URL itself.
  request get(std::string_view path) const { return to("GET", path); }
  request post(std::string_view path) const { return to("POST", path); }
  request to(std::string_view method, std::string_view path) const;

  /// co_await gives the response; throws http_error unless it is 2xx.
  detail::http_effect http(request asked) { return {core_, std::move(asked), false}; }
  /// co_await gives the response, whatever its status.
  detail::http_effect http_any(request asked) { return {core_, std::move(asked), true}; }
  detail::sleep_effect sleep(std::chrono::milliseconds wanted) { return {core_, wanted}; }

  /// Remembers something about the connection (an API domain, a division); later jobs find it among their settings.
  void remember(std::string_view name, std::string_view value);
  /// A place for what this job found out and needs again, a list of countries say: empty when the job begins, and gone
  /// with it. A refetch of many ids is one job.
  std::any& notes();
  /// "debug", "info", "warn" or "error". No personal data.
  void log(std::string_view level, std::string_view text);

 protected:
  detail::job_core& core_;
};

/// What is about the job's stream in a connector's table of its streams; rows have a member `stream`.
template <class Row, std::size_t Count>
const Row& row_of(const Row (&table)[Count], const job& run) {
  for (const auto& row : table)
    if (row.stream == run.stream()) return row;
  throw job_failure(verdict::bug, "the connector's table of streams has no " + std::string(run.stream()));
}

/// Records and the cursor after them: committed together or not at all.
class page {
 public:
  void upsert(record of);
  /// Maps a row with `map` and upserts it; a row that throws `unmappable` is set aside.
  void add_row(const json& row, const std::function<record(const json&)>& map);
  void add_rows(const json_items& rows, const std::function<record(const json&)>& map) {
    for (const auto& row : rows) add_row(row, map);
  }
  void set_aside(std::string_view reason);

  std::size_t size() const { return records_.size(); }

  /// Hands everything over; the page is empty afterwards. Returns while the host still commits, but suspends as long as
  /// two pages are on their way. What does not fit one message is sent as several, of which the last brings the cursor.
  task<> commit(std::string cursor);

 private:
  friend class sync;
  friend struct detail::job_core;
  explicit page(detail::job_core& core) : core_(&core) {}

  detail::job_core* core_;
  std::vector<record> records_;
  std::uint64_t set_aside_ = 0;
  std::string set_aside_reason_;
};

/// Reads a stream. `full`: everything, because the host wants to know what is no longer there. `resumed`: an
/// interrupted run goes on at `cursor`; otherwise the cursor is where the last run ended, to be taken with some
/// overlap.
class sync : public job {
 public:
  using job::job;
  bool full() const;
  bool resumed() const;
  /// Bytes this connector wrote; empty: from the beginning. A cursor of another version goes through
  /// connector::migrate_cursor first.
  std::string_view cursor() const;
  sdk::page page() { return sdk::page(core_); }
  /// A page of these rows, added with `map`, and the cursor after them.
  task<> commit_rows(json_items rows, std::function<record(const json&)> map, std::string cursor);
};

/// Finds out whose account this is and which streams may be read.
class probe_run : public job {
 public:
  using job::job;
  void account(std::string_view id, std::string_view name, std::string_view environment = "");
  /// Once or more often.
  void stream_refused(std::string_view stream);
};

/// Has the provider post what happens to the connection's webhook address, or stop doing so. Address and token are
/// texts that stand for the true ones: the host puts those in on the way out, in a request's body or in a header's
/// value, and takes them out of the answer.
class webhook_run : public job {
 public:
  using job::job;
  std::string_view address() const;
  /// What each webhook is to bear, where the provider lets one choose; at most 43 characters.
  std::string_view token() const;
  /// When what was registered ends. The host renews it in half the time.
  void registered_until(time_point end);
};

}  // namespace koppel::sdk
