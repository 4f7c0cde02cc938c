// SPDX-License-Identifier: Apache-2.0
// Which plugins there are: the folder at the start, and what a rescan makes of it later.

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "host/plugins/errors.hpp"
#include "host/plugins/plugin_host_impl.hpp"

namespace koppel::plugins {

using runtime::awaitable;
namespace this_coro = runtime::asio::this_coro;

namespace {

runtime::steady_time steady_now() { return runtime::steady_clock::now(); }

/// After the reason why a new file cannot be used.
constexpr std::string_view keeps_going = "; what ran before goes on until its process ends";

std::string base_of(const std::string& file) { return file.substr(file.rfind('/') + 1); }

}  // namespace

result<> plugin_host::impl::start() {
  auto found = read_folder(options_.folder, options_.limits);
  if (!found) return found.error();
  supervisor_.run("spawner", children_.serve());
  for (candidate& c : *found) plugins_.push_back(begin(std::move(c)));
  return {};
}

/// Every start has a deadline, so this has one too; the bound here is for the sum of what may be tried.
std::chrono::milliseconds plugin_host::impl::start_limit() const {
  return 4 * options_.start_deadline + std::chrono::seconds{10};
}

awaitable<void> plugin_host::impl::settled() {
  const auto limit = steady_now() + start_limit();
  const auto all_settled = [this] {
    return std::all_of(plugins_.begin(), plugins_.end(), [](const auto& p) { return p->settled; });
  };
  bool go_on = true;
  while (go_on && !all_settled() && steady_now() < limit) go_on = co_await changed_.wait_or_stop(limit);
}

plugin_host::impl::kept plugin_host::impl::begin(candidate c) {
  auto p = std::make_shared<kept_plugin>(options_.lifecycle);
  p->what = std::move(c);
  p->logger = spdlog::default_logger()->clone("plugin/" + p->what.name);
  if (p->what.manifest) {
    living_.push_back(p);
    supervisor_.run("plugin " + p->what.name, keep(p));
  } else {
    p->reason = p->what.reason;
    p->life.refused();
    settle(*p);
    notify(*p, plugin_notice::kind::failed, p->reason);
  }
  return p;
}

// ---- a rescan

std::string_view to_string(plugin_change::kind what) {
  switch (what) {
    case plugin_change::kind::loaded:
      return "loaded";
    case plugin_change::kind::replaced:
      return "replaced";
    case plugin_change::kind::unchanged:
      return "unchanged";
    case plugin_change::kind::removed:
      return "removed";
    case plugin_change::kind::failed:
      return "failed";
  }
  return "unknown";
}

awaitable<result<std::vector<plugin_change>>> plugin_host::impl::rescan() {
  if (stopping_ || !rescan_.expired())
    co_return fail(errc::busy, stopping_ ? "the host is stopping" : "a rescan is under way; ask again in a moment");
  const std::shared_ptr<void> token = std::make_shared<char>();
  rescan_ = token;
  // Who asked may go away; what was begun is brought to an order all the same.
  const bool throwing = co_await this_coro::throw_if_cancelled();
  co_await this_coro::throw_if_cancelled(false);
  auto found = read_folder(options_.folder, options_.limits);
  std::vector<plugin_change> changes;
  if (found) {
    auto moves = begin_moves(std::move(*found));
    const auto settled = [](const move& m) { return !m.fresh || m.fresh->settled; };
    const auto limit = steady_now() + start_limit();
    bool go_on = true;
    while (go_on && !stopping_ && steady_now() < limit && !std::all_of(moves.begin(), moves.end(), settled)) {
      go_on = co_await changed_.wait_or_stop(limit);
      settle_moves(moves, false);
    }
    settle_moves(moves, true);
    const auto has_ended = [this](const move& m) {
      return !m.old || !m.old->leaving || std::find(living_.begin(), living_.end(), m.old) == living_.end();
    };
    const auto last = steady_now() + 5 * grace;
    while (go_on && !stopping_ && steady_now() < last && !std::all_of(moves.begin(), moves.end(), has_ended))
      go_on = co_await changed_.wait_or_stop(last);
    for (const move& m : moves) changes.push_back(outcome_of(m));
  }
  co_await this_coro::throw_if_cancelled(throwing);
  if (!found) co_return found.error();
  co_return changes;
}

std::vector<plugin_host::impl::move> plugin_host::impl::begin_moves(std::vector<candidate> found) {
  using kind = folder_change::kind;
  std::vector<known_plugin> known;
  for (const auto& p : plugins_) known.push_back({p->what, p->alive()});
  const auto changes = compare(known, found);
  const std::vector<kept> before = plugins_;
  std::vector<move> moves;
  for (const auto& change : changes) {
    move m{change.what, nullptr, change.known ? before[*change.known] : nullptr};
    m.old_was_alive = m.old && m.old->alive();
    if (m.what == kind::begin || m.what == kind::refuse) m.fresh = begin(std::move(found[*change.found]));
    if (m.what == kind::keep) {
      m.refusal = found[*change.found].reason;
      m.old->reason = m.refusal;
      notify(*m.old, plugin_notice::kind::failed, m.refusal + std::string(keeps_going));
    }
    moves.push_back(std::move(m));
  }
  settle_moves(moves, false);
  return moves;
}

/// What is new takes the place of what was: at once where that is not alive, else as soon as the new one runs.
/// `at_last` nothing is waited for any more: what has not come to run by then has failed.
void plugin_host::impl::settle_moves(std::vector<move>& moves, bool at_last) {
  using kind = folder_change::kind;
  for (move& m : moves) {
    if (m.made || m.what == kind::unchanged || m.what == kind::keep) continue;
    const bool runs = m.fresh && m.fresh->settled && m.fresh->life.now() == core::plugin_lifecycle::state::running;
    if (m.what == kind::begin && m.old_was_alive && !runs) {
      if (!at_last && !m.fresh->settled) continue;
      m.refusal = m.fresh->reason.empty() ? base_of(m.fresh->what.file) + " did not come to run" : m.fresh->reason;
      m.old->reason = m.refusal;
      leave(*m.fresh);
    } else {
      if (m.old) {
        leave(*m.old);
        std::erase(plugins_, m.old);
      }
      if (m.fresh) plugins_.push_back(m.fresh);
    }
    m.made = true;
  }
  std::sort(plugins_.begin(), plugins_.end(), [](const kept& a, const kept& b) { return a->what.file < b->what.file; });
}

plugin_change plugin_host::impl::outcome_of(const move& m) const {
  using change = plugin_change::kind;
  const kept_plugin& shown = m.fresh ? *m.fresh : *m.old;
  plugin_change c;
  c.name = shown.what.name;
  c.file = shown.what.file;
  if (shown.what.manifest) c.version = shown.what.manifest->version;
  switch (m.what) {
    case folder_change::kind::unchanged:
      break;
    case folder_change::kind::end:
      c.what = change::removed;
      break;
    case folder_change::kind::keep:
    case folder_change::kind::refuse:
      c.what = change::failed;
      break;
    case folder_change::kind::begin:
      c.what = m.fresh->life.now() != core::plugin_lifecycle::state::running ? change::failed
               : m.old_was_alive                                             ? change::replaced
                                                                             : change::loaded;
      break;
  }
  if (c.what == change::failed) c.reason = m.refusal.empty() ? shown.reason : m.refusal + std::string(keeps_going);
  return c;
}

void plugin_host::impl::leave(kept_plugin& p) {
  p.leaving = true;
  p.changed.notify_all();
  if (!p.runner) return;
  p.runner->wake_jobs();
  p.runner->changed().notify_all();
}

// ---- who is there

plugin_host::impl::kept plugin_host::impl::of(const std::string& provider) const {
  for (const auto& p : plugins_)
    if (p->what.manifest && p->what.name == provider) return p;
  return nullptr;
}

std::shared_ptr<const core::manifest> plugin_host::impl::find(const std::string& provider) const {
  for (const auto& p : plugins_)
    if (p->usable() && p->what.name == provider) return p->what.manifest;
  return nullptr;
}

std::vector<std::shared_ptr<const core::manifest>> plugin_host::impl::manifests() const {
  std::vector<std::shared_ptr<const core::manifest>> all;
  for (const auto& p : plugins_)
    if (p->usable()) all.push_back(p->what.manifest);
  return all;
}

std::vector<plugin_status> plugin_host::impl::statuses() const {
  std::vector<plugin_status> all;
  for (const auto& p : plugins_) {
    plugin_status status;
    status.name = p->what.name;
    status.file = p->what.file;
    if (p->what.manifest) status.version = p->what.manifest->version;
    status.state = to_string(p->life.now());
    status.reason = p->reason;
    status.crashes = p->life.crashes();
    if (p->runner && !p->runner->status()) status.runner_pids.push_back(p->runner->pid());
    if (p->runner) status.jobs = p->runner->jobs();
    all.push_back(std::move(status));
  }
  return all;
}

}  // namespace koppel::plugins
