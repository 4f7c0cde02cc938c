// SPDX-License-Identifier: Apache-2.0

#include "host/net/http.hpp"

#include <algorithm>

#include "host/core/text.hpp"

namespace koppel::net {
namespace {

// Boost's own base has no virtual destructor (a category is never deleted through it).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
class category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "koppel.net"; }

  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::bad_url:
        return "not an absolute https URL";
      case errc::resolve:
        return "the name has no address";
      case errc::connect:
        return "the connection could not be made";
      case errc::tls:
        return "the certificate or the TLS handshake was refused";
      case errc::cut:
        return "the connection ended before the whole answer had come";
      case errc::timeout:
        return "no whole answer within the deadline";
      case errc::too_large:
        return "the answer exceeds the limit";
      case errc::malformed:
        return "the answer is not the HTTP that was asked for";
      case errc::cancelled:
        return "cancelled";
      case errc::bad_request:
        return "the request cannot be sent as it is";
      case errc::address_refused:
        return "the name leads to a private address";
    }
    return "unknown";
  }
};
#pragma GCC diagnostic pop

}  // namespace

const boost::system::error_category& net_category() {
  static const category instance;
  return instance;
}

core::exchange_fault fault_of(const boost::system::error_code& code) {
  using core::exchange_fault;
  if (!code) return exchange_fault::none;
  if (code.category() != net_category()) return exchange_fault::cut;
  switch (static_cast<errc>(code.value())) {
    case errc::resolve:
      return exchange_fault::resolve;
    case errc::connect:
      return exchange_fault::connect;
    case errc::tls:
      return exchange_fault::tls;
    case errc::cut:
      return exchange_fault::cut;
    case errc::timeout:
      return exchange_fault::timeout;
    case errc::too_large:
      return exchange_fault::too_large;
    case errc::malformed:
      return exchange_fault::malformed;
    case errc::cancelled:
      return exchange_fault::cancelled;
    case errc::bad_url:
    case errc::bad_request:
      return exchange_fault::bad_request;
    case errc::address_refused:
      return exchange_fault::address_refused;
  }
  return exchange_fault::cut;
}

std::string_view find_header(const header_list& headers, std::string_view name) {
  const auto same = [name](const auto& header) { return core::equal_ignoring_case(header.first, name); };
  const auto found = std::find_if(headers.begin(), headers.end(), same);
  return found == headers.end() ? std::string_view{} : std::string_view{found->second};
}

std::string_view response::header(std::string_view name) const { return find_header(headers, name); }

}  // namespace koppel::net
