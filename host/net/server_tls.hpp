// SPDX-License-Identifier: Apache-2.0
// The certificate of a listener of ours: read from PEM files, checked, and read again when a file has changed, so that
// a renewed one needs no restart. TLS 1.2 and newer. Main strand only.
#pragma once

#include <koppel/result.hpp>

#include <memory>
#include <optional>
#include <string>

#include "host/core/time.hpp"
#include "host/runtime/clock.hpp"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace koppel::net {

class server_certificate {
 public:
  struct files {
    std::string certificate;  ///< PEM: our own first, then what leads to the root
    std::string key;          ///< PEM, without a passphrase, which nobody but our user and root may read
  };
  /// Errors name the file and the remedy: one that cannot be read or is none, a key that others may read or that does
  /// not fit. One that has expired, or is about to, is taken, with a warning in the log.
  static result<std::shared_ptr<server_certificate>> load(files of, const runtime::clock& clock);
  ~server_certificate();

  /// The context for a new connection. Looks whether the files have changed; what cannot be used is told once, and the
  /// former certificate stays.
  std::shared_ptr<ssl_ctx_st> current();
  core::instant valid_until() const;

 private:
  struct state;
  explicit server_certificate(std::unique_ptr<state> s);
  std::unique_ptr<state> state_;
};

}  // namespace koppel::net
