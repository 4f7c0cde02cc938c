// SPDX-License-Identifier: Apache-2.0
// The control port: JSON in, JSON out; README.md lists the routes. Errors are {"error":"..."} with 400 or 404.
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <charconv>

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

std::optional<entity> entity_named(const std::string& name) {
  if (name == "company") return entity::company;
  if (name == "contact") return entity::contact;
  return std::nullopt;
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
  if (asked.method == "GET") return get(asked.path, asked, now);
  if (asked.method == "DELETE" && asked.path == "/faults") {
    faults_.clear();
    return done();
  }
  if (asked.method != "POST") return wrong(404, "no such route");
  boost::system::error_code failed;
  const auto body = json::parse(asked.body.empty() ? "{}" : asked.body, failed);
  if (failed || !body.is_object()) return wrong(400, "the body must be a JSON object");
  return post(asked.path, body.get_object(), now);
}

reply simulator::get(const std::string& path, const request& asked, instant now) {
  if (path == "/clients") return list_clients();
  if (path == "/clock") return done(describe_clock(now));
  if (path == "/knobs") return done(settings_.to_json());
  if (path == "/webhooks") return done({{"webhooks", hooks_.overview()}});
  if (path == "/tokens/presented") return done(oauth_.presented());
  if (path == "/secrets") return done(oauth_.secrets());
  if (path == "/records") return export_records(asked);
  if (path == "/counts")
    return done({{"company", records_.of(entity::company).size()}, {"contact", records_.of(entity::contact).size()}});
  if (path == "/requests") {
    const auto query = decode_form(asked.query);
    return json_reply(200, journal_.since(query_number(query, "since", 0), query_number(query, "limit", 10'000)));
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
    const auto problem = settings_.apply(body);
    return problem ? wrong(400, *problem) : done(settings_.to_json());
  }
  if (path == "/revoke") return done({{"ended", oauth_.revoke(text(body, "client_id"))}});
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
  one.of = {text(of->get_object(), "id"), text(of->get_object(), "name")};
  if (one.of.id.empty() || one.of.name.empty()) return wrong(400, "account must have id and name");
  json::object answer{{"client_id", one.id}, {"client_secret", one.secret}};
  oauth_.put_client(std::move(one));
  return done(std::move(answer));
}

reply simulator::list_clients() const {
  json::array list;
  for (const auto& [id, one] : oauth_.clients()) {
    list.push_back({{"client_id", id},
                    {"client_secret", one.secret},
                    {"name", one.name},
                    {"scopes", json::array(one.scopes.begin(), one.scopes.end())},
                    {"redirect_uris", json::array(one.redirect_uris.begin(), one.redirect_uris.end())},
                    {"account", json::object{{"id", one.of.id}, {"name", one.of.name}}}});
  }
  return done({{"clients", std::move(list)}});
}

reply simulator::issue_code(const json::object& body, instant now) {
  const auto code = oauth_.issue_code(text(body, "client_id"), text(body, "redirect_uri"), now,
                                      std::chrono::seconds(number(body, "age_seconds", 0)));
  return code ? done({{"code", *code}}) : wrong(404, "no such client");
}

reply simulator::change_records(const std::string& what, const json::object& body, instant now) {
  const auto kind = entity_named(text(body, "entity"));
  if (!kind) return wrong(400, "entity is company or contact");
  const auto count = number(body, "count", 1);
  if (count < 0 || count > 10'000'000) return wrong(400, "count is out of range");

  std::vector<std::string> ids;
  if (body.contains("ids") && what != "add") {
    for (auto& id : texts(body, "ids")) {
      const bool found = what == "change" ? records_.change_one(*kind, id, now) : records_.remove_one(*kind, id);
      if (found) ids.push_back(std::move(id));
    }
  } else {
    const auto size = static_cast<std::size_t>(count);
    ids = what == "add"      ? records_.add(*kind, size, now)
          : what == "change" ? records_.change(*kind, size, now)
                             : records_.remove(*kind, size);
  }
  announce(*kind, what == "add" ? "added" : what == "change" ? "updated" : "deleted", ids);
  return done({{"ids", json::array(ids.begin(), ids.end())}});
}

reply simulator::touch_record(const json::object& body, instant now) {
  const auto kind = entity_named(text(body, "entity"));
  const auto* fields = body.if_contains("fields");
  if (!kind || !fields || !fields->is_object()) return wrong(400, "entity is company or contact, fields an object");
  const auto id = text(body, "id");
  const auto problem = records_.overwrite(*kind, id, fields->get_object(), now);
  if (problem) return wrong(*problem == "no such record" ? 404 : 400, *problem);
  announce(*kind, "updated", {id});
  return done({{"ids", json::array{id}}});
}

reply simulator::export_records(const request& asked) const {
  const auto query = decode_form(asked.query);
  const auto* name = find_field(query, "entity");
  const auto kind = name ? entity_named(*name) : std::nullopt;
  if (!kind) return wrong(400, "entity is company or contact");
  reply answer;
  answer.content_type = "application/x-ndjson";
  for (const slot place : records_.of(*kind).order(sort_key::updated_at))
    answer.body += json::serialize(records_.full(*kind, place)) + "\n";
  return answer;
}

}  // namespace koppel::provider_sim
