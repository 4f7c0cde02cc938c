// SPDX-License-Identifier: Apache-2.0
// Files of all kinds in the plugin folder, looked at and never run: list E8 1-11, 24, 25, 37.

#include "host/plugins/library_file.hpp"

#include <elf.h>
#include <sys/stat.h>

#include <cstring>

#include "support.hpp"

using namespace koppel::plugins;
using namespace koppel::plugins::test;

namespace {

/// Why a file with these bytes is refused; empty where it is not.
std::string refusal(const std::string& bytes) {
  const temporary_folder folder;
  const auto read = read_library(folder.write("x.so", bytes));
  return read ? "" : read.error().detail;
}

std::string refusal_of(const fs::path& file) {
  const auto read = read_library(file.string());
  return read ? "" : read.error().detail;
}

std::string good() { return read_file(test_plugin("never_ready.so")); }

template <class Change>
std::string with_header(Change change) {
  std::string bytes = good();
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof header);
  change(header);
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

}  // namespace

TEST_CASE("the manifest of a whole library is read without running it", "[plugins][library]") {
  const auto text = read_library(test_plugin("echo.so").string());
  REQUIRE(text.has_value());
  CHECK(text->manifest.find("name = \"echo\"") != std::string::npos);
}

TEST_CASE("reading a library whose constructor aborts does not run the constructor", "[plugins][library]") {
  CHECK(refusal_of(bad_plugin("aborts.so")).empty());
}

TEST_CASE("files that are no library are told so in plain words", "[plugins][library]") {
  CHECK(refusal_of(bad_plugin("text.so")) == "text.so is a text file, not a shared library");
  CHECK(refusal("") == "x.so is empty");
  CHECK(refusal(std::string(100, '\x01')) == "x.so is not a shared library (no ELF file)");
  CHECK(refusal("\x7f"
                "ELF")
            .starts_with("x.so is cut off: its header would end at byte 64, the file has 4"));
  CHECK(refusal(good().substr(0, 64)).starts_with("x.so is cut off: its program headers would end at byte "));
}

TEST_CASE("a cut library is told where it should have ended", "[plugins][library]") {
  const auto size = fs::file_size(test_plugin("echo.so"));
  CHECK(refusal_of(bad_plugin("cut.so")) ==
        "cut.so is cut off: its section table would end at byte " + std::to_string(size) + ", the file has 9000");
}

TEST_CASE("every length of a library but the whole is refused without a crash", "[plugins][library]") {
  const temporary_folder folder;
  const std::string whole = good();
  for (std::size_t length = 0; length < whole.size(); length += 97) {
    const auto read = read_library(folder.write("x.so", whole.substr(0, length)));
    CAPTURE(length);
    REQUIRE_FALSE(read.has_value());
  }
}

TEST_CASE("libraries of another kind of machine or file are named", "[plugins][library]") {
  CHECK(refusal(with_header([](Elf64_Ehdr& h) { h.e_machine = EM_S390; })) ==
        "x.so was built for another kind of machine");
  CHECK(refusal(with_header([](Elf64_Ehdr& h) { h.e_ident[EI_CLASS] = ELFCLASS32; })) ==
        "x.so is a library for 32-bit machines");
  CHECK(refusal(with_header([](Elf64_Ehdr& h) { h.e_ident[EI_DATA] = ELFDATA2MSB; })) ==
        "x.so is a library for machines of the other byte order");
  CHECK(refusal(with_header([](Elf64_Ehdr& h) { h.e_type = ET_REL; })) ==
        "x.so is an object file, not a shared library");
  CHECK(refusal(with_header([](Elf64_Ehdr& h) { h.e_type = ET_EXEC; })) == "x.so is a program, not a shared library");
  CHECK(refusal_of("/proc/self/exe").find("is a symbolic link") != std::string::npos);
  const temporary_folder folder;
  CHECK(refusal_of(folder.copy(KOPPEL_RUNNER, "runner.so")) == "runner.so is a program, not a shared library");
}

TEST_CASE("headers that lie about offsets and counts are refused", "[plugins][library]") {
  CHECK(refusal(with_header([](Elf64_Ehdr& h) { h.e_shoff = UINT64_MAX - 8; })).find("cut off") != std::string::npos);
  CHECK(refusal(with_header([](Elf64_Ehdr& h) { h.e_phoff = UINT64_MAX; })).find("cut off") != std::string::npos);
  CHECK(refusal(with_header([](Elf64_Ehdr& h) { h.e_shentsize = 1; })).find("damaged") != std::string::npos);
  CHECK_FALSE(refusal(with_header([](Elf64_Ehdr& h) { h.e_shstrndx = 60000; })).empty());
  CHECK_FALSE(refusal(with_header([](Elf64_Ehdr& h) { h.e_shnum = 0; })).empty());
}

TEST_CASE("a library with any one byte of its headers changed is read or refused, never a crash",
          "[plugins][library]") {
  const temporary_folder folder;
  const std::string whole = good();
  Elf64_Ehdr header;
  std::memcpy(&header, whole.data(), sizeof header);
  std::size_t refused = 0;
  const auto try_at = [&](std::size_t at) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(~bytes[at]);
    if (!read_library(folder.write("x.so", bytes))) ++refused;
  };
  for (std::size_t at = 0; at < sizeof header; ++at) try_at(at);
  for (std::size_t at = header.e_shoff; at < whole.size(); at += 5) try_at(at);
  CHECK(refused > 50);
}

TEST_CASE("a library without the entry, or with something else in its place, is refused", "[plugins][library]") {
  CHECK(refusal_of(bad_plugin("no_symbol.so")) ==
        "no_symbol.so exports no koppel_plugin_v1; build it with koppel_add_plugin and write KOPPEL_PLUGIN once");
  CHECK(refusal_of(bad_plugin("symbol_is_data.so")) ==
        "symbol_is_data.so exports koppel_plugin_v1, but not as a function");
}

TEST_CASE("a library without a manifest is told how to get one", "[plugins][library]") {
  std::string bytes = good();
  const auto at = bytes.find(".koppel_manifest");
  REQUIRE(at != std::string::npos);
  bytes[at + 1] = 'X';
  CHECK(refusal(bytes) == "x.so holds no manifest; build it with koppel_add_plugin(name manifest.toml ...)");
}

TEST_CASE("a library that asks for an executable stack is refused", "[plugins][library]") {
  std::string bytes = good();
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof header);
  for (std::size_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    char* const at = bytes.data() + header.e_phoff + i * sizeof segment;
    std::memcpy(&segment, at, sizeof segment);
    if (segment.p_type != PT_GNU_STACK) continue;
    segment.p_flags |= PF_X;
    std::memcpy(at, &segment, sizeof segment);
  }
  CHECK(refusal(bytes) == "x.so asks for an executable stack; link it with -Wl,-z,noexecstack");
}

TEST_CASE("links, pipes, folders and files that anybody may write are refused", "[plugins][library]") {
  const temporary_folder folder;
  const std::string file = folder.copy(test_plugin("echo.so"));
  const auto at = [&](const char* name) { return (folder.path() / name).string(); };
  fs::create_symlink(file, at("link.so"));
  REQUIRE(::mkfifo(at("pipe.so").c_str(), 0600) == 0);
  fs::create_directory(at("folder.so"));

  CHECK(refusal_of(at("link.so")) == "link.so is a symbolic link; put the file itself into the folder");
  CHECK(refusal_of(at("pipe.so")) == "pipe.so is not a regular file");
  CHECK(refusal_of(at("folder.so")) == "folder.so is not a regular file");
  CHECK(refusal_of(at("gone.so")) == "gone.so cannot be opened: No such file or directory");

  fs::permissions(file, fs::perms::others_write, fs::perm_options::add);
  CHECK(refusal_of(file).starts_with("echo.so can be written by everybody, so others could have Koppel run a program"));
  fs::permissions(file, fs::perms::others_write, fs::perm_options::remove);
  fs::permissions(file, fs::perms::group_write, fs::perm_options::add);
  CHECK(refusal_of(file).starts_with("echo.so can be written by its group"));
  fs::permissions(file, fs::perms::group_write, fs::perm_options::remove);
  if (::geteuid() == 0) {
    REQUIRE(::chown(file.c_str(), 12345, 12345) == 0);
    CHECK(refusal_of(file).starts_with("echo.so belongs to another user"));
  }
}

TEST_CASE("a file above the size limit is refused unread", "[plugins][library]") {
  const temporary_folder folder;
  const std::string file = folder.write("huge.so", "x");
  fs::resize_file(file, largest_library + 1);
  CHECK(refusal_of(file) == "huge.so is larger than 64 MiB");
}

TEST_CASE("a manifest alone is read under the same rules as a library", "[plugins][library]") {
  const temporary_folder folder;
  const auto refused = [](const std::string& path) {
    const auto read = read_manifest_file(path);
    return read ? std::string() : read.error().detail;
  };
  const std::string file = folder.write("acme.toml", "x = 1\n");
  const auto read = read_manifest_file(file);
  REQUIRE(read.has_value());
  CHECK(read->manifest == "x = 1\n");
  CHECK(changed_since(file, read->stamp).empty());

  fs::create_symlink(file, folder.path() / "link.toml");
  CHECK(refused((folder.path() / "link.toml").string()) ==
        "link.toml is a symbolic link; put the file itself into the folder");
  CHECK(refused(folder.write("empty.toml", "")) == "empty.toml is empty");
  CHECK(refused(folder.write("large.toml", std::string((256 << 10) + 1, ' '))) == "large.toml is larger than 256 KiB");
  fs::permissions(file, fs::perms::group_write, fs::perm_options::add);
  CHECK(refused(file).starts_with("acme.toml can be written by its group"));
}
