// SPDX-License-Identifier: Apache-2.0
// Where a read of a stream is: what is asked next, and what the next run will ask. Its text is the cursor.
#pragma once

#include <koppel/sdk/job.hpp>

#include <optional>
#include <string>
#include <string_view>

#include "description.hpp"

namespace koppel::declarative {

struct position {
  std::string at;                         ///< number of the page, offset, cursor or link; empty: the first page
  std::int64_t pages = 0;                 ///< that this run has read
  std::string shown;                      ///< a digest of the page before
  std::optional<sdk::time_point> from;    ///< changes since then are read; nothing: all there is
  std::optional<sdk::time_point> newest;  ///< change that this run has met
  sdk::time_point begun{};                ///< the run
};

/// Where a job begins.
position first_position(const described_stream& s, const sdk::sync& run);

/// After a page: where the list goes on. After the last one: what the next run begins with.
std::string cursor_within(const described_stream& s, const position& at);
std::string cursor_at_the_end(const described_stream& s, const position& at);

/// What a request at this position has in place of its placeholders.
finder placeholders(const described_stream& s, const position& at);

/// What of an answer decides how the list goes on.
struct page_seen {
  const sdk::response& answer;
  const std::string& url;  ///< that was asked
  sdk::json_items rows;
};

/// False: that was the last page. Throws job_failure where the provider shows no progress, or does not say what it has
/// to.
bool go_on(const described_stream& s, position& at, const page_seen& seen);

}  // namespace koppel::declarative
