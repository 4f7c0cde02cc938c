// SPDX-License-Identifier: Apache-2.0
// The codec of the boundary: every message survives the trip, and nothing a neighbour may send harms the reader.
#include <koppel/messages.hpp>

#include <catch2/catch.hpp>
#include <msgpack.hpp>

namespace {

using namespace koppel::messages;
using verdict = decoded::verdict;

page full_page() {
  page out;
  out.job = 7;
  out.effect = 3;
  out.cursor = std::string("\0\xff", 2);
  out.cursor_version = 1;
  out.set_aside = 2;
  out.set_aside_reason = "a row without an id";
  record row;
  row.entity = "company";
  row.id = "96a38bbf-24ed-4083-8a5c-20db92aa471e";
  row.updated_at = "2016-02-05T16:44:33Z";
  row.facets = {{"core", std::string(800, '\x80')}, {"detail", ""}};
  out.records.assign(3, row);
  out.records[1].gone = true;
  return out;
}

std::vector<message> one_of_each() {
  start begin{7, "sync", "companies", true, true, "c\n", 1, {"a", "b"}, {{"region", "eu"}}, 20, -10};
  reply answer{7, 3, "try_again", "later", 503, {{"retry-after", "caf\xe9"}}, std::string("{\"\0\"}", 5), 11};
  http ask{7, 4, "POST", "https://api.example/companies.list", {{"x-api-version", "1"}}, "{}"};
  done end{7, "permanent", "no", 404, 5000, "acc", "Acme", "live", {"contacts"}};
  return {hello{65536, "0.1", 10, 1, "[plugin]\n"},
          begin,
          answer,
          cancel{7, 2},
          ready{65536, "0.1"},
          ask,
          full_page(),
          learned{7, "domain", "eu"},
          koppel::messages::sleep{7, 5, 1000},
          koppel::messages::log{7, "info", "text"},
          end,
          unusable{"load", "no file"}};
}

/// A map with one message's "t" and one more entry whose value is given as raw msgpack.
std::string with_field(std::string_view type, std::string_view key, std::string_view raw) {
  msgpack::sbuffer buffer;
  msgpack::packer<msgpack::sbuffer> to(buffer);
  to.pack_map(2);
  to.pack("t");
  to.pack(type);
  to.pack(key);
  return std::string(buffer.data(), buffer.size()) + std::string(raw);
}

std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (int value : values) out.push_back(static_cast<char>(value));
  return out;
}

verdict judge(std::string_view raw) { return decode(raw).what; }

}  // namespace

TEST_CASE("every message comes back as it was sent", "[messages]") {
  REQUIRE(one_of_each().size() == std::variant_size_v<message>);
  for (std::size_t kind = 0; kind < one_of_each().size(); ++kind) {
    const auto original = one_of_each()[kind];
    const auto wire = encode(original);

    const auto back = decode(wire);

    INFO("kind " << kind << ": " << back.reason);
    REQUIRE(back.what == verdict::known);
    REQUIRE(back.value.index() == kind);
    // Every field went through both directions: encoding again gives the same bytes, and they are not those of a
    // default.
    CHECK(encode(back.value) == wire);
  }
}

TEST_CASE("the fields of a message mean what they say", "[messages]") {
  const auto back = decode(encode(full_page()));
  const auto& rows = std::get<page>(back.value);

  CHECK(rows.cursor == std::string("\0\xff", 2));
  CHECK(rows.set_aside == 2);
  REQUIRE(rows.records.size() == 3);
  CHECK_FALSE(rows.records[0].gone);
  CHECK(rows.records[1].gone);
  CHECK(rows.records[2].updated_at == "2016-02-05T16:44:33Z");
  REQUIRE(rows.records[2].facets.size() == 2);
  CHECK(rows.records[2].facets[0].name == "core");
  CHECK(rows.records[2].facets[0].fields == std::string(800, '\x80'));

  const auto answer = std::get<reply>(decode(encode(one_of_each()[2])).value);
  CHECK(answer.status == 503);
  CHECK(answer.headers == header_list{{"retry-after", "caf\xe9"}});
  const auto begin = std::get<start>(decode(encode(one_of_each()[1])).value);
  CHECK(begin.resumed);
  CHECK(begin.ids == std::vector<std::string>{"a", "b"});
  CHECK(begin.settings.at("region") == "eu");
  CHECK(begin.now == -10);
  CHECK(job_of(one_of_each()[1]) == 7);
  CHECK(job_of(one_of_each()[0]) == 0);
}

TEST_CASE("no truncation of a good message is taken for a message", "[messages][hostile]") {
  for (const auto& original : one_of_each()) {
    const auto wire = encode(original);
    for (std::size_t size = 0; size < wire.size(); ++size) {
      INFO("kind " << original.index() << " cut at " << size);
      REQUIRE(judge(std::string_view(wire).substr(0, size)) == verdict::malformed);
    }
    REQUIRE(judge(wire + '\xc0') == verdict::malformed);
    REQUIRE(judge(wire + wire) == verdict::malformed);
  }
}

TEST_CASE("declared lengths without data are refused", "[messages][hostile]") {
  CHECK(judge("") == verdict::malformed);
  CHECK(judge(bytes({0xc1})) == verdict::malformed);
  for (int lead : {0xdd, 0xdf, 0xdb, 0xc6, 0xc9})
    CHECK(judge(bytes({lead, 0xff, 0xff, 0xff, 0xff})) == verdict::malformed);
  for (int lead : {0xdd, 0xdf, 0xdb, 0xc6, 0xc9})
    CHECK(judge(with_field("done", "x", bytes({lead, 0xff, 0xff, 0xff, 0xff}))) == verdict::malformed);

  std::string nested;
  for (int i = 0; i < 24'000; ++i) nested += bytes({0xdc, 0xff, 0xff});
  CHECK(judge(with_field("done", "x", nested)) == verdict::malformed);
  CHECK(judge(std::string(64 << 10, '\0')) == verdict::malformed);
}

TEST_CASE("sixteen levels are read, seventeen are not", "[messages][hostile]") {
  const auto arrays = [](int levels) { return std::string(static_cast<std::size_t>(levels - 1), '\x91') + '\x90'; };
  const auto maps = [](int levels) {
    std::string out;
    for (int i = 1; i < levels; ++i) out += bytes({0x81, 0xa1, 'k'});
    return out + '\x80';
  };
  // The message itself is the first level.
  CHECK(judge(with_field("cancel", "x", arrays(15))) == verdict::known);
  CHECK(judge(with_field("cancel", "x", arrays(16))) == verdict::malformed);
  CHECK(judge(with_field("cancel", "x", maps(15))) == verdict::known);
  CHECK(judge(with_field("cancel", "x", maps(16))) == verdict::malformed);
  CHECK(judge(with_field("cancel", "x", arrays(10'000))) == verdict::malformed);
  CHECK(judge(with_field("cancel", "x", maps(10'000))) == verdict::malformed);

  // Depth counts nesting, not containers that stand side by side, and empty ones end like others.
  std::string siblings = bytes({0xdc, 0x03, 0xe8});
  for (int i = 0; i < 1000; ++i) siblings += i % 2 ? '\x90' : '\x80';
  CHECK(judge(with_field("cancel", "x", siblings)) == verdict::known);
}

TEST_CASE("a hundred thousand tiny elements cost no hundred thousand structs", "[messages][hostile]") {
  const auto elements = [](std::uint32_t n) {
    return bytes({0xdd, static_cast<int>(n >> 24), static_cast<int>(n >> 16 & 255), static_cast<int>(n >> 8 & 255),
                  static_cast<int>(n & 255)}) +
           std::string(n, '\x80');
  };
  CHECK(judge(with_field("page", "records", elements(1000))) == verdict::known);
  CHECK(judge(with_field("page", "records", elements(1u << 18))) == verdict::malformed);
}

TEST_CASE("a field of the wrong type is refused, with its name", "[messages][hostile]") {
  const auto refused = [](std::string_view type, std::string_view key, const std::string& raw) {
    const auto result = decode(with_field(type, key, raw));
    return result.what == verdict::malformed && result.reason.find(key) != std::string::npos;
  };
  CHECK(refused("cancel", "job", bytes({0xa1, '7'})));                                             // text for number
  CHECK(refused("cancel", "job", bytes({0xca, 0x40, 0xe0, 0, 0})));                                // 7.0 for 7
  CHECK(refused("cancel", "job", bytes({0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0})));                    // NaN
  CHECK(refused("cancel", "job", bytes({0xff})));                                                  // -1 for unsigned
  CHECK(refused("cancel", "job", bytes({0xc0})));                                                  // nil
  CHECK(refused("cancel", "now", bytes({0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})));  // 2^64-1 for int64
  CHECK(refused("reply", "status", bytes({0xce, 0x80, 0, 0, 0})));                                 // 2^31 for int32
  CHECK(refused("reply", "body", bytes({0xa2, '{', '}'})));                                        // text for bytes
  CHECK(refused("reply", "detail", bytes({0xc4, 1, 'x'})));                                        // bytes for text
  CHECK(refused("reply", "detail", bytes({0xa1, 0xff})));                                          // not UTF-8
  CHECK(refused("reply", "detail", bytes({0xa2, 0xc0, 0x80})));                                    // overlong
  CHECK(refused("reply", "detail", bytes({0xa3, 0xed, 0xa0, 0x80})));                              // surrogate
  CHECK(refused("reply", "headers", bytes({0x91, 0x93, 0xa1, 'a', 0xc4, 0, 0xc4, 0})));            // not a pair
  CHECK(refused("reply", "now", bytes({0xd6, 0xff, 0, 0, 0, 1})));                                 // a timestamp
  CHECK(refused("start", "full", bytes({0x01})));                                                  // 1 for true
  CHECK(refused("start", "settings", bytes({0x82, 0xa1, 'a', 0xa0, 0xa1, 'a', 0xa0})));            // one name twice
  CHECK(refused("start", "ids", bytes({0x80})));                                                   // map for array

  CHECK(decode(with_field("page", "records", bytes({0x91, 0x81, 0xa2, 'i', 'd', 0x07}))).reason ==
        "page: wrong type of field: id");
}

TEST_CASE("what a later version may say is read past", "[messages]") {
  CHECK(judge(with_field("cancel", "new_key", bytes({0xd6, 0xff, 0, 0, 0, 1}))) ==
        verdict::known);  // an extension type
  CHECK(judge(with_field("cancel", "new_key", bytes({0xc7, 5, 0xff, 1, 2, 3, 4, 5}))) == verdict::known);
  CHECK(judge(with_field("cancel", "job", bytes({0xcf, 0, 0, 0, 0, 0, 0, 0, 7}))) ==
        verdict::known);  // 7 in eight bytes
  CHECK(judge(with_field("reply", "detail", bytes({0xa3, 'a', 0, 'b'}))) == verdict::known);
  CHECK(judge(with_field("webhook", "x", bytes({0xc0}))) == verdict::unknown);
  CHECK(judge(with_field("cancel", std::string(64 << 10, 'k'), bytes({0xc0}))) == verdict::known);

  // Absent fields keep their defaults.
  const auto greeting = std::get<hello>(decode(with_field("hello", "now", bytes({0x05}))).value);
  CHECK(greeting.now == 5);
  CHECK(greeting.max_message == max_from_plugin);
}

TEST_CASE("keys are strings, and come once", "[messages][hostile]") {
  CHECK(judge(bytes({0x90})) == verdict::malformed);
  CHECK(judge(bytes({0x80})) == verdict::malformed);
  CHECK(judge(bytes({0x81, 0xa1, 't', 0x01})) == verdict::malformed);
  CHECK(judge(bytes({0x82, 0xa1, 't', 0xa5, 'r', 'e', 'a', 'd', 'y', 0x01, 0x02})) == verdict::malformed);
  CHECK(judge(bytes({0x82, 0xa1, 't', 0xa5, 'r', 'e', 'a', 'd', 'y', 0xc0, 0x02})) == verdict::malformed);
  const auto twice = bytes({0xa6, 'c', 'a', 'n', 'c', 'e', 'l', 0xa3, 'j', 'o', 'b', 1});
  CHECK(judge(bytes({0x82, 0xa1, 't'}) + twice) == verdict::known);
  CHECK(judge(bytes({0x83, 0xa1, 't'}) + twice + bytes({0xa3, 'j', 'o', 'b', 2})) == verdict::malformed);
  CHECK(judge(bytes({0x83, 0xa1, 't'}) + twice + bytes({0xa1, 't', 0xa4, 'd', 'o', 'n', 'e'})) == verdict::malformed);
}
