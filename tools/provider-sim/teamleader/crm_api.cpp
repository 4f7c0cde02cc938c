// SPDX-License-Identifier: Apache-2.0
// A page is found by arithmetic where it can be (updated_since alone, or no filter), else by walking the order and
// judging recipes; only the page's own records are ever turned into JSON, in one arena per page.
#include "teamleader/crm_api.hpp"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/serializer.hpp>
#include <boost/json/value.hpp>
#include <memory>

#include "teamleader/api_errors.hpp"
#include "teamleader/portrait.hpp"

namespace koppel::provider_sim::teamleader {
namespace {

namespace json = boost::json;

std::size_t saturated_offset(const crm_query& query, std::size_t size) {
  const auto pages_before = query.page_number - 1;
  return pages_before > size / query.page_size ? size : pages_before * query.page_size;
}

/// The records that `ids` or `company_id` name, in the wanted order; a subset is small, so it is sorted by rank.
std::vector<slot> named_candidates(const dataset& records, entity kind, const crm_query& query) {
  const auto& all = records.of(kind);
  std::vector<bool> wanted(all.next_slot());
  if (query.filter.ids) {
    for (const auto& id : *query.filter.ids)
      if (const auto place = all.find(id); place != no_slot) wanted[place] = true;
  }
  if (query.filter.company_id) {
    std::vector<bool> linked(all.next_slot());
    const auto company = records.of(entity::company).find(*query.filter.company_id);
    if (company != no_slot)
      for (const auto& one : records.contacts_of(company))
        linked[one.contact] = !query.filter.ids || wanted[one.contact];
    wanted = std::move(linked);
  }
  std::vector<slot> out;
  for (const slot place : all.order(query.sort))
    if (wanted[place]) out.push_back(place);
  return out;
}

bool admitted(const dataset& records, entity kind, slot place, const crm_filter& filter, const knobs& settings) {
  const auto& record = records.of(kind).at(place);
  if (filter.updated_since) {
    if (record.updated_at < *filter.updated_since) return false;
    if (settings.updated_since_exclusive && record.updated_at == *filter.updated_since) return false;
  }
  const auto active = filter.active ? filter.active : settings.list_active_only ? std::optional(true) : std::nullopt;
  if (active && record.active != *active) return false;
  return !filter.needs_fields() || passes(filter, records.full(kind, place));
}

}  // namespace

std::vector<slot> select_page(const dataset& records, entity kind, const crm_query& query, const knobs& settings) {
  const auto& all = records.of(kind);
  const auto& filter = query.filter;
  const bool named = filter.ids || filter.company_id;
  std::vector<slot> subset;
  if (named) subset = named_candidates(records, kind, query);
  const auto& order = named ? subset : all.order(query.sort);

  // The order by updated_at starts at `since`, so the filter need not be asked again.
  const bool since_by_order = filter.updated_since && !named && query.sort == sort_key::updated_at;
  const auto first = since_by_order ? all.first_since(*filter.updated_since, settings.updated_since_exclusive) : 0;
  const auto count = order.size() - first;
  const auto nth = [&](std::size_t at) { return order[query.descending ? order.size() - 1 - at : first + at]; };

  std::vector<slot> page;
  auto skip = saturated_offset(query, count);
  const bool judge =
      filter.needs_fields() || filter.active || settings.list_active_only || (filter.updated_since && !since_by_order);
  if (!judge) {
    for (auto at = skip; at < count && page.size() < query.page_size; ++at) page.push_back(nth(at));
    return page;
  }
  for (std::size_t at = 0; at < count && page.size() < query.page_size; ++at) {
    if (!admitted(records, kind, nth(at), filter, settings)) continue;
    if (skip > 0)
      --skip;
    else
      page.push_back(nth(at));
  }
  return page;
}

reply crm_list(const dataset& records, entity kind, const json::object& body, const knobs& settings) {
  auto parsed = parse_crm_query(kind, body);
  if (parsed.refused) return *std::move(parsed.refused);
  const auto page = select_page(records, kind, parsed.query, settings);

  constexpr std::size_t arena_size = 512 * 1024;
  const auto arena_start = std::make_unique_for_overwrite<unsigned char[]>(arena_size);
  json::monotonic_resource arena(arena_start.get(), arena_size);
  json::array data(&arena);
  data.reserve(page.size());
  for (const slot place : page) {
    auto record = records.full(kind, place, &arena);
    reduce_to_list(kind, record, parsed.query.custom_fields);
    if (parsed.query.price_list) record["price_list"] = price_list_of(records.of(kind).at(place));
    data.emplace_back(std::move(record));
  }
  json::object answer(&arena);
  answer.emplace("data", std::move(data));

  reply out;
  json::serializer writer;
  writer.reset(&answer);
  std::array<char, 16 * 1024> chunk;
  while (!writer.done()) out.body += std::string_view(writer.read(chunk.data(), chunk.size()));
  return out;
}

reply crm_info(const dataset& records, entity kind, const json::object& body) {
  const auto* given = body.if_contains("id");
  if (!given || !given->is_string()) return api_error(400, "id must be present", "id");
  const auto id = uuid::parse(given->get_string());
  if (!id) return api_error(400, "id invalid uuid", "id");
  const auto place = records.of(kind).find(*id);
  if (place == no_slot) return api_error(404, kind == entity::company ? "Company not found" : "Contact not found");

  auto record = records.full(kind, place);
  if (includes(body, "price_list")) record["price_list"] = price_list_of(records.of(kind).at(place));
  if (kind == entity::company && includes(body, "related_companies")) record["related_companies"] = json::array();
  if (kind == entity::company && includes(body, "related_contacts")) {
    const auto or_null = [](std::string_view text) { return text.empty() ? json::value(nullptr) : json::value(text); };
    json::array related;
    for (const auto& [contact, which] : records.contacts_of(place)) {
      const auto& person = records.of(entity::contact).at(contact);
      const auto link = link_of(person, which, records.link_revision(contact, which));
      related.push_back({{"type", "contact"},
                         {"id", person.id.text()},
                         {"position", or_null(link.position)},
                         {"secondary_position", or_null(link.secondary_position)},
                         {"division", or_null(link.division)},
                         {"is_decision_maker", link.decision_maker}});
    }
    record["related_contacts"] = std::move(related);
  }
  return data_reply(std::move(record));
}

}  // namespace koppel::provider_sim::teamleader
