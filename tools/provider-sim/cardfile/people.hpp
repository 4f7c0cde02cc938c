// SPDX-License-Identifier: Apache-2.0
// The people of a card file, and a place in their list that stays good while others come and go.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "record_store.hpp"

namespace koppel::provider_sim::cardfile {

class people final : public record_store {
 public:
  /// The same arguments give the same records.
  people(std::size_t count, std::uint64_t seed, instant start);

  /// The card as a read by id shows it, with what was written over it.
  boost::json::object full(std::size_t entity, slot place, boost::json::storage_ptr storage = {}) const override;
  /// The card as lists show it: without the job.
  boost::json::object row(slot place) const;

  struct page {
    std::vector<slot> places;
    std::string next;  ///< the cursor of the next page; empty: this is the last one
  };
  /// The oldest first. Nothing if `after` is no cursor.
  std::optional<page> list(std::string_view after, std::optional<instant> changed_since, std::size_t size) const;

 private:
  std::string sort_name(std::size_t entity, const recipe& record) const override;
};

}  // namespace koppel::provider_sim::cardfile
