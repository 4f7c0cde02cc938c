// SPDX-License-Identifier: Apache-2.0
// Companies, users and projects. Every environment shows the same ones, under its own customerID. The first user is the
// administrator whose access the app got.
#pragma once

#include <array>
#include <boost/json/object.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "record_store.hpp"
#include "workfront/knobs.hpp"
#include "workfront/portrait.hpp"

namespace koppel::provider_sim::workfront {

inline constexpr const char* default_customer = "54b598a700000135b7719dcca654391f";

struct dataset_size {
  std::size_t companies = 100;
  std::size_t users = 150;
  std::size_t projects = 60;
};

class dataset final : public record_store {
 public:
  /// The same arguments give the same records; `settings` outlives them.
  dataset(dataset_size size, std::uint64_t seed, instant start, const knobs& settings);

  using record_store::of;
  const collection& of(entity kind) const { return of(static_cast<std::size_t>(kind)); }

  std::string id_text(const uuid& id) const override { return workfront::id_text(id); }
  std::optional<uuid> parse_id(std::string_view text) const override { return workfront::parse_id(text); }

  boost::json::object full(std::size_t kind, slot place, boost::json::storage_ptr storage = {}) const override;
  boost::json::object shown(entity kind, slot place, const std::string& customer_id, const date_form& dates,
                            boost::json::storage_ptr storage = {}) const;

  /// How REST answers write dates.
  date_form rest_dates() const { return {settings_.dot_dates ? '.' : ':', settings_.utc_offset}; }

  /// lastUpdateDate; nothing where that is null.
  std::optional<instant> updated_at(entity kind, slot place) const;
  /// Of a user or project; nothing if it has none (any more).
  std::optional<uuid> company_of(entity kind, slot place) const;

  /// Live records by ID.
  std::vector<slot> by_id(entity kind) const;

  std::string administrator_id() const { return id_text(of(entity::user).at(0).id); }

  /// While it watches, it keeps how records were before they changed or went, until that is taken.
  void watch(bool on) { watching_ = on; }
  std::map<std::string, boost::json::object> take_before() { return std::exchange(before_, {}); }

 private:
  std::string sort_name(std::size_t kind, const recipe& record) const override;
  void link(std::size_t kind, recipe& fresh, slot place) override;
  std::optional<std::string> refuse_field(std::size_t kind, std::string_view name,
                                          const boost::json::value& value) const override;
  void written(std::size_t kind, recipe& record, std::string_view name, const boost::json::value& value) override;
  void before_change(std::size_t kind, std::span<const slot> places) override;
  std::optional<std::string> linked(std::size_t to, slot place) const;

  const knobs& settings_;
  instant start_;
  bool watching_ = false;
  std::map<std::string, boost::json::object> before_;
  mutable std::array<std::vector<slot>, 3> by_id_;  ///< as many as there were slots; dead ones included
};

}  // namespace koppel::provider_sim::workfront
