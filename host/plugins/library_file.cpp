// SPDX-License-Identifier: Apache-2.0
// File checks with stat, ELF checks with libelf on a copy in memory (a file that shrinks while it is read cannot fault
// us).

#include "host/plugins/library_file.hpp"

#include <elf.h>
#include <fcntl.h>
#include <gelf.h>
#include <koppel/abi.h>
#include <libelf.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

#include "host/core/text.hpp"
#include "host/plugins/descriptor.hpp"
#include "host/plugins/errors.hpp"
#include "host/plugins/manifest_parser.hpp"
#include "host/runtime/ownership.hpp"

namespace koppel::plugins {

namespace {

#if defined(__x86_64__)
constexpr unsigned this_machine = EM_X86_64;
#elif defined(__aarch64__)
constexpr unsigned this_machine = EM_AARCH64;
#else
#error "name this machine's ELF number here"
#endif

/// What is wrong, as the rest of a sentence that begins with the file's name; empty: nothing.
using complaint = std::string;

struct elf_end {
  void operator()(Elf* e) const { ::elf_end(e); }
};
using elf_handle = std::unique_ptr<Elf, elf_end>;

file_stamp stamp_of(const struct stat& facts) { return {facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtim}; }

std::string name_of(const std::string& path) { return core::escaped(path.substr(path.rfind('/') + 1), 300); }

complaint read_all(const std::string& path, std::size_t largest, std::string& bytes, file_stamp& stamp) {
  // O_NONBLOCK: opening a FIFO must not wait for its other end.
  const descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) {
    if (errno == ELOOP) return "is a symbolic link; put the file itself into the folder";
    return std::string("cannot be opened: ") + std::strerror(errno);
  }
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) return std::string("cannot be examined: ") + std::strerror(errno);
  if (!S_ISREG(facts.st_mode)) return "is not a regular file";
  if (complaint c = runtime::wrong_ownership(facts); !c.empty()) return c;
  if (facts.st_size == 0) return "is empty";
  if (static_cast<std::uint64_t>(facts.st_size) > largest)
    return largest == largest_manifest ? "is larger than 256 KiB" : "is larger than 64 MiB";
  stamp = stamp_of(facts);
  bytes.resize(static_cast<std::size_t>(facts.st_size));
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t n = ::read(file.get(), bytes.data() + have, bytes.size() - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::string("cannot be read: ") + std::strerror(errno);
    if (n == 0) return "became shorter while it was read";
    have += static_cast<std::size_t>(n);
  }
  return {};
}

bool is_text(std::string_view bytes) {
  const auto head = bytes.substr(0, 512);
  return std::all_of(head.begin(), head.end(),
                     [](unsigned char c) { return c >= 0x20 || c == '\n' || c == '\r' || c == '\t'; });
}

std::string size_text(std::uint64_t end, std::size_t size) {
  return " would end at byte " + std::to_string(end) + ", the file has " + std::to_string(size);
}

/// `count` things of `each` bytes from `offset`: where they end, or the largest number if that overflows.
std::uint64_t end_of(std::uint64_t offset, std::uint64_t count, std::uint64_t each = 1) {
  std::uint64_t length = 0, end = 0;
  if (__builtin_mul_overflow(count, each, &length) || __builtin_add_overflow(offset, length, &end)) return UINT64_MAX;
  return end;
}

complaint check_header(const std::string& bytes, Elf64_Ehdr& header) {
  if (bytes.compare(0, SELFMAG, ELFMAG) != 0)
    return is_text(bytes) ? "is a text file, not a shared library" : "is not a shared library (no ELF file)";
  if (bytes.size() < sizeof header) return "is cut off: its header" + size_text(sizeof header, bytes.size());
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.e_ident[EI_CLASS] != ELFCLASS64) return "is a library for 32-bit machines";
  if (header.e_ident[EI_DATA] != ELFDATA2LSB) return "is a library for machines of the other byte order";
  if (header.e_machine != this_machine) return "was built for another kind of machine";
  if (header.e_type == ET_REL) return "is an object file, not a shared library";
  if (header.e_type != ET_DYN) return "is a program, not a shared library";
  if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_shentsize != sizeof(Elf64_Shdr))
    return "has damaged headers, or no section table; do not strip it with sstrip";
  if (const auto end = end_of(header.e_phoff, header.e_phnum, sizeof(Elf64_Phdr)); end > bytes.size())
    return "is cut off: its program headers" + size_text(end, bytes.size());
  if (const auto end = end_of(header.e_shoff, header.e_shnum, sizeof(Elf64_Shdr)); end > bytes.size())
    return "is cut off: its section table" + size_text(end, bytes.size());
  return {};
}

complaint check_segments(const std::string& bytes, const Elf64_Ehdr& header) {
  for (std::size_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    std::memcpy(&segment, bytes.data() + header.e_phoff + i * sizeof segment, sizeof segment);
    if (const auto end = end_of(segment.p_offset, segment.p_filesz); end > bytes.size())
      return "is cut off: one of its segments" + size_text(end, bytes.size());
    if (segment.p_type == PT_INTERP) return "is a program, not a shared library";
    if (segment.p_type == PT_GNU_STACK && (segment.p_flags & PF_X) != 0)
      return "asks for an executable stack; link it with -Wl,-z,noexecstack";
  }
  return {};
}

/// The bytes of a section as they are in the file; nothing where they are not all there.
std::optional<std::string_view> contents(const std::string& bytes, const GElf_Shdr& section) {
  if (section.sh_type == SHT_NOBITS || end_of(section.sh_offset, section.sh_size) > bytes.size()) return std::nullopt;
  return std::string_view(bytes).substr(section.sh_offset, section.sh_size);
}

complaint check_symbol(Elf* elf, Elf_Scn* section, const GElf_Shdr& header) {
  const std::string missing = std::string("exports no ") + KOPPEL_PLUGIN_SYMBOL +
                              "; build it with koppel_add_plugin and write KOPPEL_PLUGIN once";
  Elf_Data* data = section == nullptr ? nullptr : ::elf_getdata(section, nullptr);
  if (data == nullptr || header.sh_entsize != sizeof(Elf64_Sym)) return missing;
  const std::size_t count = data->d_size / sizeof(Elf64_Sym);
  for (std::size_t i = 0; i < count; ++i) {
    GElf_Sym symbol;
    if (::gelf_getsym(data, static_cast<int>(i), &symbol) == nullptr) break;
    const char* name = ::elf_strptr(elf, header.sh_link, symbol.st_name);
    if (name == nullptr || std::string_view(name) != KOPPEL_PLUGIN_SYMBOL) continue;
    if (symbol.st_shndx == SHN_UNDEF || GELF_ST_BIND(symbol.st_info) == STB_LOCAL) continue;
    if (GELF_ST_TYPE(symbol.st_info) != STT_FUNC)
      return std::string("exports ") + KOPPEL_PLUGIN_SYMBOL + ", but not as a function";
    return {};
  }
  return missing;
}

complaint check_sections(const std::string& bytes, Elf* elf, std::string& manifest) {
  std::size_t names = 0;
  if (::elf_getshdrstrndx(elf, &names) != 0) return "has a damaged section table";
  Elf_Scn* symbols = nullptr;
  GElf_Shdr symbols_header{};
  std::optional<std::string_view> found;
  for (Elf_Scn* section = nullptr; (section = ::elf_nextscn(elf, section)) != nullptr;) {
    GElf_Shdr header;
    if (::gelf_getshdr(section, &header) == nullptr) return "has a damaged section table";
    const auto data = contents(bytes, header);
    if (header.sh_type != SHT_NOBITS && !data)
      return "is cut off: one of its sections" + size_text(end_of(header.sh_offset, header.sh_size), bytes.size());
    const char* name = ::elf_strptr(elf, names, header.sh_name);
    if (name == nullptr) return "has a damaged section table";
    if (header.sh_type == SHT_DYNSYM) {
      symbols = section;
      symbols_header = header;
    }
    if (std::string_view(name) == ".koppel_manifest") found = data;
  }
  if (complaint c = check_symbol(elf, symbols, symbols_header); !c.empty()) return c;
  if (!found || found->empty()) return "holds no manifest; build it with koppel_add_plugin(name manifest.toml ...)";
  if (found->size() > largest_manifest) return "holds a manifest larger than 256 KiB";
  manifest = *found;
  return {};
}

complaint examine(const std::string& path, examined_file& library) {
  std::string bytes;
  Elf64_Ehdr header;
  if (complaint c = read_all(path, largest_library, bytes, library.stamp); !c.empty()) return c;
  if (complaint c = check_header(bytes, header); !c.empty()) return c;
  if (complaint c = check_segments(bytes, header); !c.empty()) return c;
  if (::elf_version(EV_CURRENT) == EV_NONE) return "cannot be read: this libelf is too old";
  const elf_handle elf(::elf_memory(bytes.data(), bytes.size()));
  if (!elf || ::elf_kind(elf.get()) != ELF_K_ELF) return "is not a shared library (damaged ELF file)";
  return check_sections(bytes, elf.get(), library.manifest);
}

}  // namespace

result<examined_file> read_library(const std::string& path) {
  examined_file library;
  const complaint wrong = examine(path, library);
  if (!wrong.empty()) return fail(errc::bad_library, name_of(path) + " " + wrong);
  return library;
}

result<examined_file> read_manifest_file(const std::string& path) {
  examined_file file;
  const complaint wrong = read_all(path, largest_manifest, file.manifest, file.stamp);
  if (!wrong.empty()) return fail(errc::bad_library, name_of(path) + " " + wrong);
  return file;
}

bool file_stamp::operator==(const file_stamp& other) const {
  return device == other.device && inode == other.inode && size == other.size &&
         modified.tv_sec == other.modified.tv_sec && modified.tv_nsec == other.modified.tv_nsec;
}

std::string changed_since(const std::string& path, const file_stamp& stamp) {
  struct stat facts {};
  if (::lstat(path.c_str(), &facts) != 0)
    return name_of(path) + " is gone since it was examined; put it back, or say koppelctl plugin rescan";
  if (complaint c = runtime::wrong_ownership(facts); !c.empty()) return name_of(path) + " " + c;
  return stamp_of(facts) == stamp ? "" : name_of(path) + " changed since it was examined; say koppelctl plugin rescan";
}

}  // namespace koppel::plugins
