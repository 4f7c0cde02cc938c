// SPDX-License-Identifier: Apache-2.0
// Makes an answer out of the bytes that arrive, whatever pieces they come in, and keeps every bound of limits.hpp.
// Pure: Beast's parser without a socket, behind a wall, with our own checks where 1.81 is lax.
#pragma once

#include <memory>
#include <string>

#include "host/net/http.hpp"

namespace koppel::net {

class answer_reader {
 public:
  /// `head`: the answer to a HEAD, which has no body whatever its headers say.
  answer_reader(bool head, std::size_t body_limit);
  ~answer_reader();
  answer_reader(const answer_reader&) = delete;
  answer_reader& operator=(const answer_reader&) = delete;

  enum class progress { more, done, failed };
  progress take(std::string_view bytes);
  /// The connection ended; `clean` where the peer said so itself (TLS close_notify), else the end of a body that is
  /// delimited by it alone is not to be trusted.
  progress end(bool clean);

  bool empty() const;          ///< not a byte of an answer has come
  bool may_be_reused() const;  ///< after `done`: the answer says keep-alive and nothing came after it
  errc error() const;          ///< after `failed`
  std::string why() const;     ///< after `failed`: half a sentence, without anything of the answer's
  response answer();           ///< after `done`, once

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace koppel::net
