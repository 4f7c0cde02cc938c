// SPDX-License-Identifier: Apache-2.0
// One coroutine asks the outbox for what is due and starts a coroutine for each call. Nothing here suspends between the
// question and the timer, so no call to look_again is lost.
#include "courier.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <iostream>
#include <map>

#include "webhook_route.hpp"

namespace koppel::provider_sim {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;
using std::chrono::steady_clock;

constexpr auto token = asio::as_tuple(asio::use_awaitable);
/// Moved clocks are noticed by then at the latest.
constexpr std::chrono::milliseconds longest_sleep{60'000};

std::int64_t wall_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

http::request<http::string_body> message(const delivery& what, const webhook_target& to) {
  http::request<http::string_body> post(http::verb::post, to.path, 11);
  post.set(http::field::host, to.authority);
  post.set(http::field::content_type, "application/json");
  post.keep_alive(false);
  for (const auto& [name, value] : what.headers) post.set(name, value);
  post.body() = what.body;
  post.prepare_payload();
  return post;
}

}  // namespace

struct courier::works {
  asio::io_context& context;
  simulator& behind;
  std::function<instant()> clock;
  asio::steady_timer wake{context};
  std::map<std::string, asio::ssl::context> trusts;  ///< by CA file; reading the system's takes a while

  works(asio::io_context& on, simulator& of, std::function<instant()> now)
      : context(on), behind(of), clock(std::move(now)) {}

  asio::awaitable<void> dispatch();
  asio::awaitable<void> carry(parcel one);
  asio::awaitable<void> call(const delivery& what, const webhook_target& to, attempt& result);
  asio::awaitable<void> call_tls(const delivery& what, const webhook_target& to, attempt& result);
  asio::ssl::context* trust(const std::string& ca_file, attempt& result);
  template <class Stream>
  asio::awaitable<void> exchange(Stream& stream, const delivery& what, const webhook_target& to, attempt& result);

  void supervise(asio::awaitable<void> work) {
    asio::co_spawn(context, std::move(work), [](std::exception_ptr failed) {
      try {
        if (failed) std::rethrow_exception(failed);
      } catch (const std::exception& error) {
        std::cerr << "webhook: " << error.what() << '\n';
      }
    });
  }
};

asio::awaitable<void> courier::works::dispatch() {
  for (;;) {
    auto& box = behind.deliveries();
    while (auto due = box.next(clock())) {
      auto work = carry(*std::move(due));
      supervise(std::move(work));
    }
    const auto at = box.wake_at();
    const auto sleep = at ? std::clamp<std::chrono::milliseconds>(*at - clock(), {}, longest_sleep) : longest_sleep;
    wake.expires_after(sleep + std::chrono::milliseconds(1));
    const auto [cancelled] = co_await wake.async_wait(token);
    static_cast<void>(cancelled);
  }
}

asio::awaitable<void> courier::works::carry(parcel one) {
  const auto where = resolve_webhook(one.what.url, behind.webhook_places());
  attempt result;
  result.problem = where.problem;
  if (where.problem.empty()) {
    auto work = where.target.tls ? call_tls(one.what, where.target, result) : call(one.what, where.target, result);
    co_await std::move(work);
  }
  behind.delivered(std::move(one), result, clock());
  wake.cancel();
}

asio::awaitable<void> courier::works::call(const delivery& what, const webhook_target& to, attempt& result) {
  beast::tcp_stream stream(context);
  stream.expires_after(what.patience);
  const tcp::endpoint endpoint(asio::ip::make_address(to.at.address), to.at.port);
  const auto [refused] = co_await stream.async_connect(endpoint, token);
  if (refused) {
    result.problem = refused.message();
    co_return;
  }
  auto work = exchange(stream, what, to, result);
  co_await std::move(work);
}

/// Nothing, and the problem said, if the file cannot be read.
asio::ssl::context* courier::works::trust(const std::string& ca_file, attempt& result) {
  const auto known = trusts.find(ca_file);
  if (known != trusts.end()) return &known->second;
  asio::ssl::context fresh(asio::ssl::context::tls_client);
  boost::system::error_code unread;
  if (ca_file.empty())
    fresh.set_default_verify_paths(unread);
  else
    fresh.load_verify_file(ca_file, unread);
  if (unread) {
    result.problem = "ca_file: " + unread.message();
    return nullptr;
  }
  fresh.set_verify_mode(asio::ssl::verify_peer);
  return &trusts.emplace(ca_file, std::move(fresh)).first->second;
}

asio::awaitable<void> courier::works::call_tls(const delivery& what, const webhook_target& to, attempt& result) {
  auto* known = trust(to.at.ca_file, result);
  if (known == nullptr) co_return;
  beast::ssl_stream<beast::tcp_stream> stream(context, *known);
  stream.set_verify_callback(asio::ssl::host_name_verification(to.host));
  SSL_set_tlsext_host_name(stream.native_handle(), to.host.c_str());
  auto& below = beast::get_lowest_layer(stream);
  below.expires_after(what.patience);
  const tcp::endpoint endpoint(asio::ip::make_address(to.at.address), to.at.port);
  const auto [refused] = co_await below.async_connect(endpoint, token);
  if (refused) {
    result.problem = refused.message();
    co_return;
  }
  const auto [distrusted] = co_await stream.async_handshake(asio::ssl::stream_base::client, token);
  if (distrusted) {
    result.problem = distrusted.message();
    co_return;
  }
  auto work = exchange(stream, what, to, result);
  co_await std::move(work);
}

template <class Stream>
asio::awaitable<void> courier::works::exchange(Stream& stream, const delivery& what, const webhook_target& to,
                                               attempt& result) {
  auto post = message(what, to);
  result.sent_us = wall_us();
  const auto [cut, sent] = co_await http::async_write(stream, post, token);
  if (cut) {
    result.problem = cut.message();
    co_return;
  }
  beast::flat_buffer buffer;
  http::response<http::string_body> answer;
  const auto [failed, received] = co_await http::async_read(stream, buffer, answer, token);
  if (failed) {
    result.problem = failed.message();
    co_return;
  }
  result.answered_us = wall_us();
  result.status = static_cast<int>(answer.result_int());
}

courier::courier(asio::io_context& context, simulator& behind, std::function<instant()> clock)
    : works_(std::make_unique<works>(context, behind, std::move(clock))) {}

courier::~courier() = default;

void courier::start() { works_->supervise(works_->dispatch()); }

void courier::look_again() { works_->wake.cancel(); }

}  // namespace koppel::provider_sim
