// SPDX-License-Identifier: Apache-2.0
// Who else can change a file or folder that decides which code runs here.
#pragma once

#include <sys/stat.h>

#include <string>

namespace koppel::runtime {

/// Why code from a file or folder with these facts may be somebody else's choice, as the rest of a sentence that begins
/// with its name; empty where only root and our own user can change it.
std::string wrong_ownership(const struct stat& facts);

}  // namespace koppel::runtime
