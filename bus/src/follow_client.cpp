// SPDX-License-Identifier: Apache-2.0
// What a message of the host means to a consumer, and when the connection is given up.

#include "follow_client.hpp"

#include <koppel/bus/limits.hpp>
#include <koppel/planted_bug.hpp>

namespace koppel::bus {

namespace {
constexpr auto max_pause = std::chrono::milliseconds(500);
}

follow_client::follow_client(follower_options options, std::uint32_t seed)
    : options_(std::move(options)), random_(seed) {
  if (const auto* at = std::get_if<position>(&options_.from)) {
    at_ = *at;
    at_known_ = true;
  }
  if (const auto* walk = std::get_if<from_snapshot>(&options_.from)) walk_ = *walk;
}

std::string follow_client::connected(time_point now) {
  connect_at_.reset();
  accepted_ = false;
  last_heard_ = last_batch_ = last_said_ = looked_ = now;
  // Credit belongs to a session: a new one begins with all of it, whatever the old one still had on its way.
  owed_credit_ = grant_ = 0;
  follow_request request{options_.consumer, options_.from, options_.filter, options_.credit_bytes};
  if (at_known_) request.from = at_;
  if (walk_) request.from = *walk_;
  return encode_consumer_message(request);
}

void follow_client::fault(std::string why, time_point now) {
  last_fault_ = std::move(why);
  ++reconnects_;
  std::uniform_int_distribution<long> pause(0, max_pause.count());
  connect_at_ = now + std::chrono::milliseconds(pause(random_));
}

result<std::optional<delivery>> follow_client::receive(std::string_view bytes, time_point now) {
  if (connect_at_) return std::optional<delivery>();  // late words on a connection that was given up
  last_heard_ = looked_ = now;
  const auto parsed = parse_host_message(bytes);
  if (!parsed) {
    fault("the host sent what is no message: " + parsed.error().detail, now);
    return std::optional<delivery>();
  }
  if (const auto* batch = std::get_if<batch_message>(&*parsed)) return on_batch(*batch, bytes.size(), now);
  if (const auto* page = std::get_if<page_message>(&*parsed)) return on_page(*page, bytes.size(), now);
  if (const auto* refused = std::get_if<refused_message>(&*parsed)) return on_refused(*refused, now);
  if (!accepted_) return std::optional<delivery>();
  head_ = std::get<heartbeat_message>(*parsed).head;
  if (head_ <= at_.seq)
    last_batch_ = now;
  else if (now - last_batch_ >= options_.heartbeat * limits::silent_heartbeats)
    fault("the host is ahead of us and sends nothing", now);  // a batch or our credit must have been lost
  return std::optional<delivery>();
}

result<std::optional<delivery>> follow_client::on_refused(const refused_message& refused, time_point now) {
  if (refused.code == no_session) {
    // The host restarted, or thought us dead. Where a follow is on its way, this answers something older.
    if (accepted_) fault("the host does not know our session", now);
    return std::optional<delivery>();
  }
  return failure{errc_of(refused.code), refused.text};
}

result<std::optional<delivery>> follow_client::on_batch(const batch_message& batch, std::size_t cost, time_point now) {
  const auto give_up = [&](std::string why) -> result<std::optional<delivery>> {
    fault(std::move(why), now);
    return std::optional<delivery>();
  };
  const bool acceptance = batch.last < batch.first;
  if (!accepted_ && !acceptance) return give_up("a batch came before the host accepted us");
  if (walk_) return give_up("a batch came before the end of the snapshot");
  accepted_ = true;
  last_batch_ = now;
  if (!at_known_) {
    at_ = batch.complete_up_to;
    at_known_ = true;
    if (ack_) ack_due_ = true;
    return std::optional<delivery>(delivery{{}, at_, 0});
  }
  if (at_.epoch.empty()) at_.epoch = batch.complete_up_to.epoch;
  if (batch.complete_up_to.epoch != at_.epoch) return give_up("the epoch changed in the middle");
  if (acceptance) {
    if (ack_) ack_due_ = true;  // whoever keeps it may have missed it
    return std::optional<delivery>();
  }
  if (batch.first > at_.seq + 1)
    return give_up("a gap: after " + std::to_string(at_.seq) + " came " + std::to_string(batch.first));
  if (batch.complete_up_to.seq < batch.last) return give_up("a batch is not complete up to its own end");

  delivery out;
  if (auto why = take(batch.events, batch.first, batch.complete_up_to.seq, at_.epoch, at_.seq, out); !why.empty())
    return give_up(std::move(why));
  owed_credit_ += cost;
  if (batch.complete_up_to.seq > at_.seq) at_ = batch.complete_up_to;
  if (out.events.empty() && out.duplicates == 0 && batch.complete_up_to != at_) return std::optional<delivery>();
  out.complete_up_to = at_;
  return std::optional<delivery>(std::move(out));
}

std::string follow_client::take(std::string_view events, std::uint64_t first, std::uint64_t last,
                                const std::string& epoch, std::uint64_t known, delivery& into) const {
  std::uint64_t before = first - 1;
  for (std::string_view rest = events; !rest.empty();) {
    const auto e = peek(rest);
    if (!e) return "what came cannot be read: " + e.error().detail;
    rest.remove_prefix(e->raw.size());
    if (planted(bug::filter_is_a_gap) && e->seq != before + 1) return "a gap before " + std::to_string(e->seq);
    if (e->seq <= before || e->seq > last || e->epoch != epoch)
      return "the order is wrong at " + std::to_string(e->seq);
    before = e->seq;
    if (e->seq <= known)
      ++into.duplicates;
    else
      into.events.push_back(copy_of(*e));
  }
  return {};
}

result<std::optional<delivery>> follow_client::on_page(const page_message& page, std::size_t cost, time_point now) {
  const auto give_up = [&](std::string why) -> result<std::optional<delivery>> {
    fault(std::move(why), now);
    return std::optional<delivery>();
  };
  if (!walk_) return give_up("a page of a snapshot that was not asked for, or has been walked");
  const bool acceptance = page.up_to == page.after && !page.last;
  if (!accepted_ && !acceptance) return give_up("a page came before the host accepted us");
  accepted_ = true;
  last_batch_ = now;
  if (walk_->of.epoch.empty()) walk_->of = page.of;
  if (page.of != walk_->of) return give_up("the snapshot became another one in the middle");
  if (acceptance) return std::optional<delivery>();
  if (page.after > walk_->after)
    return give_up("a gap: after " + std::to_string(walk_->after) + " came " + std::to_string(page.after));
  if (page.last != (page.up_to >= walk_->of.seq)) return give_up("a page is not what it says");

  delivery out;
  if (auto why = take(page.events, page.after + 1, page.up_to, walk_->of.epoch, walk_->after, out); !why.empty())
    return give_up(std::move(why));
  owed_credit_ += cost;
  walk_->after = std::max(walk_->after, page.up_to);
  // Who sweeps has to follow to what was the head when the walk ended: a heartbeat may be older.
  head_ = std::max(head_, page.head);
  out.complete_up_to = walk_->of;
  if (page.last) {
    at_ = walk_->of;
    at_known_ = true;
    walk_.reset();
  }
  out.walking = walk_;
  return std::optional<delivery>(std::move(out));
}

void follow_client::waiting(time_point now) {
  grant_ += owed_credit_;
  owed_credit_ = 0;
  // What the application took for its work is not the host's silence.
  last_heard_ += now - looked_;
  last_batch_ += now - looked_;
  looked_ = now;
}

std::vector<std::string> follow_client::due(time_point now) {
  if (connect_at_) return {};
  looked_ = now;
  if (now - last_heard_ >= options_.heartbeat * 5 / 2) {
    fault("the host is silent", now);
    connect_at_ = now;  // waiting was long enough
    return {};
  }
  return outbox(now);
}

std::vector<std::string> follow_client::outbox(time_point now) {
  std::vector<std::string> out;
  if (connect_at_ || !accepted_) return out;
  if (ack_due_) out.push_back(encode_consumer_message(ack_request{*ack_}));
  ack_due_ = false;
  if (grant_ > 0) out.push_back(encode_consumer_message(credit_request{grant_}));
  grant_ = 0;
  if (out.empty() && now - last_said_ >= options_.heartbeat)
    // A sign of life; the newest acknowledgement says as much and mends one that was lost.
    out.push_back(ack_ ? encode_consumer_message(ack_request{*ack_}) : encode_consumer_message(ping_request{}));
  if (!out.empty()) last_said_ = now;
  return out;
}

time_point follow_client::wake_at() const {
  if (connect_at_) return *connect_at_;
  const time_point silence = last_heard_ + options_.heartbeat * 5 / 2;
  return accepted_ ? std::min(silence, last_said_ + options_.heartbeat) : silence;
}

void follow_client::acknowledge(position at) {
  if (ack_ && at.epoch == ack_->epoch && at.seq <= ack_->seq) return;
  ack_ = std::move(at);
  ack_due_ = true;
}

}  // namespace koppel::bus
