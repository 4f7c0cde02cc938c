// SPDX-License-Identifier: Apache-2.0
// How a list is walked: every style of paging, its end, and providers that never come to one.
#include "described.hpp"

using namespace koppel::declarative::test;

namespace {

const std::string by_page = R"(request = "GET /things"
query = { page = "{page}", limit = "{size}" }
records = "/things"
paging = { style = "page", size = 2 }
)";
const std::string by_offset = R"(request = "GET /things"
query = { skip = "{offset}", top = "{size}" }
records = ""
paging = { style = "offset", size = 3 }
)";
const std::string by_cursor = R"(request = "GET /things"
query = { after = "{cursor}" }
records = "/things"
paging = { style = "cursor", next = "/next" }
)";
const std::string by_header = R"(request = "GET /things"
records = ""
paging = { style = "link" }
)";
const std::string by_link = R"(request = "GET /things"
query = { sort = "name" }
records = "/things"
paging = { style = "link", next = "/links/next" }
)";

std::string with(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

std::string things(int first, int count, const std::string& more = "") {
  return R"({"things":)" + rows(first, count) + more + "}";
}

/// How a run ends in which every request has this answer.
std::string end_of(const std::string& read, const answer& always) {
  auto host = told(manifest_of(read));
  host->sync("things");
  host->play([&](const asked&) { return always; });
  return host->outcome().error + ": " + host->outcome().detail;
}

/// A provider of seven things, whatever the way of asking for them.
answer seven(const asked& of) {
  const auto number = [&](const std::string& name) {
    const auto at = of.query.find(name + "=");
    return at == std::string::npos ? 0 : std::stoi(of.query.substr(at + name.size() + 1));
  };
  if (of.query.find("page=") != std::string::npos) {
    const int first = (number("page") - 1) * 2;
    return {200, things(first, std::clamp(7 - first, 0, 2))};
  }
  if (of.query.find("top=") != std::string::npos) {
    const int first = number("skip");
    return {200, rows(first, std::clamp(7 - first, 0, 3))};
  }
  const int first = number("after");
  const std::string next = first + 2 < 7 ? std::to_string(first + 2) : "";
  if (of.query.find("sort=") != std::string::npos || of.query.find("linked=") != std::string::npos) {
    const int at = number("linked"), beyond = at + 2;
    const std::string link = beyond < 7 ? R"("/things?linked=)" + std::to_string(beyond) + '"' : "null";
    return {200, things(at, std::min(2, 7 - at), R"(,"links":{"next":)" + link + "}")};
  }
  if (of.headers.empty() || of.header("accept") != "application/headers")
    return {200, things(first, std::min(2, 7 - first), R"(,"next":")" + next + '"')};
  return {200,
          rows(first, std::min(2, 7 - first)),
          {{"link", next.empty() ? R"(</things>; rel="first")"
                                 : "<https://api.acme.example/things?after=0>; rel=first, "
                                   "<https://api.acme.example/things?after=" +
                                       next + ">; rel=\"next\""}}};
}

std::string header_asked() {
  return with(by_header, "records", "headers = { accept = \"application/headers\" }\nrecords");
}

}  // namespace

TEST_CASE("every style of paging reads all there is, once", "[declarative][paging]") {
  for (const auto& read : {by_page, by_offset, by_cursor, header_asked(), by_link}) {
    INFO(read);
    auto host = told(manifest_of(read));
    host->sync("things");
    host->play(seven);
    CHECK(host->outcome().error + host->outcome().detail == "");
    CHECK(host->records().size() == 7);
    std::size_t upserts = 0;
    for (const auto& page : host->pages()) upserts += page.records.size();
    CHECK(upserts == 7);
  }
}

TEST_CASE("a read that is cut after any request goes on there and reads all, in every style", "[declarative][paging]") {
  for (const auto& read : {by_page, by_offset, by_cursor, header_asked(), by_link})
    for (std::size_t cut = 1; cut <= 4; ++cut) {
      INFO(read << cut);
      auto host = told(manifest_of(read));
      job_options full;
      full.full = true;
      host->sync("things", full);
      host->play(seven, cut);
      if (host->ended()) continue;
      host->cut();
      const auto before = host->requests();
      host->resume("things", full);
      host->play(seven);
      CHECK(host->outcome().error + host->outcome().detail == "");
      CHECK(host->records().size() == 7);
      // The request that was on its way is asked again, and no other: with it there are five at most.
      CHECK(host->requests() - before <= 5 - cut);
    }
}

TEST_CASE("pages are counted from the number that the manifest says, and end at an empty one",
          "[declarative][paging]") {
  auto host = told(manifest_of(with(by_page, "size = 2", "first = 0, size = 2")));
  host->sync("things");
  CHECK(host->expect("GET", "/things").query == "limit=2&page=0");
  host->answer(200, things(1, 1));
  CHECK(host->expect("GET", "/things").query == "limit=2&page=1");
  host->answer(200, R"({"things":[]})");
  CHECK(host->outcome().error.empty());
}

TEST_CASE("where the manifest says that a short page ends the list, it does", "[declarative][paging]") {
  auto host = told(manifest_of(with(by_page, "size = 2", "size = 2, end = \"short_page\"")));
  host->sync("things");
  host->answer(200, things(1, 2));
  host->expect("GET", "/things");
  host->answer(200, things(3, 1));
  CHECK(host->outcome().error.empty());
  CHECK(host->records().size() == 3);
}

TEST_CASE("an offset moves by the rows that came, not by those that were asked for", "[declarative][paging]") {
  auto host = told(manifest_of(by_offset));
  host->sync("things");
  CHECK(host->expect("GET", "/things").query == "skip=0&top=3");
  host->answer(200, rows(0, 2));
  CHECK(host->expect("GET", "/things").query == "skip=2&top=3");
}

TEST_CASE("a word of the answer says whether there are more pages, and has to be there", "[declarative][paging]") {
  const auto read = with(by_page, "size = 2", "size = 2, more = \"/more\"");
  auto host = told(manifest_of(read));
  host->sync("things");
  host->answer(200, things(1, 2, R"(,"more":true)"));
  host->expect("GET", "/things");
  host->answer(200, things(3, 2, R"(,"more":false)"));
  CHECK(host->outcome().error.empty());

  CHECK(end_of(read, {200, things(1, 2)}) == "bug: the provider does not say at /more whether there are more pages");
  CHECK(end_of(read, {200, R"({"things":[],"more":true})"}) ==
        "bug: the provider says that there are more pages, and shows an empty one");
  CHECK(end_of(with(by_cursor, "next = ", "more = \"/more\", next = "), {200, things(1, 1, R"(,"more":true)")}) ==
        "bug: the provider says that there are more pages, and not where");
}

TEST_CASE("a provider that shows no progress ends the run with a sentence", "[declarative][paging]") {
  CHECK(end_of(by_page, {200, things(1, 2)}) ==
        "bug: the provider shows the same page again; does it know the parameter that should turn it?");
  CHECK(end_of(by_offset, {200, rows(1, 3)}).starts_with("bug: the provider shows the same page again"));
  CHECK(end_of(by_cursor, {200, things(1, 2, R"(,"next":"x")")}) == "bug: the provider shows the same page again");
  CHECK(end_of(by_cursor, {200, R"({"things":[],"next":"x"})"}) ==
        "bug: the provider names as the next page the one that it has just shown");
  CHECK(end_of(by_header, {200, rows(1, 2), {{"link", "</things>; rel=\"next\""}}}) ==
        "bug: the provider names as the next page the one that it has just shown");
}

TEST_CASE("pages have a cap, which holds across interruptions", "[declarative][paging]") {
  auto host = told(manifest_of(with(by_page, "size = 2", "size = 2, most_pages = 3")));
  int page = 0;
  const auto endless = [&](const asked&) { return answer{200, things(10 * ++page, 2)}; };
  host->sync("things");
  host->play(endless, 2);
  host->cut();
  host->resume("things");
  host->play(endless);
  CHECK(page == 3);
  CHECK(host->outcome().detail == "the provider has more than 3 pages; raise paging.most_pages if that is so");
}

TEST_CASE("a link may be whole or relative, and never leaves the host that was asked", "[declarative][paging]") {
  const auto next = [](const std::string& link) {
    auto host = told(manifest_of(by_link));
    host->sync("things");
    host->answer(200, things(1, 1, R"(,"links":{"next":")" + link + "\"}"));
    return host->ended() ? host->outcome().detail : host->expect("GET", "/things").url;
  };
  CHECK(next("https://api.acme.example/things?p=2") == "https://api.acme.example/things?p=2");
  CHECK(next("https://API.acme.example:443/things?p=2") == "https://API.acme.example:443/things?p=2");
  CHECK(next("/things?p=2") == "https://api.acme.example/things?p=2");
  CHECK(next("?p=2") == "https://api.acme.example/things?p=2");
  const std::string refused = "the provider's next page is not on the host that was asked";
  for (const auto* elsewhere :
       {"https://evil.example/things", "http://api.acme.example/things", "//evil.example/things", "things?p=2",
        "https://api.acme.example@evil.example/things", "https://api.acme.example.evil.example/things",
        "https://api.acme.example:444/things", "https:///things", "javascript:1"}) {
    INFO(elsewhere);
    CHECK(next(elsewhere) == refused);
  }
}

TEST_CASE("the next link is found among the links of the header", "[declarative][paging]") {
  const auto next = [](const std::string& header) {
    auto host = told(manifest_of(by_header));
    host->sync("things");
    host->answer(200, rows(1, 1), {{"link", header}});
    return host->ended() ? host->outcome().error : host->expect("GET", "/things").query;
  };
  CHECK(next(R"(</things?p=1>; rel="prev", </things?p=3>; rel="next")") == "p=3");
  CHECK(next(R"(</things?p=1,2>; title="a, b"; rel=next)") == "p=1,2");
  CHECK(next(R"(</things?p=4>; rel="last next")") == "p=4");
  CHECK(next(R"(</things?p=4>; rel="nextpage")") == "");
  CHECK(next(R"(</things?p=4; rel="next")") == "");
  CHECK(next("") == "");
}

TEST_CASE("the body of a request is sent with every page, and the next token may be a number",
          "[declarative][paging]") {
  auto host = told(manifest_of(R"(request = "POST /search"
json = { query = { cursor = "{cursor}", kind = "all" }, sort = [{ by = "id" }], deep = true, limit = 5 }
records = "/things"
paging = { style = "cursor", next = "/next" }
)"));
  host->sync("things");
  CHECK(host->expect("POST", "/search").body ==
        R"({"deep":true,"limit":5,"query":{"kind":"all"},"sort":[{"by":"id"}]})");
  CHECK(host->expect("POST", "/search").header("content-type") == "application/json");
  host->answer(200, things(1, 1, R"(,"next":17)"));
  CHECK(host->expect("POST", "/search").json("/query/cursor") == R"("17")");
}
