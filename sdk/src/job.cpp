// SPDX-License-Identifier: Apache-2.0
// The awaitables: each sends its message and leaves the coroutine's handle for the runtime to resume.
#include "job_core.hpp"

#include "../messages/src/utf8.hpp"

#include <algorithm>

namespace koppel::sdk {
namespace detail {

void http_effect::await_suspend(std::coroutine_handle<> waiting) {
  messages::http out;
  out.job = core_->begin.job;
  out.effect = core_->ask(waiting);
  out.method = asked_.method;
  out.url = asked_.url;
  out.headers = asked_.headers;
  out.body = std::move(asked_.body);
  core_->send(out);
}

response http_effect::await_resume() {
  auto& got = core_->answer;
  if (!got.error.empty()) throw answer_too_large(std::move(got.detail));
  response out(got.status, std::move(got.headers), std::move(got.body));
  if (any_status_ || out.ok()) return out;
  throw http_error(asked_, std::move(out));
}

void sleep_effect::await_suspend(std::coroutine_handle<> waiting) {
  messages::sleep out;
  out.job = core_->begin.job;
  out.effect = core_->ask(waiting);
  out.milliseconds = wanted_.count();
  core_->send(out);
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto size = messages::utf8_character(text);
    if (size == 0)
      out += '?';
    else
      out += text.substr(0, size);
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return out;
}

namespace {

messages::record to_message(record of) {
  messages::record out;
  out.entity = std::move(of.entity);
  out.id = std::move(of.id);
  out.updated_at = std::move(of.updated_at);
  out.gone = of.gone;
  for (const auto& each : of.facets)
    if (!each.empty()) out.facets.push_back({each.name(), each.bytes()});
  return out;
}

std::size_t weight(const messages::record& of) {
  std::size_t bytes = 128 + of.entity.size() + of.id.size() + of.updated_at.size();
  for (const auto& each : of.facets) bytes += 64 + each.name.size() + each.fields.size();
  return bytes;
}

}  // namespace
}  // namespace detail

time_point job::now() const { return time_point(std::chrono::milliseconds(core_.now)); }
time_point job::deadline() const { return time_point(std::chrono::milliseconds(core_.begin.deadline)); }

std::optional<std::string_view> job::setting(std::string_view name) const {
  const auto at = core_.begin.settings.find(std::string(name));
  if (at == core_.begin.settings.end()) return std::nullopt;
  return at->second;
}

std::string_view job::needed_setting(std::string_view name, std::string_view why) const {
  const auto known = setting(name);
  if (known && !known->empty()) return *known;
  throw job_failure(verdict::bad_settings,
                    why.empty() ? "the setting " + std::string(name) + " is missing" : std::string(why));
}

request job::to(std::string_view method, std::string_view path) const {
  const bool whole = path.starts_with("https://");
  request out(std::string(method), whole ? std::string(path) : core_.owner.base_url(*this) + std::string(path));
  out.headers = core_.headers();
  return out;
}

void job::remember(std::string_view name, std::string_view value) {
  messages::learned out;
  out.job = core_.begin.job;
  out.name = name;
  out.value = value;
  core_.send(out);
}

std::any& job::notes() { return core_.notes; }

void job::log(std::string_view level, std::string_view text) { core_.log(level, detail::printable(text)); }

std::string_view job::stream() const { return core_.begin.stream; }
const field_table& job::fields() const { return core_.fields(); }
bool sync::full() const { return core_.begin.full; }
bool sync::resumed() const { return core_.begin.resumed; }
std::string_view sync::cursor() const { return core_.cursor; }

task<> sync::commit_rows(json_items rows, std::function<record(const json&)> map, std::string cursor) {
  auto all = page();
  all.add_rows(rows, map);
  auto work = all.commit(std::move(cursor));
  co_await work;
}

std::string_view webhook_run::address() const { return core_.begin.webhook_url; }

std::string_view webhook_run::token() const { return core_.begin.webhook_token; }

void webhook_run::registered_until(time_point end) {
  core_.outcome.registered_until =
      std::chrono::duration_cast<std::chrono::milliseconds>(end.time_since_epoch()).count();
}

void probe_run::account(std::string_view id, std::string_view name, std::string_view environment) {
  core_.outcome.account_id = id;
  core_.outcome.account_name = name;
  core_.outcome.account_environment = environment;
}

void probe_run::stream_refused(std::string_view stream) {
  auto& all = core_.outcome.streams_refused;
  if (std::find(all.begin(), all.end(), stream) == all.end()) all.emplace_back(stream);
}

void page::upsert(record of) {
  for (const auto& why : of.left_out)
    if (core_->left_out_told.insert(of.entity + ' ' + why).second)
      core_->log("warn", "a " + of.entity + " has " + why + "; the field is left out");
  records_.push_back(std::move(of));
}

void page::add_row(const json& row, const std::function<record(const json&)>& map) {
  try {
    upsert(map(row));
  } catch (const unmappable& why) {
    set_aside(why.what());
  }
}

void page::set_aside(std::string_view reason) {
  if (set_aside_++ == 0) set_aside_reason_ = detail::printable(reason);
}

task<> page::commit(std::string cursor) {
  messages::page out;
  out.job = core_->begin.job;
  out.cursor_version = core_->cursor_version();
  const std::size_t limit = core_->max_message - std::min<std::uint64_t>(core_->max_message, 4096 + cursor.size());
  std::size_t total = 0;
  for (auto& each : std::exchange(records_, {})) {
    auto next = detail::to_message(std::move(each));
    const auto size = detail::weight(next);
    if (size > limit) {
      set_aside("a record larger than one message");
      continue;
    }
    if (total + size > limit || out.records.size() >= messages::most_records) {
      // Records before the last part are committed with the cursor that was: a run cut here reads them again.
      out.effect = ++core_->last_effect;
      out.cursor = core_->sent_cursor;
      core_->uncommitted.insert(out.effect);
      core_->send(out);
      co_await detail::room_effect(*core_);
      out.records.clear();
      total = 0;
    }
    out.records.push_back(std::move(next));
    total += size;
  }
  out.set_aside = std::exchange(set_aside_, 0);
  out.set_aside_reason = std::exchange(set_aside_reason_, {});
  out.cursor = core_->sent_cursor = std::move(cursor);
  out.effect = ++core_->last_effect;
  core_->uncommitted.insert(out.effect);
  core_->send(out);
  co_await detail::room_effect(*core_);
}

}  // namespace koppel::sdk
