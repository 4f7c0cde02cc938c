// SPDX-License-Identifier: Apache-2.0
// Which few fields of an event's data a person wants to see, by type.

#include "tools/koppelctl/event_text.hpp"

#include <koppel/bus/event.hpp>
#include <koppel/bus/event_types.hpp>

#include "tools/koppelctl/json_read.hpp"
#include "tools/koppelctl/table.hpp"
#include "tools/koppelctl/text.hpp"

namespace koppel::koppelctl {
namespace {

namespace types = bus::event_types;

std::string padded(std::string text, std::size_t columns, bool right = false) {
  const auto width = display_width(text);
  if (width >= columns) return text;
  const std::string gap(columns - width, ' ');
  return right ? gap + text : text + gap;
}

std::string columns(const std::string& time, const std::string& seq, const std::string& type,
                    const std::string& connection, const std::string& subject, const std::string& about) {
  std::string line = padded(time, 19) + "  " + padded(seq, 9, true) + "  " + padded(type, 24) + "  " +
                     padded(connection, 24) + "  " + padded(subject, 36) + "  " + about;
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

void append(std::string& to, const std::string& word, const char* between = " ") {
  if (!word.empty()) to += (to.empty() ? "" : between) + word;
}

std::string of_record(const json::object& data) {
  const auto& record = object_of(data, "data");
  auto text = text_of(record, "name");
  if (text.empty()) text = text_of(record, "full_name");
  if (text.empty()) {
    append(text, text_of(record, "first_name"));
    append(text, text_of(record, "last_name"));
  }
  std::string changed;
  for (const auto& field : array_of(data, "changed"))
    if (field.is_string()) append(changed, std::string(field.get_string()), ", ");
  if (text_of(data, "cause") == "change" && !changed.empty()) append(text, "(" + changed + ")");
  append(text, text_of(data, "reason"));
  return text;
}

std::string of_run(const json::object& data) {
  auto text = text_of(data, "stream");
  append(text, text_of(data, "mode"));
  std::string counts;
  // Depending on the version the counts are fields of their own or a map.
  const auto& map = data.contains("counts") ? object_of(data, "counts") : data;
  for (const auto* count : {"read", "upserted", "deleted", "unchanged", "set_aside", "held"})
    if (number_of(map, count) > 0) append(counts, grouped(number_of(map, count)) + " " + count, ", ");
  if (!counts.empty()) text += ": " + counts;
  append(text, text_of(data, "error"), ": ");
  return text;
}

}  // namespace

std::string gist(std::string_view short_type, const json::object& data) {
  std::string text;
  const bool about_record =
      short_type.ends_with(".upserted") || short_type.ends_with(".deleted") || short_type.ends_with(".erased");
  if (short_type == types::auth_status) {
    text = text_of(data, "display");
    if (text.empty()) text = text_of(data, "status");
    const auto account = text_of(object_of(data, "account"), "name");
    append(text, account.empty() ? "" : "«" + account + "»");
  } else if (short_type.starts_with("sync.") && about_record) {
    text = of_record(data);
  } else if (short_type.starts_with("sync.")) {
    text = of_run(data);
  } else {
    for (const auto* field : {"name", "version", "entity", "reason"}) append(text, text_of(data, field));
  }
  return printable(text);
}

std::string event_title(bool colours) {
  return shaded(columns("TIME (UTC)", "SEQ", "TYPE", "CONNECTION", "SUBJECT", "ABOUT"), colour::faint, colours);
}

std::string event_line(const json::object& event, bool colours) {
  const auto full = text_of(event, "type");
  const std::string type(bus::short_type(full));
  const auto provider = printable(text_of(event, "provider"));
  const auto name = printable(text_of(event, "connection"));
  const auto line = columns(short_time(text_of(event, "time")), text_of(event, "seq"), printable(type),
                            name.empty() ? provider : provider + "/" + name, printable(text_of(event, "subject")),
                            gist(type, object_of(event, "data")));
  const bool bad = type == types::sync_held || type.ends_with(".failed") || type.ends_with(".crashed") ||
                   type == types::dead_letter_added;
  return shaded(line, bad ? colour::bad : colour::none, colours);
}

}  // namespace koppel::koppelctl
