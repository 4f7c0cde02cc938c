# SPDX-License-Identifier: Apache-2.0
# koppel_add_plugin(NAME manifest.toml source...): a provider plugin.
# A shared library NAME.so in <build>/plugins with hidden visibility, one exported symbol, and manifest.toml embedded in
# the ELF section .koppel_manifest, so that the host can read it without running a line of the plugin.

enable_language(ASM)
set(koppel_plugin_map "${CMAKE_CURRENT_LIST_DIR}/koppel_plugin.map")

# koppel_add_connector(NAME source...): the library alone, without a manifest; where it goes is the caller's to say.
function(koppel_add_connector name)
  add_library(${name} MODULE ${ARGN})
  target_link_libraries(${name} PRIVATE koppel_sdk)
  target_link_options(${name} PRIVATE -Wl,--exclude-libs,ALL -Wl,-z,noexecstack
                                             "-Wl,--version-script=${koppel_plugin_map}")
  set_target_properties(${name} PROPERTIES
    PREFIX "" UNITY_BUILD OFF CXX_VISIBILITY_PRESET hidden C_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
endfunction()

function(koppel_add_plugin name manifest)
  set(manifest_path "${CMAKE_CURRENT_SOURCE_DIR}/${manifest}")
  set(assembly "${CMAKE_CURRENT_BINARY_DIR}/${name}_manifest.S")
  # "aR": allocated and *retained*, else the linker's garbage collection may drop a section nobody refers to.
  # The GNU-stack note says that this object needs no executable stack; without it the whole library would ask for one.
  file(CONFIGURE OUTPUT "${assembly}" @ONLY CONTENT [[
.section .koppel_manifest,"aR",@progbits
.incbin "@manifest_path@"
.section .note.GNU-stack,"",@progbits
]])
  set_source_files_properties("${assembly}" PROPERTIES LANGUAGE ASM OBJECT_DEPENDS "${manifest_path}")

  koppel_add_connector(${name} ${ARGN} "${assembly}")
  set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/plugins")
endfunction()
