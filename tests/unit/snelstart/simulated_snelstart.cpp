// SPDX-License-Identifier: Apache-2.0
#include "simulated_snelstart.hpp"

#include <koppel/sdk/time.hpp>

#include <algorithm>
#include <optional>
#include <random>

using namespace koppel::sdk;
using koppel::testing::answer;
using koppel::testing::asked;

namespace {

const auto epoch = *parse_time("2026-03-02T10:00:00Z");

std::string stamp(std::int64_t ms) {
  const auto text = format_time(epoch + std::chrono::milliseconds(ms));
  return text.substr(0, text.size() - 1);  // no zone
}

std::string row_text(const std::string& id, std::int64_t ms) {
  return R"({"id":")" + id + R"(","naam":"Relatie )" + id + R"(","relatiesoort":["Klant"],"modifiedOn":")" + stamp(ms) +
         R"("})";
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
    i += 2;
  }
  return out;
}

std::map<std::string, std::string> parameters(const std::string& query) {
  std::map<std::string, std::string> out;
  for (std::size_t at = 0; at < query.size();) {
    const auto end = std::min(query.find('&', at), query.size());
    const auto one = query.substr(at, end - at);
    const auto equals = one.find('=');
    out[decoded(one.substr(0, equals))] = decoded(one.substr(equals + 1));
    at = end + 1;
  }
  return out;
}

/// The stamp behind `ModifiedOn gt datetime'`, say.
std::optional<time_point> bound(const std::string& filter, const std::string& comparison) {
  const auto words = "ModifiedOn " + comparison + " datetime'";
  const auto at = filter.find(words);
  if (at == filter.npos) return std::nullopt;
  const auto begin = at + words.size();
  return parse_time(filter.substr(begin, filter.find('\'', begin) - begin) + 'Z');
}

}  // namespace

void simulated_snelstart::put_many(const std::string& prefix, int count, std::int64_t first_ms, std::int64_t step_ms) {
  for (int i = 0; i < count; ++i) put(prefix + std::to_string(i), first_ms + i * step_ms);
}

std::set<std::string> simulated_snelstart::ids() const {
  std::set<std::string> out;
  for (const auto& [id, ms] : rows_) out.insert(id);
  return out;
}

answer simulated_snelstart::operator()(const asked& request) {
  if (request.method != "GET" || request.host != "b2bapi.snelstart.nl") return {404, ""};
  if (request.path == "/v2/landen") {
    ++lands_read;
    return {200, R"([{"id":"nl","landcode":"NL","landcodeISO":"NLD"}])"};
  }
  if (request.path == "/v2/relaties") return list(parameters(request.query));
  const auto at = rows_.find(request.path.substr(std::string("/v2/relaties/").size()));
  if (at == rows_.end()) return {404, R"([{"errorCode":"REL-0005","message":"Relatie niet gevonden"}])"};
  return {200, row_text(at->first, at->second)};
}

answer simulated_snelstart::list(const std::map<std::string, std::string>& query) {
  before_each_list();
  const auto value = [&](const std::string& name) { return query.contains(name) ? query.at(name) : std::string(); };
  const auto filter = value("$filter");
  filters.push_back(filter);
  const auto above = bound(filter, "gt"), below = bound(filter, "lt");
  if (!filter.empty() && !above && !below) return {400, R"({"Message":"Could not find a property"})"};

  std::vector<std::pair<std::string, std::int64_t>> found;
  for (const auto& [id, ms] : rows_) {
    const auto when = epoch + std::chrono::milliseconds(ms);
    if (ignores_filter || ((!above || when > *above) && (!below || when < *below))) found.emplace_back(id, ms);
  }
  if (lists == order::shuffled) std::shuffle(found.begin(), found.end(), std::minstd_rand(++shuffles_));
  if (lists == order::oldest_first || lists == order::newest_first)
    std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  if (lists == order::newest_first) std::reverse(found.begin(), found.end());

  const auto top = std::min<std::size_t>(query.contains("$top") ? std::stoul(value("$top")) : 500, largest_answer);
  const auto skip = query.contains("$skip") && !ignores_skip ? std::stoul(value("$skip")) : 0;
  std::string rows;
  for (auto i = skip; i < std::min(found.size(), skip + top); ++i)
    rows += (rows.empty() ? "" : ",") + row_text(found[i].first, found[i].second);
  return {200, '[' + rows + ']'};
}
