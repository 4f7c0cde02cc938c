// SPDX-License-Identifier: Apache-2.0
// Knobs by name: switches, numbers within bounds, words out of a choice.
#include "knob_list.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <catch2/catch.hpp>

using namespace koppel::provider_sim;

namespace {

struct some_knobs {
  bool loud = false;
  int tries = 3;
  std::chrono::seconds life{60};
  std::string form = "plain";

  knob_list list() {
    knob_list out;
    out.add("loud", loud, "").add("tries_left", tries, 0, 9, "").add("life_seconds", life, 1, 3600, "").called("life");
    out.add("form", form, {"plain", "fancy"}, "");
    return out;
  }
};

}  // namespace

TEST_CASE("each kind of knob is read and written by its name", "[provider_sim][knobs]") {
  some_knobs knobs;
  const auto changes = R"({"loud":true,"tries_left":9,"life_seconds":5,"form":"fancy"})";
  CHECK(knobs.list().apply(boost::json::parse(changes).as_object()) == std::nullopt);
  CHECK(knobs.list().to_json() == boost::json::parse(changes).as_object());
  CHECK(knobs.life == std::chrono::seconds(5));
}

TEST_CASE("a wrong knob leaves the right ones beside it alone", "[provider_sim][knobs]") {
  for (const auto* wrong : {R"({"tries_left":5,"loud":1})", R"({"tries_left":5,"life_seconds":0})",
                            R"({"tries_left":5,"form":"odd"})", R"({"tries_left":5,"no_such":1})"}) {
    some_knobs knobs;
    CHECK(knobs.list().apply(boost::json::parse(wrong).as_object()) != std::nullopt);
    CHECK(knobs.tries == 3);
  }
}

TEST_CASE("options have hyphens, or a name of their own", "[provider_sim][knobs]") {
  some_knobs knobs;
  const auto list = knobs.list();
  CHECK(list.all()[1].option == "tries-left");
  CHECK(list.all()[2].option == "life");
}
