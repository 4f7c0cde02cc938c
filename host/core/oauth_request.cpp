// SPDX-License-Identifier: Apache-2.0
// The outgoing half: the link and the token requests.

#include "host/core/oauth.hpp"

#include <sodium/crypto_hash_sha256.h>
#include <sodium/utils.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <boost/url/url.hpp>

#include <array>

namespace koppel::core {
namespace {

namespace urls = boost::urls;

/// Everything but unreserved characters is percent-encoded: right in a query as well as in a form.
std::string encoded(std::string_view text) { return urls::encode(text, urls::unreserved_chars); }

std::string joined(const query_list& parameters) {
  std::string out;
  for (const auto& [name, value] : parameters) {
    if (!out.empty()) out += '&';
    out += encoded(name) + '=' + encoded(value);
  }
  return out;
}

bool has(const query_list& parameters, std::string_view name) {
  for (const auto& [known, value] : parameters)
    if (known == name) return true;
  return false;
}

std::string basic_credentials(std::string_view id, std::string_view password, bool as_they_are) {
  // RFC 6749 2.3.1: both are form-encoded first.
  std::string plain = as_they_are ? std::string(id) : encoded(id);
  plain += ':' + (as_they_are ? std::string(password) : encoded(password));
  std::string out(sodium_base64_encoded_len(plain.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(plain.data()), plain.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  out.pop_back();  // the terminating zero
  return "Basic " + out;
}

token_request asking(const auth_rules& rules, query_list fields) {
  token_request request;
  request.url = rules.token_url;
  request.headers.emplace_back("accept", "application/json");
  if (rules.format == auth_rules::body_format::json) {
    boost::json::object object;
    for (const auto& [name, value] : fields) object[name] = value;
    request.headers.emplace_back("content-type", "application/json");
    request.body = secret(boost::json::serialize(object));
  } else {
    request.headers.emplace_back("content-type", "application/x-www-form-urlencoded");
    request.body = secret(joined(fields));
  }
  for (auto& [name, value] : fields) sodium_memzero(value.data(), value.size());
  return request;
}

/// With the client's credentials, where the provider wants them.
token_request asking_as(const auth_rules& rules, std::string_view client_id, std::string_view client_secret,
                        query_list fields) {
  using authentication = auth_rules::client_authentication;
  const bool basic = rules.authentication != authentication::body;
  if (!basic) {
    fields.emplace_back("client_id", client_id);
    fields.emplace_back("client_secret", client_secret);
  }
  auto request = asking(rules, std::move(fields));
  if (basic)
    request.headers.emplace_back(
        "authorization",
        basic_credentials(client_id, client_secret, rules.authentication == authentication::basic_plain));
  return request;
}

/// The customer's key is all that the token endpoint wants; which app asks is said on API requests, if at all.
token_request key_presented(const auth_rules& rules, std::string_view key) {
  return asking(rules, {{"grant_type", rules.key_grant_type}, {rules.key_field, std::string(key)}});
}

}  // namespace

std::string base64url(std::string_view bytes) {
  constexpr int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::string out(sodium_base64_encoded_len(bytes.size(), variant), '\0');
  sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                    variant);
  out.pop_back();  // the terminating zero
  return out;
}

std::string pkce_challenge(std::string_view verifier) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(verifier.data()), verifier.size());
  return base64url({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

std::string authorization_link(const auth_rules& rules, const link_parameters& p) {
  auto url = urls::parse_absolute_uri(rules.authorize_url);
  if (!url || url->scheme() != "https") return {};

  query_list parameters{
      {"client_id", p.client_id}, {"response_type", "code"}, {"redirect_uri", p.redirect_uri}, {"state", p.state}};
  if (rules.send_scope) {
    std::string scopes;
    for (const auto& scope : rules.scopes) scopes += (scopes.empty() ? "" : rules.scope_separator) + scope;
    parameters.emplace_back("scope", scopes);
  }
  if (!p.verifier.empty()) {
    parameters.emplace_back("code_challenge", pkce_challenge(p.verifier));
    parameters.emplace_back("code_challenge_method", "S256");
  }
  for (const auto& [name, value] : rules.extra_authorize_parameters)
    if (!has(parameters, name)) parameters.emplace_back(name, value);

  urls::url link(*url);
  std::string query(link.encoded_query());
  if (!query.empty()) query += '&';
  link.set_encoded_query(query + joined(parameters));
  return link.buffer();
}

token_request code_exchange(const auth_rules& rules, const exchange_parameters& p) {
  if (rules.kind == auth_rules::grant::client_key) return key_presented(rules, p.code);
  query_list fields{{"grant_type", "authorization_code"}, {"code", std::string(p.code)}};
  fields.emplace_back("redirect_uri", p.redirect_uri);
  if (!p.verifier.empty()) fields.emplace_back("code_verifier", p.verifier);
  return asking_as(rules, p.client_id, p.client_secret, std::move(fields));
}

token_request token_renewal(const auth_rules& rules, const renewal_parameters& p) {
  if (rules.kind == auth_rules::grant::client_key) return key_presented(rules, p.refresh_token);
  return asking_as(rules, p.client_id, p.client_secret,
                   {{"grant_type", "refresh_token"}, {"refresh_token", std::string(p.refresh_token)}});
}

}  // namespace koppel::core
