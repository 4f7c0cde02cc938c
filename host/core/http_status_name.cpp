// SPDX-License-Identifier: Apache-2.0
// The names of .NET's HttpStatusCode, which Pro+ shows in the field "Auth Status".

#include <utility>

#include "host/core/auth_texts.hpp"

namespace koppel::core {

std::string http_status_name(int status) {
  static constexpr std::pair<int, std::string_view> names_of[] = {{400, "BadRequest"},
                                                                  {401, "Unauthorized"},
                                                                  {402, "PaymentRequired"},
                                                                  {403, "Forbidden"},
                                                                  {404, "NotFound"},
                                                                  {405, "MethodNotAllowed"},
                                                                  {406, "NotAcceptable"},
                                                                  {407, "ProxyAuthenticationRequired"},
                                                                  {408, "RequestTimeout"},
                                                                  {409, "Conflict"},
                                                                  {410, "Gone"},
                                                                  {411, "LengthRequired"},
                                                                  {412, "PreconditionFailed"},
                                                                  {413, "RequestEntityTooLarge"},
                                                                  {414, "RequestUriTooLong"},
                                                                  {415, "UnsupportedMediaType"},
                                                                  {416, "RequestedRangeNotSatisfiable"},
                                                                  {417, "ExpectationFailed"},
                                                                  {421, "MisdirectedRequest"},
                                                                  {422, "UnprocessableEntity"},
                                                                  {423, "Locked"},
                                                                  {424, "FailedDependency"},
                                                                  {426, "UpgradeRequired"},
                                                                  {428, "PreconditionRequired"},
                                                                  {429, "TooManyRequests"},
                                                                  {431, "RequestHeaderFieldsTooLarge"},
                                                                  {451, "UnavailableForLegalReasons"},
                                                                  {500, "InternalServerError"},
                                                                  {501, "NotImplemented"},
                                                                  {502, "BadGateway"},
                                                                  {503, "ServiceUnavailable"},
                                                                  {504, "GatewayTimeout"},
                                                                  {505, "HttpVersionNotSupported"},
                                                                  {506, "VariantAlsoNegotiates"},
                                                                  {507, "InsufficientStorage"},
                                                                  {508, "LoopDetected"},
                                                                  {510, "NotExtended"},
                                                                  {511, "NetworkAuthenticationRequired"}};
  for (const auto& [number, name] : names_of)
    if (number == status) return std::string(name);
  return std::to_string(status);
}

}  // namespace koppel::core
