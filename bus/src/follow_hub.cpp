// SPDX-License-Identifier: Apache-2.0
// Sessions come and go; batches go out in turn.

#include "follow_hub.hpp"

#include <algorithm>
#include <koppel/fault_point.hpp>

namespace koppel::bus {

outgoing follow_hub::refuse(const std::string& peer, const failure& why) {
  const auto code = code_of(static_cast<errc>(why.code.value()));
  return {peer, encode_host_message(refused_message{std::string(code), why.detail})};
}

/// What is broken stays broken for whoever needs it; the others go on.
outgoing follow_hub::refuse_broken(const std::string& peer, const failure& why) {
  options_.on_broken(why);
  sessions_.erase(peer);
  return refuse(peer, {why.code, why.detail + " Nothing behind them can be followed until an operator restores a "
                                              "backup of the host's data folder; keep your position and stop."});
}

result<std::vector<outgoing>> follow_hub::receive(const std::string& peer, std::string_view bytes, time_point now,
                                                  const std::string& wall) {
  std::vector<outgoing> answers;
  auto parsed = parse_consumer_message(bytes);
  const auto at = sessions_.find(peer);
  if (!parsed) {
    // A consumer that speaks nonsense has lost its senses: its session ends, so that it notices.
    if (at != sessions_.end()) sessions_.erase(at);
    answers.push_back(refuse(peer, parsed.error()));
    return answers;
  }
  if (auto* request = std::get_if<follow_request>(&*parsed)) return follow(peer, std::move(*request), now, wall);
  if (std::holds_alternative<bye_request>(*parsed)) {
    if (at != sessions_.end()) sessions_.erase(at);
    return answers;
  }
  if (at == sessions_.end()) {
    answers.push_back({peer, encode_host_message(refused_message{std::string(no_session), "Send follow first."})});
    return answers;
  }
  follow_session& session = at->second.session;
  session.heard(now);
  if (const auto* ack = std::get_if<ack_request>(&*parsed)) return acknowledge(peer, session, ack->at);
  if (const auto* credit = std::get_if<credit_request>(&*parsed)) {
    if (const auto r = session.on_credit(credit->bytes); !r) {
      answers.push_back(refuse(peer, r.error()));
      sessions_.erase(at);
    }
  }
  return answers;
}

result<std::vector<outgoing>> follow_hub::acknowledge(const std::string& peer, follow_session& session,
                                                      const position& at) {
  std::vector<outgoing> answers;
  const auto seq = session.on_ack(at);
  if (!seq) {
    answers.push_back(refuse(peer, seq.error()));
    sessions_.erase(peer);
  } else if (*seq) {
    KOPPEL_FAULT_POINT("bus.ack_received");
    source_.acknowledge(session.name(), **seq);
  }
  return answers;
}

result<history_facts> follow_hub::facts_for(const start_at& from) {
  history_facts facts;
  facts.epoch = source_.epoch();
  const auto newest = source_.head();
  if (!newest) return newest.error();
  facts.head = *newest;
  const auto* at = std::get_if<position>(&from);
  if (const auto* walk = std::get_if<from_snapshot>(&from); walk != nullptr && !walk->of.epoch.empty()) at = &walk->of;
  const std::uint64_t seq = at != nullptr ? at->seq : facts.head;
  if (!std::holds_alternative<from_start>(from) && seq != 0 && seq <= facts.head) {
    auto id = source_.id_at(seq);
    if (!id) return id.error();
    facts.id_at_position = std::move(*id);
  }
  // Last: an event that was trimmed before we looked lies before this horizon, and is not taken for another history's.
  const auto oldest = source_.horizon();
  if (!oldest) return oldest.error();
  facts.horizon = *oldest;
  return facts;
}

result<std::vector<outgoing>> follow_hub::follow(const std::string& peer, follow_request request, time_point now,
                                                 const std::string& wall) {
  std::vector<outgoing> answers;
  KOPPEL_FAULT_POINT("bus.follow_received");
  sessions_.erase(peer);
  const auto facts = facts_for(request.from);
  if (!facts) {
    if (facts.error().code != errc::history_broken) return facts.error();
    answers.push_back(refuse_broken(peer, facts.error()));
    return answers;
  }
  head(facts->head);
  auto begin = begin_at(request.from, *facts);
  if (!begin) {
    answers.push_back(refuse(peer, begin.error()));
    return answers;
  }
  if (!request.consumer.empty()) {
    const auto old = std::find_if(sessions_.begin(), sessions_.end(),
                                  [&](const auto& other) { return other.second.session.name() == request.consumer; });
    if (old != sessions_.end()) {
      answers.push_back(refuse(old->first, {errc::replaced, "A newer session of the consumer \"" + request.consumer +
                                                                "\" took over: run one consumer per name."}));
      sessions_.erase(old);
    }
  }
  if (sessions_.size() >= options_.max_sessions) {
    answers.push_back(refuse(peer, {errc::too_many, "The host has as many consumers as it allows."}));
    return answers;
  }
  follow_session session(std::move(request), std::move(*begin), now);
  answers.push_back({peer, session.acceptance()});
  sessions_.emplace(peer, entry{std::move(session), wall});
  return answers;
}

std::vector<outgoing> follow_hub::heartbeat(time_point now, const std::string& wall) {
  std::vector<outgoing> out;
  std::erase_if(sessions_, [&](const auto& one) { return one.second.session.silent_since(now - options_.silence); });
  const std::string message = encode_host_message(heartbeat_message{head_, wall});
  for (auto& [peer, one] : sessions_) {
    one.session.resume();
    out.push_back({peer, message});
  }
  return out;
}

void follow_hub::head(std::uint64_t seq) {
  if (seq <= head_) return;
  head_ = seq;
  cache_.reset();
}

result<const std::vector<stored_batch>*> follow_hub::read(const follow_session::read_order& order) {
  if (!cache_ || cache_->order.after != order.after || cache_->order.max_bytes > order.max_bytes) {
    cache_.reset();
    auto page = source_.read(order.after, order.max_bytes);
    if (!page) return page.error();
    cache_ = cached_page{order, std::move(*page)};
  }
  return &cache_->batches;
}

/// The next page of a walk. Nobody else wants the same one, so it is not kept.
result<std::optional<std::string>> follow_hub::compose_page(follow_session& session,
                                                            const follow_session::read_order& order) {
  const auto walked = source_.read_newest(order.after, *order.newest_up_to, order.max_bytes);
  if (!walked) return walked.error();
  // What was left out because something newer had replaced it comes behind the snapshot, up to this head: asked last.
  const auto newest = source_.head();
  if (!newest) return newest.error();
  head(*newest);
  return session.compose_page(*walked, *newest);
}

result<std::optional<outgoing>> follow_hub::compose_for(const std::string& peer, follow_session& session,
                                                        const follow_session::read_order& order) {
  if (order.newest_up_to) {
    auto message = compose_page(session, order);
    if (!message && message.error().code == errc::history_broken)
      return std::optional<outgoing>(refuse_broken(peer, message.error()));
    if (!message) return message.error();
    if (!*message) return std::optional<outgoing>();
    return std::optional<outgoing>(outgoing{peer, std::move(**message)});
  }
  const auto page = read(order);
  if (!page) {
    if (page.error().code != errc::history_broken) return page.error();
    return std::optional<outgoing>(refuse_broken(peer, page.error()));
  }
  if ((*page)->empty() || (*page)->back().last_seq <= order.after) {
    session.nothing_there();
    return std::optional<outgoing>();
  }
  const auto horizon = source_.horizon();
  if (!horizon) return horizon.error();
  auto message = session.compose(**page, *horizon);
  if (message) {
    if (!*message) return std::optional<outgoing>();
    return std::optional<outgoing>(outgoing{peer, std::move(**message)});
  }
  if (message.error().code == errc::history_broken)
    return std::optional<outgoing>(refuse_broken(peer, message.error()));
  auto farewell = refuse(peer, message.error());  // retention has overtaken it
  sessions_.erase(peer);
  return std::optional<outgoing>(std::move(farewell));
}

result<std::optional<outgoing>> follow_hub::next() {
  // Once round, beginning behind the one served last. Sessions may go while we walk, so positions are by name.
  std::vector<std::string> order;
  order.reserve(sessions_.size());
  const auto begin = sessions_.upper_bound(turn_);
  for (auto at = begin; at != sessions_.end(); ++at) order.push_back(at->first);
  for (auto at = sessions_.begin(); at != begin; ++at) order.push_back(at->first);

  for (const std::string& peer : order) {
    follow_session& session = sessions_.at(peer).session;
    const auto wanted = session.wants(head_);
    if (!wanted) continue;
    auto message = compose_for(peer, session, *wanted);
    if (!message) return message.error();
    if (!*message) continue;
    turn_ = peer;
    return message;
  }
  return std::optional<outgoing>();
}

void follow_hub::sent(const std::string& peer) {
  if (const auto at = sessions_.find(peer); at != sessions_.end()) at->second.session.sent();
}

void follow_hub::would_block(const std::string& peer) {
  if (const auto at = sessions_.find(peer); at != sessions_.end()) at->second.session.pause();
}

void follow_hub::unreachable(const std::string& peer) { sessions_.erase(peer); }

}  // namespace koppel::bus
