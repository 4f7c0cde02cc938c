// SPDX-License-Identifier: Apache-2.0
// koppelctl sync run, sync list. A run asked for is watched through the list of runs until every stream has ended.

#include <algorithm>
#include <map>
#include <optional>
#include <ostream>
#include <set>
#include <thread>

#include "tools/koppelctl/commands.hpp"
#include "tools/koppelctl/json_read.hpp"
#include "tools/koppelctl/table.hpp"
#include "tools/koppelctl/text.hpp"

namespace koppel::koppelctl {
namespace {

using clock = std::chrono::steady_clock;
/// A stream that is neither queued nor running nor ended for so long will not begin any more.
constexpr std::chrono::seconds patience{60};
constexpr std::size_t looked_at = 100;

std::string syncs_of(const full_name& name, std::size_t limit) {
  return "/v1/syncs?provider=" + name.provider + "&connection=" + name.name + "&limit=" + std::to_string(limit);
}

bool has_ended(const json::object& run) {
  const auto state = text_of(run, "state");
  return state != "running" && state != "releasing";
}

/// One ending of a run: an interrupted run goes on under its id, and ends again.
std::string ending_of(const json::object& run) { return text_of(run, "id") + "@" + text_of(run, "ended_at"); }

void print_runs(terminal& t, const json::array& runs, const json::array& queued) {
  table shown({{"STARTED (UTC)"},
               {"CONNECTION"},
               {"STREAM"},
               {"MODE"},
               {"CAUSE"},
               {"STATE"},
               {"READ", true},
               {"UPSERTED", true},
               {"DELETED", true},
               {"UNCHANGED", true},
               {"SET ASIDE", true},
               {"HELD", true},
               {"ERROR"}});
  const auto name = [](const json::object& o) { return text_of(o, "provider") + "/" + text_of(o, "connection"); };
  each_object(queued, [&](const json::object& q) {
    shown.add({"-", name(q), text_of(q, "stream"), "", "", {"queued", shade_of("queued")}});
  });
  each_object(runs, [&](const json::object& r) {
    const auto state = text_of(r, "state");
    // A full read that did not see everything concludes nothing about what is gone.
    const auto mode = text_of(r, "mode") + (flag_of(r, "resumed") ? ", resumed" : "");
    shown.add({short_time(text_of(r, "started_at")),
               name(r),
               text_of(r, "stream"),
               mode,
               text_of(r, "cause"),
               {state, shade_of(state)},
               grouped(number_of(r, "read")),
               grouped(number_of(r, "upserted")),
               grouped(number_of(r, "deleted")),
               grouped(number_of(r, "unchanged")),
               grouped(number_of(r, "set_aside")),
               grouped(number_of(r, "held")),
               {text_of(r, "error"), colour::bad}});
  });
  if (shown.empty())
    t.out << "No syncs yet. Run one: koppelctl sync run teamleader/acme\n";
  else
    shown.print(t.out, t.colours);
}

/// A run that holds deletions is completed, and yet somebody has to look.
void print_held(terminal& t, const json::array& runs, const full_name& name) {
  each_object(runs, [&](const json::object& r) {
    const auto stream = printable(text_of(r, "stream"));
    if (const auto held = number_of(r, "held"); held > 0)
      t.out << "\nWarning: " << grouped(held) << " deletions of " << stream
            << " are held, for they are many: koppelctl held show " << name.text() << " " << stream << "\n";
  });
}

/// What is known of the streams asked for: which have ended since, and with what.
class watch {
 public:
  watch(surroundings& s, const full_name& name) : s_(s), name_(name), progress_(s.console) {}

  /// Before asking: whatever has ended by now is not ours. A run that goes on may be the one that answers the wish.
  result<> remember_the_past() {
    const auto answer = s_.daemon.get(syncs_of(name_, looked_at));
    if (!answer) return answer.error();
    each_object(array_of(*answer, "runs"), [this](const json::object& r) {
      if (has_ended(r)) past_.insert(ending_of(r));
    });
    return {};
  }

  result<json::array> until_the_end(std::set<std::string> streams) {
    const auto began = clock::now();
    auto last_sign = began;
    for (;;) {
      const auto answer = s_.daemon.get(syncs_of(name_, looked_at));
      if (!answer) return answer.error();
      look(*answer, streams);
      if (open_.empty()) {
        progress_.clear();  // the table begins where it stands
        json::array runs;
        for (auto& [stream, run] : ended_) runs.push_back(run);
        return runs;
      }
      if (alive_) last_sign = clock::now();
      if (!running_)
        if (auto why = standstill(); why) return *why;
      if (clock::now() - last_sign > patience)
        return fail(errc::refused, "Stream " + *open_.begin() + " did not begin. See: koppelctl connection show " +
                                       name_.text() + ", and the daemon's log.");
      show(std::chrono::duration<double>(clock::now() - began).count());
      std::this_thread::sleep_for(s_.console.poll);
    }
  }

 private:
  /// Why nothing begins: a connection that does not work any more has no turn, however long one waits.
  std::optional<failure> standstill() {
    const auto connection = s_.daemon.get(path_of(name_));
    if (!connection) return connection.error();
    const auto& auth = object_of(*connection, "auth");
    if (text_of(auth, "status") == "authorized") return std::nullopt;
    const auto display = printable(text_of(auth, "display"));
    return fail(errc::refused, "Stream " + *open_.begin() + " does not begin: " + name_.text() + " is " +
                                   printable(text_of(auth, "status")) + (display.empty() ? "" : " (" + display + ")") +
                                   ". See: koppelctl connection show " + name_.text());
  }

  void look(const json::object& answer, const std::set<std::string>& streams) {
    open_.clear();
    ended_.clear();
    read_ = upserted_ = deleted_ = 0;
    alive_ = running_ = false;
    std::set<std::string> busy;
    each_object(array_of(answer, "queued"), [&](const json::object& q) { busy.insert(text_of(q, "stream")); });
    each_object(array_of(answer, "runs"), [&](const json::object& r) {
      const auto stream = text_of(r, "stream");
      if (!streams.contains(stream) || past_.contains(ending_of(r))) return;
      read_ += number_of(r, "read");
      upserted_ += number_of(r, "upserted");
      deleted_ += number_of(r, "deleted");
      if (!has_ended(r)) {
        busy.insert(stream);
        running_ = true;
        return;
      }
      const auto [newest, first] = ended_.try_emplace(stream, r);
      if (!first && text_of(r, "started_at") > text_of(newest->second, "started_at")) newest->second = r;
    });
    for (const auto& stream : streams) {
      if (busy.contains(stream)) alive_ = true;
      if (busy.contains(stream) || !ended_.contains(stream)) open_.insert(stream);
    }
  }

  void show(double seconds) {
    std::string names;
    for (const auto& stream : open_) names += (names.empty() ? "" : ", ") + stream;
    const auto rate = seconds > 0.5 ? static_cast<std::uint64_t>(static_cast<double>(read_) / seconds) : 0;
    progress_.say(printable(names) + ": " + grouped(read_) + " records read" +
                  (rate > 0 ? " (" + grouped(rate) + "/s)" : "") + ", " + grouped(upserted_) + " upserted, " +
                  grouped(deleted_) + " deleted");
  }

  surroundings& s_;
  const full_name& name_;
  progress progress_;
  std::set<std::string> past_, open_;
  std::map<std::string, json::object> ended_;
  std::uint64_t read_ = 0, upserted_ = 0, deleted_ = 0;
  bool alive_ = false, running_ = false;
};

}  // namespace

ending run_sync(surroundings& s, const sync_wish& wish) {
  auto& t = s.console;
  watch watching(s, wish.name);
  if (auto done = watching.remember_the_past(); !done) return done.error();

  json::object body{{"provider", wish.name.provider}, {"connection", wish.name.name}, {"full", wish.full}};
  if (!wish.stream.empty()) body["stream"] = wish.stream;
  const auto accepted = s.daemon.post("/v1/syncs", body);
  if (!accepted) return accepted.error();
  std::set<std::string> streams;
  std::string names;
  for (const auto& stream : array_of(*accepted, "streams"))
    if (stream.is_string() && streams.insert(std::string(stream.get_string())).second)
      names += (names.empty() ? "" : ", ") + printable(stream.get_string());

  if (!wish.wait) {
    if (t.json)
      print_document(t, *accepted);
    else
      t.out << "Asked for: " << names << ". See: koppelctl sync list " << wish.name.text() << "\n";
    return exit_code::ok;
  }

  const auto runs = watching.until_the_end(std::move(streams));
  if (!runs) return runs.error();
  if (t.json)
    print_document(t, {{"runs", *runs}});
  else {
    print_runs(t, *runs, {});
    print_held(t, *runs, wish.name);
  }
  const auto completed = [](const json::value& r) { return text_of(r.as_object(), "state") == "completed"; };
  return std::all_of(runs->begin(), runs->end(), completed) ? exit_code::ok : exit_code::refused;
}

ending list_syncs(surroundings& s, const std::optional<full_name>& name, std::size_t limit) {
  const auto answer = s.daemon.get(name ? syncs_of(*name, limit) : "/v1/syncs?limit=" + std::to_string(limit));
  if (!answer) return answer.error();
  if (s.console.json)
    print_document(s.console, *answer);
  else
    print_runs(s.console, array_of(*answer, "runs"), array_of(*answer, "queued"));
  return exit_code::ok;
}

}  // namespace koppel::koppelctl
