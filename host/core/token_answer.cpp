// SPDX-License-Identifier: Apache-2.0
// What a token endpoint's answer means. Providers disagree on everything: errors come with status 200, as strings,
// booleans or objects, in envelopes of their own; numbers come as strings. Whatever is not clearly a grant is a
// refusal.

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "host/core/connection_manifest.hpp"
#include "host/core/oauth.hpp"
#include "host/core/text.hpp"

namespace koppel::core {
namespace {

namespace json = boost::json;

constexpr std::size_t deepest = 32;
constexpr std::size_t longest_token = std::size_t{16} << 10;
constexpr std::chrono::seconds longest_life = std::chrono::hours{24 * 366 * 10};

/// Boost.JSON keeps the last of two equal keys; here the two might be a grant and its contradiction.
struct key_watcher {
  static constexpr std::size_t max_object_size = std::size_t(-1), max_array_size = std::size_t(-1),
                               max_key_size = std::size_t(-1), max_string_size = std::size_t(-1);
  std::vector<std::set<std::string>> open;
  std::string key;
  bool twice = false;

  using ec = boost::system::error_code;
  bool on_document_begin(ec&) { return true; }
  bool on_document_end(ec&) { return true; }
  bool on_object_begin(ec&) { return open.emplace_back(), true; }
  bool on_object_end(std::size_t, ec&) { return open.pop_back(), true; }
  bool on_array_begin(ec&) { return true; }
  bool on_array_end(std::size_t, ec&) { return true; }
  bool on_key_part(json::string_view s, std::size_t, ec&) { return key.append(s.data(), s.size()), true; }
  bool on_key(json::string_view s, std::size_t, ec&) {
    key.append(s.data(), s.size());
    if (!open.back().insert(std::exchange(key, {})).second) twice = true;
    return true;
  }
  bool on_string_part(json::string_view, std::size_t, ec&) { return true; }
  bool on_string(json::string_view, std::size_t, ec&) { return true; }
  bool on_number_part(json::string_view, ec&) { return true; }
  bool on_int64(std::int64_t, json::string_view, ec&) { return true; }
  bool on_uint64(std::uint64_t, json::string_view, ec&) { return true; }
  bool on_double(double, json::string_view, ec&) { return true; }
  bool on_bool(bool, ec&) { return true; }
  bool on_null(ec&) { return true; }
  bool on_comment_part(json::string_view, ec&) { return true; }
  bool on_comment(json::string_view, ec&) { return true; }
};

std::optional<json::object> strict_object(std::string_view body) {
  json::parse_options options;
  options.max_depth = deepest;
  json::basic_parser<key_watcher> keys(options);
  boost::system::error_code ec;
  const auto used = keys.write_some(false, body.data(), body.size(), ec);
  if (ec || used != body.size() || keys.handler().twice) return std::nullopt;
  auto value = json::parse(json::string_view(body.data(), body.size()), ec, {}, options);
  if (ec || !value.is_object()) return std::nullopt;
  return std::move(value.as_object());
}

std::string text_of(const json::value* value) {
  return value && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::string text_at(const json::value& root, const std::string& pointer) {
  if (pointer.empty()) return {};
  boost::system::error_code ec;
  return text_of(root.find_pointer(pointer, ec));
}

/// null, false, "", [] and {} say that there is no error.
bool speaks(const json::value* value) {
  if (!value || value->is_null()) return false;
  if (value->is_bool()) return value->as_bool();
  if (value->is_string()) return !value->as_string().empty();
  if (value->is_array()) return !value->as_array().empty();
  if (value->is_object()) return !value->as_object().empty();
  return true;
}

/// The error's code, and everything it says, in lower case, for the rules to match.
struct told {
  std::string code, whole;
};

void hear(told& t, const json::value* value) {
  if (!value) return;
  if (value->is_array()) {
    if (!value->as_array().empty()) hear(t, &value->as_array().front());
    return;
  }
  if (value->is_object()) {
    for (const auto* name : {"title", "code", "error", "type", "status", "message", "detail", "description"})
      hear(t, value->as_object().if_contains(name));
    return;
  }
  const auto text = text_of(value);
  if (text.empty()) return;
  if (t.code.empty()) t.code = text;
  t.whole += ' ' + text;
}

told what_is_told(const auth_rules& rules, const json::object& object) {
  told t;
  const json::value root(object);
  t.code = text_at(root, rules.error_title_path);
  t.whole = t.code + ' ' + text_at(root, rules.error_hint_path);
  hear(t, object.if_contains("error"));
  hear(t, object.if_contains("errors"));
  for (const auto* name : {"error_description", "message", "error_reason"})
    t.whole += ' ' + text_of(object.if_contains(name));
  t.whole = lower_case(t.whole);
  return t;
}

auth_reason reason_of(const auth_rules& rules, std::string_view grant, int status, const told& t) {
  const bool code_grant = grant == "authorization_code";
  const auto is = [&](std::string_view word) { return t.code == word; };
  // Before the provider's own rules, which know this error as a wrong code. A refresh bears no address.
  const bool of_address = t.whole.find("redirect") != std::string::npos;
  if (code_grant && of_address && (is("invalid_grant") || is("invalid_request") || is("redirect_uri_mismatch")))
    return auth_reason::redirect_mismatch;
  for (const auto& rule : rules.refusals) {
    if (!rule.grant.empty() && rule.grant != grant) continue;
    if (rule.status && *rule.status != status) continue;
    if (t.whole.find(lower_case(rule.title)) == std::string::npos) continue;
    if (const auto reason = auth_reason_from(rule.reason); reason && *reason != auth_reason::none) return *reason;
  }
  if (is("invalid_grant") || is("invalid_code")) return code_grant ? auth_reason::code_refused : auth_reason::revoked;
  // The link was opened with this client id: what is left to be wrong is the secret.
  if (is("invalid_client") || is("invalid_client_secret")) return auth_reason::secret_wrong;
  if (is("unauthorized_client")) return auth_reason::client_unknown;
  if (is("access_denied") || is("admin_policy_enforced") || is("org_internal")) return auth_reason::access_denied;
  // A renewal asks for none.
  if (code_grant && is_about_scopes(t.code)) return auth_reason::access_denied;
  return auth_reason::unclear;
}

/// Tokens go into a header: visible ASCII only, and no more than a header can bear.
bool fit_token(std::string_view token) {
  return !token.empty() && token.size() <= longest_token &&
         std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

std::optional<std::chrono::seconds> read_life(const auth_rules& rules, const json::value* value) {
  if (!value) return std::nullopt;
  double seconds = 0;
  if (value->is_string()) {
    const auto& text = value->as_string();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  } else if (value->is_number()) {
    seconds = value->to_number<double>();
  }
  const auto in_ms_above = static_cast<double>(rules.expires_in_ms_above);
  if (in_ms_above > 0 && seconds > in_ms_above) seconds /= 1000;
  // 0 and less: some providers mean "until revoked"; beyond ten years it is not a number of seconds. Both: unknown.
  if (!(seconds >= 1) || seconds > static_cast<double>(longest_life.count())) return std::nullopt;
  return std::chrono::seconds{static_cast<std::int64_t>(seconds)};
}

std::optional<std::vector<std::string>> read_scopes(const json::value* value) {
  const auto text = text_of(value);
  std::vector<std::string> scopes;
  for (std::size_t at = 0; at < text.size();) {
    const auto start = text.find_first_not_of(" ,", at);
    if (start == std::string::npos) break;
    at = std::min(text.find_first_of(" ,", start), text.size());
    scopes.push_back(text.substr(start, at - start));
  }
  if (scopes.empty()) return std::nullopt;
  return scopes;
}

std::optional<std::chrono::seconds> throttled(const auth_rules& rules, const told& t) {
  for (const auto& rule : rules.throttles)
    if (t.whole.find(lower_case(rule.title)) != std::string::npos) return rule.wait;
  return std::nullopt;
}

refusal refused(auth_reason reason, int status, std::string_view error) {
  refusal r;
  r.reason = reason;
  if (status != 0) r.http_status = status;
  r.provider_error = error;
  return r;
}

/// A token of these kinds is of no use without a key of its own.
bool needs_proof(const std::string& type) {
  const auto lower = lower_case(type);
  return lower == "mac" || lower == "dpop" || lower == "pop";
}

}  // namespace

std::string cleaned_error(std::string_view error) {
  if (error.empty()) return {};
  const auto fit = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == ' ' || c == '-';
  };
  if (error.size() > 64 || !std::all_of(error.begin(), error.end(), fit)) return "unreadable";
  return std::string(error);
}

std::variant<token_pair, refusal> read_token_answer(const auth_rules& rules, std::string_view grant, int status,
                                                    std::string_view body, std::string_view presented) {
  const auto object = strict_object(body);
  if (!object) return refused(auth_reason::unclear, status, "");
  const bool envelope_speaks = !text_at(json::value(*object), rules.error_title_path).empty();
  const bool success = status >= 200 && status < 300 && !envelope_speaks && !speaks(object->if_contains("error")) &&
                       !speaks(object->if_contains("errors"));
  if (!success) {
    const auto told = what_is_told(rules, *object);
    const bool echoes = !presented.empty() && told.code.find(presented) != std::string::npos;
    // What a server in trouble says about the grant is not to be believed.
    const bool trouble = status >= 500 || status == 429 || status == 408 || (status >= 300 && status < 400);
    const auto wait = throttled(rules, told);
    auto why = refused(trouble || wait ? auth_reason::unclear : reason_of(rules, grant, status, told), status,
                       echoes ? "unreadable" : cleaned_error(told.code));
    why.throttled = wait;
    return why;
  }

  token_pair pair;
  auto access = text_of(object->if_contains("access_token"));
  if (!object->contains("access_token")) access = text_of(object->if_contains("token"));
  pair.access = secret(std::move(access));
  pair.refresh = secret(text_of(object->if_contains("refresh_token")));
  if (!fit_token(pair.access.reveal()) || (!pair.refresh.empty() && !fit_token(pair.refresh.reveal())) ||
      needs_proof(text_of(object->if_contains("token_type"))))
    return refused(auth_reason::unclear, status, "");
  if (rules.kind == auth_rules::grant::client_key) pair.refresh = secret(std::string(presented));
  // Lasting access was asked for and not given: what came would die within the hour.
  if (pair.refresh.empty() && grant == "authorization_code" && rules.refresh_token_required)
    return refused(auth_reason::access_denied, status, no_refresh_token);
  pair.expires_in = read_life(rules, object->if_contains("expires_in"));
  pair.scopes = read_scopes(object->if_contains("scope"));
  pair.lives = place_of_answer(rules, body);
  return pair;
}

namespace {

/// "Mail.Read" is what "https://graph.microsoft.com/Mail.Read" ends in, "email" what Google calls ".../userinfo.email":
/// providers answer with other names than those they were asked by.
bool is_short_for(std::string_view name, std::string_view full) {
  if (name.size() >= full.size()) return false;
  const auto before = full[full.size() - name.size() - 1];
  return (before == '/' || before == '.') && equal_ignoring_case(full.substr(full.size() - name.size()), name);
}

/// OpenID Connect's: they open no data of an API, and many providers leave them out of what they say was granted. What
/// offline_access gives is seen by itself.
bool opens_data(std::string_view scope) {
  constexpr std::array<std::string_view, 6> openid{"openid", "email", "profile", "address", "phone", "offline_access"};
  return std::find(openid.begin(), openid.end(), scope) == openid.end();
}

}  // namespace

scope_gap missing_scopes(const manifest& m, const std::optional<std::vector<std::string>>& granted) {
  scope_gap gap;
  if (!granted) return gap;
  const auto holds = [](const std::vector<std::string>& all, const std::string& one) {
    // Zoho's own documents write a scope in two ways.
    return std::any_of(all.begin(), all.end(), [&](const auto& other) { return equal_ignoring_case(one, other); });
  };
  for (const auto& stream : m.streams) {
    if (stream.scope.empty() || holds(*granted, stream.scope)) continue;
    gap.streams.push_back(stream.name);
    if (!holds(gap.scopes, stream.scope)) gap.scopes.push_back(stream.scope);
  }
  if (m.auth.of_settings.scopes.empty()) return gap;
  for (const auto& asked : m.auth.scopes) {
    const bool by_another_name = std::any_of(granted->begin(), granted->end(), [&](const auto& one) {
      return is_short_for(asked, one) || is_short_for(one, asked);
    });
    if (opens_data(asked) && !by_another_name && !holds(*granted, asked) && !holds(gap.scopes, asked))
      gap.scopes.push_back(asked);
  }
  return gap;
}

}  // namespace koppel::core
