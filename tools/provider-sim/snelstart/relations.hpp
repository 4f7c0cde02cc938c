// SPDX-License-Identifier: Apache-2.0
// The administration's relations. On the control port they are the entity `company`. SnelStart's own three (the
// administration itself, "Leverancier onbekend", "Klant onbekend") are in lists too; the control port does not see
// them.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "record_store.hpp"
#include "snelstart/filter.hpp"
#include "snelstart/knobs.hpp"

namespace koppel::provider_sim::snelstart {

class relations final : public record_store {
 public:
  /// The same arguments give the same records. `settings` outlives this.
  relations(std::size_t count, std::uint64_t seed, instant start, const knobs& settings);

  /// The row of the API, with what was written over it.
  boost::json::object full(std::size_t entity, slot place, boost::json::storage_ptr storage = {}) const override;

  /// A place in the list: a record, or one of SnelStart's own.
  struct listed {
    uuid id;
    slot place = no_slot;
    std::size_t internal = 0;
  };
  boost::json::object row(const listed& one) const;

  /// What passes the filter, in SnelStart's own order: any, the same each time, with new rows somewhere in between.
  std::vector<listed> select(const std::vector<condition>& filter) const;
  std::optional<listed> by_id(const uuid& id) const;
  bool active(const listed& one) const { return one.place == no_slot || of(0).at(one.place).active; }

 private:
  std::string sort_name(std::size_t entity, const recipe& record) const override;
  std::optional<std::string> refuse_field(std::size_t entity, std::string_view name,
                                          const boost::json::value& value) const override;
  void written(std::size_t entity, recipe& record, std::string_view name, const boost::json::value& value) override;

  const knobs& settings_;
  instant start_;
};

}  // namespace koppel::provider_sim::snelstart
