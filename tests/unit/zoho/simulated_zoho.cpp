// SPDX-License-Identifier: Apache-2.0
#include "simulated_zoho.hpp"

#include <koppel/sdk/time.hpp>

#include <algorithm>
#include <stdexcept>

using koppel::sdk::format_time;
using koppel::sdk::parse_time;
using koppel::testing::answer;
using koppel::testing::asked;

namespace {

const auto epoch = *parse_time("2024-05-01T10:00:00Z");

/// In the organisation's own offset, as the real one writes them.
std::string time_text(int second) {
  auto text = format_time(epoch + std::chrono::seconds(second) + std::chrono::hours(2));
  return text.substr(0, text.size() - 1) + "+02:00";
}

answer refusal(int status, const std::string& code) {
  return {status, R"({"code":")" + code + R"(","details":{},"message":"no","status":"error"})"};
}

std::string page_text(const std::string& rows, bool more, const std::string& token) {
  return R"({"data":[)" + rows + R"(],"info":{"per_page":200,"more_records":)" + (more ? "true" : "false") +
         R"(,"next_page_token":)" + (token.empty() ? "null" : '"' + token + '"') + "}}";
}

}  // namespace

std::string parameter(const std::string& query, const std::string& name) {
  const auto whole = '&' + query;
  auto at = whole.find('&' + name + '=');
  if (at == whole.npos) return {};
  at += name.size() + 2;
  std::string out;
  for (; at < whole.size() && whole[at] != '&'; ++at) {
    if (whole[at] == '%') {
      out += static_cast<char>(std::stoi(whole.substr(at + 1, 2), nullptr, 16));
      at += 2;
    } else {
      out += whole[at];
    }
  }
  return out;
}

void simulated_zoho::add(const std::string& id, int second) { rows_.push_back({id, second}); }

void simulated_zoho::add_many(int first, int count, int second) {
  for (int i = 0; i < count; ++i) add(std::to_string(first + i), second);
}

simulated_zoho::row& simulated_zoho::find(const std::string& id) {
  for (auto& each : rows_)
    if (each.id == id) return each;
  throw std::logic_error("no row " + id);
}

void simulated_zoho::touch(const std::string& id, int second) { find(id).second = second; }

void simulated_zoho::remove(const std::string& id, int second) {
  auto gone = find(id);
  gone.deleted = second;
  bin_.push_back(gone);
  std::erase_if(rows_, [&](const row& each) { return each.id == id; });
}

void simulated_zoho::restore(const std::string& id) {
  const auto at = std::find_if(bin_.begin(), bin_.end(), [&](const row& each) { return each.id == id; });
  add(id, at->second);
  if (!restored_stay_listed) bin_.erase(at);
}

std::set<std::string> simulated_zoho::ids() const {
  std::set<std::string> out;
  for (const auto& each : rows_) out.insert(each.id);
  return out;
}

answer simulated_zoho::operator()(const asked& request) {
  if (request.host != "www.zohoapis.eu") return refusal(401, "INVALID_TOKEN");
  if (request.method != "GET" || !request.body.empty()) return refusal(400, "INVALID_REQUEST_METHOD");
  if (request.path == "/crm/v8/Accounts" || request.path == "/crm/v8/Contacts") return list(request);
  if (request.path == "/crm/v8/Accounts/deleted") return deletions(request);
  if (request.path.starts_with("/crm/v8/Accounts/")) return ++singles, one(request.path.substr(17));
  return refusal(404, "INVALID_URL_PATTERN");
}

answer simulated_zoho::list(const asked& request) {
  ++lists;
  const auto fields = parameter(request.query, "fields");
  if (fields.empty() || std::count(fields.begin(), fields.end(), ',') >= 50)
    return refusal(400, fields.empty() ? "REQUIRED_PARAM_MISSING" : "LIMIT_EXCEEDED");
  if (const auto ids = parameter(request.query, "ids"); !ids.empty()) return several(ids);
  if (parameter(request.query, "sort_by") != "Modified_Time" || parameter(request.query, "sort_order") != "asc" ||
      parameter(request.query, "per_page") != "200" || !parameter(request.query, "page").empty())
    return refusal(400, "INVALID_DATA");
  const auto since_text = request.header("if-modified-since");
  sinces.push_back(since_text);
  const auto since = parse_time(since_text);
  if (!since_text.empty() && (!since || since_text.find('.') != since_text.npos)) return refusal(400, "INVALID_DATA");

  // A token is its parameters and the place to go on.
  const auto token = parameter(request.query, "page_token");
  const auto bound = fields.substr(0, 3) + std::to_string(since ? since->time_since_epoch().count() : 0);
  std::size_t first = 0;
  if (!token.empty()) {
    ++with_token;
    if (tokens_expire) return refusal(400, "EXPIRED_VALUE");
    if (!token.starts_with(bound + '.')) return refusal(400, "TOKEN_BOUND_DATA_MISMATCH");
    first = ignores_tokens ? 0 : std::stoul(token.substr(bound.size() + 1));
  }

  std::vector<row> found;
  for (const auto& each : rows_) {
    const auto when = epoch + std::chrono::seconds(each.second);
    if (ignores_filter || !since || when > *since || (since_includes_its_second && when == *since))
      found.push_back(each);
  }
  if (found.empty()) return {since ? 304 : 204, "", {{"content-type", "application/json;charset=utf-8"}}};
  std::stable_sort(found.begin(), found.end(), [](const row& a, const row& b) { return a.second < b.second; });
  std::string data;
  const auto last = std::min(found.size(), first + 200);
  for (std::size_t i = first; i < last; ++i) {
    const auto modified = found[i].second < 0 ? "null" : '"' + time_text(found[i].second) + '"';
    data += (data.empty() ? "" : ",") + (R"({"id":")" + found[i].id) + R"(","Account_Name":"Company )" + found[i].id +
            R"(","Modified_Time":)" + modified + '}';
  }
  const bool more = last < found.size();
  return {200, page_text(data, more, more ? bound + '.' + std::to_string(last) : "")};
}

answer simulated_zoho::deletions(const asked& request) {
  const auto since_text = request.header("if-modified-since");
  deletion_sinces.push_back(since_text);
  if (parameter(request.query, "type") != "all") return refusal(400, "PATTERN_NOT_MATCHED");
  const auto page = std::stoul(parameter(request.query, "page"));
  if (page > 10) return refusal(400, "DISCRETE_PAGINATION_LIMIT_EXCEEDED");
  std::vector<row> found;
  for (const auto& each : bin_)
    if (since_text.empty() || epoch + std::chrono::seconds(each.deleted) >= *parse_time(since_text))
      found.push_back(each);
  std::string data;
  const auto first = (page - 1) * 200, last = std::min(found.size(), first + 200);
  if (first >= last) return {204, ""};
  for (auto i = first; i < last; ++i)
    data += (data.empty() ? "" : ",") + (R"({"deleted_by":null,"id":")" + found[i].id) +
            R"(","display_name":"x","type":"recycle","deleted_time":")" + time_text(found[i].deleted) + "\"}";
  return {200, page_text(data, last < found.size(), "")};
}

/// Those that there are. One that cannot be an id spoils it for all.
answer simulated_zoho::several(const std::string& ids) const {
  std::string data;
  for (std::size_t from = 0, end = 0; end != ids.npos; from = end + 1) {
    end = ids.find(',', from);
    const auto id = ids.substr(from, end - from);
    if (id.starts_with("9999")) return refusal(400, "INVALID_DATA");
    const auto found = one(id).body;
    if (found.empty()) continue;
    const auto begin = found.find('[') + 1;
    data += (data.empty() ? "" : ",") + found.substr(begin, found.rfind(']') - begin);
  }
  if (data.empty()) return {204, ""};
  return {200, page_text(data, false, "")};
}

answer simulated_zoho::one(const std::string& id) const {
  if (id.starts_with("9999")) return refusal(400, "INVALID_DATA");
  for (const auto& each : rows_)
    if (each.id == id)
      return {200, R"({"data":[{"id":")" + id + R"(","Account_Name":"Company )" + id + R"(","Modified_Time":")" +
                       time_text(each.second) + R"("}]})"};
  return {204, ""};
}
