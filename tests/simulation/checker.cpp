// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/checker.hpp"

#include <SQLiteCpp/SQLiteCpp.h>

#include <koppel/bus/event_types.hpp>
#include <koppel/bus/limits.hpp>

namespace koppel::simulation {
namespace json = boost::json;
namespace types = bus::event_types;

namespace {

std::string list_of(std::string_view entity) { return entity == "contact" ? "people" : "firms"; }

std::string text(const json::object& of, std::string_view key) {
  const auto* value = of.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

bool flag(const json::object& of, std::string_view key) {
  const auto* value = of.if_contains(key);
  return value && value->is_bool() && value->get_bool();
}

SQLite::Database reader_of(simulated_consumer& c) {
  mount(c.disk());
  return SQLite::Database(simulated_consumer::database_path(), SQLite::OPEN_READWRITE);
}

}  // namespace

const account* checker::account_of(const std::string& connection_id) const {
  const auto known = account_of_.find(connection_id);
  return known == account_of_.end() ? nullptr : &provider_.accounts()[known->second];
}

void checker::history(bus::event_source& events, std::uint64_t head) {
  if (after_death_ && !seen_.empty()) {
    after_death_ = false;
    const auto& last = seen_.back();
    if (head < last.seq)
      world_.violation("events up to " + std::to_string(last.seq) + " were announced, and the head is " +
                       std::to_string(head) + " after a restart");
    else if (const auto id = events.id_at(last.seq); !id || *id != last.id)
      world_.violation("event " + std::to_string(last.seq) + " is another one after a restart");
  }
  while (this->head() < head) {
    const auto batches = events.read(this->head(), bus::limits::batch_bytes);
    if (!batches || batches->empty()) return world_.violation("events that were announced cannot be read");
    for (const auto& batch : *batches)
      for (std::string_view rest = batch.bytes; !rest.empty();) {
        const auto view = bus::peek(rest);
        if (!view) return world_.violation("an event cannot be read: " + view.error().detail);
        rest.remove_prefix(view->raw.size());
        if (view->seq <= this->head()) continue;
        if (view->seq != this->head() + 1)
          world_.violation("the history has a gap before " + std::to_string(view->seq));
        look_at(bus::copy_of(*view));
      }
  }
}

void checker::look_at(const bus::event& e) {
  const std::string type(bus::short_type(e.type));
  seen_.push_back({e.seq, e.id, type, e.provider, e.connection_id, e.connection, e.subject});
  if (world_.tells()) {
    const auto data = bus::data_as_json(e);
    const auto status = data ? text(*data, "status") + " " + text(*data, "reason") : std::string();
    world_.narrate("event", std::to_string(e.seq) + " " + type + " " + e.connection + " " + e.subject + " " + status);
  }
  if (type.ends_with(".deleted")) deletion(e);
  if (type == types::sync_completed) completion(e);
}

/// A record that is said to be gone is gone.
void checker::deletion(const bus::event& e) {
  const auto* a = account_of(e.connection_id);
  if (!a) return;
  const std::string type(bus::short_type(e.type));
  const auto& list = a->lists.at(type.find("contact") != type.npos ? "people" : "firms");
  const auto found = list.find(e.subject);
  if (found != list.end() && !found->second.gone)
    world_.violation("the record " + e.subject + " is said to be deleted, and the provider has it");
}

/// A read that was interrupted in its midst did not see everything at one go, and says so.
void checker::completion(const bus::event& e) {
  const auto data = bus::data_as_json(e);
  const auto* a = account_of(e.connection_id);
  if (!data || !a) return world_.violation("sync.completed is about nothing known");
  const auto stream = e.connection_id + " " + text(*data, "entity");
  ++readings_[stream];
  if (text(*data, "mode") != "full" || !flag(*data, "complete")) return;
  ++readings_[stream + "!"];
  const auto reading = a->readings.find(list_of(text(*data, "entity")));
  if (reading == a->readings.end()) return world_.violation("a read is called complete, and the provider saw none");
  for (const auto death : deaths_)
    if (death > reading->second.began && death < reading->second.ended)
      return world_.violation("a full read of " + reading->first + " is called complete, though it was interrupted");
}

std::uint64_t checker::readings(const std::string& connection_id, const std::string& entity, bool complete) const {
  const auto known = readings_.find(connection_id + " " + entity + (complete ? "!" : ""));
  return known == readings_.end() ? 0 : known->second;
}

void checker::host_died() {
  deaths_.push_back(virtual_time::now());
  after_death_ = true;
}

void checker::runner_died() { deaths_.push_back(virtual_time::now()); }

void checker::applied_once(simulated_consumer& c) {
  auto db = reader_of(c);
  SQLite::Statement ranges(db, "SELECT first, last FROM journal ORDER BY rowid");
  std::vector<std::uint64_t> applied, expected;
  while (ranges.executeStep())
    for (auto seq = ranges.getColumn(0).getInt64(); seq <= ranges.getColumn(1).getInt64(); ++seq)
      applied.push_back(static_cast<std::uint64_t>(seq));
  for (const auto& s : seen_) {
    bus::event_view view;
    const auto type = bus::long_type(s.type);
    view.type = type;
    view.provider = s.provider;
    view.connection = s.connection;
    view.connection_id = s.connection_id;
    if (c.filter().matches(view)) expected.push_back(s.seq);
  }
  if (applied == expected) return;
  const auto [is, should] = std::mismatch(applied.begin(), applied.end(), expected.begin(), expected.end());
  world_.violation(c.name() + " applied " + std::to_string(applied.size()) + " of " + std::to_string(expected.size()) +
                   " events; the first difference: it applied " +
                   (is == applied.end() ? "no more" : std::to_string(*is)) + " where " +
                   (should == expected.end() ? "nothing" : std::to_string(*should)) + " was due");
}

void checker::equal(simulated_consumer& c, const std::string& connection_id, bool deletions) {
  auto db = reader_of(c);
  const auto* a = account_of(connection_id);
  for (const auto& [list, rows] : a->lists) {
    std::map<std::string, std::pair<std::string, std::string>> has;
    SQLite::Statement all(db, std::string("SELECT id, name, remarks FROM ") +
                                  (list == "people" ? "contact" : "company") + " WHERE connection_id = ?");
    all.bind(1, connection_id);
    while (all.executeStep())
      has[all.getColumn(0).getString()] = {all.getColumn(1).getString(), all.getColumn(2).getString()};
    for (const auto& [id, r] : rows) {
      const auto found = has.find(id);
      if (r.gone) {
        if (deletions && found != has.end())
          world_.violation(c.name() + " still has " + id + " of " + a->id + ", which is gone");
      } else if (found == has.end()) {
        world_.violation(c.name() + " lacks " + id + " of " + a->id);
      } else if (found->second != std::pair(r.name, r.note)) {
        world_.violation(c.name() + " has an old " + id + " of " + a->id + ": " + found->second.second + ", not " +
                         r.note);
      }
    }
    for (const auto& [id, values] : has)
      if (!rows.contains(id)) world_.violation(c.name() + " has " + id + ", which never was");
  }
}

void checker::status_is_true(simulated_consumer& c, const std::string& connection_id, core::auth_status stored) {
  const bool works = account_of(connection_id)->alive;
  const bool says_so = stored == core::auth_status::authorized;
  if (works != says_so)
    world_.violation("the status of " + connection_id + " is " + std::string(to_string(stored)) + ", and the grant " +
                     (works ? "works" : "is dead"));
  auto db = reader_of(c);
  SQLite::Statement q(db, "SELECT status FROM connection WHERE connection_id = ?");
  q.bind(1, connection_id);
  const auto shown = q.executeStep() ? q.getColumn(0).getString() : std::string();
  if (shown != to_string(stored))
    world_.violation(c.name() + " shows " + connection_id + " as \"" + shown + "\", the host as " +
                     std::string(to_string(stored)));
}

}  // namespace koppel::simulation
