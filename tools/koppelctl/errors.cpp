// SPDX-License-Identifier: Apache-2.0
// The words of koppelctl's error category, and which exit code each error means.

#include "tools/koppelctl/errors.hpp"

namespace koppel::koppelctl {
namespace {

// Boost's categories are never deleted through the base.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
class category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "koppelctl"; }

  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::refused:
        return "refused";
      case errc::bad_input:
        return "bad input";
      case errc::usage:
        return "usage";
      case errc::unreachable:
        return "daemon unreachable";
      case errc::not_understood:
        return "answer not understood";
    }
    return "unknown error";
  }
};
#pragma GCC diagnostic pop

}  // namespace

const boost::system::error_category& koppelctl_category() {
  static const category instance;
  return instance;
}

exit_code exit_of(const failure& f) {
  if (f.code == errc::usage) return exit_code::usage;
  if (f.code == errc::unreachable) return exit_code::unreachable;
  return exit_code::refused;
}

}  // namespace koppel::koppelctl
