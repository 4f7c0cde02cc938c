// SPDX-License-Identifier: Apache-2.0
// The boundary is one thing in C11 and in C++20, and stays what version 1.0 is.
#include <koppel/abi.h>

#include <catch2/catch.hpp>
#include <cstddef>
#include <string>
#include <vector>

extern "C" {
extern const std::size_t abi_seen_by_c[];
extern const std::size_t abi_seen_by_c_count;
extern const koppel_plugin echo_written_in_c;
}

TEST_CASE("C and C++ see the same layout, that of ABI 1.0", "[abi]") {
  const std::vector<std::size_t> by_cpp{
      sizeof(koppel_host),
      offsetof(koppel_host, abi_version),
      offsetof(koppel_host, struct_size),
      offsetof(koppel_host, context),
      offsetof(koppel_host, send),
      sizeof(koppel_plugin),
      offsetof(koppel_plugin, abi_version),
      offsetof(koppel_plugin, struct_size),
      offsetof(koppel_plugin, create),
      offsetof(koppel_plugin, receive),
      offsetof(koppel_plugin, destroy),
  };
  const std::vector<std::size_t> by_c(abi_seen_by_c, abi_seen_by_c + abi_seen_by_c_count);
  const std::vector<std::size_t> of_version_1_0{24, 0, 4, 8, 16, 32, 0, 4, 8, 16, 24};

  CHECK(by_c == by_cpp);
  CHECK(by_cpp == of_version_1_0);
}

TEST_CASE("a plugin written in C is called through the same table", "[abi]") {
  std::string heard;
  const koppel_host host{KOPPEL_ABI_VERSION, sizeof(koppel_host), &heard,
                         [](void* context, const std::uint8_t* bytes, std::uint64_t size) {
                           static_cast<std::string*>(context)->assign(reinterpret_cast<const char*>(bytes), size);
                         }};
  void* self = echo_written_in_c.create(&host);
  echo_written_in_c.receive(self, reinterpret_cast<const std::uint8_t*>("hello"), 5);
  echo_written_in_c.destroy(self);

  CHECK(heard == "hello");
}
