// SPDX-License-Identifier: Apache-2.0
// Almanac, the simulated provider: accounts with two lists each, and OAuth 2 with refresh tokens that rotate. It keeps
// the truth that the checker compares with. Answers at once; what the network does with them is the network's.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "host/net/http.hpp"
#include "tests/simulation/world.hpp"

namespace koppel::simulation {

struct row {
  std::string id, name, note;
  core::instant changed{};
  bool gone = false;
};

/// When an account's list was last read from its beginning, and to its end.
struct reading {
  runtime::steady_time began{}, ended{};
};

struct account {
  std::string id;
  std::map<std::string, std::map<std::string, row>> lists;  ///< "people" and "firms"; rows by id
  std::map<std::string, reading> readings;                  ///< by list
  std::string refresh_token;                                ///< the one that is good; empty: access was never given
  std::set<std::string> spent;                              ///< refresh tokens that were good once
  std::map<std::string, core::instant> access;              ///< access tokens and their ends
  bool alive = false;                                       ///< the grant is; it dies by revocation or by reuse
};

class provider {
 public:
  struct traits {
    bool rotates = true;
    std::chrono::seconds access_life{600};
    std::size_t page = 8;
  };
  provider(world& w, traits t, std::size_t accounts);

  net::response answer(const net::request& r);

  /// A person gives access; the address that their browser is sent to.
  std::string consent(std::size_t of, const std::string& redirect_uri, const std::string& state);
  void revoke(std::size_t of);
  /// Somebody works with the data: adds, changes or deletes a row.
  void change(std::size_t of);
  /// Poisons a row, so that the plugin ends when it meets it; or heals them all.
  void poison(std::size_t of);
  void heal();

  std::vector<account>& accounts() { return accounts_; }
  const account* owner_of(const std::string& refresh_token) const;

  static constexpr std::string_view poisoned = "poison";

 private:
  net::response token(const std::string& body);
  net::response grant(account& a);
  net::response list(account& a, const std::string& name, const std::string& since);
  void touch(row& r);
  std::string word(const char* kind);

  world& world_;
  const traits traits_;
  std::vector<account> accounts_;
  std::map<std::string, std::pair<std::size_t, core::instant>> codes_;
  std::uint64_t next_row_ = 1, next_word_ = 1;
  core::instant last_change_{};
};

/// The value of a parameter in "a=1&b=2"; empty if there is none. Good for what is not percent-encoded.
std::string parameter(std::string_view query, std::string_view name);

}  // namespace koppel::simulation
