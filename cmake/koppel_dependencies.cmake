# SPDX-License-Identifier: Apache-2.0
# Every third-party library, as an imported target. Everything comes from the distribution.

find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS filesystem json url)
find_package(OpenSSL REQUIRED)
find_package(spdlog REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(sqlite3 REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(zmq REQUIRED IMPORTED_TARGET libzmq)
# Folders of Kerberos, which zmq.h does not need and whose place in the command line changes from one configuration to
# the next: everything that sees ZeroMQ would be compiled again each time.
set_target_properties(PkgConfig::zmq PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "" INTERFACE_COMPILE_OPTIONS "")
pkg_check_modules(elf REQUIRED IMPORTED_TARGET libelf)
find_package(SQLiteCpp REQUIRED)

# Separate compilation is for the shared library only; the macros keep 1.81 quiet under -Wpedantic and C++20.
add_compile_definitions(BOOST_ASIO_NO_DEPRECATED BOOST_ALLOW_DEPRECATED_HEADERS)

# msgpack-c: headers alone. On Debian 12 its package insists on Boost 1.74, with which 1.81 cannot be installed;
# so its .deb is fetched and unpacked beside the build folders (one copy serves every preset).
add_library(koppel_msgpack INTERFACE)
find_path(MSGPACK_INCLUDE_DIR msgpack.hpp PATHS "${CMAKE_SOURCE_DIR}/build/msgpack/usr/include")
if(NOT MSGPACK_INCLUDE_DIR)
  message(STATUS "Unpacking libmsgpack-cxx-dev into build/msgpack")
  execute_process(COMMAND "${CMAKE_SOURCE_DIR}/cmake/unpack_msgpack" "${CMAKE_SOURCE_DIR}/build/msgpack" COMMAND_ERROR_IS_FATAL ANY)
  find_path(MSGPACK_INCLUDE_DIR msgpack.hpp PATHS "${CMAKE_SOURCE_DIR}/build/msgpack/usr/include" REQUIRED)
endif()
target_include_directories(koppel_msgpack SYSTEM INTERFACE "${MSGPACK_INCLUDE_DIR}")
target_compile_definitions(koppel_msgpack INTERFACE MSGPACK_DISABLE_LEGACY_NIL MSGPACK_DISABLE_LEGACY_CONVERT)
