// SPDX-License-Identifier: Apache-2.0
// Wrong descriptions: each is refused before anything is read, with line and key.
#include "described.hpp"

using namespace koppel::declarative::test;
using Catch::Matchers::Contains;

namespace {

/// What is said of the page's example with one thing changed.
std::string said_of(const std::string& from, const std::string& to) {
  auto text = fixture("cardfile.toml");
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return refusal_of(text.replace(at, from.size(), to));
}

}  // namespace

TEST_CASE("the manifests of the fixtures are accepted", "[declarative][description]") {
  CHECK(refusal_of(fixture("cardfile.toml")) == "");
  CHECK(refusal_of(fixture("focus.toml")) == "");
}

TEST_CASE("a wrong description names the line and the key", "[declarative][description]") {
  CHECK(said_of("records = \"/people\"", "record = \"/people\"") ==
        "its manifest is wrong: line 38, column 1: stream[1].read.records: is missing; "
        "line 41, column 1: stream[1].read.record: is not a key that Koppel knows");
}

TEST_CASE("one mistake in how pages are read is told once", "[declarative][description]") {
  CHECK(said_of("style = \"cursor\"", "style = \"cursr\"") ==
        "its manifest is wrong: line 44, column 20: stream[1].read.paging.style: must be one of \"none\", \"page\", "
        "\"offset\", \"cursor\", \"link\"");
  CHECK(said_of("style = \"cursor\", ", "") ==
        "its manifest is wrong: line 44, column 10: stream[1].read.paging.style: is missing");
  CHECK(said_of(", next = \"/meta/next\"", "") ==
        "its manifest is wrong: line 44, column 10: stream[1].read.paging.next: is missing");
}

TEST_CASE("what cannot work is refused before anything is read", "[declarative][description]") {
  const struct {
    const char *from, *to, *said;
  } wrongs[] = {
      {"https://api.cardfile.example/v2\"", "http://api.cardfile.example/v2\"", "api.base_url: must be an https URL"},
      {"account = \"/account/id\"", "", "probe.account: is missing"},
      {"GET /me", "DELETE /me", "probe.request: must be GET or POST"},
      {"GET /me", "/me", "probe.request: must be GET or POST"},
      {"\"GET /people\"", "\"GET people\"", "stream[1].read.request: must be GET or POST"},
      {"\"GET /people\"", "\"GET http://api.cardfile.example/people\"", "stream[1].read.request: must be GET or POST"},
      {"\"{cursor}\"", "\"{page}\"", "read.query.after: has a placeholder that means nothing here; there are {cursor}"},
      {"after = \"{cursor}\", ", "", "read.request: needs the placeholder {cursor}"},
      {", changed_since = \"{since}\"", "", "read.request: needs the placeholder {since}"},
      {"\"{since}\"", "\"{since\"", "read.query.changed_since: has a '{' that opens no placeholder"},
      {"\"{since}\"", "\"since}\"", "read.query.changed_since: has a '}' that closes no placeholder"},
      {"\"{since}\"", "\"{setting.nobody}\"", "read.query.changed_since: has a placeholder that means nothing here"},
      {"\"{since}\"", "[1]", "read.query.changed_since: must be a string"},
      {"\"GET /people\"", "\"GET /people/{since}\"", "read.request: has the placeholder {since} in its path"},
      {"\"GET /people\"", "\"GET /people/{cursor}\"", "read.request: has the placeholder {cursor} in its path"},
      {"records = \"/people\"", "records = \"people\"", "read.records: must be a path like"},
      {"style = \"cursor\"", "style = \"pages\"", "paging.style: must be one of \"none\", \"page\""},
      {"paging = {", "pagination = {", "read.paging: is missing"},
      {"size = 100, ", "", "read.paging: needs a size"},
      {"size = 100", "size = 0", "paging.size: must be a whole number from 1 to 10000"},
      {", next = \"/meta/next\"", "", "paging.next: is missing"},
      {"next = \"/meta/next\"", "next = \"\"", "paging.next: must be a path"},
      {"next = \"/meta/next\"", "next = \"/meta/next\", end = \"short_page\"", "paging.end: is not a key"},
      {"since = \"rfc3339\"", "since = \"iso\"", "incremental.since: must be one of \"rfc3339\""},
      {"overlap_s = 300", "overlap_s = -1", "incremental.overlap_s: must be a whole number"},
      {"[stream.read.one]\nrequest = \"GET /people/{id}\"\nrecord = \"/person\"\n", "", "one: is missing: deletions"},
      {"/people/{id}", "/people", "one.request: needs the placeholder {id}"},
      {"accept = ", "Accept = ", "api.headers: must have header names in lower case"},
      {"first_name = \"/first\"", "first_name = \"first\"", "fields.first_name: must be a path"},
      {"first_name = \"/first\"", "first_name = 1", "fields.first_name: must be a path like \"/name\", or a table"},
      {"first_name = ", "vat_number = ", "fields.vat_number: is no canonical field of contact"},
      {"first_name = ", "\"other.name\" = ", "fields.other.name: is no canonical field of contact"},
      {"kind = \"integer_text\"", "kind = \"integer\"", "cardfile.shelf.kind: must be one of text, flag"},
      {"birthdate = \"/born\"", "birthdate = { from = \"/born\", kind = \"text\" }",
       "kind: gives text, the field wants date"},
      {"birthdate = \"/born\"", "addresses = \"/where\"", "TOML: "},
      {"phones = \"/numbers\"", "payment_term = \"/terms\"", "fields.payment_term: is no canonical field"},
      {"phones = \"/numbers\"", "custom_fields = \"/custom\"", "cannot be read from one path"},
      {"phones = \"/numbers\"", "phones = { from = \"/numbers\", each = { id = \"/n\" } }",
       "each: may stand for custom_fields and companies only"},
      {"emails = { from = { work", "remarks = { from = { work",
       "from: may be a table for emails, phones, addresses and owner"},
      {"birthdate = \"/born\"", "birthdate = { from = [\"/born\"], join = \" \" }", "join: may stand for texts only"},
      {"job_title = { from = \"/job\",", "job_title = { from = [\"job\"], join = \" \",",
       "from: must be a list of paths"},
      {"line_1 = ", "street = ", "from.primary.street: is not a key that Koppel knows"},
      {"false = \"active\"", "false = true", "values.false: must be text"},
      {"value = [\"from Cardfile\"]", "value = 7", "tags.value: must be"},
      {"\"no canonical field\"", "\"\"", "dropped./photo: must not be empty"},
      {"\"/photo\" = ", "\"/born\" = ", "has \"/born\", which is mapped to birthdate"},
      {"abi = 1", "abi = ", "TOML: "},
  };
  for (const auto& wrong : wrongs) {
    INFO(wrong.from << " -> " << wrong.to);
    CHECK_THAT(said_of(wrong.from, wrong.to), Contains(wrong.said));
  }
}

TEST_CASE("a host that does not tell the manifest is told so", "[declarative][description]") {
  CHECK(refusal_of("") == "this host does not tell its plugins their manifest");
}

TEST_CASE("every truncation of a description is read or refused, never a crash", "[declarative][description]") {
  const auto whole = fixture("cardfile.toml");
  std::size_t refused = 0;
  for (std::size_t length = 1; length < whole.size(); length += 7)
    if (!refusal_of(whole.substr(0, length)).empty()) ++refused;
  CHECK(refused > whole.size() / 7 / 2);
}
