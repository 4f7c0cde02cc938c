// SPDX-License-Identifier: Apache-2.0
// The organisation's accounts, contacts and users. A contact belongs to one account (`links[0]`), and every row to a
// user.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "record_store.hpp"
#include "zoho/knobs.hpp"

namespace koppel::provider_sim::zoho {

enum class entity { account, contact, user };

struct dataset_size {
  std::size_t accounts = 100;
  std::size_t contacts = 250;
  std::size_t users = 5;  ///< one at least: who gave access
};

class dataset final : public record_store {
 public:
  /// The same arguments give the same records. `settings` outlives it.
  dataset(dataset_size size, std::uint64_t seed, instant start, const knobs& settings);

  using record_store::of;
  const collection& of(entity kind) const { return of(static_cast<std::size_t>(kind)); }

  boost::json::object full(std::size_t kind, slot place, boost::json::storage_ptr storage = {}) const override;
  boost::json::object full(entity kind, slot place, boost::json::storage_ptr storage = {}) const {
    return full(static_cast<std::size_t>(kind), place, std::move(storage));
  }

  /// Decimal digits, as long as Zoho's: more than a double can tell apart.
  std::string id_text(const uuid& id) const override { return std::to_string(id.low); }
  std::optional<uuid> parse_id(std::string_view text) const override;

  /// Live rows, oldest id first.
  std::vector<slot> by_id(entity kind) const;
  /// Rows that went at `since` or later and have not been forgotten yet, newest deletion first.
  std::vector<slot> deleted(entity kind, instant since, instant now) const;

  /// Whose row it is, and who gave access: {"name","id","email"}.
  boost::json::object owner() const;

  /// In the organisation's own offset: 2026-05-14T11:36:09+03:00.
  std::string time_text(instant at) const;

 private:
  std::string sort_name(std::size_t kind, const recipe& record) const override;
  uuid new_id(std::size_t kind) override;
  void link(std::size_t kind, recipe& fresh, slot place) override;
  std::optional<std::string> refuse_field(std::size_t kind, std::string_view name,
                                          const boost::json::value& value) const override;
  void written(std::size_t kind, recipe& record, std::string_view name, const boost::json::value& value) override;

  const knobs& settings_;
  std::uint64_t next_id_ = 7'328'395'000'000'605'001ULL;
};

}  // namespace koppel::provider_sim::zoho
