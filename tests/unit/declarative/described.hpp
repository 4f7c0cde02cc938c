// SPDX-License-Identifier: Apache-2.0
// Manifests for these tests, made of the one thing that each is about, and a host that is told one.
#pragma once

#include <koppel/testing/scripted_host.hpp>

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

namespace koppel::declarative::test {

using namespace koppel::testing;

/// The tables that the connector reads; the host's own (docs/manifest.md) mean nothing to it.
inline std::string manifest_of(const std::string& read, const std::string& fields = "name = \"/name\"\n",
                               const std::string& entity = "company", const std::string& more = "") {
  return more + R"([plugin]
name = "acme"
[api]
base_url = "https://api.acme.example"
[probe]
request = "GET /me"
account = "/id"
[[stream]]
name = "things"
entity = ")" +
         entity + "\"\ndeletions = \"none\"\n[stream.read]\n" + read + "[stream.fields]\n" + fields;
}

inline std::string fixture(const std::string& name) {
  std::ifstream in(FIXTURES "/" + name, std::ios::binary);
  REQUIRE(in.good());
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::unique_ptr<scripted_host> told(const std::string& manifest) {
  return std::make_unique<scripted_host>(load_plugin(DECLARATIVE_PLUGIN), manifest);
}

/// Why the connector cannot work by this manifest; empty where it can.
inline std::string refusal_of(const std::string& manifest) {
  try {
    told(manifest);
  } catch (const script_error& why) {
    return why.what();
  }
  return {};
}

inline std::string rows(int first, int count) {
  std::string out;
  for (int i = first; i < first + count; ++i)
    out += (out.empty() ? "" : ",") + std::string(R"({"id":)") + std::to_string(i) + R"(,"name":"n)" +
           std::to_string(i) + R"("})";
  return "[" + out + "]";
}

}  // namespace koppel::declarative::test
