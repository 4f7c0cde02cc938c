// SPDX-License-Identifier: Apache-2.0
// The error category of the plugin layer.

#include "host/plugins/errors.hpp"

namespace koppel::plugins {

namespace {

// Boost's base has a protected destructor on purpose; GCC warns of it in every derived category.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
class category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "koppel.plugins"; }
  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::bad_folder:
        return "the plugin folder cannot be used";
      case errc::bad_library:
        return "not a usable plugin library";
      case errc::bad_manifest:
        return "the plugin's manifest is wrong";
      case errc::spawn_failed:
        return "no child process could be started";
      case errc::busy:
        return "it is under way already";
    }
    return "unknown error";
  }
};
#pragma GCC diagnostic pop

}  // namespace

boost::system::error_code make_error_code(errc e) {
  static const category instance;
  return {static_cast<int>(e), instance};
}

}  // namespace koppel::plugins
