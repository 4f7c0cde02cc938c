// SPDX-License-Identifier: Apache-2.0

#include "host/net/client_connection.hpp"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <koppel/fault_point.hpp>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "host/net/answer_reader.hpp"

namespace koppel::net {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using runtime::awaitable;
using runtime::token;

/// A process that was stopped for a while finds its deadlines long past, and what came meanwhile unread. It gets a
/// moment to read it: an answer with new tokens is not to be had twice.
constexpr std::chrono::milliseconds frozen{250}, moment_to_read{1'000};

}  // namespace

struct tls_trust {
  ssl::context context{ssl::context::tls_client};
};

namespace {

class tls_connection final : public client_connection, public std::enable_shared_from_this<tls_connection> {
 public:
  tls_connection(asio::any_io_executor executor, ssl::context& tls, std::string host)
      : stream_(executor, tls), watchdog_(executor), host_(std::move(host)) {}

  awaitable<result<>> open(tcp::endpoint to, deadline_point deadline) override;
  awaitable<exchanged> exchange(std::string request, bool head, std::size_t body_limit,
                                deadline_point deadline) override;
  bool is_quiet() override;
  deadline_point idle_since() const override { return idle_since_; }

 private:
  void arm(deadline_point deadline);
  void disarm();
  failure failed(errc what, const std::string& why) const;
  /// The reason a socket operation ended: our watchdog, a cancellation, or `otherwise`.
  failure explain(const boost::system::error_code& ec, errc otherwise, const std::string& doing) const;

  ssl::stream<tcp::socket> stream_;
  asio::steady_timer watchdog_;
  const std::string host_;
  std::uint64_t watch_ = 0;  ///< counts arm(): a watchdog that fired for an earlier wait must not end this one
  bool expired_ = false;
  deadline_point idle_since_{};
};

}  // namespace

result<std::shared_ptr<tls_trust>> make_tls_trust(const std::string& ca_file) {
  auto trust = std::make_shared<tls_trust>();
  ssl::context& context = trust->context;
  boost::system::error_code ec;
  context.set_verify_mode(ssl::verify_peer, ec);
  if (!ec && SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION) != 1) ec = errc::tls;
  if (ec) return failure{errc::tls, "TLS could not be set up (" + ec.message() + ")."};
  if (ca_file.empty()) {
    context.set_default_verify_paths(ec);
    if (ec) return failure{errc::tls, "The system's root certificates cannot be read (" + ec.message() + ")."};
  } else {
    context.load_verify_file(ca_file, ec);
    if (ec) {
      return failure{errc::tls,
                     "The CA file " + ca_file + " of a [[route]] cannot be read as PEM (" + ec.message() + ")."};
    }
  }
  return trust;
}

client_connection::pointer client_connection::make(asio::any_io_executor executor, tls_trust& trust, std::string host) {
  return std::make_shared<tls_connection>(std::move(executor), trust.context, std::move(host));
}

awaitable<result<>> tls_connection::open(tcp::endpoint to, deadline_point deadline) {
  SSL* const handle = stream_.native_handle();
  X509_VERIFY_PARAM* const checks = SSL_get0_param(handle);
  // DNS names of the certificate only: OpenSSL would fall back to the subject's common name.
  X509_VERIFY_PARAM_set_hostflags(checks, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (X509_VERIFY_PARAM_set1_host(checks, host_.c_str(), host_.size()) != 1 ||
      SSL_set_tlsext_host_name(handle, host_.c_str()) != 1) {
    co_return failed(errc::tls, "TLS with it could not be set up");
  }
  arm(deadline);
  const auto [connected] = co_await stream_.next_layer().async_connect(to, token);
  if (connected) {
    disarm();
    co_return explain(connected, errc::connect, "connecting to it failed");
  }
  boost::system::error_code ignored;
  stream_.next_layer().set_option(tcp::no_delay(true), ignored);
  const auto [shaken] = co_await stream_.async_handshake(ssl::stream_base::client, token);
  disarm();
  if (shaken) {
    const long verdict = SSL_get_verify_result(handle);
    const std::string why = verdict == X509_V_OK ? "" : ": " + std::string{X509_verify_cert_error_string(verdict)};
    co_return explain(shaken, errc::tls, "its TLS was refused" + why);
  }
  co_return result<>{};
}

awaitable<client_connection::exchanged> tls_connection::exchange(std::string request, bool head, std::size_t body_limit,
                                                                 deadline_point deadline) {
  exchanged outcome{failed(errc::cut, "nothing came")};
  arm(deadline);
  KOPPEL_FAULT_POINT("net.before_request");
  const auto [write_error, written] = co_await asio::async_write(stream_, asio::buffer(request), token);
  if (write_error) {
    disarm();
    outcome.answer = explain(write_error, errc::cut, "the connection ended within the request");
    outcome.unanswered = !expired_ && write_error != asio::error::operation_aborted;
    outcome.unsent = written == 0;
    co_return outcome;
  }
  KOPPEL_FAULT_POINT("net.request_sent");
  answer_reader reader(head, body_limit);
  std::array<char, 16384> bytes;
  auto progress = answer_reader::progress::more;
  boost::system::error_code read_error;
  while (progress == answer_reader::progress::more && !read_error) {
    const auto [ec, n] = co_await stream_.async_read_some(asio::buffer(bytes), token);
    read_error = ec;
    if (n > 0) progress = reader.take(std::string_view{bytes.data(), n});
  }
  disarm();
  if (progress == answer_reader::progress::more && !expired_ && read_error != asio::error::operation_aborted) {
    progress = reader.end(read_error == asio::error::eof);
    outcome.unanswered = reader.empty();
  }
  if (progress == answer_reader::progress::done) {
    outcome.answer = reader.answer();
    outcome.reusable = reader.may_be_reused() && !read_error;
    idle_since_ = std::chrono::steady_clock::now();
  } else if (progress == answer_reader::progress::failed) {
    outcome.answer = failed(reader.error(), "its answer was refused: " + reader.why());
  } else {
    outcome.answer = explain(read_error, errc::cut, "the connection ended within the answer");
  }
  co_return outcome;
}

bool tls_connection::is_quiet() {
  SSL* const handle = stream_.native_handle();
  if (SSL_has_pending(handle) != 0 || BIO_ctrl_pending(SSL_get_rbio(handle)) != 0 || SSL_get_shutdown(handle) != 0) {
    return false;
  }
  char byte = 0;
  const auto n = ::recv(stream_.next_layer().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void tls_connection::arm(deadline_point deadline) {
  expired_ = false;
  watchdog_.expires_at(deadline);
  watchdog_.async_wait([weak = weak_from_this(), watch = ++watch_, deadline](const boost::system::error_code& ec) {
    const auto self = weak.lock();
    if (ec || !self || self->watch_ != watch) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - deadline > frozen) return self->arm(now + moment_to_read);
    self->expired_ = true;
    boost::system::error_code ignored;
    self->stream_.next_layer().close(ignored);
  });
}

void tls_connection::disarm() {
  ++watch_;
  watchdog_.cancel();
}

failure tls_connection::failed(errc what, const std::string& why) const {
  return {what, "The exchange with " + host_ + " failed: " + why + "."};
}

failure tls_connection::explain(const boost::system::error_code& ec, errc otherwise, const std::string& doing) const {
  if (expired_) return failed(errc::timeout, "the deadline passed");
  if (ec == asio::error::operation_aborted) return failed(errc::cancelled, "it was cancelled");
  return failed(otherwise, doing + (otherwise == errc::tls ? "" : " (" + ec.message() + ")"));
}

}  // namespace koppel::net
