// SPDX-License-Identifier: Apache-2.0
// The control port: JSON in, JSON out; README.md lists the routes. Errors are {"error":"..."} with 400 or 404.
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <charconv>

#include "form.hpp"
#include "simulator.hpp"
#include "timestamps.hpp"

namespace koppel::provider_sim {
namespace {

namespace json = boost::json;

reply wrong(int status, const std::string& what) {
  return json_reply(status, json::serialize(json::object{{"error", what}}));
}

reply done(json::object body = {{"ok", true}}) { return json_reply(200, json::serialize(body)); }

std::string text(const json::object& from, const char* name) {
  const auto* value = from.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::int64_t number(const json::object& from, const char* name, std::int64_t otherwise) {
  const auto* value = from.if_contains(name);
  return value && value->is_int64() ? value->get_int64() : otherwise;
}

std::vector<std::string> texts(const json::object& from, const char* name) {
  std::vector<std::string> out;
  const auto* value = from.if_contains(name);
  if (!value || !value->is_array()) return out;
  for (const auto& one : value->get_array())
    if (one.is_string()) out.emplace_back(one.get_string());
  return out;
}

std::uint64_t query_number(const form_fields& query, const char* name, std::uint64_t otherwise) {
  const auto* digits = find_field(query, name);
  if (digits) std::from_chars(digits->data(), digits->data() + digits->size(), otherwise);
  return otherwise;
}

json::object describe_clock(instant now) {
  return {{"now", reset_time(now, true)}, {"now_ms", now.time_since_epoch().count()}};
}

}  // namespace

reply simulator::control(const request& asked, instant now) {
  auto answer = answer_control(asked, now);
  outbox_.accept(provider_->take_deliveries(), now);
  return answer;
}

reply simulator::answer_control(const request& asked, instant now) {
  boost::system::error_code failed;
  const auto body = json::parse(asked.body.empty() ? "{}" : asked.body, failed);
  if (asked.method == "POST" && (failed || !body.is_object())) return wrong(400, "the body must be a JSON object");
  if (auto own = provider_->control(asked, body.is_object() ? body.get_object() : json::object(), now))
    return *std::move(own);
  if (asked.path.starts_with("/webhooks"))
    return webhook_order(asked.method, asked.path.substr(std::string("/webhooks").size()), asked,
                         body.is_object() ? body.get_object() : json::object(), now);
  if (asked.method == "GET") return get(asked.path, asked, now);
  if (asked.method == "DELETE" && asked.path == "/faults") {
    faults_.clear();
    return done();
  }
  if (asked.method != "POST") return wrong(404, "no such route");
  return post(asked.path, body.get_object(), now);
}

reply simulator::get(const std::string& path, const request& asked, instant now) {
  if (path == "/clients") return done({{"clients", provider_->clients().to_json()}});
  if (path == "/clock") return done(describe_clock(now));
  if (path == "/knobs") return done(provider_->knobs().to_json());
  if (path == "/tokens/presented") return done(provider_->grants().presented());
  if (path == "/secrets") return done(provider_->grants().secrets());
  if (path == "/records") return export_records(asked);
  if (path == "/counts") return count_records();
  if (path == "/requests") {
    const auto query = decode_form(asked.query);
    return json_reply(200, journal_.since(query_number(query, "since", 0), query_number(query, "limit", 10'000)));
  }
  if (path == "/requests/times") {
    const auto query = decode_form(asked.query);
    const auto* part = find_field(query, "path");
    return done(journal_.times(query_number(query, "since", 0), part ? *part : ""));
  }
  return wrong(404, "no such route");
}

reply simulator::post(const std::string& path, const json::object& body, instant now) {
  if (path == "/clients") return put_client(body);
  if (path == "/codes") return issue_code(body, now);
  if (path == "/records/add" || path == "/records/change" || path == "/records/delete")
    return change_records(path.substr(path.rfind('/') + 1), body, now);
  if (path == "/records/touch-id") return touch_record(body, now);
  if (path == "/clock") {
    const auto forward = number(body, "advance_seconds", -1);
    if (forward < 0) return wrong(400, "advance_seconds must be a number, 0 or more");
    advanced_ += std::chrono::seconds(forward);
    return done(describe_clock(now + std::chrono::seconds(forward)));
  }
  if (path == "/faults") {
    const auto problem = faults_.order(body);
    return problem ? wrong(400, *problem) : done();
  }
  if (path == "/knobs") {
    const auto knobs = provider_->knobs();
    const auto problem = knobs.apply(body);
    return problem ? wrong(400, *problem) : done(knobs.to_json());
  }
  if (path == "/revoke") return done({{"ended", provider_->grants().revoke(text(body, "client_id"))}});
  if (path == "/answer-delay") {
    const auto delay = number(body, "ms", -1);
    if (delay < 0) return wrong(400, "ms must be a number, 0 or more");
    if (delay == 0)
      delays_.erase(text(body, "path"));
    else
      delays_[text(body, "path")] = std::chrono::milliseconds(delay);
    return done();
  }
  return wrong(404, "no such route");
}

reply simulator::put_client(const json::object& body) {
  client one;
  one.id = text(body, "client_id");
  if (one.id.empty()) one.id = random_(16);
  one.secret = text(body, "client_secret");
  if (one.secret.empty()) one.secret = random_(16);
  one.name = text(body, "name");
  if (one.name.empty()) one.name = "Testo Pro+ Sync";
  one.scopes = texts(body, "scopes");
  one.redirect_uris = texts(body, "redirect_uris");
  const auto* of = body.if_contains("account");
  if (!of || !of->is_object()) return wrong(400, "account must be an object with id and name");
  one.of = {text(of->get_object(), "id"), text(of->get_object(), "name"), text(of->get_object(), "host")};
  if (one.of.id.empty() || one.of.name.empty()) return wrong(400, "account must have id and name");
  if (const auto problem = provider_->complete_client(one)) return wrong(400, *problem);
  json::object answer{{"client_id", one.id}, {"client_secret", one.secret}};
  provider_->clients().put(std::move(one));
  return done(std::move(answer));
}

reply simulator::issue_code(const json::object& body, instant now) {
  const auto code = provider_->issue_code(text(body, "client_id"), text(body, "redirect_uri"), now,
                                          std::chrono::seconds(number(body, "age_seconds", 0)));
  return code ? done({{"code", *code}}) : wrong(404, "no such client");
}

/// "entity is company or contact", for a request that names none of them.
std::string simulator::entity_choice() {
  std::string out;
  for (const auto& name : provider_->records().entities()) out += (out.empty() ? "entity is " : " or ") + name;
  return out;
}

reply simulator::change_records(const std::string& what, const json::object& body, instant now) {
  auto& records = provider_->records();
  const auto entity = records.entity_named(text(body, "entity"));
  if (!entity) return wrong(400, entity_choice());
  const auto count = number(body, "count", 1);
  if (count < 0 || count > 10'000'000) return wrong(400, "count is out of range");

  record_change change{*entity, what == "add" ? "added" : what == "change" ? "updated" : "deleted", {}};
  if (body.contains("ids") && what != "add") {
    for (auto& id : texts(body, "ids")) {
      const bool found = what == "change" ? records.change_one(*entity, id, now) : records.remove_one(*entity, id, now);
      if (found) change.ids.push_back(std::move(id));
    }
  } else {
    const auto size = static_cast<std::size_t>(count);
    change.ids = what == "add"      ? records.add(*entity, size, now)
                 : what == "change" ? records.change(*entity, size, now)
                                    : records.remove(*entity, size, now);
  }
  provider_->announce(change, now);
  return done({{"ids", json::array(change.ids.begin(), change.ids.end())}});
}

reply simulator::touch_record(const json::object& body, instant now) {
  auto& records = provider_->records();
  const auto entity = records.entity_named(text(body, "entity"));
  const auto* fields = body.if_contains("fields");
  if (!entity || !fields || !fields->is_object()) return wrong(400, entity_choice() + ", fields an object");
  const auto id = text(body, "id");
  const auto problem = records.overwrite(*entity, id, fields->get_object(), now);
  if (problem) return wrong(*problem == "no such record" ? 404 : 400, *problem);
  provider_->announce({*entity, "updated", {id}}, now);
  return done({{"ids", json::array{id}}});
}

reply simulator::export_records(const request& asked) {
  const auto& records = provider_->records();
  const auto query = decode_form(asked.query);
  const auto* name = find_field(query, "entity");
  const auto entity = name ? records.entity_named(*name) : std::nullopt;
  if (!entity) return wrong(400, entity_choice());
  reply answer;
  answer.content_type = "application/x-ndjson";
  for (const slot place : records.of(*entity).order(sort_key::updated_at))
    answer.body += json::serialize(records.full(*entity, place)) + "\n";
  return answer;
}

reply simulator::count_records() {
  const auto& records = provider_->records();
  json::object out;
  for (std::size_t entity = 0; entity < records.entities().size(); ++entity)
    out[records.entities()[entity]] = records.of(entity).size();
  return done(std::move(out));
}

}  // namespace koppel::provider_sim
