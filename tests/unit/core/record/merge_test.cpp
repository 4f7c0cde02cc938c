// SPDX-License-Identifier: Apache-2.0
// How a record grows out of what is said of it: facets, absence, lists, revisions, deletion and return.

#include <catch2/catch.hpp>

#include "host/core/record.hpp"
#include "tests/unit/core/record/fields_of_json.hpp"

using namespace koppel;
using tests::core_facet;
using tests::gone;
using tests::packed;
using tests::said;
using tests::unpacked;
using kind = core::record_change::kind;
using names = std::vector<std::string>;

namespace {

/// Says one thing after another of the same record.
struct history {
  std::optional<core::stored_record> known;

  core::record_change say(const messages::record& r, std::uint32_t mapping_version = 1) {
    auto change = core::merge(known, r, mapping_version);
    if (change.what != kind::ignored) known = change.next;
    return change;
  }
  core::record_change say(std::vector<messages::facet> facets, std::uint32_t mapping_version = 1) {
    return say(said("1", std::move(facets)), mapping_version);
  }
};

}  // namespace

TEST_CASE("a record that is new has revision 1, all its fields, and says that all of them changed", "[record]") {
  history h;

  const auto change = h.say(said("1", {core_facet(R"({"name":"Acme","status":"active"})")}, "2026-01-31T12:00:00Z"));

  CHECK(change.what == kind::upserted);
  CHECK(change.next.revision == 1);
  CHECK(change.next.updated_at == "2026-01-31T12:00:00Z");
  CHECK(unpacked(change.data) == R"({"name":"Acme","status":"active"})");
  CHECK(change.changed == names{"name", "status"});
  CHECK_FALSE(change.mapping_only);
}

TEST_CASE("the same said again is unchanged, whatever its time", "[record]") {
  history h;
  h.say(said("1", {core_facet(R"({"name":"Acme"})")}, "2026-01-31T12:00:00Z"));

  const auto again = h.say(said("1", {core_facet(R"({"name":"Acme"})")}, "2026-02-01T12:00:00Z"));

  CHECK(again.what == kind::unchanged);
  CHECK(again.next.revision == 1);
}

TEST_CASE("only the fields that differ are changed, and the revision goes on", "[record]") {
  history h;
  h.say({core_facet(R"({"name":"Acme","website":"a.example"})")});

  const auto change = h.say({core_facet(R"({"name":"Acme","website":"b.example"})")});

  CHECK(change.what == kind::upserted);
  CHECK(change.next.revision == 2);
  CHECK(change.changed == names{"website"});
}

TEST_CASE("an absent field keeps what is known, null wipes it", "[record]") {
  history h;
  h.say({core_facet(R"({"name":"Acme","website":"a.example"})")});

  SECTION("absent") {
    const auto change = h.say({core_facet(R"({"name":"Acme"})")});
    CHECK(change.what == kind::unchanged);
    CHECK(unpacked(core::fields_of(*h.known)) == R"({"name":"Acme","website":"a.example"})");
  }
  SECTION("null") {
    const auto change = h.say({core_facet(R"({"name":"Acme","website":null})")});
    CHECK(change.what == kind::upserted);
    CHECK(change.changed == names{"website"});
    CHECK(unpacked(change.data) == R"({"name":"Acme","website":null})");
  }
}

TEST_CASE("a facet that is not read this time stays as it was", "[record]") {
  history h;
  h.say({core_facet(R"({"name":"Acme"})"), {"detail", packed(R"({"remarks":"good payer"})")}});

  const auto change = h.say({core_facet(R"({"name":"Acme NV"})")});

  CHECK(unpacked(change.data) == R"({"name":"Acme NV","remarks":"good payer"})");
  CHECK(change.changed == names{"name"});
}

TEST_CASE("lists of several facets become one, core's elements first, then in the order of names", "[record]") {
  history h;
  const auto change = h.say({{"a_links", packed(R"({"tags":["from a"]})")},
                             core_facet(R"({"tags":["from core"]})"),
                             {"b_links", packed(R"({"tags":null})")},
                             {"c_links", packed(R"({"tags":["from c","and more"]})")}});

  CHECK(unpacked(change.data) == R"({"tags":["from core","from a","from c","and more"]})");

  const auto shorter = h.say({{"c_links", packed(R"({"tags":[]})")}});
  CHECK(unpacked(shorter.data) == R"({"tags":["from core","from a"]})");
}

TEST_CASE("a list of more than fifteen elements is joined with its longer header", "[record]") {
  history h;
  std::string many = R"({"tags":[)";
  for (int i = 0; i < 20; ++i) many += (i ? "," : "") + std::string("\"t\"");
  many += "]}";

  const auto change = h.say({core_facet(many), {"more", packed(many)}});

  const auto value = bus::json_from_msgpack(change.data);
  REQUIRE(value.has_value());
  CHECK(value->at("tags").as_array().size() == 40);
}

TEST_CASE("of single values in several facets the first that is not null counts", "[record]") {
  history h;
  const auto change = h.say({core_facet(R"({"name":null,"website":"core.example"})"),
                             {"detail", packed(R"({"name":"from detail","website":"detail.example"})")}});

  CHECK(unpacked(change.data) == R"({"name":"from detail","website":"core.example"})");
}

TEST_CASE("keys come out sorted, so that equal records have equal bytes", "[record]") {
  history one, other;

  const auto a = one.say({core_facet(R"({"bic":"B","name":"A"})"), {"z", packed(R"({"iban":"I"})")}});
  const auto b = other.say({{"z", packed(R"({"iban":"I"})")}, core_facet(R"({"name":"A","bic":"B"})")});

  CHECK(a.data == b.data);
  CHECK(unpacked(a.data) == R"({"bic":"B","iban":"I","name":"A"})");
}

TEST_CASE("what a new mapping changes is called so, what it leaves alone is not published", "[record]") {
  history h;
  h.say({core_facet(R"({"name":"acme"})")}, 1);

  SECTION("changed") {
    const auto change = h.say({core_facet(R"({"name":"Acme"})")}, 2);
    CHECK(change.what == kind::upserted);
    CHECK(change.mapping_only);
  }
  SECTION("left alone: the next real change is one of the provider's") {
    CHECK(h.say({core_facet(R"({"name":"acme"})")}, 2).what == kind::unchanged);
    const auto change = h.say({core_facet(R"({"name":"Acme"})")}, 2);
    CHECK(change.what == kind::upserted);
    CHECK_FALSE(change.mapping_only);
  }
}

TEST_CASE("a record that is gone is deleted once", "[record]") {
  history h;
  CHECK(h.say(gone("1")).what == kind::ignored);
  h.say({core_facet(R"({"name":"Acme"})")});

  const auto change = h.say(gone("1"));
  CHECK(change.what == kind::deleted);
  CHECK(change.next.deleted);
  CHECK(change.next.revision == 2);
  CHECK(h.say(gone("1")).what == kind::ignored);
}

TEST_CASE("a record that comes back is restored whole, and its revision goes on", "[record]") {
  history h;
  h.say({core_facet(R"({"name":"Acme"})"), {"detail", packed(R"({"remarks":"r"})")}});
  h.say(gone("1"));

  const auto change = h.say({core_facet(R"({"name":"Acme"})")});

  CHECK(change.what == kind::restored);
  CHECK(change.next.revision == 3);
  CHECK_FALSE(change.next.deleted);
  CHECK(unpacked(change.data) == R"({"name":"Acme","remarks":"r"})");
  CHECK(change.changed == names{"name", "remarks"});
}

TEST_CASE("fields that are no map are ignored and leave the record as it is", "[record]") {
  history h;
  h.say({core_facet(R"({"name":"Acme"})")});
  const auto before = h.known->encode();

  for (const std::string& bytes :
       {std::string(), std::string("\xC1"), packed("[1]"), std::string("\x81\xA4nam"), packed(R"({"name":"x"})") + "y",
        std::string("\x82\xA1"
                    "a\x01\xA1"
                    "a\x02"),
        std::string("\xDF\xFF\xFF\xFF\xFF"), std::string("\x81\x01\x01")})
    CHECK(h.say({{"core", bytes}}).what == kind::ignored);
  CHECK(h.known->encode() == before);
}

TEST_CASE("a stored record reads back equal, and a flipped bit anywhere is noticed", "[record]") {
  core::stored_record r;
  r.revision = 1234567890123;
  r.deleted = true;
  r.mapping_version = 7;
  r.updated_at = "2026-01-31T12:00:00Z";
  r.facets = {{"core", packed(R"({"name":"Acme"})")}, {"detail", packed("{}")}};
  const auto bytes = r.encode();

  const auto back = core::stored_record::decode(bytes);
  REQUIRE(back.has_value());
  CHECK(back->revision == r.revision);
  CHECK(back->deleted);
  CHECK(back->mapping_version == 7);
  CHECK(back->updated_at == r.updated_at);
  CHECK(back->facets == r.facets);

  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    CHECK_FALSE(core::stored_record::decode(damaged).has_value());
    CHECK_FALSE(core::stored_record::decode(bytes.substr(0, i)).has_value());
  }
}

TEST_CASE("a facet's digest depends on its name, its bytes and the mapping, and on nothing else", "[record]") {
  const messages::facet f = core_facet(R"({"name":"Acme"})");

  CHECK(core::digest_of(f, 1) == core::digest_of(core_facet(R"({"name":"Acme"})"), 1));
  CHECK(core::digest_of(f, 1).size() == 16);
  CHECK(core::digest_of(f, 1) != core::digest_of(f, 2));
  CHECK(core::digest_of(f, 1) != core::digest_of({"detail", f.fields}, 1));
  CHECK(core::digest_of(f, 1) != core::digest_of(core_facet(R"({"name":"Acmf"})"), 1));
}
