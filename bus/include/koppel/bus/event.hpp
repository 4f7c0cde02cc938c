// SPDX-License-Identifier: Apache-2.0
// The event envelope (docs/bus.md) and its codec: one msgpack map per event.
// `data` travels as ready msgpack bytes, so that the host writes a record's canonical form once and never converts it;
// consumers that want a tree ask for `data_as_json`.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <koppel/result.hpp>
#include <string>
#include <string_view>

namespace koppel::bus {

/// Where a consumer stands: the event with this seq and id was the last whose effect is durable. seq 0: before the
/// first.
struct position {
  std::string epoch;
  std::uint64_t seq = 0;
  std::string id;  ///< id of the event at `seq`; empty when seq is 0
  bool operator==(const position&) const = default;
};

/// One event. Attributes as in CloudEvents 1.0, plus Koppel's own. Empty strings are absent attributes.
struct event {
  std::string id;       ///< "<epoch>-<seq>-<digest>", the same in every replay
  std::string source;   ///< "koppel://<epoch>/<connection id>" or "koppel://<epoch>"
  std::string type;     ///< reverse-DNS with version: "eu.koppel.sync.company.upserted.v1"
  std::string subject;  ///< the record's id, where the event is about one
  std::string time;     ///< RFC 3339 UTC with milliseconds; the moment of the commit
  std::string epoch;
  std::uint64_t seq = 0;  ///< gapless from 1 within the epoch; 0 for live-only events, which are not stored
  std::string provider;
  std::string connection_id;
  std::string connection;  ///< the name, unique per provider; for display
  std::string customer;
  std::string data;  ///< msgpack map, as bytes
};

/// The short type: "eu.koppel.sync.company.upserted.v1" -> "sync.company.upserted". Unchanged where it has another
/// form.
std::string_view short_type(std::string_view type);
/// The inverse, for version 1: "auth.status" -> "eu.koppel.auth.status.v1".
std::string long_type(std::string_view short_type);

/// Topic on XPUB: "<provider>/<connection>/<short type>/"; "-" stands for an absent part.
std::string topic_of(const event& e);

/// Encodes the envelope with `data` spliced in. Adds specversion, datacontenttype and dataschema.
/// If `id` is empty and seq is not 0, the id is derived: epoch, seq and a BLAKE2b digest of the content (of every byte
/// before the id, which is written last).
std::string encode(event& e);

/// Decodes one event; unknown attributes are ignored. Errors (errc::malformed): not a map, missing attribute, wrong
/// type, depth over 16, trailing bytes, over 64 KiB.
result<event> decode(std::string_view bytes);

/// One event inside bytes that somebody else owns; `raw` is exactly its encoding.
struct event_view {
  std::string_view raw, id, source, type, subject, time, epoch, provider, connection_id, connection, customer, data;
  std::uint64_t seq = 0;
};

/// Reads the first event of a concatenation, without copying; the rest follows at `bytes.substr(view.raw.size())`.
/// As strict as decode, except that bytes may follow.
result<event_view> peek(std::string_view bytes);
/// An event of its own from a view.
event copy_of(const event_view& view);

/// msgpack <-> JSON. Keys must be strings without duplicates, strings UTF-8. bin and ext become base64 strings;
/// integers keep their 64 bits; NaN and infinities become null.
result<boost::json::value> json_from_msgpack(std::string_view bytes);
std::string msgpack_from_json(const boost::json::value& value);
result<boost::json::object> data_as_json(const event& e);
/// The whole event as JSON (seq a string: CloudEvents integers have 32 bits), for tools.
result<boost::json::object> to_json(const event& e);

}  // namespace koppel::bus
