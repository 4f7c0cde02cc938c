// SPDX-License-Identifier: Apache-2.0
// web.snelstart.nl: the page behind an activation link, and the messages that follow from it. A message is sent once:
// nobody repeats one that was not taken.
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "form.hpp"
#include "oauth_forms.hpp"
#include "snelstart/snelstart.hpp"

namespace koppel::provider_sim::snelstart {
namespace {

namespace json = boost::json;

constexpr std::size_t longest_reference = 500;

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

reply page(int status, const std::string& inside) {
  reply out;
  out.status = status;
  out.content_type = "text/html; charset=utf-8";
  out.body = "<!doctype html><title>SnelStart</title><h1>Koppeling instellen</h1>" + inside + "\n";
  return out;
}

}  // namespace

reply bookkeeping::activation(const request& asked) {
  const auto name = asked.path.substr(std::string("/couplings/activate/").size());
  if (name != settings_.app_short_name) return page(404, "<p>Deze koppeling bestaat niet.</p>");
  const auto given = decode_form(asked.method == "POST" ? asked.body : asked.query);
  const auto reference = field_or_empty(given, "referenceKey"), success = field_or_empty(given, "successUrl");
  if (!settings_.webhook_url.empty() && (reference.empty() || reference.size() > longest_reference))
    return page(400, "<p>De referentiesleutel ontbreekt of is te lang.</p>");
  if (asked.method != "POST") {
    std::string form = "<form method=\"post\"><input type=\"hidden\" name=\"referenceKey\" value=\"" +
                       escaped(reference) + "\"><input type=\"hidden\" name=\"successUrl\" value=\"" +
                       escaped(success) + "\"><select name=\"administration\">";
    for (const auto& one : clients().to_json()) {
      const auto& of = one.at("account").as_object();
      form += "<option value=\"" + escaped(std::string(of.at("id").as_string())) + "\">" +
              escaped(std::string(of.at("name").as_string())) + "</option>";
    }
    return page(200, form + "</select><button>Koppeling instellen</button></form>");
  }
  const auto chosen = field_or_empty(given, "administration");
  const client* of = nullptr;
  for (const auto& one : clients().to_json())
    if (chosen.empty() || one.at("account").at("id").as_string() == chosen) {
      of = clients().find(std::string(one.at("client_id").as_string()));
      break;
    }
  if (of == nullptr) return page(400, "<p>Kies een administratie.</p>");

  if (withdrawn_.contains(of->secret)) give_new_key(*of);
  couplings_[of->id] = reference;
  tell_of_key(*clients().find(of->id), "Create", true);
  if (success.empty()) return page(200, "<p>De koppeling is ingesteld.</p>");
  auto out = page(303, "");
  out.headers.emplace_back("Location", success);
  return out;
}

void bookkeeping::tell_of_key(const client& of, const char* action, bool with_key) {
  const auto coupled = couplings_.find(of.id);
  if (coupled == couplings_.end() || settings_.webhook_url.empty()) return;
  const bool pascal = settings_.coupling_casing == "pascal";
  json::object body;
  body[pascal ? "KoppelSleutel" : "koppelSleutel"] = with_key ? json::value(of.secret) : json::value(nullptr);
  body[pascal ? "ActionType" : "actionType"] = action;
  body[pascal ? "ReferenceKey" : "referenceKey"] = coupled->second;
  delivery out;
  out.registration = of.id;
  out.event = action;
  out.url = settings_.webhook_url;
  out.body = json::serialize(body);
  send(std::move(out));
}

std::string bookkeeping::give_new_key(const client& of) {
  auto changed = of;
  changed.secret = random_(64) + "+/==";
  auto key = changed.secret;
  clients().put(std::move(changed));
  return key;
}

json::array bookkeeping::webhooks_overview() const {
  json::array out;
  for (const auto& [of, reference] : couplings_) {
    const auto counted = deliveries_of_.find(of);
    const auto& [taken, refused] = counted == deliveries_of_.end() ? std::pair(0, 0) : counted->second;
    out.push_back({{"client_id", of}, {"reference", reference}, {"taken", taken}, {"refused", refused}});
  }
  return out;
}

void bookkeeping::delivered(delivery& one, const attempt& result) {
  auto& [good, bad] = deliveries_of_[one.registration];
  ++(result.taken() ? good : bad);
}

}  // namespace koppel::provider_sim::snelstart
