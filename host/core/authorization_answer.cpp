// SPDX-License-Identifier: Apache-2.0
// What comes back to the redirect address, by itself or pasted. Codes come from browsers, mails and chat windows:
// quotes, line ends and the whole address around them are expected; whatever is ambiguous is refused with a sentence.

#include <boost/url/pct_string_view.hpp>

#include <algorithm>
#include <array>

#include "host/core/oauth.hpp"
#include "host/core/same_origin.hpp"
#include "host/core/text.hpp"

namespace koppel::core {
namespace {

namespace urls = boost::urls;
using problem = answer_problem;

constexpr std::size_t longest_paste = std::size_t{8} << 10;
constexpr std::size_t longest_code = std::size_t{4} << 10;
constexpr std::size_t longest_state = 1024;

authorization_answer failed(problem p) {
  authorization_answer answer;
  answer.problem = p;
  return answer;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::array<std::string_view, 17> around{" ",      "\t",     "\r",     "\n",     "\"",     "'",
                                                    "<",      ">",      "`",      "\u201c", "\u201d", "\u2018",
                                                    "\u2019", "\u00ab", "\u00bb", "\u00a0", "\u200b"};
  for (bool again = true; again;) {
    again = false;
    for (const auto mark : around) {
      if (text.starts_with(mark)) text.remove_prefix(mark.size()), again = true;
      if (text.ends_with(mark)) text.remove_suffix(mark.size()), again = true;
    }
  }
  return text;
}

std::optional<std::string> decoded(std::string_view text) {
  // A '+' stays: a code has no spaces, and some providers leave a plus of theirs unencoded.
  const auto view = urls::make_pct_string_view(text);
  if (!view) return std::nullopt;
  return view->decode();
}

std::optional<query_list> split_query(std::string_view query) {
  query_list parameters;
  while (!query.empty()) {
    const auto part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), part.size() + 1));
    if (part.empty()) continue;
    const auto equals = part.find('=');
    auto name = decoded(part.substr(0, equals));
    auto value = decoded(equals == std::string_view::npos ? std::string_view{} : part.substr(equals + 1));
    if (!name || !value) return std::nullopt;
    parameters.emplace_back(std::move(*name), std::move(*value));
  }
  return parameters;
}

problem flaw_of_code(std::string_view code) {
  if (code.empty()) return problem::no_code;
  if (code.size() > longest_code) return problem::too_long;
  for (const char c : code) {
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') return problem::spaces_inside;
    if (static_cast<unsigned char>(c) < 0x21 || static_cast<unsigned char>(c) > 0x7e)
      return problem::control_characters;
  }
  return problem::none;
}

/// The values of one parameter.
std::vector<std::string_view> all(const query_list& query, std::string_view name) {
  std::vector<std::string_view> values;
  for (const auto& [known, value] : query)
    if (known == name) values.push_back(value);
  return values;
}

bool tells_the_place(const auth_rules& rules, const std::string& parameter) {
  if (rules.redirect_check_prefix.find('{' + parameter + '}') != std::string::npos) return true;
  for (const auto& region : rules.regions)
    if (region.redirect.contains(parameter)) return true;
  return false;
}

/// A key has no form that we know: base64 may hold '+', '/' and '='.
authorization_answer read_key(std::string_view text) {
  authorization_answer answer;
  answer.problem = flaw_of_code(text);
  if (answer.problem == problem::no_code) answer.problem = problem::empty;
  if (answer.problem == problem::none) answer.code = secret(std::string(text));
  return answer;
}

bool looks_like_a_query(std::string_view text) {
  for (const auto* start :
       {"code=", "state=", "error=", "scope=", "iss=", "access_token=", "client_id=", "response_type="})
    if (text.starts_with(start)) return true;
  return false;
}

}  // namespace

authorization_answer read_callback(const auth_rules& rules, const query_list& query,
                                   const std::vector<std::string>& servers) {
  const auto codes = all(query, "code"), states = all(query, "state"), errors = all(query, "error"),
             issuers = all(query, "iss");
  if (codes.size() > 1) return failed(problem::two_codes);
  if (states.size() > 1) return failed(problem::two_states);
  if (errors.size() > 1) return failed(problem::two_errors);
  if (issuers.size() > 1) return failed(problem::two_issuers);
  if (!all(query, "access_token").empty()) return failed(problem::token_instead);
  // RFC 9207: an answer that names another server is a mix-up of two flows. An issuer may have a path of its own, and a
  // slash at its end: what counts is the server.
  if (!issuers.empty()) {
    const auto asked = [&](const std::string& url) { return same_origin(issuers[0], url); };
    if (servers.empty() ? !asked(rules.authorize_url) && !asked(rules.token_url)
                        : std::none_of(servers.begin(), servers.end(), asked))
      return failed(problem::wrong_issuer);
  }

  authorization_answer answer;
  if (!states.empty()) {
    if (states[0].size() > longest_state) return failed(problem::too_long);
    const auto fit = [](char c) { return c > ' ' && c < 0x7f; };
    if (!std::all_of(states[0].begin(), states[0].end(), fit)) return failed(problem::control_characters);
    answer.state = states[0];
  }
  for (const auto& [name, value] : query)
    if (tells_the_place(rules, name)) answer.place.emplace_back(name, value);
  const bool refused = !errors.empty() && !errors[0].empty();
  if (refused && !codes.empty()) return failed(problem::error_and_code);
  if (refused) {
    answer.error = cleaned_error(errors[0]);
    return answer;
  }
  answer.problem = codes.empty() ? problem::no_code : flaw_of_code(codes[0]);
  if (answer.problem == problem::none) answer.code = secret(std::string(codes[0]));
  return answer;
}

authorization_answer read_pasted(const auth_rules& rules, std::string_view text, std::string_view client_id,
                                 const std::vector<std::string>& servers) {
  if (text.size() > longest_paste) return failed(problem::too_long);
  text = trimmed(text);
  if (text.empty()) return failed(problem::empty);
  if (rules.kind == auth_rules::grant::client_key) return read_key(text);
  if (text.find_first_of(" \t\r\n") != std::string_view::npos) return failed(problem::spaces_inside);

  const auto question = text.find('?');
  const bool address = text.find("://") != std::string_view::npos || text.starts_with("www.");
  if (text.find("#access_token=") != std::string_view::npos) return failed(problem::token_instead);
  if (question == std::string_view::npos && !address && !looks_like_a_query(text)) {
    // "Everything after code=", as the manuals say it: the code, and what the address goes on with.
    if (text.find('&') != std::string_view::npos)
      return read_pasted(rules, "code=" + std::string(text), client_id, servers);
    authorization_answer answer;
    auto code = text.find('%') == std::string_view::npos ? std::optional<std::string>(text) : decoded(text);
    if (!code) return failed(problem::unreadable);
    answer.problem = *code == client_id ? problem::client_id : flaw_of_code(*code);
    if (answer.problem == problem::none) answer.code = secret(std::move(*code));
    return answer;
  }

  if (question != std::string_view::npos)
    text.remove_prefix(question + 1);
  else if (address)
    return failed(problem::no_code);
  text = text.substr(0, text.find('#'));
  auto query = split_query(text);
  if (!query) return failed(problem::unreadable);
  if (!all(*query, "response_type").empty() || (!all(*query, "client_id").empty() && all(*query, "code").empty()))
    return failed(problem::authorize_link);
  return read_callback(rules, *query, servers);
}

bool is_about_scopes(std::string_view error) { return lower_case(error).find("scope") != std::string::npos; }

auth_reason reason_of_callback_error(std::string_view error) {
  if (error == "access_denied" || error == "admin_policy_enforced" || error == "org_internal")
    return auth_reason::access_denied;
  if (error == "unauthorized_client" || error == "invalid_client") return auth_reason::client_unknown;
  if (error == "redirect_uri_mismatch" || error == "invalid_redirect_uri") return auth_reason::redirect_mismatch;
  if (is_about_scopes(error)) return auth_reason::access_denied;
  return auth_reason::unclear;
}

std::string sentence_of(answer_problem p) {
  switch (p) {
    case problem::none:
      return "";
    case problem::empty:
      return "Nothing was pasted: paste the code, or the whole address that the browser shows after access was given.";
    case problem::too_long:
      return "This is too long to be a code or an address: paste the address of the browser, nothing else.";
    case problem::unreadable:
      return "This address has a damaged percent-encoding: copy it again from the browser, whole.";
    case problem::two_codes:
      return "This address holds two codes: copy the address again, once.";
    case problem::two_states:
      return "This address holds two states: copy the address again, once.";
    case problem::two_errors:
      return "This address holds two errors: copy the address again, once.";
    case problem::two_issuers:
      return "This address names two issuers: start again with a new link.";
    case problem::spaces_inside:
      return "There is a space or a line end inside: copy the code or the address again, in one piece.";
    case problem::control_characters:
      return "There are characters inside that no code has: copy the code or the address again.";
    case problem::authorize_link:
      return "This is the link that asks for access, not what comes after it: open it, give access, and paste the "
             "address that the browser shows then.";
    case problem::client_id:
      return "This is the client id, not a code: give access with the link first, then paste the whole value after "
             "\"code=\".";
    case problem::token_instead:
      return "This address holds a token instead of a code: start again with a new link, which asks for a code.";
    case problem::no_code:
      return "There is no code in this address: paste the address that the browser shows right after access was given, "
             "with \"code=\" in it.";
    case problem::error_and_code:
      return "This address holds a code and an error at once: start again with a new link.";
    case problem::wrong_issuer:
      return "This answer comes from another server than the one that was asked: start again with a new link, and do "
             "not use this one.";
  }
  return "";
}

}  // namespace koppel::core
