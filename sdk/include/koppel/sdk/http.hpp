// SPDX-License-Identifier: Apache-2.0
// Requests that a connector asks its host to perform, and their answers. The host adds the credentials, and refuses
// what the manifest does not declare.
#pragma once

#include <koppel/sdk/failure.hpp>
#include <koppel/sdk/json.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace koppel::sdk {

using header_list = std::vector<std::pair<std::string, std::string>>;

/// A request, built in one expression: `run.get("/projects").query("page", "2").header("accept", "application/json")`.
/// Build it in a variable before awaiting it.
class request {
 public:
  request(std::string of_method, std::string of_url) : method(std::move(of_method)), url(std::move(of_url)) {}

  request&& header(std::string_view name, std::string_view value) &&;
  /// Adds a query parameter, percent-encoded.
  request&& query(std::string_view name, std::string_view value) &&;
  /// To a request that has a name already: `if (since) request.query("since", *since);`
  request& query(std::string_view name, std::string_view value) & {
    std::move(*this).query(name, value);
    return *this;
  }
  /// Sets the body and its content type.
  request&& json(const json_object& body) &&;
  request&& form(const std::vector<std::pair<std::string, std::string>>& fields) &&;

  std::string method;
  std::string url;
  header_list headers;
  std::string body;
};

class response {
 public:
  response() = default;
  response(int of_status, header_list of_headers, std::string of_body)
      : status(of_status), headers(std::move(of_headers)), body(std::move(of_body)) {}

  bool ok() const { return status >= 200 && status < 300; }
  /// The body begins like HTML: a proxy's page, whatever the status. What it seems to say proves nothing.
  bool is_page() const;
  /// The first header of this name (lower case); empty if there is none.
  std::string_view header(std::string_view name) const;

  /// The body as JSON, read once. Throws job_failure if it is not JSON: try_again for a page of HTML or an empty body,
  /// which some proxy answered, else bug.
  const sdk::json& json() const;
  /// The same; absent where it is not JSON.
  sdk::json json_if_any() const;
  sdk::json operator[](std::string_view name) const { return json()[name]; }
  json_items array(std::string_view name) const { return json().array(name); }

  int status = 0;
  header_list headers;
  std::string body;

 private:
  mutable sdk::json document_;
};

/// What `job::http` throws unless the answer is 2xx. By default: 401 authorise_again, 403 scope_missing, 404 and 410
/// permanent, 408, 425, 429 and 5xx try_again (with Retry-After in seconds if it came), other statuses bug.
class http_error : public job_failure {
 public:
  http_error(const request& asked, response answered);
  const response& answer() const { return answer_; }
  int status() const { return answer_.status; }
  /// The same answer as the provider's own words explain it: `code` joins the detail, where it is not empty.
  job_failure meaning(verdict what, std::string_view code) const;

 private:
  response answer_;
};

/// What `job::http` and `job::http_any` throw where the answer came and was larger than the host takes (8 MiB). Nothing
/// of it is there; a connector that catches this may go on and ask for less, a smaller page say.
class answer_too_large : public job_failure {
 public:
  explicit answer_too_large(std::string detail) : job_failure(verdict::too_large, std::move(detail)) {}
};

verdict verdict_of_status(int status);

/// An error's code as it may stand in a log: letters, digits and _ alone, at most 64. Else empty: a text may hold a
/// customer's data.
std::string safe_code(std::string_view said);

/// What the answer's Retry-After says, in whole seconds and a day at most; else 0.
std::chrono::milliseconds retry_after(const response& answered);

}  // namespace koppel::sdk
