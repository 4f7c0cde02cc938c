// SPDX-License-Identifier: Apache-2.0
// Beast over a unix socket. A new connection for each exchange: they are few, and a restarted daemon needs no thought.

#include "tools/koppelctl/control.hpp"

#include <sys/un.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <exception>
#include <tuple>

#include "tools/koppelctl/errors.hpp"
#include "tools/koppelctl/json_read.hpp"
#include "tools/koppelctl/text.hpp"

namespace koppel::koppelctl {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using error_code = boost::system::error_code;
using stream = beast::basic_stream<asio::local::stream_protocol, asio::any_io_executor>;

constexpr auto token = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t answer_bytes = 64 * 1024 * 1024;
constexpr std::size_t socket_name_bytes = sizeof(sockaddr_un::sun_path) - 1;

struct outcome {
  error_code why;
  bool connected = false;
  unsigned status = 0;
  std::string text;
};

/// Everything is the caller's and outlives the coroutine: it runs to its end inside `exchange`.
asio::awaitable<void> perform(const std::string& socket, http::request<http::string_body>& request,
                              std::chrono::seconds patience, outcome& out) {
  stream connection(co_await asio::this_coro::executor);
  connection.expires_after(patience);
  const asio::local::stream_protocol::endpoint where(socket);
  std::tie(out.why) = co_await connection.async_connect(where, token);
  if (out.why) co_return;
  out.connected = true;

  std::size_t written = 0;
  std::tie(out.why, written) = co_await http::async_write(connection, request, token);
  // A daemon that refuses early answers and closes: the answer counts, not the broken pipe.
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(answer_bytes);
  std::size_t read = 0;
  std::tie(out.why, read) = co_await http::async_read(connection, buffer, parser, token);
  if (out.why) co_return;
  out.status = parser.get().result_int();
  out.text = std::move(parser.get().body());
}

}  // namespace

failure unreachable(const std::string& socket, const error_code& why) {
  const auto name = printable(socket);
  if (why == boost::system::errc::permission_denied)
    return fail(errc::unreachable, "No permission for the control socket " + name +
                                       ". Run koppelctl as the user that runs koppeld, or as root.");
  const auto way_out = " Start it with: koppeld --config FILE, or name its socket with --socket or KOPPEL_SOCKET.";
  if (why == boost::system::errc::no_such_file_or_directory || why == boost::system::errc::not_a_directory)
    return fail(errc::unreachable, "koppeld is not running: there is no control socket " + name + "." + way_out);
  if (why == boost::system::errc::connection_refused)
    return fail(errc::unreachable,
                "koppeld is not running: nobody listens on the control socket " + name + "." + way_out);
  return fail(errc::unreachable, "The control socket " + name + " cannot be used: " + why.message() + ".");
}

result<json::object> read_answer(unsigned status, std::string_view text) {
  error_code ec;
  const auto value = text.empty() ? json::value(json::object{}) : json::parse(text, ec);
  const bool good = status >= 200 && status < 300;
  if (good && !ec && value.is_object()) return value.get_object();
  if (!good && !ec && value.is_object()) {
    const auto message = text_of(object_of(value.get_object(), "error"), "message");
    const bool input = status == 400 || status == 422 || status == 503;
    if (!message.empty()) return fail(input ? errc::bad_input : errc::refused, printable(message));
  }
  return fail(errc::not_understood, "The daemon answered something that this koppelctl does not understand (HTTP " +
                                        std::to_string(status) +
                                        "). Are both of the same version? See koppelctl --version.");
}

result<json::object> control::exchange(const std::string& method, const std::string& path, const std::string& what,
                                       std::chrono::seconds patience) {
  if (socket_.size() > socket_name_bytes || socket_.empty())
    return fail(errc::usage, "A socket's path has 1 to " + std::to_string(socket_name_bytes) + " bytes.");

  http::request<http::string_body> request(http::string_to_verb(method), path, 11);
  request.set(http::field::host, "koppel");
  request.set(http::field::accept, "application/json");
  request.set(http::field::connection, "close");
  if (!what.empty()) request.set(http::field::content_type, "application/json");
  request.body() = what;
  request.prepare_payload();

  asio::io_context context;
  outcome out;
  asio::co_spawn(context, perform(socket_, request, patience, out), [](const std::exception_ptr& thrown) {
    if (thrown) std::rethrow_exception(thrown);
  });
  while (!context.stopped()) {
    context.run_for(std::chrono::milliseconds(120));
    if (!context.stopped() && while_waiting) while_waiting();
  }

  if (!out.connected) return unreachable(socket_, out.why);
  if (out.why == beast::error::timeout)
    return fail(errc::unreachable, "koppeld did not answer within " + std::to_string(patience.count()) + " seconds.");
  if (out.why) return fail(errc::unreachable, "koppeld broke off without an answer: " + out.why.message() + ".");
  return read_answer(out.status, out.text);
}

result<json::object> control::get(const std::string& path, std::chrono::seconds patience) {
  return exchange("GET", path, {}, patience);
}

result<json::object> control::post(const std::string& path, const body& what, std::chrono::seconds patience) {
  return exchange("POST", path, json::serialize(what), patience);
}

result<json::object> control::patch(const std::string& path, const body& what) {
  return exchange("PATCH", path, json::serialize(what), longest_answer);
}

result<json::object> control::remove(const std::string& path) { return exchange("DELETE", path, {}, longest_answer); }

}  // namespace koppel::koppelctl
