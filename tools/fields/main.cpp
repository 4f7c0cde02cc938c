// SPDX-License-Identifier: Apache-2.0
// koppel-fields: prints docs/fields.md.
#include <iostream>

#include "tools/fields/page.hpp"

int main() {
  std::cout << koppel::fields::page(koppel::fields::providers()) << std::flush;
  return std::cout ? 0 : 1;
}
