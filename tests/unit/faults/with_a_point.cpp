// SPDX-License-Identifier: Apache-2.0
#include <koppel/fault_point.hpp>

namespace koppel::tests {

int pass_the_points() {
  KOPPEL_FAULT_POINT("test.only_a_point");
  if (KOPPEL_FAULT_FAILS("test.can_fail")) return 1;
  return 0;
}

}  // namespace koppel::tests
