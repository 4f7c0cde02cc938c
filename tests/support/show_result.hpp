// SPDX-License-Identifier: Apache-2.0
// Lets Catch2 print a result<T>, so that REQUIRE(r) compiles for every T and says why when it fails.
#pragma once

#include <catch2/catch.hpp>
#include <koppel/result.hpp>

namespace Catch {

template <class T>
struct StringMaker<boost::system::result<T, koppel::failure>> {
  static std::string convert(const boost::system::result<T, koppel::failure>& r) {
    return r ? "a value" : "failure: " + r.error().detail;
  }
};

}  // namespace Catch
