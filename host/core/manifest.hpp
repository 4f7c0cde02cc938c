// SPDX-License-Identifier: Apache-2.0
// What a provider's manifest.toml says, validated. Parsed by host/plugins/manifest_parser.cpp; docs/manifest.md is its
// manual.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/core/webhook_rules.hpp"

namespace koppel::core {

/// A text in the three languages of the customers.
struct localized {
  std::string nl, fr, en;
};

/// How this provider words a refusal of a token request; the first that matches decides. Absent fields match anything.
struct refusal_rule {
  std::string grant;          ///< "authorization_code", "refresh_token" or empty
  std::optional<int> status;  ///< HTTP status
  std::string title;          ///< substring of the error's title, code or description
  std::string reason;         ///< a reason of docs/bus.md, "code_refused" for instance
};

struct limit_rule {
  std::string name;
  std::vector<std::string> bucket;  ///< of "client", "account", "connection": what shares this limit
  std::uint32_t requests = 0;
  std::chrono::seconds window{60};
  std::string header_limit, header_remaining, header_reset;  ///< lower case; empty where the provider announces nothing
  enum class reset_format { iso8601, epoch_s, delta_s } reset = reset_format::delta_s;
  std::uint32_t at_once = 0;  ///< so many may be under way; 0: any number
};

/// What the operator's contract lets through, in place of a manifest's figure.
struct limit_override {
  std::string provider, limit;  ///< names, of the plugin and of its [[limit]]
  std::uint32_t requests = 0;
};

/// A data centre of the provider, and what of a redirect tells that an account lives there.
struct region_rule {
  std::string name;
  std::map<std::string, std::string> redirect;  ///< parameters of the redirect, with their values
  std::map<std::string, std::string> values;    ///< host names, for templates and for the plugin
};

/// An answer to an API request that is not about the token though it looks so, or the other way round.
struct denial_rule {
  enum class meaning {
    answer,               ///< the plugin's to read
    renew,                ///< the token is over, though no 401 says so
    partner_key_invalid,  ///< what the app adds to every request is refused, whoever's connection it is
  };
  std::optional<int> status;  ///< absent: any of 400 and above
  std::string contains;       ///< text near the beginning of the body
  meaning means = meaning::answer;
};

/// An answer of the token endpoint that means "too often", whatever its status.
struct throttle_rule {
  std::string title;  ///< substring of the error's title, code or description
  std::chrono::seconds wait{60};
};

/// A link that the customer opens at the provider, who then posts the key to the app's webhook.
struct activation_rules {
  std::string url;  ///< "{client_id}" in it is the app's; empty: the provider has no such link
  std::string reference_parameter;
  std::string success_parameter;  ///< where the browser is sent afterwards; empty: the provider sends it nowhere
};

/// How the webhook that brings a key is read. Names and words are matched whatever their case.
struct coupling_rules {
  std::string key, action, reference;       ///< members of its body
  std::string create, regenerate, removal;  ///< what `action` says
};

/// Parts of [auth] that a connection's settings have: which setting has which. Empty: the manifest's own words hold.
struct auth_settings {
  std::string scopes, scope_separator, extra_authorize_parameters, client_authentication, body_format, pkce,
      refresh_token, code_lifetime_s, token_prefix;
};

struct auth_rules {
  enum class grant {
    authorization_code,
    client_key,  ///< one key that lives on: presented for each access token, as a refresh token is
  };
  enum class client_authentication {
    body,
    basic,
    basic_plain,  ///< id and secret as they are: the provider does not decode them, as RFC 6749 2.3.1 has it
  };
  enum class body_format { form, json };
  enum class rotation { every_refresh, never, either };
  grant kind = grant::authorization_code;
  std::string authorize_url;  ///< may hold templates, as token_url and egress hosts may: see core/connection_manifest
  std::string token_url;
  std::string key_grant_type, key_field;  ///< client_key: the form's grant_type, and the field that holds the key
  activation_rules activation;            ///< client_key: how the key comes without being pasted
  coupling_rules coupling;
  client_authentication authentication = client_authentication::body;
  body_format format = body_format::form;
  bool pkce = false;
  bool send_scope = false;
  std::vector<std::string> scopes;
  std::string scope_separator = " ";
  std::map<std::string, std::string> extra_authorize_parameters;
  std::chrono::seconds code_lifetime{600};
  enum rotation rotates = rotation::every_refresh;
  bool refresh_token_required = true;
  std::int64_t expires_in_ms_above = 0;      ///< an `expires_in` beyond is in milliseconds; 0: none ever is
  std::chrono::seconds earliest_refresh{0};  ///< a pair that is younger must not be renewed; 0: any may
  std::chrono::seconds unused_lifetime{0};   ///< a refresh token that is not used for so long dies; 0: lives on
  limit_rule token_limit{"token", {"client"}, 300, std::chrono::seconds{60}, {}, {}, {}};  ///< of the token endpoint
  std::string default_redirect_uri;
  std::string error_title_path;  ///< JSON pointer into a token error, for providers with an envelope of their own
  std::string error_hint_path;
  std::vector<refusal_rule> refusals;
  std::vector<throttle_rule> throttles;
  std::vector<denial_rule> denials;
  std::string token_header = "Authorization";  ///< a manifest's own is lower case: where the access token goes ...
  std::string token_prefix = "Bearer ";        ///< ... after this
  std::vector<std::string> app_headers;        ///< lower case: these bear the app's secret on every API request
  std::vector<region_rule> regions;            ///< the first is the default; empty: the provider has none
  std::string region_answer_path, region_answer_value;  ///< JSON pointer into a token answer, and which value it names
  std::vector<std::string> region_environments;         ///< further values that it may name, each in place of that one
  std::string
      redirect_check_setting;         ///< a setting that has to begin with `redirect_check_prefix`, whose templates are
  std::string redirect_check_prefix;  ///< parameters of the redirect, where all of these are there
  auth_settings of_settings;
};

/// Where requests may go. A path is exact, or a prefix that ends in '*'.
struct egress_rule {
  std::string host;
  std::vector<std::string> methods;
  std::vector<std::string> paths;
  bool for_webhooks = false;  ///< open to jobs that register webhooks alone
};

struct setting_rule {
  enum class kind {
    text,
    host,        ///< a host name; a pasted address is cut down to it
    hosts,       ///< several, with a space between them
    url,         ///< an https address
    choice,      ///< one of `choices`
    parameters,  ///< of a query: "access_type=offline&prompt=consent"
  };
  std::string name;
  kind type = kind::text;
  localized label, help;
  std::string pattern;  ///< ECMAScript regular expression, matched whole; empty: anything
  std::string default_value;
  std::vector<std::string> choices;  ///< kind::choice
  bool required = false;
  std::string required_without;  ///< required where this other setting has nothing
  bool operator_only = false;    ///< whoever's token is bound to a customer may not set it
};

/// Settings that many connections have in common, by a name.
struct preset_rule {
  std::string name, title;
  std::map<std::string, std::string> settings;
  std::string plugin;  ///< not these settings but this plugin reads that provider
};

struct stream_rule {
  enum class deletions { absence, reported, none };
  std::string name;
  std::string entity;
  std::chrono::seconds interval{300};
  std::chrono::seconds full_interval{86400};
  deletions deletion = deletions::absence;
  std::string scope;
  localized scope_label;  ///< what the provider's pages call that scope; empty where the manifest does not say
};

struct manifest {
  std::string name, version, title;
  std::string title_setting;  ///< a setting that says what people call this connection's provider, in place of `title`
  std::uint32_t abi_major = 0;
  std::uint32_t mapping_version = 1;
  std::uint32_t cursor_version = 1;
  auth_rules auth;
  std::vector<egress_rule> egress;
  std::vector<limit_rule> limits;
  std::vector<setting_rule> settings;
  std::vector<stream_rule> streams;
  std::vector<preset_rule> presets;
  std::optional<webhook_rules> webhook;    ///< absent: this provider sends none to a connection's own address
  std::vector<localized> guide;            ///< the steps an administrator follows at the provider
  std::string private_hosts_setting;       ///< a setting of kind::hosts
  std::vector<std::string> private_hosts;  ///< of one connection: names that may lead to addresses that are not public
  std::string filled_with;                 ///< of one connection: the addresses that its settings named

  const stream_rule* find_stream(const std::string& stream) const;
  const setting_rule* find_setting(const std::string& setting) const;
};

/// Gives the limits that are named for this provider their figures. A sentence for each whose limit it does not have.
std::vector<std::string> override_limits(manifest& m, const std::vector<limit_override>& given);

/// A setting's value, given or default, has at most so many bytes. std::regex works on the stack, some hundred bytes of
/// it for each character.
inline constexpr std::size_t longest_setting = 1024;

}  // namespace koppel::core
