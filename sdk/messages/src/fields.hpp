// SPDX-License-Identifier: Apache-2.0
// The field list of every message: name on the wire, member, and whether it travels as text or as bytes.
// Encoding and decoding both walk these lists, so the two cannot drift apart.
#pragma once

#include <koppel/messages.hpp>

#include <string_view>
#include <tuple>

namespace koppel::messages {

/// How a std::string travels: text is UTF-8 and a msgpack `str`, bytes are anything and a msgpack `bin`.
enum class wire { text, bytes };

template <class Struct, class Member>
struct field {
  std::string_view name;
  Member Struct::*member;
  wire as = wire::text;
};
template <class Struct, class Member>
field(const char*, Member Struct::*) -> field<Struct, Member>;
template <class Struct, class Member>
field(const char*, Member Struct::*, wire) -> field<Struct, Member>;

template <class Struct>
struct schema;  // `fields` for each struct, and `name` (the value of "t") for each message

template <>
struct schema<hello> {
  static constexpr std::string_view name = "hello";
  static constexpr auto fields = std::tuple{
      field{"abi_version", &hello::abi_version}, field{"host_version", &hello::host_version},
      field{"max_message", &hello::max_message}, field{"now", &hello::now}, field{"manifest", &hello::manifest}};
};

template <>
struct schema<start> {
  static constexpr std::string_view name = "start";
  static constexpr auto fields = std::tuple{field{"job", &start::job},
                                            field{"kind", &start::kind},
                                            field{"stream", &start::stream},
                                            field{"full", &start::full},
                                            field{"resumed", &start::resumed},
                                            field{"cursor", &start::cursor, wire::bytes},
                                            field{"cursor_version", &start::cursor_version},
                                            field{"ids", &start::ids},
                                            field{"settings", &start::settings},
                                            field{"deadline", &start::deadline},
                                            field{"webhook_url", &start::webhook_url},
                                            field{"webhook_token", &start::webhook_token},
                                            field{"now", &start::now}};
};

template <>
struct schema<reply> {
  static constexpr std::string_view name = "reply";
  static constexpr auto fields = std::tuple{field{"job", &reply::job},
                                            field{"effect", &reply::effect},
                                            field{"error", &reply::error},
                                            field{"detail", &reply::detail},
                                            field{"status", &reply::status},
                                            field{"headers", &reply::headers},
                                            field{"body", &reply::body, wire::bytes},
                                            field{"now", &reply::now}};
};

template <>
struct schema<cancel> {
  static constexpr std::string_view name = "cancel";
  static constexpr auto fields = std::tuple{field{"job", &cancel::job}, field{"now", &cancel::now}};
};

template <>
struct schema<ready> {
  static constexpr std::string_view name = "ready";
  static constexpr auto fields =
      std::tuple{field{"abi_version", &ready::abi_version}, field{"sdk_version", &ready::sdk_version}};
};

template <>
struct schema<http> {
  static constexpr std::string_view name = "http";
  static constexpr auto fields =
      std::tuple{field{"job", &http::job}, field{"effect", &http::effect},   field{"method", &http::method},
                 field{"url", &http::url}, field{"headers", &http::headers}, field{"body", &http::body, wire::bytes}};
};

template <>
struct schema<facet> {
  static constexpr auto fields = std::tuple{field{"name", &facet::name}, field{"fields", &facet::fields, wire::bytes}};
};

template <>
struct schema<record> {
  static constexpr auto fields =
      std::tuple{field{"entity", &record::entity}, field{"id", &record::id}, field{"updated_at", &record::updated_at},
                 field{"gone", &record::gone}, field{"facets", &record::facets}};
};

template <>
struct schema<page> {
  static constexpr std::string_view name = "page";
  static constexpr auto fields = std::tuple{field{"job", &page::job},
                                            field{"effect", &page::effect},
                                            field{"records", &page::records},
                                            field{"cursor", &page::cursor, wire::bytes},
                                            field{"cursor_version", &page::cursor_version},
                                            field{"set_aside", &page::set_aside},
                                            field{"set_aside_reason", &page::set_aside_reason}};
};

template <>
struct schema<learned> {
  static constexpr std::string_view name = "learned";
  static constexpr auto fields =
      std::tuple{field{"job", &learned::job}, field{"name", &learned::name}, field{"value", &learned::value}};
};

template <>
struct schema<sleep> {
  static constexpr std::string_view name = "sleep";
  static constexpr auto fields = std::tuple{field{"job", &sleep::job}, field{"effect", &sleep::effect},
                                            field{"milliseconds", &sleep::milliseconds}};
};

template <>
struct schema<log> {
  static constexpr std::string_view name = "log";
  static constexpr auto fields =
      std::tuple{field{"job", &log::job}, field{"level", &log::level}, field{"text", &log::text}};
};

template <>
struct schema<done> {
  static constexpr std::string_view name = "done";
  static constexpr auto fields = std::tuple{field{"job", &done::job},
                                            field{"error", &done::error},
                                            field{"detail", &done::detail},
                                            field{"http_status", &done::http_status},
                                            field{"retry_after", &done::retry_after},
                                            field{"account_id", &done::account_id},
                                            field{"account_name", &done::account_name},
                                            field{"account_environment", &done::account_environment},
                                            field{"streams_refused", &done::streams_refused},
                                            field{"registered_until", &done::registered_until}};
};

template <>
struct schema<unusable> {
  static constexpr std::string_view name = "unusable";
  static constexpr auto fields = std::tuple{field{"stage", &unusable::stage}, field{"reason", &unusable::reason}};
};

}  // namespace koppel::messages
