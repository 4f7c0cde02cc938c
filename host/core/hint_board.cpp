// SPDX-License-Identifier: Apache-2.0

#include "host/core/hint_board.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace koppel::core {

void hint_board::add(row r, const std::vector<hint>& hints) {
  for (const auto& h : hints) {
    auto& l = lanes_[h.of];
    if (!l.waits()) l.since = ++clock_;
    // Where the stream is to be read as a whole, no record of it need be asked for alone.
    const bool whole = h.id.empty() || l.waiting.contains("");
    auto& asking = l.waiting[whole ? "" : h.id];
    if (!asking.empty() && asking.back() == r) continue;
    asking.push_back(r);
    ++l.rows;
    ++rows_[r];
  }
}

hint_board::batch hint_board::start(const lane& of, lane_state& l, std::size_t most_ids) {
  batch out;
  out.of = of;
  out.first = std::numeric_limits<row>::max();
  l.busy = true;
  out.whole = l.waiting.contains("");
  if (out.whole) {
    for (const auto& [id, asking] : l.waiting) l.rows -= asking.size();
    l.reading = std::exchange(l.waiting, {});  // single records too: the whole stream has them in it
  } else {
    // Half as many after each failure: as many as a limit lets through get done, and in the end one that harms nobody
    // else.
    const auto most = std::max<std::size_t>(1, most_ids >> std::min(l.failures, 16));
    while (!l.waiting.empty() && l.reading.size() < most) {
      auto one = l.waiting.extract(l.waiting.begin());
      l.rows -= one.mapped().size();
      out.ids.push_back(one.key());
      l.reading.insert(std::move(one));
    }
    l.since = ++clock_;
  }
  for (const auto& [id, asking] : l.reading) out.first = std::min(out.first, asking.front());
  return out;
}

std::optional<instant> hint_board::next(instant now) const {
  std::optional<instant> soonest;
  for (const auto& [of, l] : lanes_)
    if (!l.busy && l.waits() && l.not_before > now && (!soonest || l.not_before < *soonest)) soonest = l.not_before;
  return soonest;
}

void hint_board::settle(row r, std::vector<row>& settled) {
  const auto at = rows_.find(r);
  if (at == rows_.end() || --at->second > 0) return;
  rows_.erase(at);
  settled.push_back(r);
}

void hint_board::tidy(const lane& of) {
  const auto at = lanes_.find(of);
  if (at != lanes_.end() && !at->second.busy && !at->second.waits() && at->second.parked.empty()) lanes_.erase(at);
}

std::vector<hint_board::row> hint_board::done(const lane& of) {
  std::vector<row> settled;
  const auto at = lanes_.find(of);
  if (at == lanes_.end()) return settled;
  auto& l = at->second;
  for (const auto& [id, asking] : std::exchange(l.reading, {}))
    for (const auto r : asking) settle(r, settled);
  l.busy = false;
  l.failures = 0;
  l.not_before = {};
  tidy(of);
  return settled;
}

void hint_board::again(const lane& of, instant not_before) { put_back(of, not_before, false); }
void hint_board::again_whole(const lane& of, instant not_before) { put_back(of, not_before, true); }

void hint_board::put_back(const lane& of, instant not_before, bool whole) {
  const auto at = lanes_.find(of);
  if (at == lanes_.end()) return;
  auto& l = at->second;
  l.busy = false;
  ++l.failures;
  l.not_before = not_before;
  for (auto& [id, asking] : std::exchange(l.reading, {})) {
    auto& to = l.waiting[whole ? "" : id];
    l.rows += asking.size();
    to.insert(to.begin(), asking.begin(), asking.end());
  }
}

void hint_board::move_to(wishes& to, wishes& from) {
  for (auto& [id, asking] : std::exchange(from, {})) {
    auto& there = to[id];
    there.insert(there.begin(), asking.begin(), asking.end());
  }
}

void hint_board::park(const lane& of) {
  const auto at = lanes_.find(of);
  if (at == lanes_.end()) return;
  auto& l = at->second;
  for (const auto& [id, asking] : l.reading) l.rows += asking.size();
  move_to(l.parked, l.reading);
  l.busy = false;
  l.failures = 0;
  l.not_before = {};
}

void hint_board::unpark(const lane& of) {
  const auto at = lanes_.find(of);
  if (at == lanes_.end() || at->second.parked.empty()) return;
  if (!at->second.waits()) at->second.since = ++clock_;
  move_to(at->second.waiting, at->second.parked);
}

int hint_board::failures(const lane& of) const {
  const auto at = lanes_.find(of);
  return at == lanes_.end() ? 0 : at->second.failures;
}

bool hint_board::crowded(const lane& of, std::size_t most) const {
  const auto at = lanes_.find(of);
  return at != lanes_.end() && at->second.rows > most;
}

hint_board::crowd hint_board::collapse(const lane& of) {
  crowd out;
  const auto at = lanes_.find(of);
  if (at == lanes_.end()) return out;
  unpark(of);
  if (!at->second.waits()) return out;
  auto& l = at->second;
  std::vector<row> all;
  for (const auto& [id, asking] : std::exchange(l.waiting, {})) all.insert(all.end(), asking.begin(), asking.end());
  out.keeper = *std::max_element(all.begin(), all.end());
  bool kept = false;
  for (const auto r : all) {
    if (r == out.keeper && !std::exchange(kept, true)) continue;
    settle(r, out.settled);
  }
  l.waiting[""] = {out.keeper};
  l.rows = 1;
  return out;
}

void hint_board::hurry(const std::string& connection) {
  for (auto& [of, l] : lanes_) {
    if (of.connection != connection) continue;
    l.not_before = {};
    l.failures = 0;
  }
}

void hint_board::forget(const std::string& connection) {
  std::vector<row> settled;
  for (auto at = lanes_.begin(); at != lanes_.end();) {
    if (at->first.connection != connection) {
      ++at;
      continue;
    }
    for (const auto* part : {&at->second.waiting, &at->second.reading, &at->second.parked})
      for (const auto& [id, asking] : *part)
        for (const auto r : asking) settle(r, settled);
    at = lanes_.erase(at);
  }
}

bool hint_board::reads_whole(const lane& of) const {
  const auto at = lanes_.find(of);
  return at != lanes_.end() && at->second.busy && at->second.reading.contains("");
}

}  // namespace koppel::core
