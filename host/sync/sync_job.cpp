// SPDX-License-Identifier: Apache-2.0

#include "host/sync/sync_job.hpp"

#include <spdlog/spdlog.h>
#include <koppel/bus/event_types.hpp>
#include <koppel/planted_bug.hpp>

#include <algorithm>
#include <utility>

#include "host/core/connection_manifest.hpp"
#include "host/core/learned.hpp"
#include "host/core/text.hpp"

namespace koppel::sync {
namespace json = boost::json;
namespace types = bus::event_types;
using ledger::transaction;
using runtime::awaitable;

namespace {

constexpr std::size_t longest_reason = 300;
constexpr std::size_t sample_of_held = 20;

messages::reply refused(std::string detail) {
  messages::reply reply;
  reply.error = messages::job_error::try_again;
  reply.detail = std::move(detail);
  return reply;
}

}  // namespace

sync_service::job::job(sync_surroundings& around, const state& known, ledger::connection c,
                       std::shared_ptr<const core::manifest> m, const core::stream_rule& r, core::deletion_limits l)
    : connection(std::move(c)),
      manifest(std::move(m)),
      addressed(core::manifest_for(manifest, connection.settings, connection.learned)),
      rule(r),
      limits(l),
      around_(around),
      known_(known) {}

awaitable<messages::reply> sync_service::job::http(messages::http request) {
  // The soft stage of a shutdown: pages that were read get committed, nothing new is asked for.
  if (known_.stopping) co_return refused("the host is shutting down");
  if (connection_is_gone()) co_return refused("the connection was removed");
  ++requests;
  auth::provider_client::context context;
  context.manifest = addressed;
  context.connection_id = connection.id;
  context.client_id = client_id;
  context.account_id = connection.pinned ? connection.pinned->id : "";
  context.deadline = deadline;
  co_return co_await around_.provider.send(std::move(context), std::move(request));
}

void set_aside_strangers(messages::page& page, const core::stream_rule& rule) {
  const auto strange = [&](const messages::record& r) {
    if (r.entity == rule.entity) return false;
    if (page.set_aside++ == 0) page.set_aside_reason = "a record of \"" + r.entity + "\" in a stream of " + rule.entity;
    return true;
  };
  std::erase_if(page.records, strange);
}

awaitable<result<>> sync_service::job::page(messages::page page) {
  set_aside_strangers(page, rule);
  if (page.set_aside > 0)
    spdlog::warn("{}/{} {}: {} rows set aside, the first because {}", connection.provider, connection.name, run.stream,
                 page.set_aside, core::escaped(page.set_aside_reason, longest_reason));
  ledger::run updated = run;
  const ledger::page_guard guard{limits, withhold};
  bool keep_cursor = confirming;
  if (planted(bug::cursor_outside_transaction) && !confirming) {
    messages::page cursor_alone = page;
    cursor_alone.records.clear();
    const auto first = [&](transaction& tx) -> result<> {
      auto outcome = tx.commit_page(run, connection, cursor_alone, manifest->mapping_version, "", false);
      if (!outcome) return outcome.error();
      return {};
    };
    auto moved = co_await around_.ledger.write(first);
    if (!moved) co_return moved;
    keep_cursor = true;
  }
  const auto work = [&](transaction& tx) -> result<> {
    updated = run;
    auto outcome =
        tx.commit_page(updated, connection, page, manifest->mapping_version, "provider_deleted", keep_cursor, guard);
    if (!outcome) return outcome.error();
    return {};
  };
  auto committed = co_await around_.ledger.write(work);
  if (!committed) co_return committed;
  progressed = progressed || updated.cursor != run.cursor;
  run = std::move(updated);
  deadline = around_.clock.now() + page_limit;
  // It may have been removed while this was committed, and nothing is to be said of it after that.
  if (!connection_is_gone()) around_.publish_live(connection, std::string(types::sync_progress), summary());
  co_return result<>{};
}

void sync_service::job::learned(messages::learned value) {
  if (core::learn(connection.learned, value.name, value.value)) {
    learned_now[value.name] = value.value;
  } else if (!std::exchange(told_of_learned_, true)) {
    spdlog::warn("{}/{} {}: the learned value \"{}\" was not kept: at most {} names, plain text", connection.provider,
                 connection.name, run.stream, core::escaped(value.name, core::longest_learned_name),
                 core::most_learned);
  }
}

awaitable<result<>> sync_service::job::begin(std::string stream_name, bool full, std::string cause) {
  const auto mode = full ? ledger::run_mode::full : ledger::run_mode::incremental;
  const auto work = [&](transaction& tx) -> result<> {
    auto begun = tx.begin_run(connection, stream_name, rule.entity, mode, cause);
    if (!begun) return begun.error();
    run = *begun;
    held_before = tx.held_deletions(connection.id, rule.entity);
    if (const auto app = tx.find_app(connection.app_id)) client_id = app->client_id;
    if (run.resumed) return {};  // it was announced when it began
    ledger::event_draft draft;
    draft.type = types::sync_started;
    draft.about = &connection;
    draft.data = summary();
    return tx.append(draft);
  };
  co_return co_await around_.ledger.write(work);
}

awaitable<result<>> sync_service::job::end(ledger::connection current) {
  const auto work = [&](transaction& tx) -> result<> {
    held_now = tx.held_deletions(run.connection_id, run.entity);
    run.complete = run.complete && held_now == 0;
    if (auto ended = tx.end_run(run); !ended) return ended;
    if (!learned_now.empty()) {
      // Learned values are merged into the row as it is now: auth may have changed the connection meanwhile.
      if (auto row = tx.find_connection(connection.id)) {
        for (const auto& [name, value] : learned_now) core::learn(row->learned, name, value);
        if (auto stored = tx.update_connection(*row); !stored) return stored;
      }
    }
    if (run.state == "interrupted") return {};
    if (run.held > 0 && held_now > 0)
      if (auto told = tell_of_held(tx, current); !told) return told;
    ledger::event_draft draft;
    draft.type = run.state == "completed" ? types::sync_completed : types::sync_failed;
    draft.about = &current;
    draft.data = summary();
    return tx.append(draft);
  };
  co_return co_await around_.ledger.write(work);
}

result<> sync_service::job::tell_of_held(transaction& tx, const ledger::connection& current) const {
  const auto of = tx.find_held(run.connection_id, run.stream);
  if (!of) return {};
  json::array sample;
  for (const auto& record : tx.held_records(run.connection_id, run.stream, sample_of_held))
    if (!record.rejected) sample.emplace_back(record.id);
  ledger::event_draft draft;
  draft.type = types::sync_held;
  draft.about = &current;
  draft.data = summary();
  draft.data["held"] = json::object{{"deletions", of->held},
                                    {"known", of->known},
                                    {"published", run.deleted},
                                    {"since", core::to_rfc3339(of->since)},
                                    {"sample", std::move(sample)}};
  return tx.append(draft);
}

messages::start sync_service::job::start_message(const core::sync_step& step) const {
  messages::start start;
  start.kind = confirming ? "refetch" : "sync";
  start.stream = run.stream;
  start.full = run.mode == ledger::run_mode::full;
  start.resumed = step.resumed;
  start.cursor = run.cursor;
  start.cursor_version = run.cursor_version;
  start.ids = step.ids;
  start.settings = core::job_settings(*manifest, connection.settings, connection.learned);
  start.deadline = deadline.time_since_epoch().count();
  return start;
}

json::object sync_service::job::summary() const {
  auto data = summary_of(run);
  data["requests"] = requests;
  return data;
}

json::object summary_of(const ledger::run& run) {
  json::object data;
  data["run_id"] = run.id;
  data["stream"] = run.stream;
  data["entity"] = run.entity;
  data["mode"] = run.mode == ledger::run_mode::full ? "full" : "incremental";
  data["complete"] = run.complete;
  data["resumed"] = run.resumed;
  data["cause"] = run.cause;
  data["counts"] = json::object{{"read", run.read},           {"upserted", run.upserted},   {"deleted", run.deleted},
                                {"unchanged", run.unchanged}, {"set_aside", run.set_aside}, {"held", run.held}};
  data["requests"] = 0;
  if (run.ended_at != core::instant{}) data["duration_ms"] = (run.ended_at - run.started_at).count();
  if (run.state == "completed") data["data_as_of"] = core::to_rfc3339(run.started_at);
  if (!run.error.empty()) data["error"] = run.error;
  return data;
}

}  // namespace koppel::sync
