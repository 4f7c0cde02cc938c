// SPDX-License-Identifier: Apache-2.0
// Opens a plugin's library, and finds the manifest in it, as the host does (section .koppel_manifest). The library is
// one that was just built: what is odd about it is an error, and no more.
#include <koppel/testing/scripted_host.hpp>

#include <dlfcn.h>
#include <elf.h>

#include <cstdint>
#include <cstring>
#include <fstream>

namespace koppel::testing {
namespace {

std::map<const koppel_plugin*, std::string>& manifests() {
  static std::map<const koppel_plugin*, std::string> all;
  return all;
}

std::string read_at(std::ifstream& library, std::uint64_t offset, std::uint64_t size) {
  std::string out(size, '\0');
  library.seekg(static_cast<std::streamoff>(offset));
  if (!library.read(out.data(), static_cast<std::streamsize>(size))) throw script_error("a library that is cut short");
  return out;
}

template <class T>
T read_at(std::ifstream& library, std::uint64_t offset) {
  T out;
  std::memcpy(&out, read_at(library, offset, sizeof out).data(), sizeof out);
  return out;
}

/// Only the parts that lead to the section are read: a library with its debug information has tens of megabytes.
std::string manifest_in(const std::string& path) {
  std::ifstream library(path, std::ios::binary);
  const auto head = read_at<Elf64_Ehdr>(library, 0);
  const auto section = [&](std::size_t index) {
    return read_at<Elf64_Shdr>(library, head.e_shoff + index * sizeof(Elf64_Shdr));
  };
  const auto of_names = section(head.e_shstrndx);
  const auto names = read_at(library, of_names.sh_offset, of_names.sh_size);
  for (std::size_t i = 0; i < head.e_shnum; ++i) {
    const auto each = section(i);
    if (each.sh_name < names.size() && std::strcmp(names.c_str() + each.sh_name, ".koppel_manifest") == 0)
      return read_at(library, each.sh_offset, each.sh_size);
  }
  return {};
}

}  // namespace

const koppel_plugin* load_plugin(const std::string& path) {
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) throw script_error(::dlerror());
  void* symbol = ::dlsym(library, KOPPEL_PLUGIN_SYMBOL);
  if (!symbol) throw script_error(path + " does not export " KOPPEL_PLUGIN_SYMBOL);
  const auto* plugin = reinterpret_cast<const koppel_plugin* (*)()>(symbol)();
  if (plugin->abi_version >> 16 != KOPPEL_ABI_MAJOR) throw script_error(path + " was built for another ABI");
  if (!manifests().contains(plugin)) manifests()[plugin] = manifest_in(path);
  return plugin;
}

std::string manifest_of(const koppel_plugin* plugin) {
  const auto at = manifests().find(plugin);
  return at == manifests().end() ? std::string() : at->second;
}

}  // namespace koppel::testing
