// SPDX-License-Identifier: Apache-2.0
// The ledger's error category, and what SQLite's codes mean for it.

#include "host/ledger/errors.hpp"

#include <sqlite3.h>

namespace koppel::ledger {
namespace {

// Boost's base has a protected destructor on purpose; GCC warns of it in every derived category.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
class category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "koppel.ledger"; }
  std::string message(int code) const override {
    switch (static_cast<errc>(code)) {
      case errc::not_found:
        return "there is no such row";
      case errc::exists:
        return "the name is taken";
      case errc::in_use:
        return "others refer to it";
      case errc::stale:
        return "it changed meanwhile: read it again";
      case errc::too_large:
        return "the event is larger than 64 KiB";
      case errc::wrong_key:
        return "the key file is missing, unsafe, or not this database's";
      case errc::locked:
        return "another host holds the data folder";
      case errc::schema:
        return "the database was made by a newer version: install that";
      case errc::corrupt:
        return "the database is damaged: restore a backup";
      case errc::disk_full:
        return "the disk has no room: make some";
      case errc::io:
        return "the disk failed";
    }
    return "unknown";
  }
};
#pragma GCC diagnostic pop

}  // namespace

const boost::system::error_category& ledger_category() {
  static const category instance;
  return instance;
}

bool is_fatal(const sqlite_fault& f) {
  switch (f.code & 0xFF) {
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_NOMEM:
      return true;
    default:
      return false;
  }
}

bool is_full(const sqlite_fault& f) { return (f.code & 0xFF) == SQLITE_FULL; }

failure failure_of(const sqlite_fault& f, const std::string& doing) {
  const std::string because = doing + ": " + f.text + " (SQLite code " + std::to_string(f.code) + ").";
  if (is_full(f) || f.code == SQLITE_IOERR_SHMSIZE)
    return {errc::disk_full, because + " There is no room on the disk of the data folder; make some."};
  switch (f.code & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {errc::corrupt, because};
    case SQLITE_CONSTRAINT:
      return {f.code == SQLITE_CONSTRAINT_FOREIGNKEY ? errc::in_use : errc::exists, because};
    default:
      return {errc::io, because};
  }
}

}  // namespace koppel::ledger
