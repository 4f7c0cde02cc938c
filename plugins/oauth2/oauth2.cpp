// SPDX-License-Identifier: Apache-2.0
// The connector of providers that are known by a connection's settings alone. It reads nothing; all it has to find out
// is whose account a grant opens. Everything else is manifest.toml and docs/generic-oauth2.md.
#include <koppel/sdk/plugin.hpp>

namespace koppel::oauth2 {

using namespace koppel::sdk;

namespace {

/// "https://api.example.com/token" -> "api.example.com"
std::string host_of(std::string_view url) {
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  return std::string(url.substr(0, url.find_first_of("/?#:")));
}

std::string text_at(const json& answer, std::string_view pointer) {
  const auto place = answer.at(pointer);
  if (const auto text = place.text()) return std::string(*text);
  if (const auto number = place.integer()) return std::to_string(*number);
  return {};
}

/// What there is instead: names alone, for values may be personal.
std::string names_in(const json& answer) {
  constexpr std::size_t shown = 12;
  std::string all;
  std::size_t count = 0;
  for (const auto name : answer.names()) {
    if (++count > shown) return all + ", ...";
    all += (all.empty() ? "" : ", ") + std::string(name);
  }
  return all.empty() ? "nothing" : all;
}

}  // namespace

class generic : public connector {
 public:
  generic() { header_on_every_request("accept", "application/json"); }
  std::string base_url(const job&) const override { return {}; }
  task<> probe(probe_run& run) override;
};

// Two providers may both have an account "42": whoever gives the tokens stands before the id.
task<> generic::probe(probe_run& run) {
  const auto setting = [&run](std::string_view name) { return std::string(run.setting(name).value_or("")); };
  const auto issuer = host_of(setting("token_url"));
  const auto url = setting("account_url");
  if (url.empty()) {
    const auto named = setting("account");
    if (named.empty()) throw job_failure(verdict::bad_settings, "neither account_url nor account is set");
    run.account(issuer + "/" + named, named);
    co_return;
  }
  auto request = run.get(url);
  const auto answer = co_await run.http(std::move(request));
  const auto pointer = setting("account_id");
  const auto id = text_at(answer.json(), pointer);
  if (id.empty())
    throw job_failure(verdict::bad_settings, "what account_url answered has no text or whole number at " + pointer +
                                                 " (account_id); at its top it has " + names_in(answer.json()));
  const auto name = text_at(answer.json(), setting("account_name"));
  run.account(issuer + "/" + id, name.empty() ? id : name);
}

}  // namespace koppel::oauth2

KOPPEL_PLUGIN(koppel::oauth2::generic)
