// SPDX-License-Identifier: Apache-2.0
// A control socket that answers from a script and remembers what it was asked; and koppelctl run against it in this
// process.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/json/object.hpp>
#include <deque>
#include <filesystem>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tools/koppelctl/cli.hpp"

namespace koppel::test {

/// A folder of its own, gone afterwards.
struct temporary_folder {
  std::filesystem::path path;
  temporary_folder();
  ~temporary_folder() { std::filesystem::remove_all(path); }
};

struct asked {
  std::string line;  ///< "POST /v1/apps"
  boost::json::object body;
};

class fake_daemon {
 public:
  fake_daemon();
  ~fake_daemon();

  /// Answers to "GET /v1/status" and the like, used up in order; the last one stays. Other requests get 404.
  void answer(const std::string& line, int status, const std::string& body);
  /// Bytes instead of an HTTP answer.
  void answer_raw(const std::string& line, const std::string& bytes);

  std::string socket() const { return (folder_.path / "control.sock").string(); }
  std::vector<asked> requests() const;
  /// The lines of requests alone, in order.
  std::vector<std::string> lines() const;
  boost::json::object body_of(const std::string& line) const;

 private:
  void serve();
  void serve_one(boost::asio::local::stream_protocol::socket& peer);

  temporary_folder folder_;
  boost::asio::io_context context_;
  boost::asio::local::stream_protocol::acceptor acceptor_;
  mutable std::mutex mutex_;
  std::map<std::string, std::deque<std::string>> script_;
  std::vector<asked> requests_;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses everything above
};

/// How one run of koppelctl ended.
struct ran {
  koppelctl::exit_code exit;
  std::string out, err;
};

struct way_to_run {
  std::string input;
  bool somebody_there = false;  ///< the input and the complaints are a terminal
  koppelctl::language speaks = koppelctl::language::en;
  bool one_screen = false;  ///< complaints and progress come into the output too, in their order
};

ran koppelctl_run(const std::string& socket, const std::vector<std::string>& arguments, const way_to_run& how = {});

}  // namespace koppel::test
