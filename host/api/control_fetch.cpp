// SPDX-License-Identifier: Apache-2.0
// One authenticated request from a template: core/fetch fills it and selects from the answer, the provider client sends
// it as it sends a plugin's, with this connection's limits, renewals and declared hosts.

#include <spdlog/spdlog.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "host/api/control_api.hpp"
#include "host/api/input.hpp"
#include "host/core/connection_manifest.hpp"
#include "host/core/fetch.hpp"
#include "host/core/text.hpp"

namespace koppel::api {
namespace json = boost::json;
namespace job_error = messages::job_error;
using ledger::transaction;
using runtime::awaitable;

namespace {

constexpr std::chrono::seconds fetch_deadline{60};
constexpr std::size_t longest_shown = std::size_t{1} << 20;

core::fetch_template read_template(input& in) {
  core::fetch_template t;
  t.url = in.required("url", 8192);
  if (const auto method = in.optional("method", 16); !method.empty()) t.method = method;
  t.body = in.optional_text("body", std::size_t{64} << 10);
  t.variables = in.text_map("variables");
  return t;
}

/// Without its query, which may hold anything.
std::string place_of(std::string_view url) {
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  return core::escaped(url.substr(0, url.find_first_of("?#")), 300);
}

/// How what was refused can be allowed, where settings say where requests may go.
std::string how_to_allow(const core::manifest& m) {
  for (const auto& rule : m.settings)
    if (rule.type == core::setting_rule::kind::hosts && rule.name != m.private_hosts_setting)
      return " Hosts that may be asked stand in the setting \"" + rule.name +
             "\" of the connection, with spaces between "
             "them.";
  return {};
}

bool is_utf8(const std::string& text) {
  boost::system::error_code ec;
  json::parse(json::serialize(json::value(text)), ec);
  return !ec;
}

/// What the provider answered, as it is wanted; or why it cannot be had.
answer shown_reply(const messages::reply& reply, const std::string& wanted) {
  if (reply.status < 200 || reply.status > 299)
    return error_answer(
        502, "provider_refused",
        "The provider answered " + std::to_string(reply.status) +
            (reply.status >= 300 && reply.status < 400 ? ", a redirect, which is not followed. " : ". ") +
            "It says: " + core::beginning_of(reply.body));
  json::object shown{{"status", reply.status}};
  if (!wanted.empty()) {
    const auto selected = core::select(reply.body, wanted);
    if (!selected.complaint.empty()) return error_answer(422, "not_there", selected.complaint);
    shown["selected"] = core::shown(selected.value);
    return json_answer(200, shown);
  }
  if (reply.body.size() > longest_shown)
    return error_answer(422, "too_large",
                        "The answer has " + std::to_string(reply.body.size()) +
                            " bytes, more than is shown: select the part that is wanted.");
  if (!is_utf8(reply.body)) return error_answer(422, "no_text", "The answer is no text in UTF-8, and cannot be shown.");
  shown["body"] = reply.body;
  return json_answer(200, shown);
}

/// What the provider client says is a sentence here, and none there.
std::string sentence(std::string text) {
  if (!text.ends_with('.')) text += '.';
  return text;
}

answer refused_reply(const messages::reply& reply, const core::manifest& m, const std::string& name) {
  if (reply.error == job_error::authorise_again)
    return error_answer(409, "not_authorized",
                        m.title + " refuses the credentials of " + name + ": " + reply.detail +
                            ". See koppelctl connection show " + name + ".");
  if (reply.error == job_error::bug)
    return error_answer(422, "not_allowed", "This request may not leave: " + sentence(reply.detail) + how_to_allow(m));
  if (reply.error == job_error::too_large)
    return error_answer(422, "too_large", reply.detail + ". Ask for less: a smaller page, fewer fields.");
  if (reply.error == job_error::try_again)
    return error_answer(503, "try_again", sentence(reply.detail) + " Try again later.");
  return error_answer(502, "failed", sentence(reply.detail));
}

}  // namespace

awaitable<answer> control_api::post_fetch(call c) {
  input in(c.body, {"url", "method", "body", "variables", "select"});
  const auto of = read_template(in);
  const auto wanted = in.optional("select", 1024);
  if (!in.complaint().empty()) co_return error_answer(400, "bad_request", in.complaint());
  auto filled = core::fill(of);
  if (!filled.complaint.empty()) co_return error_answer(422, "bad_template", filled.complaint);

  auto finding = find(c.path["provider"], c.path["name"], c.who);
  const auto found = co_await std::move(finding);
  if (!found) co_return failure_answer(found.error());
  const auto name = found->provider + "/" + found->name;
  if (found->auth.status != core::auth_status::authorized)
    co_return error_answer(409, "not_authorized",
                           name + " is not authorized (" + std::string(core::to_string(found->auth.status)) +
                               "), so there is nothing to ask with: koppelctl connection connect " + name + ".");
  const auto of_provider = around_.plugins.find(found->provider);
  if (!of_provider || !around_.provider)
    co_return error_answer(422, "no_plugin",
                           "No plugin of provider \"" + found->provider + "\" is running: see koppelctl plugin list.");

  auth::provider_client::context context;
  context.manifest = core::manifest_for(of_provider, found->settings, found->learned);
  context.connection_id = found->id;
  context.account_id = found->pinned ? found->pinned->id : "";
  context.deadline = around_.clock.now() + fetch_deadline;
  // What changes something is sent once: whether an answer that was lost meant "done" is not known here.
  const bool reads = filled.method == "GET" || filled.method == "HEAD";
  if (!reads) context.attempts = 1;
  const std::function<result<void>(transaction&)> read = [&](transaction& tx) -> result<> {
    if (const auto app = tx.find_app(found->app_id)) context.client_id = app->client_id;
    return {};
  };
  auto reading = around_.ledger.write(read);
  if (auto done = co_await std::move(reading); !done) co_return failure_answer(done.error());

  const auto place = filled.method + " " + place_of(filled.url);
  const auto manifest = context.manifest;
  messages::http request;
  request.method = std::move(filled.method);
  request.url = std::move(filled.url);
  request.headers.emplace_back("accept", "application/json");
  if (!filled.body.empty()) request.headers.emplace_back("content-type", "application/json");
  request.body = std::move(filled.body);
  auto sending = around_.provider->send(std::move(context), std::move(request));
  const auto came = co_await std::move(sending);
  spdlog::info("{}: fetch {} by {}: {}", name, place, c.who.token.empty() ? "koppelctl" : "token " + c.who.token,
               came.error.empty()             ? std::to_string(came.status)
               : came.error == job_error::bug ? "not allowed"  // by whoever asked; a plugin's request would be its bug
                                              : came.error);
  if (came.error == job_error::authorise_again)
    around_.supervisor.run("refused credentials",
                           around_.auth.credentials_refused(found->id, static_cast<int>(came.status), came.detail));
  if (!came.error.empty()) co_return refused_reply(came, *manifest, name);
  co_return shown_reply(came, wanted);
}

}  // namespace koppel::api
