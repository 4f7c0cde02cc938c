// SPDX-License-Identifier: Apache-2.0
// The runner's end of the socket to its host: frames of a u32 little-endian length and so many bytes. Blocking, one
// thread. Output is queued; while more than 16 MiB wait, no input is read, so that a flood of output cannot grow.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace koppel::runner {

class channel {
 public:
  explicit channel(int descriptor) : descriptor_(descriptor) {}

  enum class event {
    frame,     ///< `frame` holds one
    closed,    ///< the host is gone, or closed its end
    too_long,  ///< the host announced a frame above the limit: the two no longer understand each other
  };
  /// Waits for the next frame, writing what is queued meanwhile.
  event next(std::string& frame);

  /// Queues a frame. Never blocks and never fails: a host that is gone shows in `next`.
  void queue(std::string_view frame);

  /// Writes all that is queued. False: the host is gone.
  bool flush();

 private:
  bool wait(bool for_input);
  bool write_some();
  bool read_some();
  event take(std::string& frame);
  std::size_t queued() const { return out_.size() - written_; }

  int descriptor_;
  std::string in_;
  std::size_t taken_ = 0;  // of in_
  std::string out_;
  std::size_t written_ = 0;  // of out_
};

}  // namespace koppel::runner
