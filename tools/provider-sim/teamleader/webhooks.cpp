// SPDX-License-Identifier: Apache-2.0
// No id, no secret, no signature: a registration is a url and a set of types.
#include "teamleader/webhooks.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <optional>
#include <set>
#include <string_view>

#include "teamleader/api_errors.hpp"
#include "timestamps.hpp"

namespace koppel::provider_sim::teamleader {
namespace {

namespace json = boost::json;

struct wanted {
  std::string url;
  std::set<std::string> types;
};

/// The types of the subjects that Koppel may want, as the specification has them; of other subjects it has some eighty.
bool exists(std::string_view type) {
  static const std::map<std::string_view, std::set<std::string_view>> known{
      {"company", {"added", "updated", "deleted"}},
      {"contact", {"added", "updated", "deleted", "linkedToCompany", "unlinkedFromCompany", "updatedLinkToCompany"}},
      {"account", {"deactivated", "deleted"}},
      {"user", {"deactivated"}},
  };
  const auto dot = type.find('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == type.size()) return false;
  const auto of = known.find(type.substr(0, dot));
  return of == known.end() || of->second.contains(type.substr(dot + 1));
}

std::optional<reply> read(const json::object& body, bool https_only, wanted& out) {
  const auto* url = body.if_contains("url");
  if (!url || !url->is_string()) return api_error(400, "url must be present", "url");
  out.url = url->get_string();
  const auto parsed = boost::urls::parse_uri(out.url);
  if (!parsed || !parsed->has_authority()) return api_error(400, "url must be a valid URL", "url");
  if (https_only && parsed->scheme() != "https") return api_error(400, "url must be an https URL", "url");
  const auto* types = body.if_contains("types");
  if (!types || !types->is_array() || types->get_array().empty())
    return api_error(400, "types must be present", "types");
  for (const auto& one : types->get_array()) {
    if (!one.is_string() || !exists(one.get_string())) return api_error(400, "types contains an unknown type", "types");
    out.types.emplace(one.get_string());
  }
  return std::nullopt;
}

reply no_content() {
  reply answer;
  answer.status = 204;
  answer.content_type.clear();
  return answer;
}

json::array names(const std::map<std::string, int>& types) {
  json::array out;
  for (const auto& [type, times] : types) out.emplace_back(type);
  return out;
}

}  // namespace

std::string webhooks::name_of(const identity& who, const std::string& url) {
  return who.client_id + '\n' + who.of.id + '\n' + url;
}

reply webhooks::enrol(const identity& who, const json::object& body) {
  wanted asked;
  if (auto refused = read(body, settings_.webhook_https_only, asked)) return *refused;
  const auto name = name_of(who, asked.url);
  const auto known = by_name_.find(name);
  const auto& again = settings_.webhook_again;
  if (again == "refuse" && known != by_name_.end())
    for (const auto& type : asked.types)
      if (known->second.types.contains(type)) return api_error(400, "webhook is already registered", "types");
  if (known == by_name_.end() && settings_.webhook_limit != 0) {
    const auto of_client = [&](const auto& entry) {
      return entry.second.client_id == who.client_id && entry.second.account_id == who.of.id;
    };
    if (static_cast<std::size_t>(std::count_if(by_name_.begin(), by_name_.end(), of_client)) >= settings_.webhook_limit)
      return api_error(400, "too many webhooks", "url");
  }
  auto& one = by_name_[name];
  one.client_id = who.client_id;
  one.account_id = who.of.id;
  one.url = asked.url;
  for (const auto& type : asked.types)
    if (auto& times = one.types[type]; again == "double" || times == 0) ++times;
  return no_content();
}

reply webhooks::withdraw(const identity& who, const json::object& body) {
  wanted asked;
  if (auto refused = read(body, false, asked)) return *refused;
  const auto found = by_name_.find(name_of(who, asked.url));
  if (found == by_name_.end()) return no_content();
  for (const auto& type : asked.types) found->second.types.erase(type);
  if (found->second.types.empty()) by_name_.erase(found);
  return no_content();
}

reply webhooks::list(const identity& who) const {
  json::array data;
  for (const auto& [name, one] : by_name_) {
    if (one.client_id != who.client_id || one.account_id != who.of.id) continue;
    data.push_back({{"url", one.url}, {"types", names(one.types)}});
  }
  return data_reply(std::move(data));
}

std::vector<delivery> webhooks::on_change(const std::string& type, const std::string& subject,
                                          const std::vector<std::string>& ids, instant now) const {
  std::vector<delivery> out;
  for (const auto& [name, one] : by_name_) {
    const auto registered = one.types.find(type);
    if (registered == one.types.end()) continue;
    for (const auto& id : ids) {
      json::object body{{"type", type}, {"subject", json::object{{"type", subject}, {"id", id}}}};
      if (settings_.webhook_extra_members) {
        body["account"] = json::object{{"type", "account"}, {"id", one.account_id}};
        body["timestamp"] = record_time(std::chrono::floor<std::chrono::seconds>(now));
      }
      delivery due;
      due.registration = name;
      due.url = one.url;
      due.body = json::serialize(body);
      due.event = type;
      due.ids = {id};
      due.attempts_left = 1 + settings_.webhook_retries;
      due.pause = settings_.webhook_retry_pause;
      due.patience = settings_.webhook_patience;
      for (int times = 0; times < registered->second; ++times) out.push_back(due);
    }
  }
  return out;
}

void webhooks::delivered(delivery& one, const attempt& result) {
  const auto found = by_name_.find(one.registration);
  if (found != by_name_.end())
    ++(result.taken() ? found->second.taken : found->second.refused);
  else
    one.attempts_left = 0;  // withdrawn meanwhile: it is not tried again
}

json::array webhooks::overview() const {
  json::array out;
  for (const auto& [name, one] : by_name_) {
    out.push_back({{"client_id", one.client_id},
                   {"account", one.account_id},
                   {"url", one.url},
                   {"types", names(one.types)},
                   {"taken", one.taken},
                   {"refused", one.refused}});
  }
  return out;
}

}  // namespace koppel::provider_sim::teamleader
