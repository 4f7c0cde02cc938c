/* SPDX-License-Identifier: Apache-2.0
 *
 * The boundary seen by a C11 compiler: sizes and offsets, for comparison with what C++ sees.
 */
#include <koppel/abi.h>

#include <stddef.h>

_Static_assert(KOPPEL_ABI_VERSION == 0x00010002u, "the test is written for ABI 1.2");

const size_t abi_seen_by_c[] = {
    sizeof(struct koppel_host),
    offsetof(struct koppel_host, abi_version),
    offsetof(struct koppel_host, struct_size),
    offsetof(struct koppel_host, context),
    offsetof(struct koppel_host, send),
    sizeof(struct koppel_plugin),
    offsetof(struct koppel_plugin, abi_version),
    offsetof(struct koppel_plugin, struct_size),
    offsetof(struct koppel_plugin, create),
    offsetof(struct koppel_plugin, receive),
    offsetof(struct koppel_plugin, destroy),
};
const size_t abi_seen_by_c_count = sizeof abi_seen_by_c / sizeof abi_seen_by_c[0];

/* A plugin written in C: it answers every message with the same bytes. */
static struct koppel_host const* host_of_c;
static void* create(const struct koppel_host* host) {
  host_of_c = host;
  return &host_of_c;
}
static void receive(void* self, const uint8_t* bytes, uint64_t size) {
  (void)self;
  host_of_c->send(host_of_c->context, bytes, size);
}
static void destroy(void* self) { (void)self; }

const struct koppel_plugin echo_written_in_c = {KOPPEL_ABI_VERSION, sizeof(struct koppel_plugin), create, receive,
                                                destroy};
