// SPDX-License-Identifier: Apache-2.0
// koppelctl event list, event follow: an anonymous consumer of the bus, whose folder the daemon names.

#include <boost/json/serialize.hpp>
#include <deque>
#include <koppel/bus/client.hpp>
#include <ostream>

#include "tools/koppelctl/commands.hpp"
#include "tools/koppelctl/event_text.hpp"
#include "tools/koppelctl/json_read.hpp"
#include "tools/koppelctl/text.hpp"

namespace koppel::koppelctl {
namespace {

using namespace std::chrono_literals;

constexpr auto wait_step = 200ms;
/// The host beats once a second; a bus that says nothing for so long is not there.
constexpr auto silence = 15s;

struct bus_facts {
  std::string folder;
  std::uint64_t head = 0;
};

result<bus_facts> ask_for_bus(surroundings& s) {
  const auto answer = s.daemon.get("/v1/status");
  if (!answer) return answer.error();
  bus_facts facts{text_of(object_of(*answer, "bus"), "folder"), number_of(*answer, "head")};
  if (facts.folder.empty()) return fail(errc::not_understood, "The daemon does not say where its bus is.");
  return facts;
}

bus::follower_options options_of(const bus_facts& facts, const event_wish& wish, bool from_now) {
  bus::follower_options options;
  options.folder = facts.folder;
  if (from_now) options.from = bus::from_now{};
  options.filter.connections = wish.connections;
  options.filter.types = wish.types;
  return options;
}

failure of_bus(const failure& f) { return fail(errc::refused, "The bus: " + printable(f.detail)); }

result<> print_event(terminal& t, const bus::event& e) {
  const auto whole = bus::to_json(e);
  if (!whole) return of_bus(whole.error());
  if (t.json)
    t.out << json::serialize(*whole) << "\n";
  else
    t.out << event_line(*whole, t.colours) << "\n";
  return {};
}

}  // namespace

ending list_events(surroundings& s, const event_wish& wish) {
  const auto facts = ask_for_bus(s);
  if (!facts) return facts.error();
  auto& t = s.console;
  if (!t.json) t.out << event_title(t.colours) << "\n";

  bus::follower follower(options_of(*facts, wish, false));
  std::deque<bus::event> newest;
  bool any = false;
  auto last_sign = std::chrono::steady_clock::now();
  for (std::uint64_t reached = 0; reached < facts->head;) {
    auto next = follower.next(wait_step);
    if (!next) return of_bus(next.error());
    if (!*next) {
      if (std::chrono::steady_clock::now() - last_sign > silence)
        return fail(errc::unreachable,
                    "The bus in " + printable(facts->folder) + " is silent. " + printable(follower.last_fault()));
      continue;
    }
    last_sign = std::chrono::steady_clock::now();
    reached = (*next)->complete_up_to.seq;
    for (auto& e : (*next)->events) {
      // What was committed after we asked is for the next time.
      if (e.seq > facts->head) break;
      any = true;
      newest.push_back(std::move(e));
      if (wish.limit != 0 && newest.size() > wish.limit) newest.pop_front();
      if (wish.limit != 0) continue;
      if (auto done = print_event(t, newest.front()); !done) return done.error();
      newest.pop_front();
    }
  }
  for (const auto& e : newest)
    if (auto done = print_event(t, e); !done) return done.error();
  if (!any && !t.json) t.err << "No such events yet.\n";
  return exit_code::ok;
}

ending follow_events(surroundings& s, const event_wish& wish) {
  const auto facts = ask_for_bus(s);
  if (!facts) return facts.error();
  auto& t = s.console;
  if (!t.json) t.out << event_title(t.colours) << std::endl;

  bus::follower follower(options_of(*facts, wish, !wish.from_start));
  // Ends with Ctrl-C, or when nobody reads the output any more.
  while (t.out) {
    auto next = follower.next(wait_step);
    if (!next) return of_bus(next.error());
    if (!*next) continue;
    for (const auto& e : (*next)->events)
      if (auto done = print_event(t, e); !done) return done.error();
    t.out.flush();
  }
  return exit_code::ok;
}

}  // namespace koppel::koppelctl
