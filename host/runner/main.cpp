// SPDX-License-Identifier: Apache-2.0
// koppel-runner FD PLUGIN [SECONDS]: the child process in which one plugin lives. FD is a stream socket to the host;
// frames both ways (channel.hpp). It dies with its host and leaves no core behind, for that would hold customers' data.
// SECONDS is what the plugin may take for one message; then SIGALRM ends the process.
// Exit: 0 the host closed the socket; 1 bad arguments; 2 the plugin is unusable, after a message that says why;
// 3 the host sent a frame above the limit.
#include "channel.hpp"
#include "library.hpp"

#include <koppel/fault_point.hpp>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>

namespace {

using koppel::runner::channel;

void send_to_host(void* context, const std::uint8_t* bytes, std::uint64_t size) {
  static_cast<channel*>(context)->queue({reinterpret_cast<const char*>(bytes), size});
}

void protect() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_DUMPABLE, 0);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
}

int refuse(channel& host, const koppel::messages::unusable& why) {
  std::fprintf(stderr, "koppel-runner: %s: %s\n", why.stage.c_str(), why.reason.c_str());
  host.queue(koppel::messages::encode(why));
  host.flush();
  return 2;
}

int serve(channel& host, const koppel_plugin& plugin, void* instance, unsigned call_s) {
  std::string frame;
  for (;;) {
    const auto what = host.next(frame);
    if (what == channel::event::too_long) {
      std::fprintf(stderr, "koppel-runner: the host announced a message above %zu bytes\n",
                   koppel::messages::max_to_plugin);
      return 3;
    }
    if (what == channel::event::closed) break;
    KOPPEL_FAULT_POINT("runner.message_received");
    ::alarm(call_s);
    plugin.receive(instance, reinterpret_cast<const std::uint8_t*>(frame.data()), frame.size());
    ::alarm(0);
    KOPPEL_FAULT_POINT("runner.message_handled");
  }
  plugin.destroy(instance);
  return 0;
}

template <class Number>
bool read_number(const char* text, Number& into) {
  const auto [end, fault] = std::from_chars(text, text + std::strlen(text), into);
  return fault == std::errc() && *end == '\0';
}

}  // namespace

int main(int argc, char** argv) {
  if (koppel::faults::begin(argc, argv)) return 0;
  int descriptor = -1;
  unsigned call_s = 0;  // no limit
  const bool good = (argc == 3 || argc == 4) && read_number(argv[1], descriptor) && descriptor >= 0 &&
                    (argc == 3 || read_number(argv[3], call_s));
  if (!good) {
    std::fprintf(stderr, "usage: koppel-runner FD PLUGIN [SECONDS] (started by koppeld)\n");
    return 1;
  }
  protect();

  channel host(descriptor);
  const auto loaded = koppel::runner::load(argv[2]);
  if (const auto* why = std::get_if<koppel::messages::unusable>(&loaded)) return refuse(host, *why);
  const auto& plugin = *std::get<const koppel_plugin*>(loaded);

  const koppel_host here{KOPPEL_ABI_VERSION, sizeof(koppel_host), &host, &send_to_host};
  void* instance = plugin.create(&here);
  if (!instance) {
    const koppel::messages::unusable why{"create", "the plugin could not make an instance of itself"};
    return refuse(host, why);
  }
  return serve(host, plugin, instance, call_s);
}
