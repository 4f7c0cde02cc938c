// SPDX-License-Identifier: Apache-2.0
// A job as its starter sees it: who performs the effects a plugin asks for. Main strand only.
#pragma once

#include <koppel/messages.hpp>
#include <koppel/result.hpp>

#include "host/runtime/asio.hpp"

namespace koppel::plugins {

/// Performs a plugin's effects for one job. It outlives the job. Several effects of one job may be under way at once
/// (http while a page commits); pages are handed over in order, the next one only when the former was answered.
class job_effects {
 public:
  virtual ~job_effects() = default;
  /// Performs the request with the connection's credentials. Fills every field of the reply but job, effect and now.
  virtual runtime::awaitable<messages::reply> http(messages::http request) = 0;
  /// Commits records and cursor together; returns once durable. A failure ends the job with try_again.
  virtual runtime::awaitable<result<>> page(messages::page page) = 0;
  virtual void learned(messages::learned value) = 0;
};

}  // namespace koppel::plugins
