// SPDX-License-Identifier: Apache-2.0
// The words of the bus's error category.

#include <koppel/bus/error.hpp>
#include <string>

namespace koppel::bus {
namespace {

class category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "koppel.bus"; }

  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::malformed:
        return "malformed";
      case errc::too_large:
        return "too large";
      case errc::bad_request:
        return "bad request";
      case errc::epoch_changed:
        return "epoch changed";
      case errc::position_expired:
        return "position expired";
      case errc::position_ahead:
        return "position ahead";
      case errc::replaced:
        return "replaced";
      case errc::too_many:
        return "too many consumers";
      case errc::history_broken:
        return "history broken";
      case errc::folder_unsafe:
        return "bus folder unsafe";
      case errc::folder_in_use:
        return "bus folder in use";
      case errc::socket_failed:
        return "socket failed";
    }
    return "unknown bus error";
  }
};

}  // namespace

const boost::system::error_category& bus_category() {
  static const category instance;
  return instance;
}

}  // namespace koppel::bus
