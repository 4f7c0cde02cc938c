// SPDX-License-Identifier: Apache-2.0
// One plugin instance: takes the host's messages, runs a coroutine for each job, and says how each ended.
// It is called by one thread at a time and calls nothing but the host's `send`.
#include <koppel/sdk/plugin.hpp>

#include "job_core.hpp"

#include <algorithm>
#include <set>

namespace koppel::sdk {

void connector::manifest(std::string_view text) {
  if (!kinds_) return;
  if (text.empty()) throw std::runtime_error("this host does not tell its plugins their manifest");
  for (auto& each : read_field_tables(text, *kinds_)) fields_.insert_or_assign(each.stream, std::move(each.fields));
  for (const auto& [name, stream] : streams_) {
    const auto at = fields_.find(name);
    if (at == fields_.end())
      throw std::runtime_error("its manifest is wrong: the stream \"" + name + "\" has no table [stream.fields]");
    if (at->second.entity() != stream.entity)
      throw std::runtime_error("its manifest is wrong: the stream \"" + name + "\" is of " + at->second.entity() +
                               ", and the connector reads " + stream.entity);
  }
}

std::optional<std::string> connector::migrate_cursor(std::uint32_t, std::string_view) const { return std::nullopt; }

/// Friend of `connector`, which keeps its streams to itself.
class detail_runtime {
 public:
  detail_runtime(const koppel_host* host, detail::connector_factory make) : host_(host), connector_(make()) {}

  void receive(std::string_view bytes);
  void send(const messages::message& of) const {
    const auto bytes = messages::encode(of);
    host_->send(host_->context, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  }

 private:
  using jobs = std::map<std::uint64_t, std::unique_ptr<detail::job_core>>;

  void on(messages::hello& greeting);
  void on(messages::start& begin);
  void on(messages::reply& answer);
  void on(messages::cancel& stop);
  template <class Other>
  void on(Other&) {}  // what a plugin says itself: not for us

  task<> body_of(detail::job_core& core);
  static task<> refetch(detail::job_core& core);
  static task<std::set<std::string>> read_some(detail::job_core& core, std::vector<std::string> ids, page& into);
  static task<> refuse(verdict what, std::string detail);
  void choose_cursor(detail::job_core& core) const;
  void settle(jobs::iterator at);
  void end(jobs::iterator at, messages::done outcome);

  const koppel_host* host_;
  std::unique_ptr<connector> connector_;
  std::uint64_t max_message_ = messages::max_from_plugin;
  jobs jobs_;  // last: their coroutines refer to the connector
};

void detail_runtime::receive(std::string_view bytes) {
  auto got = messages::decode(bytes);
  if (got.what == messages::decoded::verdict::unknown) return;
  if (got.what == messages::decoded::verdict::malformed) {
    messages::log complaint;
    complaint.level = "error";
    complaint.text = "a message from the host is malformed: " + got.reason;
    return send(complaint);
  }
  std::visit([this](auto& of) { on(of); }, got.value);
}

void detail_runtime::on(messages::hello& greeting) {
  max_message_ = std::min<std::uint64_t>(greeting.max_message, messages::max_from_plugin);
  messages::unusable why{"manifest", {}};
  try {
    connector_->manifest(greeting.manifest);
  } catch (const std::exception& wrong) {
    why.reason = detail::printable(wrong.what());
    return send(why);
  }
  messages::ready here;
  here.abi_version = KOPPEL_ABI_VERSION;
  here.sdk_version = KOPPEL_SDK_VERSION;
  send(here);
}

void detail_runtime::on(messages::start& begin) {
  if (jobs_.contains(begin.job)) return;
  const auto send_out = [this](const messages::message& of) { send(of); };
  auto core =
      std::unique_ptr<detail::job_core>(new detail::job_core{*connector_, std::move(begin), send_out, max_message_});
  core->now = core->begin.now;
  core->outcome.job = core->begin.job;
  const auto at = jobs_.emplace(core->begin.job, std::move(core)).first;
  auto& begun = *at->second;
  try {
    choose_cursor(begun);
    begun.root = body_of(begun);
  } catch (const std::exception& why) {  // of a connector's function that is no coroutine
    begun.root = refuse(verdict::bug, why.what());
  }
  begun.root.start();
  settle(at);
}

void detail_runtime::choose_cursor(detail::job_core& core) const {
  const auto& begin = core.begin;
  if (begin.cursor.empty() || begin.cursor_version == connector_->cursor_version_)
    core.cursor = begin.cursor;
  else
    core.cursor = connector_->migrate_cursor(begin.cursor_version, begin.cursor).value_or("");
  core.sent_cursor = core.cursor;
}

static const std::function<task<>(webhook_run&)> no_webhooks;

task<> detail_runtime::body_of(detail::job_core& core) {
  const auto& kind = core.begin.kind;
  if (kind == "probe") {
    auto run = std::make_unique<probe_run>(core);
    auto& given = *run;
    core.face = std::move(run);
    return connector_->probe(given);
  }
  const auto& about_webhooks = kind == "register_webhooks" ? connector_->register_webhooks_
                               : kind == "remove_webhooks" ? connector_->remove_webhooks_
                                                           : no_webhooks;
  if (about_webhooks) {
    auto run = std::make_unique<webhook_run>(core);
    auto& given = *run;
    core.face = std::move(run);
    return about_webhooks(given);
  }
  const auto* stream = core.stream();
  if (kind == "sync" && stream) {
    auto run = std::make_unique<sync>(core);
    auto& given = *run;
    core.face = std::move(run);
    return stream->read(given);
  }
  if (kind == "refetch" && stream) {
    core.face = std::make_unique<job>(core);
    return refetch(core);
  }
  if (kind == "sync" || kind == "refetch")
    return refuse(verdict::permanent, "this plugin has no stream '" + core.begin.stream + "'");
  return refuse(verdict::permanent, "this plugin knows no job of kind '" + kind + "'");
}

task<> detail_runtime::refuse(verdict what, std::string detail) {
  throw job_failure(what, std::move(detail));
  co_return;
}

// In pages of a few, so that a long list of ids that is cut off was not read in vain.
task<> detail_runtime::refetch(detail::job_core& core) {
  constexpr std::size_t page_size = 20;
  const auto& stream = *core.stream();
  const auto& ids = core.begin.ids;
  auto page = core.new_page();
  std::size_t next = 0;  // of the ids that no list was asked for yet
  std::set<std::string> listed;
  for (std::size_t at = 0; at < ids.size(); ++at) {
    if (at == next) {
      next = std::min(ids.size(), at + stream.at_once);
      std::vector<std::string> some(ids.begin() + static_cast<std::ptrdiff_t>(at),
                                    ids.begin() + static_cast<std::ptrdiff_t>(next));
      auto reading = read_some(core, std::move(some), page);
      listed = co_await reading;
    }
    if (!listed.contains(ids[at])) {
      auto reading = stream.one(*core.face, ids[at]);
      std::string unreadable;
      try {
        auto found = co_await reading;
        page.upsert(std::move(found));
      } catch (const unmappable& why) {
        unreadable = why.what();
      }
      if (!unreadable.empty()) page.set_aside(unreadable);
    }
    if (page.size() >= page_size) co_await page.commit(core.sent_cursor);
  }
  co_await page.commit(core.sent_cursor);
}

/// Into the page; returns which of them came. A single one is not worth a list.
task<std::set<std::string>> detail_runtime::read_some(detail::job_core& core, std::vector<std::string> ids,
                                                      page& into) {
  std::set<std::string> came;
  if (ids.size() < 2) co_return came;
  auto reading = core.stream()->some(*core.face, ids);
  auto found = co_await reading;
  for (auto& each : found) {
    const bool asked_for = std::find(ids.begin(), ids.end(), each.id) != ids.end();
    if (asked_for && came.insert(each.id).second) into.upsert(std::move(each));
  }
  co_return came;
}

void detail_runtime::on(messages::reply& answer) {
  const auto at = jobs_.find(answer.job);
  if (at == jobs_.end()) return;
  auto& core = *at->second;
  const bool awaited = core.waiting && core.waiting_for == answer.effect && answer.effect != core.room_for_a_page;
  if (!awaited && !core.uncommitted.contains(answer.effect)) return;  // answered before, or never asked
  core.now = answer.now;

  // An answer that is too large is the connector's to hear of: it may ask for less. Every other failure is the job's
  // end.
  const bool may_go_on = awaited && answer.error == messages::job_error::too_large;
  if (!answer.error.empty() && !may_go_on) {
    messages::done failed;
    failed.error = answer.error;
    failed.detail = answer.detail;
    failed.http_status = answer.status;
    return end(at, std::move(failed));
  }
  core.uncommitted.erase(answer.effect);
  const bool room = core.waiting_for == core.room_for_a_page && core.uncommitted.size() < core.page_window;
  if (core.waiting && (awaited || room)) {
    core.answer = std::move(answer);
    std::exchange(core.waiting, {}).resume();
  }
  settle(at);
}

void detail_runtime::on(messages::cancel& stop) {
  const auto at = jobs_.find(stop.job);
  if (at == jobs_.end()) return;
  messages::done stopped;
  stopped.error = messages::job_error::cancelled;
  end(at, std::move(stopped));
}

// A job has ended when its coroutine has, and when every page it sent was answered.
void detail_runtime::settle(jobs::iterator at) {
  auto& core = *at->second;
  if (!core.root.done() || !core.uncommitted.empty()) return;
  auto outcome = core.outcome;
  try {
    core.root.take();
    if (core.begin.kind == "probe" && outcome.account_id.empty())
      throw job_failure(verdict::bug, "the probe ended without an account");
  } catch (const job_failure& why) {
    outcome.error = to_text(why.reason());
    outcome.detail = why.what();
    outcome.http_status = why.http_status;
    outcome.retry_after = why.retry_after.count();
  } catch (const std::exception& why) {
    outcome.error = messages::job_error::bug;
    outcome.detail = why.what();
  } catch (...) {
    outcome.error = messages::job_error::bug;
    outcome.detail = "something was thrown that is no exception";
  }
  end(at, std::move(outcome));
}

void detail_runtime::end(jobs::iterator at, messages::done outcome) {
  outcome.job = at->first;
  outcome.detail = detail::printable(outcome.detail);
  jobs_.erase(at);  // unwinds the coroutine, if it has not ended: before the last word, so that nothing comes after it
  send(outcome);
}

namespace detail {

void* create_instance(const koppel_host* host, connector_factory make) noexcept {
  try {
    return new detail_runtime(host, make);
  } catch (const std::exception& why) {
    messages::log said;
    said.level = "error";
    said.text = "the connector could not be made: " + printable(why.what());
    const auto bytes = messages::encode(said);
    host->send(host->context, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  } catch (...) {
  }
  return nullptr;
}

// What gets here is no connector's fault: jobs keep their own exceptions. Out of memory, most likely; dying is honest.
void receive_message(void* self, const std::uint8_t* bytes, std::uint64_t size) noexcept {
  static_cast<detail_runtime*>(self)->receive({reinterpret_cast<const char*>(bytes), size});
}

void destroy_instance(void* self) noexcept { delete static_cast<detail_runtime*>(self); }

}  // namespace detail
}  // namespace koppel::sdk
