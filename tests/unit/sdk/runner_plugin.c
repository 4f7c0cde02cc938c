/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin in C that sends every message back, and, with a macro, one that cannot be used in this or that way.
 */
#include <koppel/abi.h>

#include <stddef.h>
#include <stdlib.h>

static struct koppel_host const* host_of_echo;

static void* create(const struct koppel_host* host) {
  host_of_echo = host;
#ifdef fault_no_instance
  return NULL;
#else
  return &host_of_echo;
#endif
}
static void receive(void* self, const uint8_t* bytes, uint64_t size) {
  (void)self;
  host_of_echo->send(host_of_echo->context, bytes, size);
}
static void destroy(void* self) { (void)self; }

#ifdef fault_unresolved
void a_function_that_is_nowhere(void);
void use_it(void) { a_function_that_is_nowhere(); }
#endif

#ifdef fault_aborts
__attribute__((constructor)) static void at_load(void) { abort(); }
#endif

#ifdef fault_no_symbol
#define koppel_plugin_v1 another_name
const struct koppel_plugin* another_name(void);
#endif
const struct koppel_plugin* koppel_plugin_v1(void) {
  static struct koppel_plugin plugin;
  plugin.abi_version = KOPPEL_ABI_VERSION;
  plugin.struct_size = sizeof plugin;
#ifdef fault_other_abi
  plugin.abi_version = 0x00070002u;
#endif
#ifdef fault_short_struct
  plugin.struct_size = 16;
#endif
#ifndef fault_no_functions
  plugin.create = create;
#else
  (void)create;
#endif
  plugin.receive = receive;
  plugin.destroy = destroy;
  return &plugin;
}
