/* SPDX-License-Identifier: Apache-2.0
 *
 * The boundary between a host and a plugin: C11, one exported symbol, bytes in and bytes out. docs/abi.md is its
 * manual. Authors who use the C++ SDK never include this file; authors in other languages need nothing else.
 *
 * Rules for all of it:
 * - Calls into one plugin instance are serialised: never two at a time, not always on the same thread.
 * - Bytes handed over are borrowed for the duration of the call; whoever keeps them copies them.
 * - No call may throw, longjmp or fork. A plugin opens no socket, file or thread; it has no clock but `now` in
 * messages.
 * - A field is read only if it lies within the owner's `struct_size`. Structs grow at the tail (a minor version); a
 * changed meaning is a new major version.
 */
#ifndef KOPPEL_ABI_H
#define KOPPEL_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KOPPEL_ABI_MAJOR 1u
#define KOPPEL_ABI_MINOR 2u
/* Major in the high 16 bits, minor in the low 16. Equal majors understand each other. */
#define KOPPEL_ABI_VERSION ((KOPPEL_ABI_MAJOR << 16) | KOPPEL_ABI_MINOR)

/* The exported symbol: a function `const struct koppel_plugin *koppel_plugin_v1(void)`. It may be called more than
 * once, on any thread, and must return the same pointer to data that lives as long as the library. */
#define KOPPEL_PLUGIN_SYMBOL "koppel_plugin_v1"

/* What the host offers to an instance. Valid from `create` until `destroy` returns. */
struct koppel_host {
  uint32_t abi_version;
  uint32_t struct_size;
  void* context; /* the host's; hand it back unchanged */
  /* Enqueues one message (a msgpack map, docs/abi.md) of at most 4 MiB. It only enqueues: it never calls back into the
   * plugin, never blocks, never fails towards the plugin. Callable from within create, receive and destroy only. */
  void (*send)(void* context, const uint8_t* bytes, uint64_t size);
};

/* What a plugin offers. */
struct koppel_plugin {
  uint32_t abi_version;
  uint32_t struct_size;
  /* Makes one instance. NULL: it could not be made; the host reports that and ends the process. */
  void* (*create)(const struct koppel_host* host);
  /* Handles one message of at most 9 MiB. Unknown messages and fields are ignored. */
  void (*receive)(void* self, const uint8_t* bytes, uint64_t size);
  /* Ends the instance: coroutines are unwound, nothing is sent any more. No call follows. */
  void (*destroy)(void* self);
};

/* Declared for implementors: define it with default visibility. */
const struct koppel_plugin* koppel_plugin_v1(void);

#ifdef __cplusplus
}
#endif
#endif
