// SPDX-License-Identifier: Apache-2.0
// The words from which Flemish, Dutch and French-speaking companies and people are made.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace koppel::provider_sim {

struct place {
  std::string_view postal_code, city;
};

/// What belongs together in one part of the market.
struct region {
  std::string_view country, language, calling_code;
  std::span<const place> places;
  std::span<const std::string_view> streets, family_names, female_names, male_names, trades, legal_forms;
};

/// Flanders, the Netherlands, Wallonia.
std::span<const region> regions();

std::span<const std::string_view> job_titles();
std::span<const std::string_view> divisions();
std::span<const std::string_view> tag_words();
std::span<const std::string_view> remark_lines();

/// "Crèmerie Noël & Fils" -> "cremerie-noel-fils", for mail addresses and web sites.
std::string slug(std::string_view text);

}  // namespace koppel::provider_sim
