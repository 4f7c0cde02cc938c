// SPDX-License-Identifier: Apache-2.0
#include "simulated_teamleader.hpp"

#include <koppel/sdk/json.hpp>
#include <koppel/sdk/time.hpp>

#include <algorithm>

using koppel::sdk::format_time;
using koppel::sdk::json;
using koppel::sdk::parse_time;
using koppel::testing::answer;
using koppel::testing::asked;

namespace {

const auto epoch = *parse_time("2024-05-01T10:00:00Z");

std::string time_text(int second) {
  auto text = format_time(epoch + std::chrono::seconds(second));
  return text.substr(0, text.size() - 1) + "+00:00";
}

std::string row_text(const std::string& id, int second) {
  const auto updated = second < 0 ? std::string() : R"(,"updated_at":")" + time_text(second) + '"';
  return R"({"id":")" + id + R"(","name":"Company )" + id + '"' + updated + '}';
}

const answer bad_request{400,
                         R"({"errors":[{"code":0,"title":"id invalid uuid","status":400,"meta":{"field":"id"}}]})"};

}  // namespace

void simulated_teamleader::add(const std::string& id, int second) { rows_.push_back({id, second}); }

void simulated_teamleader::add_many(const std::string& prefix, int count, int second) {
  for (int i = 0; i < count; ++i) add(prefix + std::to_string(i), second);
}

void simulated_teamleader::touch(const std::string& id, int second) {
  for (auto& each : rows_)
    if (each.id == id) each.second = second;
}

std::set<std::string> simulated_teamleader::ids() const {
  std::set<std::string> out;
  for (const auto& each : rows_) out.insert(each.id);
  return out;
}

answer simulated_teamleader::operator()(const asked& request) {
  if (request.method != "POST" || request.host != "api.focus.teamleader.eu") return {404, ""};
  if (request.header("x-api-version") != "2023-09-26" || request.header("content-type") != "application/json")
    return {400, ""};
  if (request.path.ends_with(".list")) return list(request);
  return request.path.ends_with(".info") ? info(request) : answer{404, ""};
}

answer simulated_teamleader::list(const asked& request) {
  ++lists;
  const auto body = json::parse(request.body);
  if (body.at("/sort").items()[0]["field"].text() != "updated_at") return bad_request;
  const auto since_text = body.at("/filter/updated_since").text();
  sinces.emplace_back(since_text.value_or(""));
  if (since_text && (since_text->find('.') != since_text->npos || !since_text->ends_with("+00:00"))) return bad_request;
  const auto since = parse_time(since_text.value_or(""));
  const auto size = static_cast<std::size_t>(std::min<std::int64_t>(body.at("/page/size").integer().value_or(20), 100));
  const auto number = ignores_page_number ? 1 : body.at("/page/number").integer().value_or(1);

  std::vector<row> found;
  for (const auto& each : rows_) {
    const auto when = epoch + std::chrono::seconds(each.second);
    if (ignores_filter || !since || when > *since || (since_includes_its_second && when == *since))
      found.push_back(each);
  }
  std::stable_sort(found.begin(), found.end(), [](const row& a, const row& b) { return a.second < b.second; });

  std::string data;
  const auto first = size * static_cast<std::size_t>(number - 1);
  for (std::size_t i = first; i < std::min(found.size(), first + size); ++i)
    data += (data.empty() ? "" : ",") + row_text(found[i].id, found[i].second);
  return {200, R"({"data":[)" + data + "]}"};
}

answer simulated_teamleader::info(const asked& request) const {
  const auto body = json::parse(request.body);
  const auto id = body["id"].text().value_or("");
  if (id == "not-a-uuid") return bad_request;
  for (const auto& each : rows_)
    if (each.id == id) return {200, R"({"data":)" + row_text(each.id, each.second) + '}'};
  return {404, R"({"errors":[{"title":"Not found","status":404}]})"};
}
