// SPDX-License-Identifier: Apache-2.0
// Which requests of a plugin may leave, and the tricks with which one could try to leave anyway.

#include <catch2/catch.hpp>

#include "host/core/egress.hpp"

using koppel::core::egress_purpose;
using koppel::core::egress_refusal;

namespace {

koppel::core::manifest example() {
  koppel::core::manifest m;
  m.name = "example";
  m.egress.push_back({"api.example.com", {"GET", "POST"}, {"/v1/companies.list", "/v2/*"}});
  m.egress.push_back({"api.example.com", {"DELETE"}, {"/hooks"}});
  m.streams.push_back({});
  m.streams.back().name = "companies";
  return m;
}

std::string refusal(const std::string& method, const std::string& url) {
  return egress_refusal(example(), method, url);
}

}  // namespace

TEST_CASE("a request to a declared host, method and path may leave", "[plugins][egress]") {
  CHECK(refusal("POST", "https://api.example.com/v1/companies.list").empty());
  CHECK(refusal("GET", "https://api.example.com/v1/companies.list?page=2&q=a%2Fb").empty());
  CHECK(refusal("GET", "https://API.example.COM/v2/anything/below").empty());
  CHECK(refusal("GET", "https://api.example.com:443/v2/x").empty());
  CHECK(refusal("DELETE", "https://api.example.com/hooks").empty());
}

TEST_CASE("what is not declared may not leave, and the reason names it", "[plugins][egress]") {
  CHECK(refusal("GET", "https://other.example.com/v2/x") ==
        "the host other.example.com is not declared in the manifest of example");
  CHECK(refusal("GET", "https://api.example.com./v2/x") ==
        "the host api.example.com. is not declared in the manifest of example");
  CHECK(refusal("GET", "https://api.example.com.evil.org/v2/x").find("host") != std::string::npos);
  CHECK(refusal("GET", "https://api.example.com/v1/companies.list/more").find("path") != std::string::npos);
  CHECK(refusal("GET", "https://api.example.com/v1/Companies.list").find("path") != std::string::npos);
  CHECK(refusal("GET", "https://api.example.com/").find("path / on api.example.com") != std::string::npos);
  CHECK(refusal("GET", "https://api.example.com").find("path / on api.example.com") != std::string::npos);
  CHECK(refusal("DELETE", "https://api.example.com/v2/x").find("method") != std::string::npos);
  CHECK(refusal("get", "https://api.example.com/v2/x").find("method") != std::string::npos);
  CHECK(refusal("GET", "https://api.example.com/hooks").find("method") != std::string::npos);
}

TEST_CASE("what is declared for webhooks is open to their registration alone, unless it is declared once more",
          "[plugins][egress]") {
  auto m = example();
  m.egress.push_back({"api.example.com", {"GET", "POST"}, {"/v3/subscriptions", "/v2/x"}, true});
  const std::string there = "https://api.example.com/v3/subscriptions";
  CHECK(egress_refusal(m, "GET", there, egress_purpose::webhooks).empty());
  CHECK(egress_refusal(m, "GET", there) ==
        "the path /v3/subscriptions on api.example.com is not declared in the manifest of example but for the "
        "registration of webhooks");
  CHECK(egress_refusal(m, "DELETE", there, egress_purpose::webhooks).find("method") != std::string::npos);
  CHECK(egress_refusal(m, "GET", "https://api.example.com/v2/x").empty());
  CHECK(egress_refusal(m, "GET", "https://api.example.com/v2/x", egress_purpose::webhooks).empty());
}

TEST_CASE("URLs that could be read in two ways are refused", "[plugins][egress]") {
  const char* bad = GENERATE("http://api.example.com/v2/x",               // not encrypted
                             "https://user@api.example.com/v2/x",         // user info
                             "https://api.example.com@evil.org/v2/x",     // the same, other way about
                             "https://api.example.com:8443/v2/x",         // another port
                             "https://api.example.com:25/v2/x",           //
                             "https://api.example.com/v2/x#part",         // a fragment is never sent
                             "https://93.184.216.34/v2/x",                // addresses
                             "https://[::1]/v2/x",                        //
                             "https://api.example.com/v2/../v1/secret",   // dot segments
                             "https://api.example.com/v2/%2e%2E/secret",  //
                             "https://api.example.com/v2/..",             //
                             "https://api.example.com/v2/..%2fsecret",    // encoded separators
                             "https://api.example.com/v2/..%5csecret",    //
                             "https://api.example.com/v2/a%00b",          //
                             "https://api.example.com/v2//secret",        // empty segment
                             "https://api.example.com/v2/x\r\nHost: evil.org", "https://api.example.com/v2/x y",
                             "https://\xd0\xb0pi.example.com/v2/x",  // a Cyrillic letter
                             "//api.example.com/v2/x", "/v2/x", "", "https://", "https:///v2/x");
  CAPTURE(bad);
  CHECK_FALSE(refusal("GET", bad).empty());
}

TEST_CASE("a URL without bound is refused before it is read", "[plugins][egress]") {
  CHECK(refusal("GET", "https://api.example.com/v2/" + std::string(9000, 'x')) ==
        "the request's URL is longer than 8192 bytes");
}

TEST_CASE("a stream is found by its name", "[plugins][manifest]") {
  const auto m = example();
  CHECK(m.find_stream("companies") == &m.streams.front());
  CHECK(m.find_stream("Companies") == nullptr);
}
