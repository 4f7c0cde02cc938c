// SPDX-License-Identifier: Apache-2.0

#include "host/net/server_tls.hpp"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <array>
#include <boost/asio/ssl/context.hpp>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "host/net/http.hpp"

namespace koppel::net {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

constexpr std::chrono::days soon{14};

/// Which bytes a path leads to: a renewed file has another time, size or number.
struct file_mark {
  dev_t device = 0;
  ino_t number = 0;
  off_t size = 0;
  timespec changed{};

  bool operator==(const file_mark& o) const {
    return device == o.device && number == o.number && size == o.size && changed.tv_sec == o.changed.tv_sec &&
           changed.tv_nsec == o.changed.tv_nsec;
  }
};
using marks = std::array<file_mark, 2>;

file_mark mark_of(const std::string& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return {};
  return {about.st_dev, about.st_ino, about.st_size, about.st_mtim};
}

failure unusable(const std::string& path, const std::string& why) {
  return {make_error_code(errc::tls), "The file " + path + " of [ingress] " + why};
}

/// Whoever has the key can pass for us.
result<> check_mode(const std::string& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0)
    return unusable(path, "cannot be read: " + std::string(std::strerror(errno)) + ".");
  if (!S_ISREG(about.st_mode)) return unusable(path, "is no file.");
  if ((about.st_mode & S_IRWXO) != 0 || (about.st_mode & S_IWGRP) != 0)
    return unusable(path, "holds a key that others may read or change; run: chmod o=,g-w " + path);
  return {};
}

core::instant end_of(const ssl::context& context) {
  const auto* own = SSL_CTX_get0_certificate(const_cast<ssl::context&>(context).native_handle());
  std::tm at{};
  if (own == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(own), &at) != 1) return {};
  return core::instant(std::chrono::seconds(::timegm(&at)));
}

struct loaded {
  std::shared_ptr<ssl::context> context;
  core::instant until{};
};

result<loaded> load_files(const server_certificate::files& of) {
  if (auto fit = check_mode(of.key); !fit) return fit.error();
  loaded out;
  out.context = std::make_shared<ssl::context>(ssl::context::tls_server);
  auto& context = *out.context;
  error_code ec;
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  context.set_options(ssl::context::default_workarounds | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE,
                      ec);
  // Nobody is at the terminal of a daemon: a key with a passphrase is refused, not asked about.
  context.set_password_callback([](std::size_t, ssl::context::password_purpose) { return std::string(); }, ec);
  context.use_certificate_chain_file(of.certificate, ec);
  if (ec) return unusable(of.certificate, "is no certificate in PEM (" + ec.message() + ").");
  context.use_private_key_file(of.key, ssl::context::pem, ec);
  if (ec && ERR_GET_REASON(static_cast<unsigned long>(ec.value())) == X509_R_KEY_VALUES_MISMATCH)
    return unusable(of.key, "holds a key that does not fit the certificate " + of.certificate + ".");
  if (ec) return unusable(of.key, "is no private key in PEM without a passphrase (" + ec.message() + ").");
  if (SSL_CTX_check_private_key(context.native_handle()) != 1)
    return unusable(of.key, "holds a key that does not fit the certificate " + of.certificate + ".");
  out.until = end_of(context);
  return out;
}

void tell_age(const std::string& file, core::instant until, core::instant now) {
  if (until <= now)
    spdlog::warn("the certificate {} ended at {}: browsers refuse it", file, core::to_rfc3339(until));
  else if (until - now < soon)
    spdlog::warn("the certificate {} ends soon, at {}", file, core::to_rfc3339(until));
}

}  // namespace

struct server_certificate::state {
  files of;
  const runtime::clock& clock;
  marks seen;
  loaded now;
};

server_certificate::server_certificate(std::unique_ptr<state> s) : state_(std::move(s)) {}
server_certificate::~server_certificate() = default;

result<std::shared_ptr<server_certificate>> server_certificate::load(files of, const runtime::clock& clock) {
  // Before the reading: what changes meanwhile is read again.
  const marks seen{mark_of(of.certificate), mark_of(of.key)};
  auto read = load_files(of);
  if (!read) return read.error();
  tell_age(of.certificate, read->until, clock.now());
  auto made = std::make_unique<state>(state{std::move(of), clock, seen, std::move(*read)});
  return std::shared_ptr<server_certificate>(new server_certificate(std::move(made)));
}

std::shared_ptr<ssl_ctx_st> server_certificate::current() {
  const marks found{mark_of(state_->of.certificate), mark_of(state_->of.key)};
  if (found != state_->seen) {
    state_->seen = found;
    // Between the two files of a renewal they may not fit: the second one's change is seen too.
    if (auto read = load_files(state_->of)) {
      state_->now = std::move(*read);
      spdlog::info("the certificate {} was read again: valid until {}", state_->of.certificate,
                   core::to_rfc3339(state_->now.until));
      tell_age(state_->of.certificate, state_->now.until, state_->clock.now());
    } else {
      spdlog::warn("{} The former certificate stays in use", read.error().detail);
    }
  }
  const auto& context = state_->now.context;
  return {context, context->native_handle()};
}

core::instant server_certificate::valid_until() const { return state_->now.until; }

}  // namespace koppel::net
