// SPDX-License-Identifier: Apache-2.0
// The points of a program, and what the environment orders of them.

#include <koppel/fault_point.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace koppel::faults {
namespace {

// Points are made before main, in any order.
point*& first() {
  static point* head = nullptr;
  return head;
}

constexpr std::string_view orders_variable = "KOPPEL_FAULTS", folder_variable = "KOPPEL_FAULTS_FIRED";

/// The variable as "NAME=value"; empty where it is not set. Kept: the spawner clears its environment.
std::string taken(std::string_view variable) {
  const char* value = std::getenv(std::string(variable).c_str());
  return value ? std::string(variable) + "=" + value : std::string();
}
std::string& orders() {
  static std::string text = taken(orders_variable);
  return text;
}
std::string& folder() {
  static std::string text = taken(folder_variable);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

template <class Number>
bool read(std::string_view text, Number& into) {
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), into);
  return wrong == std::errc() && end == text.data() + text.size() && into > 0;
}

/// True for the first process, and the first time in it.
bool claim(const char* name) {
  if (folder().empty()) return true;
  const std::string file = folder().substr(folder_variable.size() + 1) + "/" + name;
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  const std::string pid = std::to_string(::getpid()) + "\n";
  [[maybe_unused]] const auto written = ::write(fd, pid.data(), pid.size());
  ::close(fd);
  return true;
}

}  // namespace

point::point(const char* name) : name_(name), next_(first()) { first() = this; }

bool point::fire() const {
  if (!claim(name_)) return false;
  if (what_ == action::kill) {
    ::kill(::getpid(), SIGKILL);
    for (;;) ::pause();
  }
  if (what_ == action::fail) return true;
  timespec left{delay_ms_ / 1000, static_cast<long>(delay_ms_ % 1000) * 1'000'000};
  while (::nanosleep(&left, &left) != 0) {
  }
  return false;
}

/// Orders for points of other programs are theirs. False: it cannot be read.
bool point::arm(std::string_view order) {
  auto words = split(order, ':');
  if (words.size() < 2) return false;
  const auto name = words[0], verb = words[1];
  words.erase(words.begin(), words.begin() + 2);
  action what = action::kill;
  unsigned delay_ms = 0;
  if (verb == "fail") {
    what = action::fail;
  } else if (verb == "delay") {
    what = action::delay;
    if (words.empty() || !read(words[0], delay_ms)) return false;
    words.erase(words.begin());
  } else if (verb != "kill") {
    return false;
  }
  std::uint64_t at = 1;
  if (words.size() > 1 || (words.size() == 1 && !read(words[0], at))) return false;
  for (point* p = first(); p != nullptr; p = p->next_) {
    if (name != p->name_) continue;
    p->what_ = what;
    p->delay_ms_ = delay_ms;
    p->at_ = at;
  }
  return true;
}

bool begin(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--fault-points") {
    std::set<std::string_view> names;
    for (const point* p = first(); p != nullptr; p = p->next_) names.insert(p->name_);
    for (const auto name : names) std::printf("%s\n", std::string(name).c_str());
    return true;
  }
  folder();
  if (orders().empty()) return false;
  for (const auto order : split(std::string_view(orders()).substr(orders_variable.size() + 1), ',')) {
    if (order.empty() || point::arm(order)) continue;
    std::fprintf(stderr, "KOPPEL_FAULTS: \"%s\" cannot be read\n", std::string(order).c_str());
    std::_Exit(2);
  }
  return false;
}

const char* orders_for_child() { return orders().empty() ? nullptr : orders().c_str(); }
const char* folder_for_child() { return folder().empty() ? nullptr : folder().c_str(); }

}  // namespace koppel::faults
