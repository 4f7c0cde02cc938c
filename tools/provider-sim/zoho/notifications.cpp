// SPDX-License-Identifier: Apache-2.0
// What channels deliver: the numbers of some records of one module, in clear, with the channel's own token as the only
// proof. A call that fails is lost unless a knob says otherwise.
#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <set>

#include "form.hpp"
#include "zoho/watch.hpp"

namespace koppel::provider_sim::zoho {
namespace {

namespace json = boost::json;

constexpr std::array<const char*, 3> module_names{"Accounts", "Contacts", "users"};  ///< by entity

/// The event's name as it is subscribed to, from the control port's.
const char* event_named(const std::string& what) {
  return what == "added" ? "create" : what == "updated" ? "edit" : "delete";
}

json::object query_of(const std::string& url) {
  json::object out;
  const auto mark = url.find('?');
  if (mark == url.npos) return out;
  for (const auto& [name, value] : decode_form(url.substr(mark + 1, url.find('#') - mark - 1))) out[name] = value;
  return out;
}

}  // namespace

json::array watch_list::affected_values(const std::vector<std::string>& ids, const std::string& module) const {
  const auto entity = std::find(module_names.begin(), module_names.end(), module) - module_names.begin();
  json::array out;
  for (const auto& id : ids) {
    const auto place = records_.find(static_cast<std::size_t>(entity), id);
    if (place == no_slot) continue;
    const auto whole = records_.full(static_cast<std::size_t>(entity), place);
    json::object values;
    if (const auto* time = whole.if_contains("Modified_Time")) values["Modified_Time"] = *time;
    out.push_back({{"record_id", id}, {"values", std::move(values)}});
  }
  return out;
}

delivery watch_list::notification(const std::string& name, const channel& one, const std::string& module,
                                  const std::string& event, std::vector<std::string> ids, instant now) const {
  const bool past = settings_.notification_operations == "past";
  const std::string operation = !past ? event : event == "create" ? "insert" : event == "edit" ? "update" : event;
  json::object body{{"server_time", now.time_since_epoch().count()},
                    {"query_params", query_of(one.notify_url)},
                    {"module", module},
                    {"resource_uri", resource_uri(one, module)},
                    {"ids", json::array(ids.begin(), ids.end())},
                    {"affected_fields", json::array()},
                    {"operation", operation},
                    {"channel_id", one.id},
                    {"token", one.token}};
  if (settings_.channel_id_as_number) body["channel_id"] = std::stoull(one.id);
  if (one.with_values && event == "edit") {
    body["affected_values"] = affected_values(ids, module);
    for (const auto& id : ids)
      body["affected_fields"].as_array().push_back(json::object{{id, json::array{"Modified_Time"}}});
  }
  delivery out;
  out.registration = name;
  out.url = one.notify_url;
  out.body = json::serialize(body);
  out.event = module + "." + event;
  out.ids = std::move(ids);
  out.attempts_left = 1 + settings_.notification_retries;
  return out;
}

/// The accounts to which contacts belong that changed: related actions, of which channels are told unless they say no.
std::vector<std::string> watch_list::related_accounts(const record_change& change) const {
  std::set<std::string> out;
  if (static_cast<entity>(change.entity) != entity::contact) return {};
  const auto& accounts = records_.of(entity::account);
  for (const auto& id : change.ids) {
    const auto place = records_.find(change.entity, id);
    if (place == no_slot) continue;
    const auto account = records_.of(entity::contact).at(place).links[0];
    if (accounts.alive(account)) out.insert(records_.id_text(accounts.at(account).id));
  }
  return {out.begin(), out.end()};
}

std::vector<delivery> watch_list::on_change(const record_change& change, instant now) const {
  std::vector<delivery> out;
  const std::string event = event_named(change.what), module = module_names[change.entity];
  const auto related = related_accounts(change);
  for (const auto& [name, one] : by_name_) {
    if (one.expiry <= now) continue;
    const auto tell = [&, &of = name, &by = one](const std::string& which, const std::string& what,
                                                 const std::vector<std::string>& ids) {
      const auto wanted = by.events.find(which);
      if (wanted == by.events.end() || !(wanted->second.contains(what) || wanted->second.contains("all"))) return;
      for (std::size_t from = 0; from < ids.size(); from += settings_.ids_per_notification) {
        const auto end = std::min(ids.size(), from + settings_.ids_per_notification);
        out.push_back(notification(
            of, by, which, what,
            {ids.begin() + static_cast<std::ptrdiff_t>(from), ids.begin() + static_cast<std::ptrdiff_t>(end)}, now));
      }
    };
    tell(module, event, change.ids);
    if (one.on_related && !related.empty()) tell("Accounts", "edit", related);
  }
  return out;
}

void watch_list::delivered(delivery& one, const attempt& result) {
  const auto found = by_name_.find(one.registration);
  if (found != by_name_.end())
    ++(result.taken() ? found->second.taken : found->second.refused);
  else
    one.attempts_left = 0;
}

json::array watch_list::overview() const {
  json::array out;
  for (const auto& [name, one] : by_name_) {
    json::array types;
    for (const auto& [module, operations] : one.events)
      for (const auto& operation : operations) types.emplace_back(module + "." + operation);
    out.push_back({{"client_id", one.who.client_id},
                   {"account", one.who.of.id},
                   {"url", one.notify_url},
                   {"types", std::move(types)},
                   {"id", one.id},
                   {"expires", records_.time_text(one.expiry)},
                   {"expires_ms", one.expiry.time_since_epoch().count()},
                   {"taken", one.taken},
                   {"refused", one.refused}});
  }
  return out;
}

}  // namespace koppel::provider_sim::zoho
