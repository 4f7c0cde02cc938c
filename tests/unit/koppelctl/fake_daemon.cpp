// SPDX-License-Identifier: Apache-2.0
// One peer at a time, blocking, on a thread of its own.

#include "fake_daemon.hpp"

#include <stdlib.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/parse.hpp>

namespace koppel::test {

namespace asio = boost::asio;
using local = asio::local::stream_protocol;

temporary_folder::temporary_folder() {
  auto name = (std::filesystem::temp_directory_path() / "koppelctl-XXXXXX").string();
  path = ::mkdtemp(name.data());
}

fake_daemon::fake_daemon() : acceptor_(context_, local::endpoint(socket())), thread_(&fake_daemon::serve, this) {}

fake_daemon::~fake_daemon() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  local::socket knock(context_);
  boost::system::error_code ec;
  knock.connect(local::endpoint(socket()), ec);
  knock.close(ec);
  thread_.join();
}

void fake_daemon::answer(const std::string& line, int status, const std::string& body) {
  answer_raw(line, "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Type: application/json\r\nContent-Length: " +
                       std::to_string(body.size()) + "\r\n\r\n" + body);
}

void fake_daemon::answer_raw(const std::string& line, const std::string& bytes) {
  const std::lock_guard lock(mutex_);
  script_[line].push_back(bytes);
}

std::vector<asked> fake_daemon::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::vector<std::string> fake_daemon::lines() const {
  std::vector<std::string> all;
  for (const auto& r : requests()) all.push_back(r.line);
  return all;
}

boost::json::object fake_daemon::body_of(const std::string& line) const {
  for (const auto& r : requests())
    if (r.line == line) return r.body;
  return {};
}

void fake_daemon::serve() {
  for (;;) {
    local::socket peer(context_);
    acceptor_.accept(peer);
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
    }
    serve_one(peer);
  }
}

void fake_daemon::serve_one(local::socket& peer) {
  boost::system::error_code ec;
  std::string in;
  const auto head = asio::read_until(peer, asio::dynamic_buffer(in), "\r\n\r\n", ec);
  if (ec) return;
  std::size_t length = 0;
  if (const auto at = in.find("Content-Length: "); at < head) length = std::stoul(in.substr(at + 16));
  if (in.size() < head + length)
    asio::read(peer, asio::dynamic_buffer(in), asio::transfer_exactly(head + length - in.size()), ec);

  asked request{in.substr(0, in.find(" HTTP/")), {}};
  if (length > 0) request.body = boost::json::parse(in.substr(head, length)).as_object();
  std::string reply = "HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n";
  {
    const std::lock_guard lock(mutex_);
    if (auto& answers = script_[request.line]; !answers.empty()) {
      reply = answers.front();
      if (answers.size() > 1) answers.pop_front();
    }
    requests_.push_back(std::move(request));
  }
  asio::write(peer, asio::buffer(reply), ec);
}

ran koppelctl_run(const std::string& socket, const std::vector<std::string>& arguments, const way_to_run& how) {
  std::istringstream in(how.input);
  std::ostringstream out, err;
  koppelctl::terminal t{in, out, how.one_screen ? out : err};
  t.in_is_terminal = t.err_is_terminal = how.somebody_there;
  t.speaks = how.speaks;
  t.poll = std::chrono::milliseconds(1);
  std::vector<std::string> all{"--socket", socket};
  all.insert(all.end(), arguments.begin(), arguments.end());
  const auto exit = koppelctl::run(all, t);
  return {exit, out.str(), err.str()};
}

}  // namespace koppel::test
