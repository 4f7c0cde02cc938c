// SPDX-License-Identifier: Apache-2.0
// event list and event follow over a real bus, whose folder the scripted daemon names.

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>
#include <koppel/bus/server.hpp>
#include <streambuf>

#include "fake_daemon.hpp"

namespace {

using namespace koppel;
using namespace koppel::test;
using Catch::Matchers::Contains;
using koppelctl::exit_code;
namespace json = boost::json;

/// A history that is complete from the start.
class history : public bus::event_source {
 public:
  explicit history(const std::vector<std::pair<std::string, std::string>>& names_and_types) {
    for (const auto& [name, type] : names_and_types) {
      bus::event e;
      e.seq = ids_.size() + 1;
      e.epoch = epoch_;
      e.type = bus::long_type(type);
      e.source = "koppel://e1/" + name;
      e.time = "2026-07-26T10:00:00.000Z";
      e.provider = "teamleader";
      e.connection_id = "id-" + name;
      e.connection = name;
      e.data = bus::msgpack_from_json(json::object{{"display", "Success"}});
      batches_.push_back({e.seq, e.seq, bus::encode(e)});
      ids_.push_back(e.id);
    }
  }

  const std::string& epoch() const override { return epoch_; }
  result<std::uint64_t> head() override { return ids_.size(); }
  result<std::uint64_t> horizon() override { return std::uint64_t{1}; }
  result<std::string> id_at(std::uint64_t seq) override { return seq == 0 || seq > ids_.size() ? "" : ids_[seq - 1]; }
  result<std::vector<bus::stored_batch>> read(std::uint64_t after, std::size_t) override {
    return std::vector<bus::stored_batch>(
        batches_.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(after, batches_.size())), batches_.end());
  }
  result<bus::newest_events> read_newest(std::uint64_t, std::uint64_t last, std::size_t) override {
    return bus::newest_events{last, {}};  // koppelctl follows, it does not walk
  }
  void acknowledge(const std::string&, std::uint64_t) override {}

 private:
  std::string epoch_ = "e1";
  std::vector<bus::stored_batch> batches_;
  std::vector<std::string> ids_;
};

/// The daemon, its bus, and five events.
struct daemon_with_bus {
  fake_daemon daemon;
  temporary_folder folder;
  bus::server server{
      folder.path / "bus",
      std::make_unique<history>(std::vector<std::pair<std::string, std::string>>{{"acme", "connection.created"},
                                                                                 {"acme", "auth.status"},
                                                                                 {"other", "auth.status"},
                                                                                 {"acme", "auth.status"},
                                                                                 {"other", "sync.completed"}}),
      {}};

  daemon_with_bus() {
    REQUIRE(server.start().has_value());
    daemon.answer("GET /v1/status", 200, R"({"head":"5","bus":{"folder":")" + (folder.path / "bus").string() + "\"}}");
  }

  std::vector<std::string> seqs(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--json"});
    const auto r = koppelctl_run(daemon.socket(), arguments);
    CHECK(r.exit == exit_code::ok);
    std::vector<std::string> found;
    std::istringstream lines(r.out);
    for (std::string line; std::getline(lines, line);) found.emplace_back(json::parse(line).at("seq").as_string());
    return found;
  }
};

using seqs = std::vector<std::string>;

TEST_CASE("event list shows the newest events, oldest of them first, as filtered", "[koppelctl][event]") {
  daemon_with_bus there;

  CHECK(there.seqs({"event", "list"}) == seqs{"1", "2", "3", "4", "5"});
  CHECK(there.seqs({"event", "list", "--limit", "2"}) == seqs{"4", "5"});
  CHECK(there.seqs({"event", "list", "--limit", "1", "--connection", "teamleader/acme"}) == seqs{"4"});
  CHECK(there.seqs({"event", "list", "--all", "--type", "auth"}) == seqs{"2", "3", "4"});
  CHECK(there.seqs({"event", "list", "--connection", "teamleader/other", "--type", "sync.completed", "--type",
                    "connection"}) == seqs{"5"});
  CHECK(there.seqs({"event", "list", "--connection", "teamleader/nobody"}).empty());
}

TEST_CASE("event list is one line an event for people", "[koppelctl][event]") {
  daemon_with_bus there;

  const auto r = koppelctl_run(there.daemon.socket(), {"event", "list", "--limit", "1", "--type", "auth.status"});

  CHECK_THAT(r.out, Contains("2026-07-26 10:00:00          4  auth.status               teamleader/acme") &&
                        Contains("Success\n"));
}

/// Counts lines and fails after some, as a full disk would: the way out of a command that has no end.
class short_paper : public std::streambuf {
 public:
  explicit short_paper(std::size_t lines) : left_(lines) {}
  std::string text;

 protected:
  int_type overflow(int_type c) override {
    if (left_ == 0) return traits_type::eof();
    text.push_back(traits_type::to_char_type(c));
    if (c == '\n') --left_;
    return c;
  }

 private:
  std::size_t left_;
};

TEST_CASE("event follow from the start shows history in order and ends when its output does", "[koppelctl][event]") {
  daemon_with_bus there;
  short_paper paper(3);
  std::istringstream in;
  std::ostream out(&paper);
  std::ostringstream err;
  koppelctl::terminal t{in, out, err};

  const auto exit =
      koppelctl::run({"--socket", there.daemon.socket(), "--json", "event", "follow", "--from", "start"}, t);

  CHECK(exit == exit_code::ok);
  CHECK_THAT(paper.text, Contains("\"seq\":\"1\"") && Contains("\"seq\":\"3\"") && !Contains("\"seq\":\"4\""));
}

}  // namespace
