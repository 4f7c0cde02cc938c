// SPDX-License-Identifier: Apache-2.0

#include "host/core/fetch.hpp"

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <functional>
#include <set>
#include <vector>

#include "host/core/text.hpp"

namespace koppel::core {
namespace {

namespace json = boost::json;

constexpr std::size_t most_names_shown = 20;

bool is_variable(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), fits);
}

/// What a placeholder at this offset becomes; a complaint where it may not stand there.
using placing = std::function<std::string(std::size_t at, std::string_view name, const std::string& value)>;

class filler {
 public:
  explicit filler(const std::map<std::string, std::string>& variables) : variables_(variables) {}

  std::string fill(std::string_view text, const placing& place) {
    std::string out;
    for (std::size_t at = 0;;) {
      const auto open = text.find("{{", at);
      out += text.substr(at, open == std::string_view::npos ? open : open - at);
      if (open == std::string_view::npos) return out;
      const auto close = text.find("}}", open);
      const auto name = close == std::string_view::npos ? std::string_view{} : text.substr(open + 2, close - open - 2);
      if (!is_variable(name)) {
        complain("\"" + escaped(text.substr(open, 24), 40) +
                 "\" is no placeholder: write {{name}}, of letters, digits, \"_\" and \"-\".");
        return out;
      }
      const auto value = variables_.find(std::string(name));
      if (value == variables_.end()) {
        complain("The variable \"" + std::string(name) + "\" is missing: add --var " + std::string(name) + "=VALUE.");
        return out;
      }
      used_.insert(value->first);
      out += place(open, name, value->second);
      at = close + 2;
    }
  }

  void complain(std::string what) {
    if (complaint.empty()) complaint = std::move(what);
  }

  void find_unused() {
    for (const auto& [name, value] : variables_)
      if (!used_.contains(name))
        complain("The variable \"" + escaped(name, 64) + "\" stands nowhere in the request: write {{" +
                 escaped(name, 64) + "}} where it belongs, or leave it out.");
  }

  std::string complaint;

 private:
  const std::map<std::string, std::string>& variables_;
  std::set<std::string> used_;
};

/// Where the path begins: nothing before it can come from a variable, or a value could send the token elsewhere.
std::size_t path_of(std::string_view url) {
  const auto scheme = url.find("://");
  return scheme == std::string_view::npos ? url.size() : std::min(url.find('/', scheme + 3), url.size());
}

/// Whether this offset of a JSON text is inside a string.
bool in_string(std::string_view text, std::size_t offset) {
  bool inside = false;
  for (std::size_t i = 0; i < offset; ++i) {
    if (inside && text[i] == '\\')
      ++i;
    else if (text[i] == '"')
      inside = !inside;
  }
  return inside;
}

bool is_bare_value(const std::string& value) {
  boost::system::error_code ec;
  const auto parsed = json::parse(value, ec);
  return !ec && (parsed.is_number() || parsed.is_bool() || parsed.is_null());
}

std::string filled_url(filler& in, std::string_view url) {
  const auto path = path_of(url), query = std::min(url.find('?'), url.size());
  return in.fill(url, [&](std::size_t at, std::string_view name, const std::string& value) -> std::string {
    if (at < path) {
      in.complain("{{" + std::string(name) + "}} may stand in the path and in the query of an address alone.");
      return {};
    }
    // Such a segment would lead to another place than the one that is written.
    if (at < query && (value.empty() || value == "." || value == ".." || value.find('/') != std::string::npos ||
                       value.find('\\') != std::string::npos)) {
      in.complain("The variable \"" + std::string(name) +
                  "\" stands in the path, and may there be neither empty nor \".\" "
                  "or \"..\", nor hold \"/\" or \"\\\".");
      return {};
    }
    return boost::urls::encode(value, boost::urls::unreserved_chars);
  });
}

std::string filled_body(filler& in, std::string_view body) {
  const auto place = [&](std::size_t at, std::string_view name, const std::string& value) -> std::string {
    if (in_string(body, at)) {
      const auto quoted = json::serialize(json::value(value));
      return quoted.substr(1, quoted.size() - 2);
    }
    if (is_bare_value(value)) return value;
    in.complain("{{" + std::string(name) +
                "}} stands outside a text of the body, and its value is no number, true, "
                "false or null: write \"{{" +
                std::string(name) + "}}\".");
    return {};
  };
  auto filled = in.fill(body, place);
  boost::system::error_code ec;
  json::parse(filled, ec);
  if (ec && !filled.empty()) in.complain("The body is no JSON once its variables are filled in: " + ec.message() + ".");
  return filled;
}

/// "data.0.name" and "/data/0/name", in parts.
std::vector<std::string> parts_of(std::string_view path) {
  const bool pointer = path.starts_with('/');
  if (pointer) path.remove_prefix(1);
  std::vector<std::string> parts(1);
  for (std::size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    if (c == (pointer ? '/' : '.'))
      parts.emplace_back();
    else if (pointer && c == '~' && i + 1 < path.size() && (path[i + 1] == '0' || path[i + 1] == '1'))
      parts.back() += path[++i] == '0' ? '~' : '/';
    else
      parts.back() += c;
  }
  return parts;
}

/// "has first_name, last_name", for whoever looked for something else.
std::string what_is_in(const json::value& value) {
  if (value.is_array()) {
    const auto size = value.get_array().size();
    return size == 0 ? "is an empty list"
                     : "is a list of " + std::to_string(size) + ": 0 to " + std::to_string(size - 1);
  }
  if (!value.is_object()) {
    if (value.is_null()) return "is null";
    return std::string("is a ") + (value.is_string() ? "text" : value.is_bool() ? "yes or no" : "number");
  }
  std::string names;
  std::size_t count = 0;
  for (const auto& member : value.get_object()) {
    if (++count > most_names_shown) return "has " + names + ", ...";
    names += (names.empty() ? "" : ", ") + escaped(std::string_view(member.key()), 64);
  }
  return names.empty() ? "is empty" : "has " + names;
}

const json::value* inside(const json::value& value, const std::string& part) {
  if (const auto* object = value.if_object()) return object->if_contains(part);
  const auto* list = value.if_array();
  const bool number = !part.empty() && part.size() <= 9 &&
                      std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!list || !number) return nullptr;
  const auto index = static_cast<std::size_t>(std::stoul(part));
  return index < list->size() ? &(*list)[index] : nullptr;
}

}  // namespace

fetch_request fill(const fetch_template& of) {
  constexpr std::array<std::string_view, 6> methods{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
  filler in(of.variables);
  fetch_request request;
  request.method = of.method;
  if (std::find(methods.begin(), methods.end(), of.method) == methods.end())
    in.complain("The method has to be GET, HEAD, POST, PUT, PATCH or DELETE.");
  if (!of.body.empty() && (of.method == "GET" || of.method == "HEAD"))
    in.complain("A " + of.method + " has no body: add --method POST, or leave the body out.");
  request.url = filled_url(in, of.url);
  request.body = filled_body(in, of.body);
  in.find_unused();
  request.complaint = std::move(in.complaint);
  return request;
}

selection select(std::string_view body, std::string_view path) {
  json::parse_options options;
  options.max_depth = 64;
  boost::system::error_code ec;
  auto answer = json::parse(json::string_view(body.data(), body.size()), ec, {}, options);
  if (ec)
    return {nullptr, "The answer is no JSON, so nothing can be selected from it; it begins: " + beginning_of(body)};
  const json::value* at = &answer;
  std::string walked;
  for (const auto& part : parts_of(path)) {
    const auto* next = inside(*at, part);
    if (!next)
      return {nullptr, "The answer has no \"" + escaped(part, 64) + "\"" +
                           (walked.empty() ? " at its top: it " : " in " + walked + ": that ") + what_is_in(*at) + "."};
    at = next;
    walked += (walked.empty() ? "" : ".") + escaped(part, 64);
  }
  return {*at, {}};
}

std::string shown(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  return json::serialize(value);
}

std::string beginning_of(std::string_view body) {
  constexpr std::size_t longest = 300;
  return body.empty() ? "(nothing)" : escaped(body, longest);
}

}  // namespace koppel::core
