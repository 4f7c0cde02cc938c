// SPDX-License-Identifier: Apache-2.0
// A page that is never answered costs a little memory for a while, so there is a bound to them.
#include "oauth_forms.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <boost/url/parse.hpp>

namespace koppel::provider_sim {
namespace {

constexpr std::size_t most_open = 1000;

}  // namespace

std::string field_or_empty(const form_fields& fields, std::string_view name) {
  const auto* found = find_field(fields, name);
  return found ? *found : std::string();
}

form_fields token_fields(const request& asked) {
  if (asked.content_type.find("json") == std::string::npos) return decode_form(asked.body);
  boost::system::error_code failed;
  const auto parsed = boost::json::parse(asked.body, failed);
  form_fields fields;
  if (failed || !parsed.is_object()) return fields;
  for (const auto& [name, value] : parsed.get_object())
    if (value.is_string()) fields.emplace_back(std::string(name), std::string(value.get_string()));
  return fields;
}

bool usable_redirect(const std::string& uri) {
  const auto parsed = boost::urls::parse_uri(uri);
  return parsed && parsed->has_authority() && !parsed->has_fragment() &&
         (parsed->scheme() == "https" || parsed->scheme() == "http");
}

reply redirect_to(const std::string& uri, const std::string& query) {
  reply answer;
  answer.status = 302;
  answer.content_type.clear();
  const bool has_query = uri.find('?') != std::string::npos;
  const bool open = has_query && (uri.back() == '?' || uri.back() == '&');
  answer.headers.emplace_back("Location", uri + (open ? "" : has_query ? "&" : "?") + query);
  answer.headers.emplace_back("Cache-Control", "no-store");
  return answer;
}

std::string open_consents::show(consent one) {
  if (order_.size() == most_open) {
    shown_.erase(order_.front());
    order_.pop_front();
  }
  auto hidden = random_(24);
  shown_[hidden] = std::move(one);
  order_.push_back(hidden);
  return hidden;
}

std::optional<consent> open_consents::take(const std::string& hidden) {
  const auto found = shown_.find(hidden);
  if (found == shown_.end()) return std::nullopt;
  auto one = std::move(found->second);
  shown_.erase(found);
  std::erase(order_, hidden);
  return one;
}

}  // namespace koppel::provider_sim
