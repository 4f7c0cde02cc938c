// SPDX-License-Identifier: Apache-2.0
// koppelctl held list, show, confirm, reject: deletions that were too many to publish unasked.

#include <boost/json/array.hpp>
#include <ostream>

#include "tools/koppelctl/commands.hpp"
#include "tools/koppelctl/json_read.hpp"
#include "tools/koppelctl/table.hpp"
#include "tools/koppelctl/text.hpp"

namespace koppel::koppelctl {
namespace {

bool is_stream(const std::string& text) {
  return !text.empty() && text.size() <= 64 &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-.") == std::string::npos;
}

result<std::string> path_to(const held_wish& wish) {
  if (!is_stream(wish.stream))
    return fail(errc::usage, "A stream is named as koppelctl held list shows it, such as contacts.");
  return path_of(wish.name) + "/held/" + wish.stream;
}

std::string gist_of(const json::object& h) {
  const auto held = number_of(h, "held"), rejected = number_of(h, "rejected");
  const auto of = " of " + grouped(number_of(h, "known")) + " " + printable(text_of(h, "entity")) + " records";
  std::string text;
  if (held > 0) text = "The provider does not have " + grouped(held) + of + " any more: their deletion is held.\n";
  if (rejected > 0)
    text += "The deletion of " + grouped(rejected) + of +
            " was rejected: they stay, though the provider does not have them.\n";
  if (const auto published = number_of(h, "published"); published > 0)
    text += grouped(published) + " deletions of the same run were published.\n";
  return text;
}

ending decide(surroundings& s, const held_wish& wish, bool accept) {
  const auto path = path_to(wish);
  if (!path) return path.error();
  auto& t = s.console;
  auto mark = wish.mark;
  if (mark == 0) {
    const auto now = s.daemon.get(*path);
    if (!now) return now.error();
    mark = number_of(*now, "mark");
    if (!t.in_is_terminal || t.json)
      return fail(errc::usage, "Nobody can be asked here: look with koppelctl held show " + wish.name.text() + " " +
                                   wish.stream + ", and say --mark " + std::to_string(mark) + ".");
    const auto yes = t.ask_yes(gist_of(*now) + (accept ? "Delete them, here and at the consumers? [y/N]"
                                                       : "Keep them, here and at the consumers? [y/N]"));
    if (!yes || !*yes) {
      t.out << "Nothing was changed.\n";
      return exit_code::refused;
    }
  }
  const auto answer = s.daemon.post(*path, {{"accept", accept}, {"mark", mark}});
  if (!answer) return answer.error();
  const auto decided = grouped(number_of(*answer, "decided"));
  if (t.json)
    print_document(t, *answer);
  else if (accept)
    t.out << decided << " deletions are published, but for records that came back. See: koppelctl sync list "
          << wish.name.text() << "\n";
  else
    t.out << decided << " records stay, here and at the consumers; the same absence is not held again.\n";
  return exit_code::ok;
}

/// What can be done, each with the command to copy. What was rejected stays already.
void print_choices(terminal& t, const json::object& h, const full_name& name, const std::string& stream) {
  const bool held = number_of(h, "held") > 0;
  const auto of = name.text() + " " + stream + " --mark " + text_of(h, "mark") + "\n";
  t.out << (held ? "\nIf the provider is right:           " : "\nIf they are to go after all:        ")
        << "koppelctl held confirm " << of;
  if (held) t.out << "If the records must stay:           koppelctl held reject " << of;
  t.out << "If it may be over at the provider:  koppelctl sync run " << name.text() << " --stream " << stream
        << " --full\n";
}

}  // namespace

ending list_held(surroundings& s) {
  const auto answer = s.daemon.get("/v1/held");
  if (!answer) return answer.error();
  auto& t = s.console;
  if (t.json) {
    print_document(t, *answer);
    return exit_code::ok;
  }
  table shown({{"CONNECTION"}, {"STREAM"}, {"HELD", true}, {"REJECTED", true}, {"RECORDS", true}, {"SINCE (UTC)"}});
  each_object(array_of(*answer, "held"), [&](const json::object& h) {
    shown.add({text_of(h, "provider") + "/" + text_of(h, "connection"),
               text_of(h, "stream"),
               {grouped(number_of(h, "held")), number_of(h, "held") > 0 ? colour::bad : colour::none},
               grouped(number_of(h, "rejected")),
               grouped(number_of(h, "known")),
               short_time(text_of(h, "since"))});
  });
  if (shown.empty())
    t.out << "No deletions are held.\n";
  else
    shown.print(t.out, t.colours);
  return exit_code::ok;
}

ending show_held(surroundings& s, const held_wish& wish) {
  const auto path = path_to(wish);
  if (!path) return path.error();
  const auto answer = s.daemon.get(*path + "?limit=" + std::to_string(wish.limit));
  if (!answer) return answer.error();
  auto& t = s.console;
  if (t.json) {
    print_document(t, *answer);
    return exit_code::ok;
  }
  const auto& records = array_of(*answer, "records");
  const bool all = records.size() >= number_of(*answer, "held") + number_of(*answer, "rejected");
  t.out << gist_of(*answer) << "Since " << short_time(text_of(*answer, "since")) << " UTC. "
        << (all ? "All of them" : "The first " + grouped(records.size()) + " of them") << ":\n\n";
  table shown({{"ID"}, {"NAME"}, {"SINCE (UTC)"}, {"STATE"}});
  each_object(records, [&](const json::object& r) {
    shown.add({text_of(r, "id"), text_of(r, "name"), short_time(text_of(r, "since")),
               flag_of(r, "rejected") ? "rejected" : "held"});
  });
  shown.print(t.out, t.colours);
  print_choices(t, *answer, wish.name, wish.stream);
  return exit_code::ok;
}

ending confirm_held(surroundings& s, const held_wish& wish) { return decide(s, wish, true); }
ending reject_held(surroundings& s, const held_wish& wish) { return decide(s, wish, false); }

}  // namespace koppel::koppelctl
