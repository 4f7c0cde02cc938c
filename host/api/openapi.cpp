// SPDX-License-Identifier: Apache-2.0

#include "host/api/openapi.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cctype>

namespace koppel::api {
namespace json = boost::json;
namespace {

struct named_schema {
  std::string name, about;
  std::vector<field> members;
};

/// What is answered. The members of `auth_status` are those of an auth.status event (docs/bus.md).
const std::vector<named_schema>& schemas() {
  static const std::vector<named_schema> all{
      {"error",
       "A refusal.",
       {{"code", "string", "a word for programs, listed in docs/rest-api.md", true},
        {"message", "string", "a sentence that says what to do", true},
        {"hint", "texts", "the same for the customer, where there is one"}}},
      {"texts",
       "One text in three languages.",
       {{"nl", "string", "", true}, {"fr", "string", "", true}, {"en", "string", "", true}}},
      {"account",
       "Whose account it is at the provider.",
       {{"id", "string", "", true}, {"name", "string", "", true}, {"environment", "string", "", true}}},
      {"webhook_state",
       "The registration of a connection's webhooks at the provider (docs/webhooks.md).",
       {{"state", "string", "none, registered, refused or failing", true},
        {"reason", "string", "why it is refused, or fails, and what could not be removed at a former address", true},
        {"registered_at", "string?", "RFC 3339, UTC", true},
        {"ends_at", "string?", "RFC 3339, UTC; it is renewed ahead of it", true},
        {"last_received_at", "string?", "when one came last, to the minute", true}}},
      {"auth_status",
       "The content of an auth.status event (docs/bus.md).",
       {{"status", "string", "the machine's word", true},
        {"display", "string", "literally for the field Auth Status: Success, or Failed and why", true},
        {"since", "string", "RFC 3339, UTC", true},
        {"generation", "integer", "grows with each change", true},
        {"reason", "string?", "why not", true},
        {"http_status", "integer?", "of the provider's answer", true},
        {"provider_error", "string?", "its error code", true},
        {"action", "string", "what has to be done", true},
        {"action_by", "string", "whose turn it is", true},
        {"hint", "texts", "what to do, in the manual's words", true},
        {"account", "account?", "whose account it is", true}}},
      {"open_link",
       "A link that nobody has used yet.",
       {{"link", "string", "", true},
        {"redirect_uri", "string", "where it sends the browser", true},
        {"own_callback", "boolean", "false: what comes back has to be brought to /code", true},
        {"expires_at", "string", "RFC 3339, UTC", true}}},
      {"connection",
       "One account of a customer at a provider.",
       {{"id", "string", "immutable", true},
        {"provider", "string", "", true},
        {"name", "string", "unique within the provider", true},
        {"customer", "string", "", true},
        {"app", "string", "the registration that it uses", true},
        {"settings", "object", "", true},
        {"created_at", "string", "RFC 3339, UTC", true},
        {"connects_by", "string?", "link, key, or link_or_key; null while its provider is not there", true},
        {"auth", "auth_status", "", true},
        {"pinned_account", "account?", "the account that it is bound to", true},
        {"webhooks", "webhook_state?", "whether the provider was asked to send webhooks", true},
        {"open_link", "open_link?",
         "of one connection, for the scope connect: the newest link that is good; after a refused code, for the next "
         "try"},
        {"streams", "objects", "what is read, when, and how many records there are", true}}},
      {"refused_attempt",
       "An attempt that failed and left the connection as it was, told to whoever waits with after_refusals.",
       {{"connection", "connection", "as it stands", true},
        {"refusals", "integer", "for the next after_refusals", true},
        {"outcome", "auth_status", "of the attempt", true}}},
      {"link",
       "An address to mail to the customer.",
       {{"id", "string", "to revoke it", true},
        {"url", "string", "shown this once", true},
        {"expires_at", "string", "RFC 3339, UTC", true}}},
      {"made_link",
       "A connect link, without its address.",
       {{"id", "string", "", true},
        {"state", "string", "usable, used, revoked or expired", true},
        {"created_at", "string", "RFC 3339, UTC", true},
        {"expires_at", "string", "RFC 3339, UTC", true},
        {"made_by", "string", "the token's name; empty: koppelctl", true},
        {"expected_account", "string?", "the only one that is taken", true},
        {"outcome", "auth_status?", "of the latest try that was refused", true}}},
      {"links", "", {{"links", "made_link[]", "", true}}},
      {"connections", "", {{"connections", "connection[]", "", true}}},
      {"saved",
       "What came of saving.",
       {{"auth", "auth_status", "what to show: of the code that was saved, else of the connection", true},
        {"connection", "connection", "as it stands: a refused code leaves one that works as it was", true}}},
      {"outcome",
       "What came of a code.",
       {{"connection", "connection", "as it stands", true}, {"outcome", "auth_status", "of this code", true}}},
      {"attempt",
       "A link for the account's administrator.",
       {{"link", "string", "", true},
        {"redirect_uri", "string", "where it sends the browser", true},
        {"own_callback", "boolean", "false: what comes back has to be brought to /code", true},
        {"expires_at", "string", "RFC 3339, UTC", true},
        {"generation", "integer", "for after_generation", true},
        {"refusals", "integer", "for after_refusals", true}}},
      {"confirmation",
       "How the account's name is to be confirmed.",
       {{"mode", "string", "ask, yes, or expect", true}, {"account", "string", "the id that is expected"}}},
      {"providers", "", {{"providers", "objects", "title, settings, guide, streams of each", true}}},
      {"fetched",
       "What the provider answered.",
       {{"status", "integer", "200 to 299", true},
        {"body", "string", "as it came; absent where something was selected"},
        {"selected", "string", "what was selected: a text as it is, everything else as JSON"}}},
      {"syncs", "", {{"runs", "objects", "newest first", true}, {"queued", "objects", "", true}}},
      {"held_stream",
       "Held and rejected deletions of one stream.",
       {{"provider", "string", "", true},
        {"connection", "string", "", true},
        {"stream", "string", "", true},
        {"entity", "string", "", true},
        {"held", "integer", "deletions that somebody has to decide on", true},
        {"rejected", "integer", "records that stay, though the provider does not have them", true},
        {"known", "integer", "records that are there, with all of these", true},
        {"published", "integer", "deletions that the run published", true},
        {"run_id", "string", "that held the newest", true},
        {"since", "string", "RFC 3339, UTC", true},
        {"mark", "integer", "for a decision about these and no later ones", true},
        {"records", "objects", "id, name, since, and whether it was rejected: of one stream that was asked for"}}},
      {"held", "", {{"held", "held_stream[]", "", true}}},
      {"held_decision",
       "",
       {{"decided", "integer", "on how many", true}, {"accepted", "boolean", "whether they are deleted", true}}},
      {"started", "", {{"streams", "strings", "what will be read", true}}},
  };
  return all;
}

json::object reference(std::string_view schema) { return {{"$ref", "#/components/schemas/" + std::string(schema)}}; }

json::object schema_of(std::string type) {
  if (type == "string" || type == "integer" || type == "boolean" || type == "object") return {{"type", type}};
  if (type == "strings") return {{"type", "array"}, {"items", json::object{{"type", "string"}}}};
  if (type == "objects") return {{"type", "array"}, {"items", json::object{{"type", "object"}}}};
  if (type.ends_with("[]")) {
    type.resize(type.size() - 2);
    return {{"type", "array"}, {"items", reference(type)}};
  }
  if (const auto bar = type.find('|'); bar != std::string::npos)
    return {{"oneOf", json::array{reference(type.substr(0, bar)), reference(type.substr(bar + 1))}}};
  if (!type.ends_with('?')) return reference(type);
  type.pop_back();
  if (type == "string" || type == "integer" || type == "object") return {{"type", json::array{type, "null"}}};
  json::array either;
  either.push_back(reference(type));
  either.push_back(json::object{{"type", "null"}});
  return {{"oneOf", std::move(either)}};
}

/// `closed`: other members are refused.
json::object object_schema(const std::vector<field>& members, bool closed) {
  json::object properties;
  json::array required;
  for (const auto& m : members) {
    auto schema = schema_of(m.type);
    if (!m.about.empty()) schema["description"] = m.about;
    properties[m.name] = std::move(schema);
    if (m.required) required.emplace_back(m.name);
  }
  json::object o{{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) o["required"] = std::move(required);
  if (closed) o["additionalProperties"] = false;
  return o;
}

json::array parameters(const route& r) {
  json::array all;
  const json::object text{{"type", "string"}};
  for (std::size_t begin = r.path.find('{'); begin != std::string::npos; begin = r.path.find('{', begin + 1)) {
    const auto name = r.path.substr(begin + 1, r.path.find('}', begin) - begin - 1);
    all.push_back(json::object{{"name", name}, {"in", "path"}, {"required", true}, {"schema", text}});
  }
  for (const auto& q : r.query)
    all.push_back(json::object{{"name", q.name},
                               {"in", "query"},
                               {"required", q.required},
                               {"description", q.about},
                               {"schema", schema_of(q.type)}});
  return all;
}

json::object content(json::object schema) {
  return {{"application/json", json::object{{"schema", std::move(schema)}}}};
}

json::object operation(const route& r) {
  json::object o;
  std::string id = r.method;
  for (const char c : r.path.substr(3)) {
    if (std::isalnum(static_cast<unsigned char>(c)))
      id += c;
    else if (id.back() != '_')
      id += '_';
  }
  if (id.back() == '_') id.pop_back();
  std::transform(id.begin(), id.end(), id.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  o["operationId"] = id;
  o["summary"] = r.summary;
  std::string who =
      r.needs == scope::none ? "No token is needed." : "Needs the scope `" + std::string(to_string(r.needs)) + "`.";
  if (r.of == route::reach::whole_daemon) who += " Not for tokens that are bound to a customer.";
  o["description"] = who;
  if (auto list = parameters(r); !list.empty()) o["parameters"] = std::move(list);
  if (!r.body.empty())
    o["requestBody"] = json::object{{"required", true}, {"content", content(object_schema(r.body, true))}};
  json::object answers;
  answers[std::to_string(r.success)] =
      json::object{{"description", "Done."}, {"content", content(schema_of(r.answers))}};
  if (r.method == "PUT")
    answers["201"] = json::object{{"description", "Done, and made."}, {"content", content(schema_of(r.answers))}};
  answers["default"] = json::object{{"$ref", "#/components/responses/refusal"}};
  o["responses"] = std::move(answers);
  o["security"] = r.needs == scope::none ? json::array{} : json::array{json::object{{"token", json::array{}}}};
  return o;
}

void print(const json::value& v, const std::string& indent, std::string& out) {
  const auto deeper = indent + "  ";
  bool first = true;
  const auto next = [&] {
    out += first ? "\n" : ",\n";
    first = false;
    out += deeper;
  };
  if (const auto* o = v.if_object(); o && !o->empty()) {
    out += '{';
    for (const auto& member : *o) {
      next();
      out += json::serialize(json::value(member.key())) + ": ";
      print(member.value(), deeper, out);
    }
    out += "\n" + indent + '}';
  } else if (const auto* list = v.if_array(); list && !list->empty()) {
    out += '[';
    for (const auto& one : *list) {
      next();
      print(one, deeper, out);
    }
    out += "\n" + indent + ']';
  } else {
    out += json::serialize(v);
  }
}

}  // namespace

json::object openapi(const std::vector<route>& routes) {
  json::object paths;
  for (const auto& r : routes) {
    if (r.open_to != route::doors::both) continue;
    auto& path = paths[r.path];
    if (!path.is_object()) path = json::object{};
    std::string method = r.method;
    std::transform(method.begin(), method.end(), method.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    path.as_object()[method] = operation(r);
  }
  json::object known;
  for (const auto& s : schemas()) {
    auto schema = object_schema(s.members, false);
    if (!s.about.empty()) schema["description"] = s.about;
    known[s.name] = std::move(schema);
  }
  const json::object refusal{{"description", "Not done; the sentence says why."},
                             {"content", content(object_schema({{"error", "error", "", true}}, false))}};
  json::object document;
  document["openapi"] = "3.1.0";
  document["info"] = json::object{{"title", "Koppel"},
                                  {"version", "1"},
                                  {"description", "Customers' accounts at providers, for Pro+ (docs/rest-api.md)."},
                                  {"license", json::object{{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}}};
  document["paths"] = std::move(paths);
  document["components"] =
      json::object{{"schemas", std::move(known)},
                   {"responses", json::object{{"refusal", refusal}}},
                   {"securitySchemes",
                    json::object{{"token", json::object{{"type", "http"},
                                                        {"scheme", "bearer"},
                                                        {"description", "Made with: koppelctl token add NAME"}}}}}};
  return document;
}

std::string pretty(const json::value& v) {
  std::string out;
  print(v, "", out);
  return out + "\n";
}

}  // namespace koppel::api
