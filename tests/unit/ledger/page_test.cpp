// SPDX-License-Identifier: Apache-2.0
// Pages: records, cursor and events in one; what is published and what is not; what a full run did not see.

#include <algorithm>

#include "tests/unit/ledger/data_folder.hpp"

using namespace koppel;
using Catch::Contains;
using ledger::errc;
using ledger::run_mode;
using tests::core_facet;
using tests::data_folder;
using tests::data_of;
using tests::doing;
using tests::good;
using tests::said;
using ids = std::vector<std::string>;

namespace {

messages::record company(const std::string& id, const std::string& name) {
  return said(id, {core_facet(R"({"name":")" + name + "\"}")}, "2026-01-30T08:00:00Z");
}

/// A connected stream of companies, and runs over it.
struct companies {
  data_folder d;
  std::unique_ptr<ledger::ledger> l = d.open();
  ledger::connection c = tests::connected(*l);
  ledger::run r;

  void begin(run_mode mode, std::string cause = "schedule") {
    doing(*l, [&](auto& tx) { r = good(tx.begin_run(c, "companies", "company", mode, cause)); });
  }
  ledger::page_outcome page(std::vector<messages::record> records, std::uint32_t mapping = 1,
                            std::string reason = "provider_deleted", bool keep_cursor = false) {
    messages::page p;
    p.records = std::move(records);
    p.cursor = "cursor";
    ledger::page_outcome out;
    doing(*l, [&](auto& tx) { out = good(tx.commit_page(r, c, p, mapping, reason, keep_cursor)); });
    return out;
  }
  void complete() {
    r.state = "completed";
    r.complete = true;
    doing(*l, [&](auto& tx) { good(tx.end_run(r)); });
  }
  ids suspects(const std::string& after = "", std::size_t limit = 100) { return search(after, limit).ids; }
  ledger::suspect_search search(const std::string& after, std::size_t limit) {
    ledger::suspect_search out;
    doing(*l, [&](auto& tx) { out = tx.suspects(r, after, limit); });
    return out;
  }
  std::uint64_t known() {
    std::uint64_t out = 0;
    doing(*l, [&](auto& tx) { out = tx.known_records(c.id, "company"); });
    return out;
  }
  bus::event last_event() { return tests::events_in(*l).back(); }
};

}  // namespace

TEST_CASE("a new record becomes an event with its full canonical form", "[ledger][page]") {
  companies s;
  s.begin(run_mode::full);

  const auto outcome = s.page({company("1", "Acme")});

  CHECK(outcome.upserted == 1);
  const auto e = s.last_event();
  CHECK(e.type == "eu.koppel.sync.company.upserted.v1");
  CHECK(e.subject == "1");
  CHECK(e.source == "koppel://" + s.l->epoch() + "/" + s.c.id);
  CHECK(e.time == "2026-01-31T12:00:00.000Z");
  CHECK(e.seq == 1);
  CHECK(e.epoch == s.l->epoch());
  CHECK(e.provider == "acme");
  CHECK(e.connection == "acme-be");
  CHECK(e.connection_id == s.c.id);
  CHECK(e.customer == "customer-7");
  CHECK(boost::json::serialize(data_of(e)) ==
        R"({"entity":"company","id":"1","revision":1,"cause":"initial","run_id":")" + s.r.id +
            R"(","data":{"name":"Acme"},"changed":["name"],"provider_updated_at":"2026-01-30T08:00:00Z"})");
}

TEST_CASE("records that are as they were publish nothing, however often they are read", "[ledger][page]") {
  companies s;
  s.begin(run_mode::full);
  s.page({company("1", "Acme"), company("2", "Beta")});

  const auto again = s.page({company("1", "Acme"), company("2", "Beta"), company("2", "Gamma")});

  CHECK(again.unchanged == 2);
  CHECK(again.upserted == 1);
  CHECK(tests::events_in(*s.l).size() == 3);
  CHECK(data_of(s.last_event()).at("revision") == 2);
  CHECK(s.r.read == 5);
  CHECK(s.r.upserted == 3);
  CHECK(s.known() == 2);
}

TEST_CASE("facets are compared one by one, in any order and company", "[ledger][page]") {
  companies s;
  s.begin(run_mode::full);
  const auto core = core_facet(R"({"name":"Acme"})");
  const messages::facet detail{"detail", tests::packed(R"({"remarks":"r"})")};
  s.page({said("1", {core, detail})});

  CHECK(s.page({said("1", {core})}).unchanged == 1);
  CHECK(s.page({said("1", {detail})}).unchanged == 1);
  CHECK(s.page({said("1", {detail, core})}).unchanged == 1);
  CHECK(s.page({said("1", {core_facet(R"({"name":"Beta"})")})}).upserted == 1);
  CHECK(s.page({said("1", {detail})}).unchanged == 1);
  CHECK(s.page({said("1", {core})}).upserted == 1);  // back to what it was, which is a change
  CHECK(s.page({said("1", {{"links", tests::packed("{}")}})}).unchanged == 1);
  CHECK(s.page({said("1", {core, detail, {"links", tests::packed("{}")}})}).unchanged == 1);
  CHECK(data_of(s.last_event()).at("data").as_object().size() == 2);

  // A digest for each facet stays, those of facets that a page does not mention too: else each reading would be the
  // slow one.
  CHECK(s.page({said("1", {core_facet(R"({"name":"Gamma"})")})}).upserted == 1);
  s.l.reset();
  s.d.tamper("SELECT CASE WHEN length(digests) <> 3 * 16 THEN abs(-9223372036854775808) END FROM records");
}

TEST_CASE("the cause says why a record is published", "[ledger][page]") {
  companies s;
  const auto cause = [&] { return std::string(data_of(s.last_event()).at("cause").as_string()); };
  s.begin(run_mode::full);
  s.page({company("1", "A")});
  CHECK(cause() == "initial");
  s.complete();

  s.begin(run_mode::incremental);
  s.page({company("1", "B")});
  CHECK(cause() == "change");
  s.complete();

  s.begin(run_mode::incremental, "webhook");
  s.page({company("1", "C")});
  CHECK(cause() == "webhook");
  s.complete();

  s.begin(run_mode::full);
  s.page({company("1", "D")});
  CHECK(cause() == "reconcile");
  s.page({company("1", "E")}, 2);
  CHECK(cause() == "mapping");
  CHECK(s.page({company("1", "E")}, 3).unchanged == 1);
  s.page({company("1", "F")}, 3);
  CHECK(cause() == "reconcile");
  s.page({tests::gone("1")}, 3);
  s.page({company("1", "F")}, 3);
  CHECK(cause() == "restored");
}

TEST_CASE("a deletion is published once with its reason, and a return goes on counting revisions", "[ledger][page]") {
  companies s;
  s.begin(run_mode::full);
  s.page({company("1", "A")});

  CHECK(s.page({tests::gone("1"), tests::gone("unknown")}, 1, "absent").deleted == 1);
  const auto e = s.last_event();
  CHECK(e.type == "eu.koppel.sync.company.deleted.v1");
  const auto data = data_of(e);
  CHECK(data.at("revision") == 2);
  CHECK(data.at("reason") == "absent");
  CHECK(data.at("deleted_at") == "2026-01-31T12:00:00.000Z");
  CHECK_FALSE(data.contains("data"));
  CHECK(s.known() == 0);

  CHECK(s.page({tests::gone("1")}).deleted == 0);
  CHECK(s.page({company("1", "A")}).upserted == 1);
  CHECK(data_of(s.last_event()).at("revision") == 3);
  CHECK(s.known() == 1);
}

TEST_CASE("suspects are the known records that a full run did not see, in pages", "[ledger][page]") {
  companies s;
  s.begin(run_mode::full);
  s.page({company("a", "A"), company("b", "B"), company("c", "C"), company("d", "D"), company("e", "E")});
  CHECK(s.suspects().empty());
  s.complete();

  s.begin(run_mode::full);
  s.page({company("b", "B"), company("d", "changed")});
  CHECK(s.suspects() == ids{"a", "c", "e"});
  CHECK(s.suspects("", 2) == ids{"a", "c"});
  CHECK(s.suspects("c", 2) == ids{"e"});

  // Read by id: one is there after all, one is gone; the third said nothing.
  s.page({company("a", "A"), tests::gone("c")}, 1, "absent", true);
  CHECK(s.suspects() == ids{"e"});
}

TEST_CASE("a search for suspects looks at ten thousand records at a time and says where to go on", "[ledger][page]") {
  companies s;
  s.begin(run_mode::full);
  s.page({company("a", "A"), company("z", "Z")});
  s.complete();
  s.d.tamper(
      "INSERT INTO records(set_number, id, body, deleted, seen_run, seq, digests) "
      "WITH RECURSIVE n(i) AS (SELECT 10000 UNION ALL SELECT i + 1 FROM n WHERE i < 29997) "
      "SELECT set_number, 'm' || i, 0, 1, 0, 1, x'' FROM n, records WHERE id = 'a'");
  s.begin(run_mode::full);
  s.page({company("a", "A")});

  const auto first = s.search("", 100), second = s.search(first.up_to, 100), third = s.search(second.up_to, 100);

  CHECK(first.ids.empty());
  CHECK(first.more);
  CHECK(first.up_to == "m19998");  // a and 9,999 others
  CHECK(second.ids == ids{"z"});
  CHECK_FALSE(second.more);
  CHECK(third.ids.empty());
  CHECK_FALSE(third.more);
}

TEST_CASE("a full batch of suspects ends a search, which goes on behind its last", "[ledger][page]") {
  companies s;
  s.begin(run_mode::full);
  s.page({company("a", "A"), company("b", "B"), company("c", "C")});
  s.complete();
  s.begin(run_mode::full);
  s.page({company("c", "C")});

  const auto first = s.search("", 1), second = s.search(first.up_to, 1);

  CHECK(first.ids == ids{"a"});
  CHECK(first.more);
  CHECK(second.ids == ids{"b"});
  CHECK(second.more);
  CHECK(s.search(second.up_to, 1).ids.empty());
}

TEST_CASE("an incremental run marks nothing as seen", "[ledger][page]") {
  companies s;
  s.begin(run_mode::full);
  s.page({company("a", "A"), company("b", "B")});
  s.complete();
  s.begin(run_mode::incremental);
  s.page({company("a", "A"), company("b", "changed"), company("new", "N")});
  s.complete();

  s.begin(run_mode::full);

  CHECK(s.suspects() == ids{"a", "b", "new"});
}

TEST_CASE("records of other connections and entities are apart", "[ledger][page]") {
  companies s;
  s.begin(run_mode::full);
  s.page({company("1", "A")});
  auto contact = said("1", {core_facet(R"({"first_name":"Ann"})")});
  contact.entity = "contact";
  CHECK(s.page({contact, company("1", "A")}).upserted == 1);
  CHECK(s.known() == 1);

  const auto other = tests::connected(*s.l, "other");
  doing(*s.l, [&](auto& tx) {
    auto r = good(tx.begin_run(other, "companies", "company", run_mode::full, "manual"));
    messages::page p;
    p.records = {company("1", "A")};
    CHECK(good(tx.commit_page(r, other, p, 1, "absent", false)).upserted == 1);
    // A run belongs to its connection.
    CHECK(tx.commit_page(r, s.c, p, 1, "absent", false).error().code == errc::not_found);
  });
}

TEST_CASE("records, cursor and events are committed together or not at all", "[ledger][page]") {
  companies s;
  s.begin(run_mode::incremental);
  s.page({company("1", "A")});

  const auto failed = s.l->write_blocking([&](auto& tx) -> result<void> {
    auto r = s.r;
    messages::page p;
    p.records = {company("1", "B"), company("2", "C")};
    p.cursor = "further";
    good(tx.commit_page(r, s.c, p, 1, "absent", false));
    CHECK(r.cursor == "further");
    CHECK(tx.head() == 3);
    return failure{errc::stale, "no"};
  });

  CHECK_FALSE(failed.has_value());
  CHECK(tests::events_in(*s.l).size() == 1);
  CHECK(s.known() == 1);
  doing(*s.l, [&](auto& tx) {
    CHECK(tx.head() == 1);
    CHECK(tx.runs(1)[0].cursor == "cursor");
    CHECK(tx.runs(1)[0].read == 1);
    CHECK(tx.find_stream(s.c.id, "companies")->cursor == "cursor");
  });
  CHECK(s.page({company("1", "B")}).upserted == 1);
  CHECK(s.last_event().seq == 2);
}

TEST_CASE("confirming suspects leaves the cursor where it is", "[ledger][page]") {
  companies s;
  s.begin(run_mode::incremental);
  s.page({});
  doing(*s.l, [&](auto& tx) {
    messages::page p;
    p.cursor = "elsewhere";
    good(tx.commit_page(s.r, s.c, p, 1, "absent", true));
    CHECK(tx.runs(1)[0].cursor == "cursor");
    CHECK(tx.find_stream(s.c.id, "companies")->cursor == "cursor");
  });
}

TEST_CASE("a record whose event would be too large becomes a dead letter, what is known of it stays and is not suspect",
          "[ledger][page]") {
  companies s;
  s.begin(run_mode::full);
  s.page({company("1", "A"), company("2", "B")});
  s.complete();
  s.begin(run_mode::full);

  const auto outcome = s.page({company("1", std::string(65'400, 'x')), company("2", "B")});

  CHECK(outcome.set_aside == 1);
  CHECK(outcome.unchanged == 1);
  const auto e = s.last_event();
  CHECK(e.type == "eu.koppel.dead_letter.added.v1");
  CHECK(e.subject == "1");
  const auto data = data_of(e);
  CHECK(data.at("entity") == "company");
  CHECK(data.at("id") == "1");
  CHECK(data.at("reason") == "Its event would be over 64 KiB.");
  CHECK(data.at("bytes").to_number<int>() > 65'400);
  CHECK(s.suspects().empty());
  CHECK(s.page({company("1", "A")}).unchanged == 1);
}

TEST_CASE("a record that breaks the rules becomes a dead letter and takes nothing with it", "[ledger][page]") {
  companies s;
  s.begin(run_mode::full);
  auto nobody = company(std::string("\xFF\n", 2), "A");
  auto alien = company("3", "A");
  alien.entity = "alien";

  const auto outcome = s.page({company("1", "A"), said("2", {core_facet(R"({"name":5})")}), nobody, alien,
                               said("4", {{"core", "\xC1"}}), company("5", "B")});

  CHECK(outcome.upserted == 2);
  CHECK(outcome.set_aside == 4);
  const auto events = tests::events_in(*s.l);
  REQUIRE(events.size() == 6);
  CHECK(data_of(events[1]).at("reason") == "The field name has the wrong shape.");
  CHECK(data_of(events[2]).at("id") == "");
  CHECK(s.r.set_aside == 4);
}

TEST_CASE("what the plugin itself set aside is counted", "[ledger][page]") {
  companies s;
  s.begin(run_mode::full);
  doing(*s.l, [&](auto& tx) {
    messages::page p;
    p.set_aside = 2;
    CHECK(good(tx.commit_page(s.r, s.c, p, 1, "absent", false)).set_aside == 2);
  });
  CHECK(s.r.set_aside == 2);
  CHECK(s.r.read == 2);
}

TEST_CASE("purging a connection takes its records out of the files", "[ledger][page]") {
  companies s;
  s.begin(run_mode::full);
  s.page({company("1", "PERSONAL-DATA")});
  const bool purge = GENERATE(false, true);

  doing(*s.l, [&](auto& tx) { good(tx.remove_connection(s.c.id, purge)); });

  CHECK(s.known() == (purge ? 0 : 1));
}

TEST_CASE("a damaged record fails the page that needs it and is named as damage", "[ledger][page]") {
  companies s;
  s.begin(run_mode::full);
  s.page({company("1", "Acme")});
  s.l.reset();
  s.d.tamper("UPDATE record_bodies SET bytes = CAST(replace(bytes, 'Acme', 'Acne') AS BLOB)");
  s.l = s.d.open();

  const auto failed = s.l->write_blocking([&](auto& tx) -> result<void> {
    messages::page p;
    p.records = {company("1", "Beta")};
    auto r = s.r;
    const auto done = tx.commit_page(r, s.c, p, 1, "absent", false);
    if (!done) return done.error();
    return {};
  });

  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().code == errc::corrupt);
  CHECK_THAT(failed.error().detail, Contains("checksum"));
}

TEST_CASE("a record that cannot be carried is one dead letter until it changes", "[ledger][page]") {
  companies s;
  s.begin(run_mode::incremental);
  const auto letters = [&] {
    const auto events = tests::events_in(*s.l);
    return std::count_if(events.begin(), events.end(),
                         [](const auto& e) { return e.type == "eu.koppel.dead_letter.added.v1"; });
  };
  const auto poison = said("1", {core_facet(R"({"name":5})")});
  const auto nameless = company(std::string("\xFF\n", 2), "A");

  CHECK(s.page({poison, nameless}).set_aside == 2);
  CHECK(letters() == 2);
  s.complete();
  s.begin(run_mode::incremental);
  CHECK(s.page({poison, nameless}).set_aside == 2);
  CHECK(letters() == 2);

  // Refused in another way, carried, and refused as before: each is news.
  CHECK(s.page({said("1", {core_facet(R"({"name":6})")})}).set_aside == 1);
  CHECK(letters() == 3);
  CHECK(s.page({company("1", "A")}).upserted == 1);
  CHECK(s.page({said("1", {core_facet(R"({"name":6})")})}).set_aside == 1);
  CHECK(letters() == 4);
  CHECK(s.page({company("1", "A")}).unchanged == 1);
  CHECK(s.page({said("1", {core_facet(R"({"name":6})")})}).set_aside == 1);
  CHECK(letters() == 5);
}

TEST_CASE("the number of known records follows what comes, goes and returns", "[ledger][page]") {
  companies s;
  s.begin(run_mode::full);
  s.page({company("1", "A"), company("2", "B"), company("1", "C"), tests::gone("3")});
  CHECK(s.known() == 2);
  s.page({tests::gone("1"), company("4", "D"), tests::gone("4")});
  CHECK(s.known() == 1);
  s.page({company("1", "A"), company("1", "A"), company("2", "changed")});
  CHECK(s.known() == 2);
}
