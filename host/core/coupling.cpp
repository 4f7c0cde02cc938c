// SPDX-License-Identifier: Apache-2.0

#include "host/core/coupling.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>

#include "host/core/json_body.hpp"

namespace koppel::core {
namespace {

namespace urls = boost::urls;
using act = coupling_step::act;

constexpr std::size_t longest_reference = 500;
constexpr std::size_t longest_key = std::size_t{16} << 10;

std::string encoded(std::string_view text) { return urls::encode(text, urls::unreserved_chars); }

bool same_word(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [&](char x, char y) { return lower(x) == lower(y); });
}

/// Printable ASCII: what a key and a reference of ours are made of.
bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

/// The one member of this name, whatever its case.
struct found_text {
  std::string text;
  std::string complaint;
};
found_text member(const boost::json::object& o, const std::string& name) {
  const boost::json::value* found = nullptr;
  for (const auto& one : o) {
    if (!same_word(one.key(), name)) continue;
    if (found != nullptr) return {"", "The body has \"" + name + "\" twice, in two ways of writing it."};
    found = &one.value();
  }
  if (found == nullptr || found->is_null()) return {};
  if (!found->is_string()) return {"", "\"" + name + "\" is not a text."};
  const auto& text = found->get_string();
  return {std::string(text.data(), text.size()), ""};
}

/// The first key of a link, as far as there is one.
coupling_step by_link(coupling_facts::link attempt) {
  using link = coupling_facts::link;
  if (attempt == link::open) return {act::exchange, ""};
  if (attempt == link::over) return {act::refuse, "The link was too old: make a new one."};
  return {act::refuse, "The connect link that this began with was withdrawn, or has served: make a new one."};
}

coupling_step create(const coupling_message&, const coupling_facts& f) {
  if (f.attempt != coupling_facts::link::none) return by_link(f.attempt);
  if (f.names_stored) return {act::ignore, "The key is known already."};
  return {act::refuse, "The link has served: another key needs a new link."};
}

coupling_step regenerate(const coupling_message&, const coupling_facts& f) {
  // The Create before it did not reach us, and the key that it brought is over: nobody sends either again.
  if (!f.bound) return by_link(f.attempt);
  if (f.names_stored && f.status == auth_status::authorized) return {act::ignore, "The key is known already."};
  return {act::replace, ""};
}

coupling_step removal(const coupling_message& m, const coupling_facts& f) {
  if (!f.bound || !f.has_key) return {act::ignore, "There is no key that could be withdrawn."};
  if (!m.key.empty() && !f.names_stored) return {act::ignore, "It is about another key than the one that is used."};
  if (f.status != auth_status::authorized)
    return {act::ignore, "The connection does not work with this key: there is nothing to suspend."};
  return {act::ask, ""};
}

}  // namespace

std::string activation_link(const auth_rules& rules, std::string_view client_id, std::string_view reference,
                            std::string_view success_url) {
  constexpr std::string_view placeholder = "{client_id}";
  auto link = rules.activation.url;
  if (const auto at = link.find(placeholder); at != std::string::npos)
    link.replace(at, placeholder.size(), encoded(client_id));
  link += '?' + encoded(rules.activation.reference_parameter) + '=' + encoded(reference);
  if (!success_url.empty() && !rules.activation.success_parameter.empty())
    link += '&' + encoded(rules.activation.success_parameter) + '=' + encoded(success_url);
  return link;
}

std::variant<coupling_message, std::string> read_coupling(const coupling_rules& rules, std::string_view body) {
  const auto read = read_json_body(body);
  if (!read.complaint.empty()) return read.complaint;
  auto key = member(read.object, rules.key);
  auto action = member(read.object, rules.action);
  auto reference = member(read.object, rules.reference);
  for (const auto* one : {&key, &action, &reference})
    if (!one->complaint.empty()) return one->complaint;

  coupling_message m;
  m.key = secret(std::move(key.text));
  if (same_word(action.text, rules.create))
    m.what = coupling_message::kind::create;
  else if (same_word(action.text, rules.regenerate))
    m.what = coupling_message::kind::regenerate;
  else if (same_word(action.text, rules.removal))
    m.what = coupling_message::kind::removal;
  else
    return "\"" + rules.action + "\" is missing, or none of the words that are known.";
  m.reference = std::move(reference.text);
  if (m.reference.empty()) return "\"" + rules.reference + "\" is missing.";
  if (m.reference.size() > longest_reference) return "\"" + rules.reference + "\" is longer than 500 bytes.";
  if (m.key.empty() && m.what != coupling_message::kind::removal) return "\"" + rules.key + "\" is missing.";
  if (m.key.reveal().size() > longest_key) return "\"" + rules.key + "\" is longer than 16 KiB.";
  if (!is_plain(m.key.reveal())) return "\"" + rules.key + "\" has characters that no key has.";
  return m;
}

coupling_step decide(const coupling_message& m, const coupling_facts& f) {
  using kind = coupling_message::kind;
  if (f.attempt == coupling_facts::link::none && !f.bound)
    return {act::unattributed, "No link that was made here has this reference."};
  if (f.status == auth_status::disabled || f.status == auth_status::removed)
    return {act::refuse, attempt_refusal({{f.status}, {}})};
  switch (m.what) {
    case kind::create:
      return create(m, f);
    case kind::regenerate:
      return regenerate(m, f);
    case kind::removal:
      break;
  }
  return removal(m, f);
}

}  // namespace koppel::core
