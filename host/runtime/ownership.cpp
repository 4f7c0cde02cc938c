// SPDX-License-Identifier: Apache-2.0

#include "host/runtime/ownership.hpp"

#include <unistd.h>

namespace koppel::runtime {

std::string wrong_ownership(const struct stat& facts) {
  const auto danger = ", so others could have Koppel run a program; ";
  if (facts.st_uid != 0 && facts.st_uid != ::geteuid())
    return std::string("belongs to another user") + danger + "give it to root or to the user that runs koppeld (chown)";
  if ((facts.st_mode & S_IWOTH) != 0)
    return std::string("can be written by everybody") + danger + "take that away (chmod go-w)";
  if ((facts.st_mode & S_IWGRP) != 0)
    return std::string("can be written by its group") + danger + "take that away (chmod g-w)";
  return {};
}

}  // namespace koppel::runtime
