// SPDX-License-Identifier: Apache-2.0
// Events that are drafted by others, and the positions of those who follow them.

#include "host/ledger/rows.hpp"
#include "host/ledger/transaction_impl.hpp"

namespace koppel::ledger {

bus::event sql_transaction::envelope(const connection& about, const std::string& type,
                                     const std::string& subject) const {
  bus::event e;
  e.source = "koppel://" + events_.epoch() + "/" + about.id;
  e.type = bus::long_type(type);
  e.subject = subject;
  e.time = time_;
  e.provider = about.provider;
  e.connection_id = about.id;
  e.connection = about.name;
  e.customer = about.customer;
  return e;
}

result<void> sql_transaction::append(const event_draft& draft) {
  bus::event e;
  if (draft.about) {
    e = envelope(*draft.about, draft.type, draft.subject);
  } else {
    e.source = "koppel://" + events_.epoch();
    e.type = bus::long_type(draft.type);
    e.subject = draft.subject;
    e.time = time_;
    e.provider = draft.provider;
  }
  e.data = bus::msgpack_from_json(draft.data);
  if (auto added = events_.add(e); !added) return added.error();
  const auto names = core::kept_as(draft.type, draft.data);
  if (names && names->empty()) may_go(e.seq);
  if (names)
    for (const auto& name : *names) keep_as(e.connection_id, name, e.seq);
  return {};
}

std::vector<bus::consumer_position> sql_transaction::consumers() {
  std::vector<bus::consumer_position> out;
  query q(db_, "SELECT name, acked_seq, acked_at FROM consumers ORDER BY name");
  while (q.step()) {
    bus::consumer_position p;
    p.name = q.text(0);
    p.acked_seq = static_cast<std::uint64_t>(q.integer(1));
    p.acked_at = core::to_rfc3339(instant_from(q.integer(2)));
    out.push_back(std::move(p));
  }
  return out;
}

void sql_transaction::store_position(const std::string& consumer, std::uint64_t seq) {
  query(db_,
        "INSERT INTO consumers(name, acked_seq, acked_at) VALUES(?, ?, ?) ON CONFLICT(name) DO UPDATE SET "
        "acked_seq = excluded.acked_seq, acked_at = excluded.acked_at WHERE excluded.acked_seq >= acked_seq",
        consumer, seq, milliseconds(now_))
      .run();
}

}  // namespace koppel::ledger
