// SPDX-License-Identifier: Apache-2.0
// Ids grow as records are made, so the order of ids is that of the slots.
#include "zoho/dataset.hpp"

#include <algorithm>
#include <boost/json/value.hpp>
#include <charconv>
#include <cstdio>

#include "timestamps.hpp"
#include "zoho/portrait.hpp"

namespace koppel::provider_sim::zoho {

dataset::dataset(dataset_size size, std::uint64_t seed, instant start, const knobs& settings)
    : record_store({"account", "contact", "user"}, seed, std::chrono::seconds{1}, "Modified_Time"),
      settings_(settings) {
  populate(static_cast<std::size_t>(entity::user), std::max<std::size_t>(size.users, 1), start);
  populate(static_cast<std::size_t>(entity::account), size.accounts, start);
  populate(static_cast<std::size_t>(entity::contact), size.contacts, start);
}

uuid dataset::new_id(std::size_t) { return {0, next_id_ += 1 + dice().below(1000)}; }

std::optional<uuid> dataset::parse_id(std::string_view text) const {
  uuid id;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), id.low);
  if (wrong != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return id;
}

void dataset::link(std::size_t kind, recipe& fresh, slot place) {
  if (static_cast<entity>(kind) == entity::user && place == 0) fresh.active = true;
  if (static_cast<entity>(kind) != entity::contact) return;
  const auto& accounts = of(entity::account).order(sort_key::updated_at);
  if (!accounts.empty() && !dice().chance(15)) fresh.links[0] = accounts[dice().below(accounts.size())];
}

boost::json::object dataset::full(std::size_t kind, slot place, boost::json::storage_ptr storage) const {
  const auto& record = of(kind).at(place);
  const auto& accounts = of(entity::account);
  surroundings around;
  around.id = id_text(record.id);
  around.owner = owner();
  around.created = time_text(record.added_at);
  around.modified = time_text(record.updated_at);
  if (static_cast<entity>(kind) == entity::contact && accounts.alive(record.links[0])) {
    const auto& account = accounts.at(record.links[0]);
    around.account = {{"name", zoho::sort_name(entity::account, account)}, {"id", id_text(account.id)}};
  }
  return portrait(static_cast<entity>(kind), record, around, std::move(storage));
}

boost::json::object dataset::owner() const {
  const auto& first = of(entity::user).at(0);
  const auto name = zoho::sort_name(entity::user, first);
  return {{"name", name}, {"id", id_text(first.id)}, {"email", mail_of(first)}};
}

std::vector<slot> dataset::by_id(entity kind) const {
  auto live = of(kind).order(sort_key::updated_at);
  std::sort(live.begin(), live.end());
  return live;
}

std::vector<slot> dataset::deleted(entity kind, instant since, instant now) const {
  constexpr std::chrono::days remembered{120};
  const auto& all = of(kind);
  std::vector<slot> gone;
  for (slot place = 0; place < all.next_slot(); ++place) {
    const auto& record = all.at(place);
    if (!record.alive && record.removed_at >= since && record.removed_at + remembered > now) gone.push_back(place);
  }
  std::stable_sort(gone.begin(), gone.end(),
                   [&](slot a, slot b) { return all.at(a).removed_at > all.at(b).removed_at; });
  return gone;
}

std::string dataset::time_text(instant at) const {
  const auto offset = settings_.utc_offset.count();
  auto text = record_time(std::chrono::floor<std::chrono::seconds>(at + settings_.utc_offset));
  char suffix[32];
  const auto size = static_cast<int>(offset < 0 ? -offset : offset);
  std::snprintf(suffix, sizeof suffix, "%c%02d:%02d", offset < 0 ? '-' : '+', size / 60, size % 60);
  return text.substr(0, text.size() - 6) + suffix;
}

std::string dataset::sort_name(std::size_t kind, const recipe& record) const {
  return zoho::sort_name(static_cast<entity>(kind), record);
}

std::optional<std::string> dataset::refuse_field(std::size_t kind, std::string_view name,
                                                 const boost::json::value& value) const {
  if (name == "id") return "not a field that can be set: id";
  if (static_cast<entity>(kind) == entity::user && name == "status" && value != "active" && value != "disabled")
    return "status is active or disabled";
  return std::nullopt;
}

void dataset::written(std::size_t kind, recipe& record, std::string_view name, const boost::json::value& value) {
  if (static_cast<entity>(kind) == entity::user && name == "status") record.active = value == "active";
}

}  // namespace koppel::provider_sim::zoho
