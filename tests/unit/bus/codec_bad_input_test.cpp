// SPDX-License-Identifier: Apache-2.0
// Every bad input of the msgpack decoder that we could think of: refused with errc::malformed, and the next good one
// is read. Valid oddities (integers wider than need be) are accepted.

#include <catch2/catch.hpp>
#include <functional>
#include <koppel/bus/error.hpp>
#include <koppel/bus/limits.hpp>

#include "memory_source.hpp"
#include "msgpack_view.hpp"

using namespace koppel::bus;
using koppel::bus::testing::make_event;

namespace {

std::string good() {
  event e = make_event(7);
  return encode(e);
}

/// A good event whose data is these bytes.
std::string with_data(const std::string& data) {
  event e = make_event(7);
  e.data = data;
  return encode(e);
}

/// An event with every required attribute and what `more` packs as well.
std::string with_more(std::uint32_t count, const std::function<void(packer&)>& more) {
  std::string out;
  string_sink sink(out);
  packer to(sink);
  to.pack_map(6 + count);
  to.pack("specversion").pack("1.0").pack("id").pack("i").pack("source").pack("s");
  to.pack("type").pack("t").pack("time").pack("now").pack("epoch").pack("e");
  more(to);
  return out;
}

std::string nested_arrays(std::size_t depth) { return std::string(depth, '\x91') + '\x01'; }
std::string nested_maps(std::size_t depth) {
  std::string out;
  for (std::size_t i = 0; i < depth; ++i) out += "\x81\xa1k";
  return out + '\x01';
}

void refused(const std::string& bytes) {
  const auto got = decode(bytes);
  REQUIRE_FALSE(got);
  CHECK(got.error().code == errc::malformed);
  CHECK_FALSE(got.error().detail.empty());
  REQUIRE(decode(good()));
}

}  // namespace

TEST_CASE("the bare test event is good", "[bus][codec][bad]") {
  REQUIRE(decode(with_more(0, [](packer&) {})));
}

TEST_CASE("every truncation of a good event is refused", "[bus][codec][bad]") {
  const std::string bytes = good();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto got = decode(std::string_view(bytes).substr(0, size));
    REQUIRE_FALSE(got);
    REQUIRE(got.error().code == errc::malformed);
  }
}

TEST_CASE("a flipped bit never crashes the decoder, and what it accepts is still an event", "[bus][codec][bad]") {
  const std::string bytes = good();
  for (std::size_t i = 0; i < bytes.size() * 8; ++i) {
    std::string flipped = bytes;
    flipped[i / 8] = static_cast<char>(flipped[i / 8] ^ (1 << (i % 8)));
    const auto got = decode(flipped);
    if (got) REQUIRE_FALSE(got->id.empty());
  }
}

TEST_CASE("headers that promise what is not there are refused", "[bus][codec][bad]") {
  for (const std::string& value : {std::string("\xdd\xff\xff\xff\xff", 5), std::string("\xdf\xff\xff\xff\xff", 5),
                                   std::string("\xdb\xff\xff\xff\xff", 5), std::string("\xc6\xff\xff\xff\xff", 5),
                                   std::string("\xc9\xff\xff\xff\xff\x01", 6), std::string("\xc1", 1)}) {
    refused(value);
    refused(with_data("\x81\xa1k" + value));
  }
  std::string arrays;
  for (int i = 0; i < 8'000; ++i) arrays += "\xdc\xff\xff";
  refused(arrays);
  refused(with_data("\x81\xa1k" + arrays));
}

TEST_CASE("depth is limited to 16, the envelope included", "[bus][codec][bad]") {
  CHECK(decode(with_data("\x81\xa1k" + nested_arrays(14))));
  refused(with_data("\x81\xa1k" + nested_arrays(15)));
  CHECK(decode(with_data(nested_maps(15))));
  refused(with_data(nested_maps(16)));
  refused(nested_maps(10'000));
  refused(with_data("\x81\xa1k" + nested_arrays(10'000)));
}

TEST_CASE("keys that are no strings or come twice are refused", "[bus][codec][bad]") {
  refused(with_more(1, [](packer& to) { to.pack("id").pack("again"); }));
  refused(with_more(2, [](packer& to) { to.pack("seq").pack(1).pack("seq").pack(1); }));
  refused(with_more(1, [](packer& to) { to.pack(1).pack("x"); }));
  refused(with_more(1, [](packer& to) { to.pack_nil().pack("x"); }));
  refused(with_more(1, [](packer& to) { to.pack_array(1).pack(1).pack("x"); }));
  CHECK_FALSE(json_from_msgpack("\x82\xa1k\x01\xa1k\x02"));
}

TEST_CASE("attributes of the wrong type are refused", "[bus][codec][bad]") {
  refused(with_more(1, [](packer& to) { to.pack("seq").pack("7"); }));
  refused(with_more(1, [](packer& to) { to.pack("seq").pack(-1); }));
  refused(with_more(1, [](packer& to) { to.pack("seq").pack(7.5); }));
  refused(with_more(1, [](packer& to) { to.pack("seq").pack(0); }));
  refused(with_more(1, [](packer& to) { to.pack("seq").pack_nil(); }));
  refused(with_more(1, [](packer& to) { to.pack("subject").pack(1); }));
  refused(with_more(1, [](packer& to) { to.pack("subject").pack(""); }));
  refused(with_more(1, [](packer& to) { to.pack("subject").pack_bin(1), to.pack_bin_body("x", 1); }));
  refused(with_more(1, [](packer& to) { to.pack("subject").pack_map(1).pack("a").pack("b"); }));
  refused(with_more(1, [](packer& to) { to.pack("data").pack("text"); }));
  refused(with_more(1, [](packer& to) { to.pack("data").pack_array(0); }));
  refused(with_more(1, [](packer& to) { to.pack("time2").pack_ext(5, -1), to.pack_ext_body("12", 2); }));
}

TEST_CASE("a missing attribute and an unknown specversion are refused", "[bus][codec][bad]") {
  for (const auto clear : {&event::id, &event::source, &event::type, &event::time, &event::epoch}) {
    event e = make_event(0);
    e.id = "x";
    REQUIRE(decode(encode(e)));
    (e.*clear).clear();
    refused(encode(e));
  }
  std::string other = good();
  other.replace(other.find("1.0"), 3, "2.0");
  refused(other);
}

TEST_CASE("strings that are no UTF-8 are refused, NUL is not", "[bus][codec][bad]") {
  for (const std::string text : {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "12345678\x80"})
    refused(with_more(1, [&](packer& to) { to.pack("subject").pack(text); }));
  CHECK(decode(with_more(1, [](packer& to) { to.pack("subject").pack("€ und \xf0\x9f\x98\x80 Grüße, lang genug"); })));
  const auto nul = decode(with_more(1, [](packer& to) { to.pack("subject").pack(std::string("a\0b", 3)); }));
  REQUIRE(nul);
  CHECK(nul->subject.size() == 3);
}

TEST_CASE("what follows the event is refused", "[bus][codec][bad]") {
  refused(good() + '\0');
  refused(good() + good());
}

TEST_CASE("unknown attributes, extensions in data and wide integers are accepted", "[bus][codec][bad]") {
  CHECK(decode(with_more(1, [](packer& to) { to.pack("traceparent").pack("00-1"); })));
  CHECK(decode(with_more(1, [](packer& to) { to.pack("later").pack_map(1).pack("a").pack("b"); })));
  const auto wide = decode(with_more(1, [](packer& to) { to.pack("seq").pack_fix_int64(7); }));
  REQUIRE(wide);
  CHECK(wide->seq == 7);
  // timestamps of 32 and 64 bits, nanoseconds out of range, an unknown extension
  for (const std::string& ext : {std::string("\xd6\xff\x00\x00\x00\x01", 6), "\xd7\xff" + std::string(8, '\xff'),
                                 "\xc7\x0c\xff" + std::string(12, '\xff'), std::string("\xd4\x07x", 3)}) {
    event e = make_event(7);
    e.data = "\x81\xa1k" + ext;
    const auto got = decode(encode(e));
    REQUIRE(got);
    CHECK(data_as_json(*got)->at("k").is_string());
  }
}

TEST_CASE("an event may have 64 KiB and not a byte more", "[bus][codec][bad]") {
  event e = make_event(7);
  const auto sized = [&](std::size_t pad) {
    event other = e;
    other.data = msgpack_from_json({{"pad", std::string(pad, 'x')}});
    return encode(other);
  };
  const std::size_t around = sized(60'000).size() - 60'000;
  const std::string fits = sized(limits::event_bytes - around);
  REQUIRE(fits.size() == limits::event_bytes);
  CHECK(decode(fits));
  CHECK(peek(fits + fits));
  refused(sized(limits::event_bytes - around + 1));
  refused(std::string(64 * 1024, '\0'));
  CHECK_FALSE(peek(sized(limits::event_bytes - around + 1) + fits));
}
