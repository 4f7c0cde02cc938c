// SPDX-License-Identifier: Apache-2.0
// Rate limiting of plugin log lines.

#include "host/plugins/log_text.hpp"

namespace koppel::plugins {

line_limit::verdict line_limit::ask(time_point now, std::size_t bytes) {
  verdict v;
  if (now - window_ >= std::chrono::seconds{1}) {
    window_ = now;
    used_ = 0;
    bytes_ = 0;
    v.dropped_before = dropped_;
    dropped_ = 0;
  }
  v.let_through = used_ < per_second_ && bytes_ + bytes <= bytes_per_second_;
  if (v.let_through) {
    ++used_;
    bytes_ += bytes;
  } else {
    ++dropped_;
  }
  return v;
}

}  // namespace koppel::plugins
