// SPDX-License-Identifier: Apache-2.0
// Who may begin beside whom.

#include "host/plugins/admission.hpp"

#include <catch2/catch.hpp>
#include <optional>

using namespace koppel::plugins;

namespace {

struct gate {
  std::shared_ptr<admission> state = std::make_shared<admission>();
  koppel::runtime::condition changed;
  turn job(bool suspect = false) { return {state, changed, suspect}; }
};

}  // namespace

TEST_CASE("without a suspect everybody may begin", "[plugins][admission]") {
  gate g;
  turn a = g.job(), b = g.job();
  a.begin();
  CHECK(b.may_begin());
}

TEST_CASE("a suspect begins alone, and while it waits or runs nobody else does", "[plugins][admission]") {
  gate g;
  std::optional<turn> running(std::in_place, g.state, g.changed, false);
  running->begin();
  std::optional<turn> suspect(std::in_place, g.state, g.changed, true);
  turn other = g.job(), second = g.job(true);
  CHECK_FALSE(suspect->may_begin());
  CHECK_FALSE(other.may_begin());

  running.reset();
  CHECK(suspect->may_begin());
  suspect->begin();
  CHECK_FALSE(second.may_begin());
  CHECK_FALSE(other.may_begin());

  suspect.reset();
  CHECK(second.may_begin());
  CHECK_FALSE(other.may_begin());
}

TEST_CASE("one that is acquitted holds up neither the next suspect nor, after the last, anybody",
          "[plugins][admission]") {
  gate g;
  turn first = g.job(true), second = g.job(true), other = g.job();
  first.begin();
  first.acquit();
  CHECK(second.may_begin());
  CHECK_FALSE(other.may_begin());

  second.begin();
  second.acquit();
  CHECK(other.may_begin());
}
