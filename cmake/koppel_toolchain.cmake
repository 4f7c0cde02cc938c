# SPDX-License-Identifier: Apache-2.0
# Language level, ccache, warnings and sanitizers, for every target of the project.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

# -O2 without -g keeps release builds small; Debug keeps line tables but not every type of Beast.
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
# At -O2 g++ 12 takes the frames of Asio's coroutines, which come from an allocator of its own, for mismatched.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG -Wno-mismatched-new-delete")

find_program(KOPPEL_CCACHE ccache)
if(KOPPEL_CCACHE)
  # base_dir makes cached objects of one build folder serve another; depend mode spares a preprocessor's run where the
  # cache is cold.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}" "CCACHE_NOHASHDIR=1" "CCACHE_DEPEND=1" ${KOPPEL_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
endif()

# Test programs of hundreds of megabytes are linked in a third of the time. Plugins, and whatever is released, are linked
# as everybody links them.
find_program(KOPPEL_LLD ld.lld)
if(KOPPEL_LLD)
  string(APPEND CMAKE_EXE_LINKER_FLAGS_DEBUG " -fuse-ld=lld")
endif()

# Designated initialisers name what they set; the rest has defaults: no warning about that.
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wno-missing-field-initializers -fdiagnostics-color=auto)
if(KOPPEL_WERROR)
  add_compile_options(-Werror)
endif()

# Several sources in one compilation, where a preset asks for it: with sanitizers most of the time goes into the same
# templates again and again. The dev build compiles each alone, and so finds what one would borrow from another; its
# warnings about names of one file in the scope of another would say nothing.
set(KOPPEL_JOINT_OPTIONS -Wno-shadow $<$<COMPILE_LANGUAGE:CXX>:-Wno-subobject-linkage>)
if(CMAKE_UNITY_BUILD)
  add_compile_options(${KOPPEL_JOINT_OPTIONS})
endif()

# koppel_compile_alone(source...): sources whose own names would clash with their neighbours'.
function(koppel_compile_alone)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

if(KOPPEL_PLANTED_BUGS)
  add_compile_definitions(KOPPEL_PLANTED_BUGS)
endif()

if(KOPPEL_SANITIZE)
  add_compile_options(-fsanitize=${KOPPEL_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${KOPPEL_SANITIZE})
  if(KOPPEL_SANITIZE MATCHES "undefined")
    # The two checks of each access are a quarter of the compile time and half of the code; AddressSanitizer reports a
    # null pointer that is followed, and nothing here reads objects out of bytes that came from outside.
    add_compile_options(-fno-sanitize=null,alignment)
  endif()
  if(KOPPEL_SANITIZE STREQUAL "thread")
    add_compile_options(-Wno-tsan)  # Asio's fences, which ThreadSanitizer does not see
  endif()
endif()
