// SPDX-License-Identifier: Apache-2.0
// Entries are numbered when they are complete, so a reader that asks for what came after N misses none.
#include "journal.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "timestamps.hpp"

namespace koppel::provider_sim {

void journal::add(journal_entry entry) {
  entry.seq = next_++;
  entries_.push_back(std::move(entry));
  if (entries_.size() > capacity) entries_.pop_front();
}

std::string journal::since(std::uint64_t since, std::size_t limit) const {
  boost::json::array list;
  std::uint64_t last = since;
  const std::uint64_t oldest = next_ - entries_.size();
  for (auto at = since + 1 > oldest ? since + 1 - oldest : 0; at < entries_.size() && list.size() < limit; ++at) {
    const auto& one = entries_[at];
    last = one.seq;
    list.push_back({{"seq", one.seq},
                    {"time", reset_time(one.time, true)},
                    {"time_ms", one.time.time_since_epoch().count()},
                    {"host", one.host},
                    {"path", one.path},
                    {"status", one.status},
                    {"client_id", one.client_id},
                    {"work_us", one.work_us},
                    {"duration_us", one.duration_us}});
  }
  return boost::json::serialize(boost::json::object{{"next", last}, {"requests", std::move(list)}});
}

}  // namespace koppel::provider_sim
