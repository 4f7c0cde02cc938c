// SPDX-License-Identifier: Apache-2.0
// The page after a callback.

#include "host/auth/landing_page.hpp"

#include <catch2/catch.hpp>

#include "host/core/auth_texts.hpp"

namespace koppel::auth {
namespace {

TEST_CASE("the browser's language is ours where we speak it", "[auth][page]") {
  const std::pair<std::string_view, language> cases[] = {{"nl", language::nl},
                                                         {"nl-BE,nl;q=0.9,en;q=0.8", language::nl},
                                                         {"fr-FR", language::fr},
                                                         {"en;q=0.5, fr;q=0.9", language::fr},
                                                         {"de,nl;q=0.3", language::nl},
                                                         {"de", language::en},
                                                         {"", language::en},
                                                         {";;,,q=;q=x", language::en},
                                                         {"NL", language::nl},
                                                         {"nl;q=0", language::en}};
  for (const auto& [header, wanted] : cases) {
    INFO(header);
    CHECK(static_cast<int>(language_of(header)) == static_cast<int>(wanted));
  }
}

TEST_CASE("a refusal says what to do and what Pro+ shows", "[auth][page]") {
  core::manifest m;
  m.title = "Teamleader <Focus>";
  core::auth_state s;
  s.status = core::auth_status::needs_reauth;
  s.reason = core::auth_reason::code_refused;
  s.http_status = 400;
  for (const auto l : {language::nl, language::fr, language::en}) {
    const auto page = landing_html(page_kind::outcome, l, s, &m);
    CHECK(page.find("Failed, Status code: BadRequest") != std::string::npos);
    CHECK(page.find("Teamleader &lt;Focus&gt;") != std::string::npos);
    CHECK(page.find("<Focus>") == std::string::npos);
  }
  CHECK(landing_html(page_kind::outcome, language::nl, s, &m).find("GEEF TOEGANG") != std::string::npos);
}

TEST_CASE("an account's name cannot become markup, and no page asks for anything", "[auth][page]") {
  core::auth_state s;
  s.status = core::auth_status::authorized;
  s.who = core::account{"42", "<script>alert('x')</script>\"&", ""};
  const auto page = landing_html(page_kind::outcome, language::en, s, nullptr);
  CHECK(page.find("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;") != std::string::npos);
  CHECK(page.find("<script") == std::string::npos);
  for (const auto kind :
       {page_kind::outcome, page_kind::stale_link, page_kind::no_code, page_kind::denied, page_kind::unreachable,
        page_kind::own_trouble, page_kind::waiting, page_kind::nothing_arrived, page_kind::arrived, page_kind::given})
    for (const auto l : {language::nl, language::fr, language::en}) {
      const auto any = landing_html(kind, l, s, nullptr);
      for (const auto* foreign : {"http:", "https:", "src=", "href=", "<link", "<form", "url("})
        CHECK(any.find(foreign) == std::string::npos);
      CHECK(any.starts_with("<!doctype html>"));
    }
}

TEST_CASE("a page names the service that it waits for", "[auth][page]") {
  core::manifest m;
  m.title = "Acme <CRM>";
  for (const auto kind : {page_kind::given, page_kind::unreachable})
    for (const auto l : {language::nl, language::fr, language::en}) {
      const auto page = landing_html(kind, l, {}, &m);
      CHECK(page.find("Acme &lt;CRM&gt;") != std::string::npos);
      CHECK(page.find_first_of("{}", page.find("<body>")) == std::string::npos);
    }
  CHECK(landing_html(page_kind::unreachable, language::fr, {}, nullptr).find("<p>Le fournisseur est injoignable") !=
        std::string::npos);
  CHECK(landing_html(page_kind::given, language::nl, {}, nullptr).find("maar de provider kan") != std::string::npos);
}

TEST_CASE("a page that waits looks again by itself, and only where it has been", "[auth][page]") {
  const auto page = landing_html(page_kind::waiting, language::en, {}, nullptr, {2, "?ref=ab&n=\"1"});
  CHECK(page.find("<meta http-equiv=\"refresh\" content=\"2;url=?ref=ab&amp;n=&quot;1\">") != std::string::npos);
  CHECK(page.find("<script") == std::string::npos);
  CHECK(landing_html(page_kind::waiting, language::en, {}, nullptr).find("refresh") == std::string::npos);
}

}  // namespace
}  // namespace koppel::auth
