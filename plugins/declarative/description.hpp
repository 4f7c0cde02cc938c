// SPDX-License-Identifier: Apache-2.0
// What a manifest without code says of its provider: [api], [probe], and [stream.read] and [stream.fields] of each
// stream. docs/provider-without-code.md is the author's side.
#pragma once

#include <koppel/sdk/field_table.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "request_template.hpp"

namespace koppel::declarative {

struct paging {
  bool understood = true;  ///< false: the manifest is refused already; what else there may be depends on the style
  enum class style { none, page, offset, cursor, link } how = style::none;
  std::int64_t first = 0;        ///< number of the first page, or offset of the first row
  std::int64_t size = 0;         ///< rows of a page; 0: not said
  std::string next;              ///< path of the next cursor or link in the answer; a link's may be empty: Link header
  std::string more;              ///< path of a boolean; empty: the answer has none
  bool short_page_ends = false;  ///< a page with fewer rows than `size` is the last; else an empty one is
  std::int64_t most_pages = 0;
};
std::string_view to_text(paging::style of);

struct incremental {
  enum class time_format { rfc3339, date, epoch_s, epoch_ms } as = time_format::rfc3339;
  std::chrono::seconds overlap{0};
};

/// A read by id.
struct single_read {
  request_template request;
  std::string record;  ///< path in the answer
};

struct described_stream {
  std::string name, entity;
  request_template request;
  std::string records, id, updated_at;  ///< paths; `updated_at` may be empty: rows do not say
  paging pages;
  std::optional<incremental> changes;
  std::optional<single_read> one;
  std::optional<sdk::field_table> fields;
};

struct probe_request {
  request_template request;
  std::string account, name;  ///< paths; `name` may be empty
};

struct description {
  std::uint32_t cursor_version = 1;
  text_template base_url;
  named_templates headers;
  probe_request probe;
  std::vector<described_stream> streams;
};

/// Throws std::runtime_error that says what is wrong, with lines and keys.
description read_description(std::string_view manifest);

}  // namespace koppel::declarative
