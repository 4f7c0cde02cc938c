// SPDX-License-Identifier: Apache-2.0
// Opens a plugin's library, and finds the manifest in it, as the host does (section .koppel_manifest). The library is
// one that was just built: what is odd about it is an error, and no more.
#include <koppel/testing/scripted_host.hpp>

#include <dlfcn.h>
#include <elf.h>

#include <cstring>
#include <fstream>
#include <iterator>

namespace koppel::testing {
namespace {

std::map<const koppel_plugin*, std::string>& manifests() {
  static std::map<const koppel_plugin*, std::string> all;
  return all;
}

template <class T>
T read_at(const std::string& bytes, std::size_t offset) {
  T out;
  if (offset > bytes.size() || bytes.size() - offset < sizeof out) throw script_error("a library that is cut short");
  std::memcpy(&out, bytes.data() + offset, sizeof out);
  return out;
}

std::string manifest_in(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(in), {});
  const auto head = read_at<Elf64_Ehdr>(bytes, 0);
  const auto section = [&](std::size_t index) {
    return read_at<Elf64_Shdr>(bytes, head.e_shoff + index * sizeof(Elf64_Shdr));
  };
  const auto names = section(head.e_shstrndx);
  for (std::size_t i = 0; i < head.e_shnum; ++i) {
    const auto each = section(i);
    const auto name = names.sh_offset + each.sh_name;
    if (name < bytes.size() && std::strcmp(bytes.c_str() + name, ".koppel_manifest") == 0)
      return bytes.substr(each.sh_offset, each.sh_size);
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
