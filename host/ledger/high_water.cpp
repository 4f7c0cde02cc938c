// SPDX-License-Identifier: Apache-2.0

#include "host/ledger/high_water.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <sstream>

namespace koppel::ledger {
namespace {

/// Fixed width, so that a later line covers an earlier one in a single write.
std::string line_of(const high_water& mark) {
  char text[128];
  std::snprintf(text, sizeof text, "%-16s %20llu %20llu .\n", mark.epoch.c_str(),
                static_cast<unsigned long long>(mark.head), static_cast<unsigned long long>(mark.grants));
  return text;
}

}  // namespace

bool is_older(const high_water& now, const high_water& before) {
  return now.epoch == before.epoch && (now.head < before.head || now.grants < before.grants);
}

high_water_file::high_water_file(const std::string& folder)
    : descriptor_(::open((folder + "/ledger.mark").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) {}

high_water_file::~high_water_file() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::optional<high_water> high_water_file::read() const {
  char bytes[128];
  const auto size = descriptor_ < 0 ? -1 : ::pread(descriptor_, bytes, sizeof bytes, 0);
  if (size <= 0) return std::nullopt;
  std::istringstream in(std::string(bytes, static_cast<std::size_t>(size)));
  high_water mark;
  std::string end;
  if (!(in >> mark.epoch >> mark.head >> mark.grants >> end) || end != ".") return std::nullopt;
  return mark;
}

void high_water_file::write(const high_water& mark) {
  if (descriptor_ < 0 || mark == written_) return;
  const auto line = line_of(mark);
  if (::pwrite(descriptor_, line.data(), line.size(), 0) == static_cast<ssize_t>(line.size())) written_ = mark;
}

}  // namespace koppel::ledger
