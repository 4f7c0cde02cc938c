// SPDX-License-Identifier: Apache-2.0
// What operators and customers may give as a connection's settings, how it is stored, and what a preset adds. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/core/manifest.hpp"

namespace koppel::core {

/// The host in an address that somebody pasted, in lower case: "https://Acme.my.workfront.com/login?x" gives
/// "acme.my.workfront.com". What is no address comes back trimmed and in lower case, for a pattern to refuse.
std::string host_in(std::string_view pasted);

/// What holds: the value that is set, else the manifest's default. Nothing counts as not set.
std::string effective_value(const setting_rule& rule, const std::map<std::string, std::string>& settings);

/// Settings as they are stored: of hosts the name alone, of an address what is left of a paste, of nothing no setting.
std::map<std::string, std::string> stored_settings(const manifest& m, std::map<std::string, std::string> given);

/// Why a value does not fit its rule ("must be ..."), or empty.
std::string wrong_setting(const setting_rule& rule, const std::string& value);

/// Why these settings do not fit the manifest, as a sentence; empty when they do.
std::string settings_refusal(const manifest& m, const std::map<std::string, std::string>& settings);

/// Whether the same holds with both, however it is written.
bool same_settings(const manifest& m, const std::map<std::string, std::string>& before,
                   const std::map<std::string, std::string>& after);

/// Why a caller who is bound to a customer may not give these: the setting's name, or empty. What is said again as it
/// is changes nothing.
std::string operators_setting(const manifest& m, const std::map<std::string, std::string>& before,
                              const std::map<std::string, std::string>& given);

/// Where requests could go with `after` and not with `before`. A host that is taken out of a list leads nowhere.
struct new_places {
  bool another_address = false;    ///< a setting of one address differs: credentials would go there by themselves
  std::string list;                ///< a setting of several hosts that has more of them ...
  std::vector<std::string> added;  ///< ... these: credentials go there when somebody asks for it by name
  bool none() const { return !another_address && added.empty(); }
};
new_places leads_to(const manifest& m, const std::map<std::string, std::string>& before,
                    const std::map<std::string, std::string>& after);

/// "access_type=offline&prompt=consent", decoded; nothing where it is no query, names a parameter twice, or names one
/// that Koppel sets itself.
std::optional<std::map<std::string, std::string>> parameters_in(std::string_view text);
bool is_own_parameter(std::string_view name);

/// The words between spaces and commas.
std::vector<std::string> words_in(std::string_view text);

/// What the preset says, and over it what was given. A sentence where there is no such preset, or where it names
/// another plugin.
struct with_preset {
  std::map<std::string, std::string> settings;
  std::string complaint;
};
with_preset add_preset(const manifest& m, const std::string& preset, std::map<std::string, std::string> given);

}  // namespace koppel::core
