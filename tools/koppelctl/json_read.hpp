// SPDX-License-Identifier: Apache-2.0
// Reading the daemon's answers with tolerance: what is absent or of another type is empty, so that a newer or older
// daemon still shows what both know.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace koppel::koppelctl {

namespace json = boost::json;

/// A string as it is, a number or a flag in words, anything else empty.
std::string text_of(const json::object& o, std::string_view key);
/// A number, also one that travels as a string.
std::uint64_t number_of(const json::object& o, std::string_view key);
bool flag_of(const json::object& o, std::string_view key);
/// An empty one where there is none.
const json::object& object_of(const json::object& o, std::string_view key);
const json::array& array_of(const json::object& o, std::string_view key);
/// The objects of an array; everything else in it is passed over.
template <class Visitor>
void each_object(const json::array& list, Visitor visit) {
  for (const auto& entry : list)
    if (entry.is_object()) visit(entry.get_object());
}

}  // namespace koppel::koppelctl
