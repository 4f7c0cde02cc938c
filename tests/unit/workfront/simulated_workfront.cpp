// SPDX-License-Identifier: Apache-2.0
#include "simulated_workfront.hpp"

#include <koppel/sdk/time.hpp>

#include <algorithm>
#include <cstdio>

using koppel::sdk::format_time;
using koppel::sdk::parse_time;
using koppel::testing::answer;
using koppel::testing::asked;

namespace {

const auto epoch = *parse_time("2024-05-01T10:00:00Z");
const std::string api = "/attask/api/v20.0/cmpy/";

/// As Workfront writes it: a colon before the milliseconds, and the customer's own offset.
std::string time_text(int second) {
  const auto text = format_time(epoch + std::chrono::hours(4) + std::chrono::seconds(second));
  return text.substr(0, text.size() - 1) + ":000+0400";
}

std::string row_text(const std::string& id, int created, std::optional<int> edited) {
  return R"({"ID":")" + id + R"(","name":"Company )" + id + R"(","objCode":"CMPY","entryDate":")" + time_text(created) +
         R"(","lastUpdateDate":)" + (edited ? '"' + time_text(*edited) + '"' : "null") + '}';
}

answer error(int status, const std::string& what) {
  return {status, R"({"error":{"class":"java.lang.)" + what + R"(","message":"no"}})"};
}

std::string decoded(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      out += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

std::map<std::string, std::string> parameters(const std::string& query) {
  std::map<std::string, std::string> out;
  for (std::size_t at = 0; at < query.size();) {
    const auto end = std::min(query.find('&', at), query.size());
    const auto equals = std::min(query.find('=', at), end);
    out[decoded(query.substr(at, equals - at))] = decoded(query.substr(std::min(equals + 1, end), end - equals - 1));
    at = end + 1;
  }
  return out;
}

void simulated_workfront::add(const std::string& id, int created, std::optional<int> edited) {
  rows_.push_back({id, created, edited});
}

void simulated_workfront::add_many(const std::string& prefix, int count, int created, std::optional<int> edited) {
  char number[16];
  for (int i = 0; i < count; ++i) {
    std::snprintf(number, sizeof number, "%05d", i);
    add(prefix + number, created, edited);
  }
}

void simulated_workfront::edit(const std::string& id, int when) {
  for (auto& each : rows_)
    if (each.id == id) each.edited = when;
}

void simulated_workfront::remove(const std::string& id) {
  std::erase_if(rows_, [&](const row& each) { return each.id == id; });
}

std::set<std::string> simulated_workfront::ids() const {
  std::set<std::string> out;
  for (const auto& each : rows_) out.insert(each.id);
  return out;
}

answer simulated_workfront::operator()(const asked& request) {
  if (request.method != "GET" || request.host != "acme.my.workfront.com" || !request.path.starts_with(api))
    return {404, "<html>"};
  return request.path == api + "search" ? search(request) : read(request.path.substr(api.size()));
}

answer simulated_workfront::search(const asked& request) {
  ++searches;
  auto with = parameters(request.query);
  const bool edited = with.contains("lastUpdateDate");
  const std::string field = edited ? "lastUpdateDate" : with.contains("entryDate") ? "entryDate" : "ID";
  // A date in a filter has milliseconds, or is a whole day.
  if (field != "ID" && (with[field].size() != 24 || with[field][19] != '.'))
    return error(400, "IllegalArgumentException");
  asked_for.push_back(field + (field == "ID" ? "" : ">=" + with[field]) + ' ' + with["$$FIRST"]);
  if (with["fields"].find("ID") == std::string::npos) return error(422, "IllegalArgumentException");
  const auto limit = with.contains("$$LIMIT") ? std::stoul(with["$$LIMIT"]) : 100;
  if (limit > 2000) return error(422, "IllegalArgumentException");

  std::vector<row> found;
  for (const auto& each : rows_) {
    const auto date = edited ? each.edited : std::optional(each.created);
    const bool old = field != "ID" && (!date || epoch + std::chrono::seconds(*date) < parse_time(with[field]));
    if (field != "ID" && with[field + "_Mod"] != "gte") return error(422, "IllegalArgumentException");
    if (with.contains("ID") && !lists_what_it_does_not_give && each.id != with["ID"]) continue;
    if (!old || ignores_filter) found.push_back(each);
  }
  if (with["ID_Sort"] == "asc" && !ignores_id_sort)
    std::stable_sort(found.begin(), found.end(), [](const row& a, const row& b) { return a.id < b.id; });
  if (with[field + "_Sort"] == "asc" && field != "ID" && !ignores_date_sort)
    std::stable_sort(found.begin(), found.end(),
                     [&](const row& a, const row& b) { return edited ? a.edited < b.edited : a.created < b.created; });

  std::string data;
  const auto first = ignores_first || with["$$FIRST"].empty() ? 0 : std::stoul(with["$$FIRST"]);
  for (auto i = first; i < std::min(found.size(), first + limit); ++i)
    data += (data.empty() ? "" : ",") + row_text(found[i].id, found[i].created, found[i].edited);
  return {200, R"({"data":[)" + data + "]}"};
}

answer simulated_workfront::read(const std::string& id) const {
  if (id == "refused") return error(403, "SecurityException");
  if (id == "malformed") return error(422, "InvalidParameterException");
  for (const auto& each : rows_)
    if (each.id == id && !lists_what_it_does_not_give)
      return {200, R"({"data":)" + row_text(each.id, each.created, each.edited) + '}'};
  return error(404, "Whatever");
}
