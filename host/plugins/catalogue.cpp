// SPDX-License-Identifier: Apache-2.0
// Scanning the plugin folder.

#include "host/plugins/catalogue.hpp"

#include <koppel/abi.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>

#include "host/core/text.hpp"
#include "host/plugins/errors.hpp"
#include "host/plugins/library_file.hpp"
#include "host/plugins/manifest_parser.hpp"
#include "host/runtime/ownership.hpp"

namespace koppel::plugins {

namespace {

std::string wrong_folder(const std::string& folder) {
  struct stat facts {};
  if (::stat(folder.c_str(), &facts) != 0)
    return errno == ENOENT ? "does not exist; create it and put the plugins there"
                           : std::string("cannot be examined: ") + std::strerror(errno);
  if (!S_ISDIR(facts.st_mode)) return "is not a folder";
  return runtime::wrong_ownership(facts);
}

candidate examine(const std::string& file, const std::vector<core::limit_override>& limits) {
  candidate c;
  c.file = file;
  const std::string base = file.substr(file.rfind('/') + 1);
  c.name = core::escaped(base, 300);
  if (c.name != base) {
    c.reason = c.name + " has a name with control characters or broken UTF-8; rename it";
    return c;
  }
  c.alone = base.ends_with(".toml");
  auto read = c.alone ? read_manifest_file(file) : read_library(file);
  if (!read) {
    c.reason = read.error().detail;
    return c;
  }
  c.stamp = read->stamp;
  c.text = std::move(read->manifest);
  auto manifest = parse_manifest(c.text, c.alone ? manifest_form::alone : manifest_form::in_library);
  if (!manifest) {
    c.reason = base + ": " + manifest.error().detail;
    return c;
  }
  c.name = manifest->name;
  if (manifest->abi_major != KOPPEL_ABI_MAJOR) {
    c.reason = base + " was built for version " + std::to_string(manifest->abi_major) +
               " of the plugin interface, this " + "Koppel speaks version " + std::to_string(KOPPEL_ABI_MAJOR) +
               "; build it with this Koppel's SDK";
    return c;
  }
  for (const auto& sentence : core::override_limits(*manifest, limits)) spdlog::warn("{}", sentence);
  c.manifest = std::make_shared<const core::manifest>(std::move(*manifest));
  return c;
}

}  // namespace

result<std::vector<candidate>> read_folder(const std::string& folder, const std::vector<core::limit_override>& limits) {
  if (const std::string wrong = wrong_folder(folder); !wrong.empty())
    return fail(errc::bad_folder, "the plugin folder " + core::escaped(folder, 300) + " " + wrong);
  std::vector<std::string> files;
  std::error_code ec;
  for (auto entry = std::filesystem::directory_iterator(folder, ec);
       !ec && entry != std::filesystem::directory_iterator(); entry.increment(ec)) {
    const std::string name = entry->path().filename().string();
    if ((name.ends_with(".so") || name.ends_with(".toml")) && !name.starts_with('.'))
      files.push_back(entry->path().string());
  }
  if (ec)
    return fail(errc::bad_folder,
                "the plugin folder " + core::escaped(folder, 300) + " cannot be read: " + ec.message());
  std::sort(files.begin(), files.end());

  std::vector<candidate> found;
  std::map<std::string, std::string> owners;  // plugin name -> file
  for (const std::string& file : files) {
    candidate c = examine(file, limits);
    if (c.manifest) {
      const auto [owner, fresh] = owners.emplace(c.name, file);
      if (!fresh) {
        c.reason = file.substr(file.rfind('/') + 1) + " is a second plugin named " + c.name + "; " +
                   owner->second.substr(owner->second.rfind('/') + 1) + " has that name already";
        c.manifest.reset();
      }
    }
    found.push_back(std::move(c));
  }
  for (const auto& l : limits)
    if (!owners.contains(l.provider))
      spdlog::warn(
          "The configuration has a [[limit]] of \"{}\", and no plugin of that name can be used. It changes "
          "nothing.",
          core::escaped(l.provider, 64));
  return found;
}

}  // namespace koppel::plugins
