// SPDX-License-Identifier: Apache-2.0
// No id, no secret, no signature: a registration is a url and a set of types.
#include "teamleader/webhooks.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/url/parse.hpp>
#include <optional>

#include "teamleader/api_errors.hpp"

namespace koppel::provider_sim::teamleader {
namespace {

namespace json = boost::json;

struct wanted {
  std::string url;
  std::set<std::string> types;
};

std::optional<reply> read(const json::object& body, wanted& out) {
  const auto* url = body.if_contains("url");
  if (!url || !url->is_string()) return api_error(400, "url must be present", "url");
  out.url = url->get_string();
  const auto parsed = boost::urls::parse_uri(out.url);
  if (!parsed || !parsed->has_authority()) return api_error(400, "url must be a valid URL", "url");
  const auto* types = body.if_contains("types");
  if (!types || !types->is_array() || types->get_array().empty())
    return api_error(400, "types must be present", "types");
  for (const auto& one : types->get_array()) {
    if (!one.is_string() || one.get_string().find('.') == json::string::npos)
      return api_error(400, "types contains an unknown type", "types");
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

}  // namespace

reply webhooks::enrol(const std::string& client_id, const json::object& body) {
  wanted asked;
  if (auto refused = read(body, asked)) return *refused;
  by_client_and_url_[{client_id, asked.url}].types.merge(asked.types);
  return no_content();
}

reply webhooks::withdraw(const std::string& client_id, const json::object& body) {
  wanted asked;
  if (auto refused = read(body, asked)) return *refused;
  const auto found = by_client_and_url_.find({client_id, asked.url});
  if (found == by_client_and_url_.end()) return no_content();
  for (const auto& type : asked.types) found->second.types.erase(type);
  if (found->second.types.empty()) by_client_and_url_.erase(found);
  return no_content();
}

reply webhooks::list(const std::string& client_id) const {
  json::array data;
  for (const auto& [key, one] : by_client_and_url_) {
    if (key.first != client_id) continue;
    data.push_back({{"url", key.second}, {"types", json::array(one.types.begin(), one.types.end())}});
  }
  return data_reply(std::move(data));
}

std::vector<delivery> webhooks::on_change(const std::string& type, const std::string& subject,
                                          const std::vector<std::string>& ids) const {
  std::vector<delivery> out;
  for (const auto& [key, one] : by_client_and_url_) {
    if (!one.types.contains(type)) continue;
    for (const auto& id : ids) {
      const json::object body{{"type", type}, {"subject", json::object{{"type", subject}, {"id", id}}}};
      out.push_back({key.first, key.second, json::serialize(body)});
    }
  }
  return out;
}

void webhooks::delivered(const delivery& one, bool ok) {
  const auto found = by_client_and_url_.find({one.client_id, one.url});
  if (found != by_client_and_url_.end()) ++(ok ? found->second.taken : found->second.refused);
}

json::array webhooks::overview() const {
  json::array out;
  for (const auto& [key, one] : by_client_and_url_) {
    out.push_back({{"client_id", key.first},
                   {"url", key.second},
                   {"types", json::array(one.types.begin(), one.types.end())},
                   {"taken", one.taken},
                   {"refused", one.refused}});
  }
  return out;
}

}  // namespace koppel::provider_sim::teamleader
