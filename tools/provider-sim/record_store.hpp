// SPDX-License-Identifier: Apache-2.0
// A provider's records: made from a seed, changed through the control port by entity name, read by its API. The
// provider derives from this and says what its records look like; keeping, choosing and stamping them is done here.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collection.hpp"
#include "draw.hpp"

namespace koppel::provider_sim {

class record_store {
 public:
  virtual ~record_store() = default;
  record_store(const record_store&) = delete;
  record_store& operator=(const record_store&) = delete;

  /// The entities' names, as the control port uses them; everything else goes by the place in this list.
  const std::vector<std::string>& entities() const { return names_; }
  std::optional<std::size_t> entity_named(std::string_view name) const;
  const collection& of(std::size_t entity) const { return collections_[entity]; }

  /// The fullest shape in which the provider shows a record, with what was written over it.
  virtual boost::json::object full(std::size_t entity, slot place, boost::json::storage_ptr storage = {}) const = 0;

  /// How the provider writes ids; dashed hexadecimal unless it says otherwise.
  virtual std::string id_text(const uuid& id) const { return id.text(); }
  virtual std::optional<uuid> parse_id(std::string_view text) const { return uuid::parse(text); }
  /// no_slot if there is no such record (any more).
  slot find(std::size_t entity, std::string_view id) const;

  /// Each returns the ids concerned; `change` and `remove` choose by seeded dice.
  std::vector<std::string> add(std::size_t entity, std::size_t count, instant now);
  std::vector<std::string> change(std::size_t entity, std::size_t count, instant now);
  std::vector<std::string> remove(std::size_t entity, std::size_t count, instant now);
  /// By id; false if there is no such record.
  bool change_one(std::size_t entity, std::string_view id, instant now);
  bool remove_one(std::size_t entity, std::string_view id, instant now);

  /// Writes fields of the full shape over a record and makes it changed now (unless it says when).
  /// Returns what is wrong, in which case nothing changed.
  std::optional<std::string> overwrite(std::size_t entity, std::string_view id, const boost::json::object& fields,
                                       instant now);

 protected:
  /// `tick` is the unit of the provider's times; `updated_field` the name of the time of the last change.
  record_store(std::vector<std::string> entities, std::uint64_t seed, std::chrono::milliseconds tick,
               std::string updated_field);

  /// Adds records of the two years before `start`. For the constructor of the class that derives.
  void populate(std::size_t entity, std::size_t count, instant start);

  virtual std::string sort_name(std::size_t entity, const recipe& record) const = 0;
  virtual uuid new_id(std::size_t entity);
  /// A record that is about to take `place`: room for links, drawn from `dice()`.
  virtual void link(std::size_t entity, recipe& fresh, slot place);
  /// Why a field may not be written (although the shape has it); nothing if it may.
  virtual std::optional<std::string> refuse_field(std::size_t entity, std::string_view name,
                                                  const boost::json::value& value) const;
  /// A field that is being written also means something to the recipe.
  virtual void written(std::size_t entity, recipe& record, std::string_view name, const boost::json::value& value);
  /// These records change or go next; for providers that tell what was there before.
  virtual void before_change(std::size_t entity, std::span<const slot> places);

  draw& dice() { return dice_; }
  /// Changes a recipe and not the time of its record's last change.
  template <class Change>
  void adjust(std::size_t entity, slot place, Change change) {
    collections_[entity].update(std::span(&place, 1), change);
  }

 private:
  std::vector<recipe> make(std::size_t entity, std::size_t count);
  void spread_times(std::vector<recipe>& fresh, instant start);
  void revise(std::size_t entity, std::span<const slot> places, instant now);
  void take_away(std::size_t entity, std::span<const slot> places, instant now);
  std::vector<std::string> ids(std::size_t entity, std::span<const slot> places) const;
  instant stamp(instant now) const { return now - now.time_since_epoch() % tick_; }

  std::vector<std::string> names_;
  draw dice_;
  std::chrono::milliseconds tick_;
  std::string updated_field_;
  std::deque<collection> collections_;
};

}  // namespace koppel::provider_sim
