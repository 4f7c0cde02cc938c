// SPDX-License-Identifier: Apache-2.0
// What connectors share that read lists: the words of cursors, and what an answer must not do.
#include <koppel/sdk/paging.hpp>

#include <catch2/catch.hpp>

using namespace koppel::sdk;

namespace {

const auto noon = *parse_time("2024-05-01T12:00:00Z");

struct rows_of {
  explicit rows_of(const std::string& text) : document(json::parse(text)) {}
  json document;
  json_items rows() const { return document.items(); }
};

std::string said(const std::function<void()>& by) {
  try {
    by();
  } catch (const job_failure& why) {
    CHECK(why.reason() == verdict::bug);
    return why.what();
  }
  return {};
}

}  // namespace

TEST_CASE("a page of a list has to say whether the list goes on, unless it has no body", "[sdk][paging]") {
  const list_paths at{"data", "/info/more", "/info/next"};
  const auto read = [&](int status, std::string body) {
    return page_of(response(status, {}, std::move(body)), at, "Acme");
  };
  const auto whole = read(200, R"({"data":[1,2],"info":{"more":true,"next":"t"}})");
  CHECK(whole.rows.size() == 2);
  CHECK(whole.more);
  CHECK(whole.next == "t");
  CHECK_FALSE(read(200, R"({"data":[],"info":{"more":false,"next":null}})").more);
  for (const int empty : {204, 304}) CHECK(read(empty, "").rows.empty());
  for (const auto* wrong : {R"({"data":[]})", R"({"data":[],"info":{"more":"no"}})", R"({"info":{"more":false}})"})
    CHECK_THROWS_AS(read(200, wrong), job_failure);
}

TEST_CASE("the words of a cursor are read back as they were written", "[sdk][paging]") {
  const auto text = cursor_word(noon, format_seconds) + ' ' + cursor_word(std::nullopt) + " 17 a b";
  CHECK(text == "2024-05-01T12:00:00+00:00 none 17 a b");
  cursor_words words(text);
  CHECK(words.time() == noon);
  CHECK_FALSE(words.time());
  CHECK(words.number(1) == 17);
  CHECK(words.rest() == "a b");
  CHECK(words.sound());
}

TEST_CASE("a time to the millisecond has three digits of fraction, zeros too", "[sdk][paging]") {
  using std::chrono::milliseconds;
  CHECK(format_milliseconds(noon) == "2024-05-01T12:00:00.000Z");
  CHECK(format_milliseconds(noon + milliseconds(7)) == "2024-05-01T12:00:00.007Z");
  CHECK(format_milliseconds(noon - milliseconds(1)) == "2024-05-01T11:59:59.999Z");
}

TEST_CASE("a word that is none of the kind makes the cursor unsound, and so does one that is missing",
          "[sdk][paging]") {
  const auto sound = [](const std::string& text) {
    cursor_words words(text);
    words.time();
    words.number(1);
    return words.sound();
  };
  CHECK(sound("none 1"));
  CHECK(sound("2024-05-01T12:00:00Z 1"));
  for (const auto* wrong :
       {"", "none", "none ", "none 0", "none -1", "none 1x", "none 99999999999999999999", "yesterday 1", " 1"})
    CHECK_FALSE(sound(wrong));
}

TEST_CASE("a list goes on a second before its newest row, or not at all", "[sdk][paging]") {
  using std::chrono::seconds;
  CHECK(next_since({}, noon) == noon - seconds(1));
  CHECK(next_since(noon - seconds(2), noon) == noon - seconds(1));
  CHECK_FALSE(next_since(noon - seconds(1), noon));
  CHECK_FALSE(next_since(noon, {}));
  const rows_of three(R"([{"t":"2024-05-01T11:59:58.700Z"},{"t":null},{"t":"2024-05-01T12:00:01Z"}])");
  CHECK(newest_second(three.rows(), "/t", noon) == noon - seconds(2));  // a row from the future does not count
  CHECK_FALSE(newest_second(three.rows(), "/u", noon));
}

TEST_CASE("a position in a list sorted by time moves with the time, and by token where a page shares one second",
          "[sdk][paging]") {
  using std::chrono::seconds;
  const timed_position begun{noon, noon - seconds(60), "old"};
  CHECK(begun.after(noon + seconds(9), "t").cursor() == "2024-05-01T12:00:08+00:00 2024-05-01T11:59:00+00:00 -");
  CHECK(begun.after(noon, "t").cursor() == "2024-05-01T12:00:00+00:00 2024-05-01T11:59:00+00:00 t");
  CHECK(timed_position().cursor() == "none none -");

  const auto back = read_timed_position(begun.cursor());
  REQUIRE(back);
  CHECK(back->since == begun.since);
  CHECK(back->walked == begun.walked);
  CHECK(back->token == "old");
  for (const auto* broken : {"", "none none", "none yesterday -", "{\"page\":2}"})
    CHECK_FALSE(read_timed_position(broken));
}

TEST_CASE("a page that is not sorted by what the cursor relies on is a bug, with a sentence", "[sdk][paging]") {
  const rows_of sorted(
      R"([{"t":"2024-05-01T11:00:00Z"},{},{"t":"2024-05-01T11:00:00Z"},{"t":"2024-05-01T13:00:00+01:00"}])"),
      unsorted(R"([{"t":"2024-05-01T12:00:01Z"},{},{"t":"2024-05-01T12:00:00Z"}])");
  CHECK(said([&] { demand_sorted(sorted.rows(), "/t", "Acme"); }).empty());
  CHECK(said([&] { demand_sorted(unsorted.rows(), "/t", "Acme"); }) ==
        "Acme listed rows that are not sorted by t, as it was asked to: some would be skipped");
  CHECK(said([&] { demand_sorted_since(sorted.rows(), "/t", noon, "updated_since", "Acme"); }).empty());
  CHECK_FALSE(said([&] { demand_sorted_since(unsorted.rows(), "/t", {}, "updated_since", "Acme"); }).empty());
  CHECK_FALSE(
      said([&] { demand_sorted_since(sorted.rows(), "/t", noon + std::chrono::seconds(1), "x", "Acme"); }).empty());
  CHECK(said([&] { demand_since(sorted.rows(), "/t", noon, "updated_since", "Acme"); }).empty());
  CHECK(said([&] { demand_since(sorted.rows(), "/t", noon + std::chrono::seconds(1), "updated_since", "Acme"); }) ==
        "Acme ignored updated_since");
}

TEST_CASE("a page that comes again is noticed, unless it may", "[sdk][paging]") {
  const rows_of one(R"([{"id":1},{"id":2}])"), other(R"([{"id":1},{"id":3}])");
  page_memory shown("/id", "Acme");
  CHECK(said([&] { shown.take(one.rows(), false); }).empty());
  CHECK(said([&] { shown.take(other.rows(), false); }).empty());
  CHECK(said([&] { shown.take(other.rows(), true); }).empty());
  CHECK(said([&] { shown.take(other.rows(), false); }) == "Acme repeated a page");
}

TEST_CASE("an error's code may stand in a log, a text that may hold more may not", "[sdk][paging]") {
  CHECK(safe_code("INVALID_DATA") == "INVALID_DATA");
  CHECK(safe_code("NotFoundException2") == "NotFoundException2");
  CHECK(safe_code("An Maes").empty());
  CHECK(safe_code(std::string(65, 'a')).empty());
}
