// SPDX-License-Identifier: Apache-2.0
// What the data folder and the plugin folder have to be, on a real file system.

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "host/config/config.hpp"

namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;

struct folders {
  fs::path root;
  koppel::config::config c;

  folders() {
    std::string name = (fs::temp_directory_path() / "koppel-config-XXXXXX").string();
    root = ::mkdtemp(name.data());
    c.data_folder = root / "a" / "data";
    c.plugin_folder = root / "plugins";
    fs::create_directory(c.plugin_folder);
    ::chmod(c.plugin_folder.c_str(), 0755);
  }
  ~folders() { fs::remove_all(root); }

  std::string complaint() const {
    const auto checked = koppel::config::check_folders(c);
    return checked ? "" : checked.error().detail;
  }
};

TEST_CASE("a missing data folder is made, for its owner alone", "[config]") {
  folders f;

  CHECK(f.complaint().empty());

  struct stat about {};
  REQUIRE(::stat(f.c.data_folder.c_str(), &about) == 0);
  CHECK((about.st_mode & 0777) == 0700);
  CHECK(f.complaint().empty());
}

TEST_CASE("a data folder that is open to others is refused with the command that closes it", "[config]") {
  folders f;
  fs::create_directories(f.c.data_folder);
  ::chmod(f.c.data_folder.c_str(), 0750);

  CHECK_THAT(f.complaint(), Contains("chmod 700 " + f.c.data_folder.string()));
}

TEST_CASE("a file where a folder should be is refused", "[config]") {
  folders f;
  std::ofstream(f.root / "file") << "x";

  f.c.data_folder = f.root / "file";
  CHECK_THAT(f.complaint(), Contains("is not a folder"));

  f.c.data_folder = f.root / "file" / "below";
  CHECK_THAT(f.complaint(), Contains("cannot be made") && Contains("Not a directory"));
}

TEST_CASE("a plugin folder must exist, and only we and root may write to it", "[config]") {
  folders f;
  ::chmod(f.c.plugin_folder.c_str(), 0777);
  CHECK_THAT(f.complaint(), Contains("can be written by everybody") && Contains("chmod go-w"));
  ::chmod(f.c.plugin_folder.c_str(), 0775);
  CHECK_THAT(f.complaint(), Contains("can be written by its group") && Contains("chmod g-w"));
  if (::geteuid() == 0) {
    ::chmod(f.c.plugin_folder.c_str(), 0755);
    REQUIRE(::chown(f.c.plugin_folder.c_str(), 12345, 12345) == 0);
    CHECK_THAT(f.complaint(), Contains("belongs to another user"));
  }

  fs::remove(f.c.plugin_folder);
  CHECK_THAT(f.complaint(),
             Contains("plugin folder") && Contains("No such file") && Contains("plugin_folder has to name"));
}

TEST_CASE("the runner is beside this program unless it is configured", "[config]") {
  koppel::config::config c;
  CHECK(koppel::config::runner_path(c) == fs::read_symlink("/proc/self/exe").parent_path() / "koppel-runner");

  c.runner = "/opt/koppel-runner";
  CHECK(koppel::config::runner_path(c) == "/opt/koppel-runner");
}

}  // namespace
