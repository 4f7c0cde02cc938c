// SPDX-License-Identifier: Apache-2.0
// One request from a template, and what is wanted of its answer: "https://api.example.com/contacts.info?id={{id}}" with
// id=7, then "data.last_name". Pure. Nothing here sends, and where a request may go is core/egress's to say.
#pragma once

#include <boost/json/value.hpp>
#include <map>
#include <string>
#include <string_view>

namespace koppel::core {

struct fetch_template {
  std::string method = "GET";
  std::string url;   ///< https; "{{name}}" in its path or query
  std::string body;  ///< JSON; "{{name}}" inside a string, or as a whole value
  std::map<std::string, std::string> variables;
};

struct fetch_request {
  std::string method, url, body;
  std::string complaint;  ///< a sentence, and nothing else is of use; empty when all was well
};

/// Each variable where it stands: percent-encoded in the address, escaped in a JSON string. A variable that is missing,
/// and one that stands nowhere, is a complaint that names it.
fetch_request fill(const fetch_template& of);

struct selection {
  boost::json::value value;
  std::string complaint;
};

/// "data.contacts.0.last_name", or the same as a JSON pointer ("/data/contacts/0/last_name"). Where a part is missing,
/// the complaint names it and lists what is there instead: names alone, no values.
selection select(std::string_view body, std::string_view path);

/// As people want to see it: a text without quotes, everything else as JSON.
std::string shown(const boost::json::value& value);

/// The beginning of an answer, on one line, for a sentence.
std::string beginning_of(std::string_view body);

}  // namespace koppel::core
