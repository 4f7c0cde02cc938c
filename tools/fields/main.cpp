// SPDX-License-Identifier: Apache-2.0
// koppel-fields: prints docs/fields.md.
#include <exception>
#include <iostream>

#include "tools/fields/page.hpp"

int main() try {
  std::cout << koppel::fields::page(koppel::fields::providers_in(PLUGINS)) << std::flush;
  return std::cout ? 0 : 1;
} catch (const std::exception& why) {
  std::cerr << "koppel-fields: " << why.what() << '\n';
  return 1;
}
