// SPDX-License-Identifier: Apache-2.0
// [webhook] of a manifest: how a body names records, and what shows that it is the provider's.

#include <algorithm>

#include "host/plugins/manifest_rules.hpp"
#include "host/plugins/manifest_sections.hpp"

namespace koppel::plugins {
namespace {

using need = toml_reader::need;

constexpr std::size_t most_words = 64;

std::vector<std::string> read_pointers(toml_reader& in, const char* key, need n) {
  auto pointers = in.texts(key, n);
  for (const auto& one : pointers)
    if (one.empty() || !wrong_json_pointer(one).empty())
      in.problem(key, "must hold JSON pointers like \"/subject/id\"");
  return pointers;
}

void read_token(toml_reader& in, core::webhook_rules& rules) {
  auto token = in.table("token", need::optional);
  if (!token) return;
  rules.token_pointer = token->text("pointer", need::optional);
  check(*token, "pointer", rules.token_pointer, wrong_json_pointer(rules.token_pointer));
  rules.token_header = token->text("header", need::optional);
  check(*token, "header", rules.token_header, wrong_header_name(rules.token_header));
  rules.token_prefix = token->text("prefix", need::optional);
  check(*token, "prefix", rules.token_prefix, wrong_header_value(rules.token_prefix));
  if (rules.token_pointer.empty() == rules.token_header.empty())
    in.problem("token", "must have \"pointer\" or \"header\", and not both");
  if (!rules.token_prefix.empty() && rules.token_header.empty()) token->problem("prefix", "goes with \"header\" alone");
  token->finish();
}

core::webhook_rules::record_rule read_record(toml_reader& in, const core::manifest& m) {
  core::webhook_rules::record_rule rule;
  rule.when = in.texts("when", need::required);
  if (rule.when.size() > most_words) in.problem("when", "must hold at most 64 words");
  for (const auto& word : rule.when) {
    const auto star = word.find('*');
    if (word.empty() || word.size() > 128 || (star != std::string::npos && star + 1 != word.size()))
      in.problem("when", "must hold words of at most 128 bytes; a '*' may stand at the end of one");
  }
  rule.stream = in.text("stream", need::required);
  if (!rule.stream.empty() && !m.find_stream(rule.stream)) in.problem("stream", "is no stream of this manifest");
  rule.ids = read_pointers(in, "id", need::optional);
  in.finish();
  return rule;
}

void read_rules(toml_reader& document, core::manifest& m) {
  auto in = document.table("webhook", need::optional);
  if (!in) return;
  if (!m.auth.activation.url.empty())
    document.problem("webhook",
                     "cannot be had together with [auth.activation]: an address is for the one or the other");
  core::webhook_rules rules;
  rules.registered = in->word("registration", {"by_hand", "plugin"}, need::required) == "plugin";
  rules.word = read_pointers(*in, "word", need::required);
  read_token(*in, rules);
  for (auto& record : in->tables("record", need::required)) rules.records.push_back(read_record(record, m));
  in->finish();
  m.webhook = std::move(rules);
}

}  // namespace

void read_webhook(toml_reader& document, core::manifest& m) {
  read_rules(document, m);
  const bool registers = m.webhook && m.webhook->registered;
  if (!registers && std::any_of(m.egress.begin(), m.egress.end(), [](const auto& rule) { return rule.for_webhooks; }))
    document.problem("egress",
                     "has an entry for = \"webhooks\", which nobody would use: [webhook] with registration = "
                     "\"plugin\" is missing");
}

}  // namespace koppel::plugins
