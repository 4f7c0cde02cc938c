// SPDX-License-Identifier: Apache-2.0

#include "host/api/views.hpp"

#include <array>
#include <boost/json/array.hpp>
#include <string_view>
#include <utility>

#include "host/core/auth_texts.hpp"

namespace koppel::api {
namespace json = boost::json;
namespace {

json::value time_or_null(const std::optional<core::instant>& t) {
  return t ? json::value(core::to_rfc3339(*t)) : json::value(nullptr);
}

json::value time_or_null(core::instant t) {
  return t == core::instant{} ? json::value(nullptr) : json::value(core::to_rfc3339(t));
}

json::object map_of(const std::map<std::string, std::string>& values) {
  json::object o;
  for (const auto& [name, value] : values) o[name] = value;
  return o;
}

/// Whether the customer gives access by a link, by a key, or by either; null while no plugin of the provider is known.
json::value way_of(const core::manifest* m) {
  if (!m) return nullptr;
  if (m->auth.kind != core::auth_rules::grant::client_key) return "link";
  return m->auth.activation.url.empty() ? "key" : "link_or_key";
}

std::string_view word_of(core::setting_rule::kind type) {
  using kind = core::setting_rule::kind;
  switch (type) {
    case kind::host:
      return "host";
    case kind::hosts:
      return "hosts";
    case kind::url:
      return "url";
    case kind::choice:
      return "choice";
    case kind::parameters:
      return "parameters";
    case kind::text:
      break;
  }
  return "text";
}

json::value account_or_null(const std::optional<core::account>& a) {
  if (!a) return nullptr;
  return json::object{{"id", a->id}, {"name", a->name}, {"environment", a->environment}};
}

}  // namespace

json::object shown(const core::localized& text) { return {{"nl", text.nl}, {"fr", text.fr}, {"en", text.en}}; }

json::object view(const core::manifest& m, const std::string& own_callback) {
  json::array settings, presets, guide, streams, limits;
  for (const auto& s : m.settings)
    settings.push_back(json::object{{"name", s.name},
                                    {"type", word_of(s.type)},
                                    {"choices", json::array(s.choices.begin(), s.choices.end())},
                                    {"label", shown(s.label)},
                                    {"help", shown(s.help)},
                                    {"pattern", s.pattern},
                                    {"default", s.default_value},
                                    {"required", s.required},
                                    {"operator_only", s.operator_only}});
  for (const auto& p : m.presets)
    presets.push_back(
        json::object{{"name", p.name}, {"title", p.title}, {"plugin", p.plugin}, {"settings", map_of(p.settings)}});
  for (const auto& step : m.guide) guide.push_back(shown(step));
  for (const auto& s : m.streams) streams.push_back(json::object{{"name", s.name}, {"entity", s.entity}});
  for (const auto& l : m.limits)
    limits.push_back(json::object{{"name", l.name},
                                  {"requests", l.requests},
                                  {"window_s", l.window.count()},
                                  {"of_each", json::array(l.bucket.begin(), l.bucket.end())}});
  return {{"provider", m.name},
          {"title", m.title},
          {"kind", m.auth.kind == core::auth_rules::grant::client_key ? "client_key" : "authorization_code"},
          {"code_lifetime_s", m.auth.code_lifetime.count()},
          {"default_redirect_uri", m.auth.default_redirect_uri},
          {"own_callback", own_callback},
          {"settings", std::move(settings)},
          {"presets", std::move(presets)},
          {"guide", std::move(guide)},
          {"streams", std::move(streams)},
          {"limits", std::move(limits)}};
}

json::value view(const std::optional<ledger::webhook_address>& a) {
  if (!a) return nullptr;
  return json::object{{"state", to_string(a->now)},
                      {"reason", a->reason},
                      {"registered_at", time_or_null(a->registered_at)},
                      {"ends_at", time_or_null(a->ends_at)},
                      {"last_received_at", time_or_null(a->last_received_at)}};
}

json::object view(const ledger::webhook& w, const std::string& app, const std::string& connection) {
  return {{"id", w.id},
          {"provider", w.provider},
          {"app", app},
          {"connection", connection},
          {"received_at", core::to_rfc3339(w.received_at)},
          {"state", to_string(w.now)},
          {"reason", w.reason}};
}

json::object view(const auth::started_attempt& a) {
  return {{"link", a.link},
          {"redirect_uri", a.redirect_uri},
          {"own_callback", a.own_callback},
          {"expires_at", core::to_rfc3339(a.expires_at)}};
}

json::object view(const ledger::app& a) {
  return {{"id", a.id},
          {"provider", a.provider},
          {"name", a.name},
          {"client_id", a.client_id},
          {"redirect_uri", a.redirect_uri},
          {"created_at", core::to_rfc3339(a.created_at)},
          {"secret_ends_at", time_or_null(a.secret_ends_at)},
          {"secret_regions", json::array(a.secret_regions.begin(), a.secret_regions.end())}};
}

std::string told_to_customers(const std::string& error) {
  if (error.empty()) return {};
  using namespace std::string_view_literals;
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> sentences{{
      {"try_again"sv, "It could not be read at the moment, and is tried again by itself."sv},
      {"authorise_again"sv, "The provider refuses the credentials: access has to be given again."sv},
      {"scope_missing"sv, "Access to this was not given: tick it when access is given again."sv},
      {"bad_settings"sv, "A setting of the connection does not fit."sv},
      {"permanent"sv, "The provider does not have it, or does not give it."sv},
      {"too_large"sv, "The provider's answer was too large."sv},
      {"crashed"sv, "Reading it failed; it is tried again by itself."sv},
  }};
  const auto word = std::string_view(error).substr(0, error.find(':'));
  for (const auto& [known, sentence] : sentences)
    if (word == known) return std::string(known) + ": " + std::string(sentence);
  return "failed: Reading it failed; whoever operates Koppel can see why.";
}

json::object view(const ledger::connection& c, const std::string& app_name, const core::manifest* m,
                  const std::vector<stream_view>& streams) {
  json::array shown;
  for (const auto& s : streams)
    shown.push_back(json::object{{"stream", s.rule.name},
                                 {"entity", s.rule.entity},
                                 {"records", s.records},
                                 {"held", s.held ? s.held->held : 0},
                                 {"held_since", s.held && s.held->held > 0 ? time_or_null(s.held->since) : nullptr},
                                 {"rejected", s.held ? s.held->rejected : 0},
                                 {"last_full_at", time_or_null(s.state.last_full_at)},
                                 {"last_success_at", time_or_null(s.state.last_success_at)},
                                 {"failures", s.state.failures},
                                 {"last_error", s.state.last_error}});
  return {{"id", c.id},
          {"provider", c.provider},
          {"name", c.name},
          {"customer", c.customer},
          {"app", app_name},
          {"settings", map_of(c.settings)},
          {"created_at", core::to_rfc3339(c.created_at)},
          {"connects_by", way_of(m)},
          {"auth", core::status_data(c.auth, m)},
          {"pinned_account", account_or_null(c.pinned)},
          {"streams", std::move(shown)}};
}

json::object view(const plugins::plugin_status& p, const core::manifest* m) {
  json::array streams;
  if (m)
    for (const auto& rule : m->streams) streams.push_back(json::object{{"name", rule.name}, {"entity", rule.entity}});
  json::array pids;
  for (const int pid : p.runner_pids) pids.push_back(pid);
  return {{"name", p.name},       {"title", m ? m->title : p.name},
          {"version", p.version}, {"file", p.file},
          {"state", p.state},     {"reason", p.reason},
          {"runner_pids", pids},  {"crashes", p.crashes},
          {"jobs", p.jobs},       {"streams", std::move(streams)}};
}

json::object view(const plugins::plugin_change& c) {
  return {{"name", c.name},
          {"file", c.file},
          {"version", c.version},
          {"change", plugins::to_string(c.what)},
          {"reason", c.reason}};
}

json::object view(const ledger::run& r, const std::string& provider, const std::string& connection) {
  return {{"id", r.id},
          {"provider", provider},
          {"connection", connection},
          {"stream", r.stream},
          {"entity", r.entity},
          {"mode", r.mode == ledger::run_mode::full ? "full" : "incremental"},
          {"cause", r.cause},
          {"state", r.state},
          {"resumed", r.resumed},
          {"complete", r.complete},
          {"read", r.read},
          {"upserted", r.upserted},
          {"deleted", r.deleted},
          {"unchanged", r.unchanged},
          {"set_aside", r.set_aside},
          {"held", r.held},
          {"started_at", time_or_null(r.started_at)},
          {"ended_at", time_or_null(r.ended_at)},
          {"error", r.error}};
}

json::object view(const ledger::held_stream& h, const std::string& provider, const std::string& connection) {
  return {{"provider", provider}, {"connection", connection},
          {"stream", h.stream},   {"entity", h.entity},
          {"held", h.held},       {"rejected", h.rejected},
          {"known", h.known},     {"published", h.published},
          {"run_id", h.run_id},   {"since", core::to_rfc3339(h.since)},
          {"mark", h.mark}};
}

json::object view(const ledger::disk_space& s) {
  return {
      {"full", s.full}, {"since", time_or_null(s.since)}, {"free_bytes", s.free_bytes}, {"kept_bytes", s.kept_bytes}};
}

json::object view(const bus::consumer_position& c, std::uint64_t head, bool connected) {
  return {{"name", c.name},
          {"connected", connected},
          {"acked_seq", std::to_string(c.acked_seq)},
          {"lag", std::to_string(head > c.acked_seq ? head - c.acked_seq : 0)},
          {"acked_at", c.acked_at}};
}

}  // namespace koppel::api
