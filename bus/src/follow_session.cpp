// SPDX-License-Identifier: Apache-2.0
// Where a session begins, what it is sent next, and what its consumer may say.

#include "follow_session.hpp"

#include <algorithm>
#include <koppel/bus/limits.hpp>

namespace koppel::bus {
namespace {

result<position> begin_at_position(const position& at, const history_facts& facts) {
  if (at.seq == 0 && at.epoch.empty()) return position{facts.epoch, 0, {}};
  if (at.epoch != facts.epoch)
    return failure{errc::epoch_changed, "The host's history has epoch " + facts.epoch + ", not " + at.epoch +
                                            "; begin again with a snapshot."};
  if (at.seq == 0) return position{facts.epoch, 0, {}};
  if (at.seq > facts.head)
    return failure{errc::position_ahead,
                   "Position " + std::to_string(at.seq) + " is beyond the host's newest event " +
                       std::to_string(facts.head) +
                       ": it runs on an older copy of its database; begin again with a snapshot."};
  // What is not kept any more cannot be compared, and what came after it may be gone too.
  if (at.seq + 1 < facts.horizon || (facts.id_at_position.empty() && at.seq < facts.horizon))
    return failure{errc::position_expired, "Position " + std::to_string(at.seq) +
                                               " is older than what the host keeps (" + std::to_string(facts.horizon) +
                                               "); begin again with a snapshot."};
  if (at.id != facts.id_at_position)
    return failure{errc::epoch_changed,
                   "The host's event " + std::to_string(at.seq) +
                       " is another one than the consumer's: the history was replaced; begin again "
                       "with a snapshot."};
  return at;
}

}  // namespace

result<position> begin_at(const start_at& from, const history_facts& facts) {
  if (const auto* at = std::get_if<position>(&from)) return begin_at_position(*at, facts);
  if (std::holds_alternative<from_start>(from)) return position{facts.epoch, 0, {}};
  // A walk that goes on: what came after its moment must still be there to follow.
  if (const auto* walk = std::get_if<from_snapshot>(&from); walk != nullptr && !walk->of.epoch.empty())
    return begin_at_position(walk->of, facts);
  return position{facts.epoch, facts.head, facts.id_at_position};
}

follow_session::follow_session(follow_request request, position begin, time_point now)
    : request_(std::move(request)),
      at_(std::move(begin)),
      credit_(request_.credit),
      walking_thinned_(at_.seq == 0),
      last_heard_(now) {
  if (const auto* walk = std::get_if<from_snapshot>(&request_.from)) walked_ = walk->after;
}

std::optional<follow_session::read_order> follow_session::wants(std::uint64_t head) const {
  if (paused_ || (at_.seq >= head && !walked_)) return std::nullopt;
  if (credit_ == 0 || credit_ == refused_credit_) return std::nullopt;
  constexpr std::uint64_t around = limits::batch_message_bytes - limits::batch_bytes;
  const std::uint64_t room = credit_ > around ? credit_ - around : 1;
  const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(room, limits::batch_bytes));
  if (walked_) return read_order{*walked_, bytes, at_.seq};
  return read_order{at_.seq, bytes, std::nullopt};
}

struct follow_session::filling {
  std::string events;
  std::uint64_t seq;  ///< covered up to here
  std::string last_id;
};

result<> follow_session::append(filling& into, const stored_batch& batch, std::uint64_t horizon) const {
  const auto broken = [&](const std::string& why) {
    return failure{errc::history_broken, "The stored events " + std::to_string(batch.first_seq) + " to " +
                                             std::to_string(batch.last_seq) + " are broken: " + why + "."};
  };
  std::string_view rest = batch.bytes;
  std::uint64_t before = 0;
  while (!rest.empty()) {
    const auto e = peek(rest);
    if (!e) return broken(e.error().detail);
    rest.remove_prefix(e->raw.size());
    if (e->seq <= before || e->seq < batch.first_seq || e->seq > batch.last_seq) return broken("their order is wrong");
    before = e->seq;
    if (e->seq <= into.seq) continue;
    if (e->seq != into.seq + 1 && e->seq - 1 >= horizon)
      return broken("after " + std::to_string(into.seq) + " follows " + std::to_string(e->seq));
    into.seq = e->seq;
    into.last_id = e->id;
    if (request_.filter.matches(*e)) into.events.append(e->raw);
  }
  if (batch.last_seq > into.seq) {
    // Trimmed at its end, or cut off.
    if (batch.last_seq >= horizon) return broken("the last ones are missing");
    into.seq = batch.last_seq;
    into.last_id.clear();
  }
  return {};
}

result<std::optional<std::string>> follow_session::compose(const std::vector<stored_batch>& page,
                                                           std::uint64_t horizon) {
  if (at_.seq + 1 >= horizon)
    walking_thinned_ = false;
  else if (!walking_thinned_)
    return failure{errc::position_expired, "Retention has overtaken this consumer at " + std::to_string(at_.seq) +
                                               "; begin again with a snapshot."};
  filling next{{}, at_.seq, at_.id};
  std::size_t bytes = 0;
  for (const stored_batch& batch : page) {
    if (bytes != 0 && bytes + batch.bytes.size() > limits::batch_bytes) break;
    bytes += batch.bytes.size();
    if (const auto r = append(next, batch, horizon); !r) return r.error();
  }
  next_.up_to = {at_.epoch, next.seq, std::move(next.last_id)};
  std::string message = encode_host_message(batch_message{at_.seq + 1, next.seq, next.events, next_.up_to});
  if (message.size() > limits::batch_message_bytes)
    return failure{errc::history_broken, "A stored batch is larger than 1 MiB."};
  return within_credit(std::move(message));
}

std::optional<std::string> follow_session::within_credit(std::string message) {
  if (message.size() > credit_) {
    refused_credit_ = credit_;
    return std::nullopt;
  }
  next_.cost = message.size();
  return message;
}

result<std::optional<std::string>> follow_session::compose_page(const newest_events& walked, std::uint64_t head) {
  page_message page{at_, *walked_, walked.up_to, walked.up_to >= at_.seq, head, {}};
  std::string events;
  for (std::string_view rest = walked.bytes; !rest.empty();) {
    const auto e = peek(rest);
    if (!e) return failure{errc::history_broken, "The stored events are broken: " + e.error().detail};
    rest.remove_prefix(e->raw.size());
    if (request_.filter.matches(*e)) events.append(e->raw);
  }
  page.events = events;
  next_.up_to = at_;
  next_.walked = page.last ? std::nullopt : std::optional(walked.up_to);
  std::string message = encode_host_message(page);
  if (message.size() > limits::batch_message_bytes)
    return failure{errc::history_broken, "A stored batch is larger than 1 MiB."};
  return within_credit(std::move(message));
}

void follow_session::sent() {
  credit_ -= next_.cost;
  walked_ = next_.walked;
  at_ = std::move(next_.up_to);
  next_ = {};
}

std::string follow_session::acceptance() const {
  if (walked_) return encode_host_message(page_message{at_, *walked_, *walked_, false, at_.seq, {}});
  return encode_host_message(batch_message{at_.seq + 1, at_.seq, {}, at_});
}

result<> follow_session::on_credit(std::uint64_t bytes) {
  if (bytes == 0 || bytes > limits::credit_max)
    return failure{errc::bad_request, "The request is refused: credit of " + std::to_string(bytes) + " bytes."};
  credit_ = std::min(credit_ + bytes, limits::credit_max);
  return {};
}

result<std::optional<std::uint64_t>> follow_session::on_ack(const position& at) {
  if (at.epoch != at_.epoch || at.seq > at_.seq || walked_)
    return failure{errc::bad_request, "The request is refused: an acknowledgement of what was not sent."};
  if (name().empty() || at.seq <= acked_) return std::optional<std::uint64_t>();
  acked_ = at.seq;
  return std::optional<std::uint64_t>(at.seq);
}

}  // namespace koppel::bus
