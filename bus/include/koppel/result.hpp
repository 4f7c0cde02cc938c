// SPDX-License-Identifier: Apache-2.0
// How Koppel reports failure: a value or a `failure`, never an exception across a layer.
// `failure::detail` is a whole sentence for people: what is wrong, where, and what to do; it never holds a secret.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <string>

namespace koppel {

struct failure {
  boost::system::error_code code;
  std::string detail;
};

[[noreturn]] inline void throw_exception_from_error(const failure& f, const boost::source_location&) {
  throw boost::system::system_error(f.code, f.detail);
}

template <class T = void>
using result = boost::system::result<T, failure>;

}  // namespace koppel
