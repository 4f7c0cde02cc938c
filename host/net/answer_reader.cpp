// SPDX-License-Identifier: Apache-2.0

#include "host/net/answer_reader.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>

#include "host/core/text.hpp"

namespace koppel::net {
namespace {

namespace http = boost::beast::http;
using parser = http::response_parser<http::string_body>;

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

class answer_reader::impl {
 public:
  impl(bool head, std::size_t body_limit) : head_(head), body_limit_(body_limit) { begin(); }

  progress take(std::string_view bytes) {
    if (state_ != progress::more) return state_;
    pending_.append(bytes);
    got_some_ = got_some_ || !bytes.empty();
    while (state_ == progress::more && !pending_.empty()) {
      boost::beast::error_code ec;
      const std::size_t used = parser_->put(boost::asio::buffer(pending_), ec);
      pending_.erase(0, used);
      if (ec && ec != http::error::need_more) return refuse(ec);
      if (parser_->is_header_done() && !checked_ && !check_header()) return state_;
      if (parser_->is_done()) {
        finish();
        continue;
      }
      // What the parser leaves is an unfinished header, chunk header or trailer: the one thing that could grow for
      // ever.
      if (pending_.size() > limits::answer_head) return fail(errc::too_large, "a header exceeds the limit");
      if (ec == http::error::need_more || used == 0) break;
    }
    return state_;
  }

  progress end(bool clean) {
    if (state_ != progress::more) return state_;
    boost::beast::error_code ec;
    if (!got_some_ || !pending_.empty() || !parser_->got_some() || !parser_->is_header_done() || !clean) {
      return fail(errc::cut, "the connection ended within the answer");
    }
    parser_->put_eof(ec);
    if (ec) return fail(errc::cut, "the connection ended within the answer");
    state_ = progress::done;
    reusable_ = false;
    return state_;
  }

  response answer() {
    response r;
    r.status = static_cast<int>(parser_->get().result_int());
    for (const auto& field : parser_->get()) {
      r.headers.emplace_back(core::lower_case(view(field.name_string())), std::string{view(field.value())});
    }
    r.body = std::move(parser_->get().body());
    return r;
  }

  bool empty() const { return !got_some_; }
  bool may_be_reused() const { return state_ == progress::done && reusable_ && pending_.empty(); }
  errc error() const { return error_; }
  const std::string& why() const { return why_; }

 private:
  void begin() {
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(limits::answer_head));
    parser_->body_limit(body_limit_);
    parser_->eager(true);
    parser_->skip(head_);
    checked_ = false;
  }

  void finish() {
    const auto status = parser_->get().result_int();
    if (status / 100 == 1) {
      // 101 would make something else of the connection; a peer that only informs is kept waiting for no longer than
      // this.
      if (status == 101 || ++informational_ > limits::informational_answers) {
        fail(errc::malformed, "informational answers without end");
        return;
      }
      begin();
      return;
    }
    state_ = progress::done;
    reusable_ = parser_->keep_alive();
  }

  /// Our own checks, once the header is there.
  bool check_header() {
    checked_ = true;
    const auto& fields = parser_->get();
    if (static_cast<std::size_t>(std::distance(fields.begin(), fields.end())) > limits::answer_headers) {
      fail(errc::too_large, "it has too many headers");
      return false;
    }
    const auto codings = fields.equal_range(http::field::transfer_encoding);
    const auto lengths = fields.equal_range(http::field::content_length);
    if (codings.first != codings.second) {
      const bool plain_chunks = std::next(codings.first) == codings.second &&
                                boost::beast::iequals(codings.first->value(), "chunked") &&
                                parser_->get().version() == 11 && lengths.first == lengths.second;
      if (!plain_chunks) fail(errc::malformed, "its framing is ambiguous");
    }
    for (auto one = lengths.first; one != lengths.second; ++one) {
      if (one != lengths.first) fail(errc::malformed, "its framing is ambiguous");
    }
    const auto encodings = fields.equal_range(http::field::content_encoding);
    for (auto one = encodings.first; one != encodings.second; ++one) {
      if (!boost::beast::iequals(one->value(), "identity"))
        fail(errc::malformed, "it is compressed, which was not asked for");
    }
    return state_ != progress::failed;
  }

  progress refuse(const boost::beast::error_code& ec) {
    if (ec == http::error::body_limit) return fail(errc::too_large, "its body exceeds the limit");
    if (ec == http::error::header_limit) return fail(errc::too_large, "a header exceeds the limit");
    return fail(errc::malformed, "it is not HTTP (" + ec.message() + ")");
  }

  progress fail(errc error, std::string why) {
    state_ = progress::failed;
    error_ = error;
    why_ = std::move(why);
    return state_;
  }

  const bool head_;
  const std::size_t body_limit_;
  std::optional<parser> parser_;
  std::string pending_;  ///< what the parser has not yet consumed
  progress state_ = progress::more;
  bool got_some_ = false;
  bool checked_ = false;
  bool reusable_ = false;
  std::size_t informational_ = 0;
  errc error_ = errc::malformed;
  std::string why_;
};

answer_reader::answer_reader(bool head, std::size_t body_limit) : impl_(std::make_unique<impl>(head, body_limit)) {}
answer_reader::~answer_reader() = default;
answer_reader::progress answer_reader::take(std::string_view bytes) { return impl_->take(bytes); }
answer_reader::progress answer_reader::end(bool clean) { return impl_->end(clean); }
bool answer_reader::empty() const { return impl_->empty(); }
bool answer_reader::may_be_reused() const { return impl_->may_be_reused(); }
errc answer_reader::error() const { return impl_->error(); }
std::string answer_reader::why() const { return impl_->why(); }
response answer_reader::answer() { return impl_->answer(); }

}  // namespace koppel::net
