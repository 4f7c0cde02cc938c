// SPDX-License-Identifier: Apache-2.0
// What comes back to the redirect address, by callback (docs/auth.md) or pasted: every form, good and bad.

#include <catch2/catch.hpp>

#include "host/core/oauth.hpp"

using namespace koppel::core;
using problem = answer_problem;

namespace {

const std::string client_id = "74db53122ef0913c240ffeeda65c9e2a";

auth_rules rules() {
  auth_rules r;
  r.authorize_url = "https://focus.teamleader.eu/oauth2/authorize";
  r.token_url = "https://focus.teamleader.eu/oauth2/access_token";
  return r;
}

authorization_answer pasted(std::string_view text) { return read_pasted(rules(), text, client_id); }
authorization_answer called_back(const query_list& query) { return read_callback(rules(), query); }

}  // namespace

TEST_CASE("a code can be pasted in every form in which people have it", "[auth][paste]") {
  struct form {
    std::string_view text, code, state;
  };
  const form forms[] = {
      {"def502ab", "def502ab", ""},
      {"  def502ab \r\n", "def502ab", ""},
      {"\"def502ab\"", "def502ab", ""},
      {"\u201cdef502ab\u201d", "def502ab", ""},
      {"\u00abdef502ab\u00bb", "def502ab", ""},
      {"4%2F0AbC", "4/0AbC", ""},
      {"4/0AbC", "4/0AbC", ""},
      {"abc%252Fd", "abc%2Fd", ""},
      {"ab+c==", "ab+c==", ""},
      {"code=def502ab", "def502ab", ""},
      {"?code=def502ab&state=s1", "def502ab", "s1"},
      {"def502ab&state=s1", "def502ab", "s1"},
      {"state=s1&code=def502ab", "def502ab", "s1"},
      {"https://app.testocloud.be/?code=def502ab&state=s1", "def502ab", "s1"},
      {"<https://app.testocloud.be/?code=def502ab&state=s1>", "def502ab", "s1"},
      {"https://app.testocloud.be/?code=4%2F0A%2Bb&scope=a%20b#top", "4/0A+b", ""},
      {"https://app.testocloud.be?code=def502ab", "def502ab", ""},
      {"www.testocloud.be/?code=def502ab", "def502ab", ""},
      {"https://app.testocloud.be/?code=x&location=eu&accounts-server=https%3A%2F%2Faccounts.zoho.eu", "x", ""},
      {"https://app.testocloud.be/?code=x&error=", "x", ""},
  };
  for (const auto& f : forms) {
    INFO(f.text);
    const auto answer = pasted(f.text);
    CHECK(answer.problem == problem::none);
    CHECK(answer.code.reveal() == f.code);
    CHECK(answer.state == f.state);
    CHECK(answer.error.empty());
  }
}

TEST_CASE("what is no code is refused, each with its own sentence", "[auth][paste]") {
  struct form {
    std::string text;
    problem wrong;
  };
  const form forms[] = {
      {"", problem::empty},
      {" \n\"\" ", problem::empty},
      {std::string(8193, 'a'), problem::too_long},
      {std::string(4097, 'a'), problem::too_long},
      {"def502 ab", problem::spaces_inside},
      {"def502\nab", problem::spaces_inside},
      {"a%20b", problem::spaces_inside},
      {"a%00b", problem::control_characters},
      {"a\xc3\xa9", problem::control_characters},
      {"a%zz", problem::unreadable},
      {"https://x/?code=%", problem::unreadable},
      {"code=a&code=b", problem::two_codes},
      {"https://x/?code=a&code=a", problem::two_codes},
      {"https://x/?code=a&state=s&state=s", problem::two_states},
      {"https://focus.teamleader.eu/oauth2/authorize?client_id=74db&response_type=code&redirect_uri=https://"
       "app.testocloud.be/",
       problem::authorize_link},
      {"https://focus.teamleader.eu/oauth2/authorize?client_id=74db", problem::authorize_link},
      {client_id, problem::client_id},
      {"https://app.testocloud.be/", problem::no_code},
      {"https://app.testocloud.be/?state=s", problem::no_code},
      {"https://app.testocloud.be/?code=&state=s", problem::no_code},
      {"code=", problem::no_code},
      {"https://app.testocloud.be/#code=abc", problem::no_code},
      {"https://app.testocloud.be/#access_token=abc&token_type=Bearer", problem::token_instead},
      {"https://app.testocloud.be/?access_token=abc", problem::token_instead},
      {"https://x/?code=a&error=access_denied", problem::error_and_code},
  };
  for (const auto& f : forms) {
    INFO(f.text.substr(0, 80));
    const auto answer = pasted(f.text);
    CHECK(static_cast<int>(answer.problem) == static_cast<int>(f.wrong));
    CHECK(answer.code.empty());
    CHECK(sentence_of(f.wrong).ends_with("."));
    CHECK(sentence_of(f.wrong).size() > 30);
  }
}

TEST_CASE("a refusal can be pasted too", "[auth][paste]") {
  const auto answer = pasted("https://app.testocloud.be/?error=access_denied&error_description=<b>no</b>&state=s1");
  CHECK(answer.problem == problem::none);
  CHECK(answer.error == "access_denied");
  CHECK(answer.state == "s1");
  CHECK(answer.code.empty());
}

TEST_CASE("a callback's query is taken only where it is unambiguous", "[auth][callback]") {
  const auto good = called_back({{"code", "abc"}, {"state", "s1"}});
  CHECK(good.problem == problem::none);
  CHECK(good.code.reveal() == "abc");
  CHECK(good.state == "s1");

  struct form {
    query_list query;
    problem wrong;
  };
  const std::string long_code(65536, 'c');
  const form forms[] = {
      {{}, problem::no_code},
      {{{"state", "s1"}}, problem::no_code},
      {{{"state", "s1"}, {"code", ""}}, problem::no_code},
      {{{"state", "s1"}, {"code", long_code}}, problem::too_long},
      {{{"state", long_code}, {"code", "a"}}, problem::too_long},
      {{{"state", "s1"}, {"state", "s1"}, {"code", "a"}}, problem::two_states},
      {{{"state", "s1"}, {"code", "a"}, {"code", "b"}}, problem::two_codes},
      {{{"state", std::string("s\0x", 3)}, {"code", "a"}}, problem::control_characters},
      {{{"state", "s1"}, {"code", "a\r\nb"}}, problem::spaces_inside},
      {{{"state", "s1"}, {"code", std::string("a\0b", 3)}}, problem::control_characters},
      {{{"state", "s1"}, {"code", "a"}, {"error", "access_denied"}}, problem::error_and_code},
      {{{"state", "s1"}, {"error", "a"}, {"error", "b"}}, problem::two_errors},
      {{{"state", "s1"}, {"access_token", "t"}}, problem::token_instead},
      {{{"state", "s1"}, {"code", "a"}, {"iss", "https://evil.example"}}, problem::wrong_issuer},
      {{{"state", "s1"}, {"code", "a"}, {"iss", ""}}, problem::wrong_issuer},
      {{{"state", "s1"}, {"code", "a"}, {"iss", "https://focus.teamleader.eu.evil.example"}}, problem::wrong_issuer},
      {{{"state", "s1"}, {"code", "a"}, {"iss", "http://focus.teamleader.eu"}}, problem::wrong_issuer},
      {{{"state", "s1"}, {"code", "a"}, {"iss", "https://focus.teamleader.eu:444"}}, problem::wrong_issuer},
      {{{"state", "s1"}, {"code", "a"}, {"iss", "https://a@focus.teamleader.eu"}}, problem::wrong_issuer},
      {{{"state", "s1"}, {"code", "a"}, {"iss", "https://focus.teamleader.eu"}, {"iss", "https://focus.teamleader.eu"}},
       problem::two_issuers},
  };
  for (const auto& f : forms) {
    const auto answer = called_back(f.query);
    CHECK(static_cast<int>(answer.problem) == static_cast<int>(f.wrong));
    CHECK(answer.code.empty());
  }
  for (const auto* issuer : {"https://focus.teamleader.eu", "https://focus.teamleader.eu/",
                             "https://FOCUS.teamleader.eu/x", "https://focus.teamleader.eu:443"})
    CHECK(called_back({{"state", "s1"}, {"code", "a"}, {"iss", issuer}}).problem == problem::none);

  query_list crowd{{"code", "a"}, {"state", "s1"}};
  for (int i = 0; i < 1000; ++i) crowd.emplace_back("p" + std::to_string(i), "v");
  CHECK(called_back(crowd).problem == problem::none);
}

TEST_CASE("an error of a callback has a reason, and markup in it is not kept", "[auth][callback]") {
  const std::pair<std::string_view, auth_reason> words[] = {{"access_denied", auth_reason::access_denied},
                                                            {"admin_policy_enforced", auth_reason::access_denied},
                                                            {"unauthorized_client", auth_reason::client_unknown},
                                                            {"redirect_uri_mismatch", auth_reason::redirect_mismatch},
                                                            {"server_error", auth_reason::unclear},
                                                            {"something_new", auth_reason::unclear}};
  for (const auto& [word, reason] : words) CHECK(reason_of_callback_error(word) == reason);
  CHECK(called_back({{"state", "s1"}, {"error", "<script>alert(1)</script>"}}).error == "unreadable");
  CHECK(called_back({{"state", "s1"}, {"error", "x"}, {"error_uri", "javascript:alert(1)"}}).error == "x");
}
