// SPDX-License-Identifier: Apache-2.0
// A certificate authority for tests: makes itself a root and issues good and bad server certificates, in memory.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace koppel::test {

struct certificate {
  std::string pem;
  std::string key_pem;
};

struct certificate_request {
  std::string common_name;
  std::vector<std::string> dns_names;  ///< subject alternative names; none: there is a common name only
  bool expired = false;
};

class test_ca {
 public:
  test_ca();
  ~test_ca();
  test_ca(const test_ca&) = delete;
  test_ca& operator=(const test_ca&) = delete;

  const std::string& root_pem() const { return root_pem_; }
  certificate issue(const certificate_request& wanted) const;
  /// Signed by its own key instead of the root's.
  static certificate self_signed(const certificate_request& wanted);

 private:
  struct keys;
  std::unique_ptr<keys> keys_;
  std::string root_pem_;
};

}  // namespace koppel::test
