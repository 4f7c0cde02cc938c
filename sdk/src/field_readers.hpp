// SPDX-License-Identifier: Apache-2.0
// The functions that lines of a field table read rows with.
#pragma once

#include <koppel/sdk/field_table.hpp>
#include <koppel/sdk/gather.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace koppel::sdk {

using row_reader = decltype(field_line::read);

/// What is absent stays absent, null is null or [].
row_reader reading(std::string from, const kind& as);
/// What `read` gives, but null for texts that mean nothing.
row_reader emptying(row_reader read, const std::vector<std::string>& texts);
/// A text, cut after so many characters.
row_reader reading_text_up_to(std::string from, std::size_t most);
/// Absent where none of the paths is in the row, left out where only some are.
row_reader reading_row(std::vector<std::string> from, const kind& as);
/// `unlisted`: "leave_out" (and report), "keep" the text, "empty".
row_reader translating(std::string from, shape gives, std::map<std::string, packed> values, std::string unlisted);
/// The words of a list, those that are listed: a set of texts.
row_reader translating_words(std::string from, std::map<std::string, std::vector<std::string>> words);
row_reader reading_terms(std::string from, std::string type);
/// One text of several.
row_reader joining(std::vector<std::string> from, std::string between, absence means);
row_reader gathering_owner(std::string id, std::string name);
/// A list of one e-mail address or number.
row_reader reading_one(std::string from, std::string type, shape gives);
row_reader gathering(std::vector<typed_field> fields, shape gives, absence means);
row_reader gathering(std::vector<address_fields> places, absence means);
/// One address, whose parts are within an object. What is not in the object, the address has not got.
row_reader reading_address(std::string from, address_fields parts);
/// Of an object: a member's name is the id, and what follows `prefix` the label.
row_reader reading_members(std::string from, std::string prefix);
/// Of a list of objects; an empty path: there is none. Sorted by id, so that their order is no change.
row_reader reading_custom_fields(std::string from, std::string id, std::string label, std::string value);
row_reader reading_links(std::string from, std::string id, std::string position, std::string division,
                         std::string decision_maker);

}  // namespace koppel::sdk
