// SPDX-License-Identifier: Apache-2.0

#include "host/auth/error.hpp"

#include <string>

namespace koppel::auth {
namespace {

class category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "koppel.auth"; }
  std::string message(int code) const override {
    switch (static_cast<errc>(code)) {
      case errc::no_plugin:
        return "no plugin of this provider";
      case errc::not_possible:
        return "not possible for this connection";
      case errc::bad_answer:
        return "no code in what was pasted";
      case errc::unknown_state:
        return "no open link belongs to this";
      case errc::code_used:
        return "the code was used before";
      case errc::provider_unreachable:
        return "the provider cannot be reached";
      case errc::bad_manifest:
        return "the manifest cannot be used";
    }
    return "unknown";
  }
};

}  // namespace

const boost::system::error_category& auth_category() {
  static const category instance;
  return instance;
}

}  // namespace koppel::auth
