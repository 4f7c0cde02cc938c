// SPDX-License-Identifier: Apache-2.0
// Boost.DLL, and the checks of docs/abi.md before a single call goes to the plugin.
#include "library.hpp"

#include <boost/dll/shared_library.hpp>

#include <cstddef>
#include <memory>

namespace koppel::runner {
namespace {

messages::unusable refuse(std::string stage, std::string reason) { return {std::move(stage), std::move(reason)}; }

std::string version_text(std::uint32_t version) {
  return std::to_string(version >> 16) + '.' + std::to_string(version & 0xFFFF);
}

}  // namespace

std::variant<const koppel_plugin*, messages::unusable> load(const std::string& path) {
  using boost::dll::load_mode::rtld_local;
  using boost::dll::load_mode::rtld_now;
  boost::dll::fs::error_code fault;
  // On purpose never deleted: code of a plugin may be on any stack and in any exception until the process ends.
  static auto* const library = new boost::dll::shared_library();
  library->load(boost::dll::fs::path(path), rtld_now | rtld_local, fault);
  if (fault) {
    // The code says only "no such file" or "bad format"; the loader's own sentence names the symbol or file that is
    // missing.
    const char* why = ::dlerror();
    return refuse("load", "the library could not be loaded: " + (why ? std::string(why) : fault.message()));
  }
  if (!library->has(KOPPEL_PLUGIN_SYMBOL))
    return refuse("symbol", "the library does not export " KOPPEL_PLUGIN_SYMBOL ": it is not a Koppel plugin");

  const auto entry = library->get<const koppel_plugin*()>(KOPPEL_PLUGIN_SYMBOL);
  const koppel_plugin* plugin = entry();
  if (!plugin) return refuse("symbol", KOPPEL_PLUGIN_SYMBOL " returned nothing");
  if (plugin->abi_version >> 16 != KOPPEL_ABI_MAJOR)
    return refuse("abi", "the plugin was built for ABI " + version_text(plugin->abi_version) + ", this host has " +
                             version_text(KOPPEL_ABI_VERSION));
  constexpr auto needed = offsetof(koppel_plugin, destroy) + sizeof(plugin->destroy);
  if (plugin->struct_size < needed)
    return refuse("abi", "the plugin's struct has " + std::to_string(plugin->struct_size) +
                             " bytes, of ABI 1.0 it has " + std::to_string(needed));
  if (!plugin->create || !plugin->receive || !plugin->destroy)
    return refuse("abi", "the plugin's struct lacks create, receive or destroy");
  return plugin;
}

}  // namespace koppel::runner
