// SPDX-License-Identifier: Apache-2.0
// Entries are numbered when they are complete, so a reader that asks for what came after N misses none.
#include "journal.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <numeric>
#include <vector>

#include "timestamps.hpp"

namespace koppel::provider_sim {
namespace {

boost::json::object spread(std::vector<std::int64_t> values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](std::size_t percent) {
    return values.empty() ? 0 : values[std::min(values.size() - 1, values.size() * percent / 100)];
  };
  const auto sum = std::accumulate(values.begin(), values.end(), std::int64_t{0});
  return {{"mean", values.empty() ? 0 : sum / static_cast<std::int64_t>(values.size())},
          {"p50", at(50)},
          {"p95", at(95)},
          {"p99", at(99)},
          {"most", at(100)}};
}

}  // namespace

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

boost::json::object journal::times(std::uint64_t since, std::string_view path) const {
  std::vector<std::int64_t> work, duration;
  for (const auto& one : entries_) {
    if (one.seq <= since || one.status == 0 || one.path.find(path) == std::string::npos) continue;
    work.push_back(one.work_us);
    duration.push_back(one.duration_us);
  }
  const auto count = work.size();
  return {{"count", count}, {"work_us", spread(std::move(work))}, {"duration_us", spread(std::move(duration))}};
}

}  // namespace koppel::provider_sim
