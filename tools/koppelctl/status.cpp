// SPDX-License-Identifier: Apache-2.0
// koppelctl status, plugin list, consumer list: what the daemon says about itself.

#include <boost/json/serialize.hpp>
#include <ostream>

#include "tools/koppelctl/commands.hpp"
#include "tools/koppelctl/json_read.hpp"
#include "tools/koppelctl/table.hpp"
#include "tools/koppelctl/text.hpp"

namespace koppel::koppelctl {
namespace {

void print_plugins(terminal& t, const json::array& plugins) {
  table shown({{"PLUGIN"}, {"VERSION"}, {"STATE"}, {"JOBS", true}, {"CRASHES", true}, {"STREAMS"}, {"REASON"}});
  each_object(plugins, [&](const json::object& p) {
    std::string streams;
    each_object(array_of(p, "streams"),
                [&](const json::object& s) { streams += (streams.empty() ? "" : ", ") + text_of(s, "name"); });
    const auto state = text_of(p, "state");
    shown.add({text_of(p, "name"),
               text_of(p, "version"),
               {state, shade_of(state)},
               text_of(p, "jobs"),
               text_of(p, "crashes"),
               streams,
               text_of(p, "reason")});
  });
  if (shown.empty())
    t.out << "No plugins. Put one into the daemon's plugin_folder and say: koppelctl plugin rescan\n";
  else
    shown.print(t.out, t.colours);
}

void print_consumers(terminal& t, const json::array& consumers) {
  table shown({{"CONSUMER"}, {"CONNECTED"}, {"ACKNOWLEDGED", true}, {"BEHIND", true}, {"LAST (UTC)"}});
  each_object(consumers, [&](const json::object& c) {
    const auto connected = text_of(c, "connected");
    shown.add({text_of(c, "name"),
               {connected, shade_of(connected)},
               grouped(number_of(c, "acked_seq")),
               grouped(number_of(c, "lag")),
               short_time(text_of(c, "acked_at"))});
  });
  if (shown.empty())
    t.out << "No consumers yet. One appears here when it follows the bus under a name (docs/bus.md).\n";
  else
    shown.print(t.out, t.colours);
}

/// A line when the daemon's disk is full, else nothing.
std::string full_disk(const json::object& disk) {
  if (!flag_of(disk, "full")) return "";
  const auto mebibytes = [&](const char* name) { return grouped(number_of(disk, name) >> 20) + " MiB"; };
  return "Disk         full since " + short_time(text_of(disk, "since")) + " UTC: " + mebibytes("free_bytes") +
         " free, " + mebibytes("kept_bytes") +
         " kept. No token is renewed and nothing is read: make room, and it goes on\n";
}

std::string counts_of(const json::object& by_status) {
  std::string text;
  for (const auto& [status, count] : by_status) {
    const auto number = text_of(by_status, status);
    if (number != "0") text += (text.empty() ? "" : ", ") + number + " " + std::string(status);
  }
  return printable(text);
}

/// How much of history is there: ", whole from 1 234, 56 MiB".
std::string history_of(const json::object& status) {
  constexpr std::uint64_t mib = 1024 * 1024;
  const auto horizon = number_of(status, "horizon"), bytes = number_of(status, "history_bytes");
  std::string out;
  if (horizon > 1) out += ", whole from " + grouped(horizon);
  if (bytes > 0) out += ", " + grouped((bytes + mib - 1) / mib) + " MiB";
  return out;
}

/// A line of its own where there is such a listener.
std::string rest_of(const json::object& admin) {
  const auto address = text_of(admin, "address");
  return address.empty() ? "" : "REST         " + printable(address) + "\n";
}

std::string certificate_text(const json::object& ingress) {
  const auto until = text_of(ingress, "certificate_until");
  return until.empty() ? "" : ", certificate until " + short_time(until) + " UTC";
}

}  // namespace

void print_document(terminal& t, const json::object& document) { t.out << json::serialize(document) << std::endl; }

std::string path_of(const full_name& name) { return "/v1/connections/" + name.provider + "/" + name.name; }

ending show_status(surroundings& s) {
  const auto answer = s.daemon.get("/v1/status");
  if (!answer) return answer.error();
  auto& t = s.console;
  if (t.json) {
    print_document(t, *answer);
    return exit_code::ok;
  }
  const auto& ingress = object_of(*answer, "ingress");
  const auto& connections = object_of(*answer, "connections");
  const auto total = text_of(connections, "total");
  const auto counts = counts_of(object_of(connections, "by_status"));
  t.out << "Koppel " << printable(text_of(*answer, "version")) << ", running since "
        << short_time(text_of(*answer, "started_at")) << " UTC\n"
        << "Ledger       epoch " << printable(text_of(*answer, "epoch")) << ", " << grouped(number_of(*answer, "head"))
        << " events" << history_of(*answer) << "\n"
        << full_disk(object_of(*answer, "disk")) << "Ingress      " << printable(text_of(ingress, "address"))
        << ", public as " << printable(text_of(ingress, "public_url")) << certificate_text(ingress) << "\n"
        << rest_of(object_of(*answer, "admin")) << "Bus          "
        << printable(text_of(object_of(*answer, "bus"), "folder")) << "\n"
        << "Connections  " << (total.empty() ? "0" : total) << (counts.empty() ? "" : ": " + counts) << "\n\n";
  print_plugins(t, array_of(*answer, "plugins"));
  t.out << "\n";
  print_consumers(t, array_of(*answer, "consumers"));
  if (const auto* warnings = answer->if_contains("warnings"); warnings && warnings->is_array())
    for (const auto& one : warnings->as_array())
      if (one.is_string()) t.out << "\nWarning: " << printable(std::string(one.as_string())) << "\n";
  return exit_code::ok;
}

ending list_plugins(surroundings& s) {
  const auto answer = s.daemon.get("/v1/plugins");
  if (!answer) return answer.error();
  if (s.console.json)
    print_document(s.console, *answer);
  else
    print_plugins(s.console, array_of(*answer, "plugins"));
  return exit_code::ok;
}

ending rescan_plugins(surroundings& s) {
  const auto answer = s.daemon.post("/v1/plugins/rescan", json::object{});
  if (!answer) return answer.error();
  auto& t = s.console;
  table shown({{"PLUGIN"}, {"VERSION"}, {"CHANGE"}, {"REASON"}});
  bool all_well = true;
  each_object(array_of(*answer, "changes"), [&](const json::object& c) {
    const auto change = text_of(c, "change");
    all_well = all_well && change != "failed";
    shown.add({text_of(c, "name"), text_of(c, "version"), {change, shade_of(change)}, text_of(c, "reason")});
  });
  if (t.json)
    print_document(t, *answer);
  else if (shown.empty())
    t.out << "No plugins: there was none, and there is none.\n";
  else
    shown.print(t.out, t.colours);
  return all_well ? exit_code::ok : exit_code::refused;
}

ending list_consumers(surroundings& s) {
  const auto answer = s.daemon.get("/v1/consumers");
  if (!answer) return answer.error();
  if (s.console.json)
    print_document(s.console, *answer);
  else
    print_consumers(s.console, array_of(*answer, "consumers"));
  return exit_code::ok;
}

}  // namespace koppel::koppelctl
