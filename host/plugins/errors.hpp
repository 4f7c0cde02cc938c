// SPDX-License-Identifier: Apache-2.0
// What can go wrong between the plugin folder and a running plugin. The sentence for people is in failure::detail.
#pragma once

#include <boost/system/error_code.hpp>
#include <koppel/result.hpp>
#include <string>

namespace koppel::plugins {

enum class errc {
  bad_folder = 1,  ///< the plugin folder is missing, no folder, or writable by others: the operator repairs it
  bad_library,     ///< a file of the folder is no usable plugin: replace it, build it with koppel_add_plugin
  bad_manifest,    ///< the manifest inside a plugin is wrong: its author corrects it and builds again
  spawn_failed,    ///< no child process could be had: koppel-runner is missing, or the machine is out of processes
  busy,            ///< what was asked for is under way already: ask again
};

boost::system::error_code make_error_code(errc e);

inline failure fail(errc e, std::string detail) { return failure{make_error_code(e), std::move(detail)}; }

}  // namespace koppel::plugins
