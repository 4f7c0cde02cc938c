// SPDX-License-Identifier: Apache-2.0

#include "host/net/request_head.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <charconv>
#include <optional>

#include "host/core/text.hpp"
#include "host/net/request_text.hpp"

namespace koppel::net {
namespace {

namespace http = boost::beast::http;
using parser = http::request_parser<http::empty_body>;

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

std::optional<refusal> check_request_line(std::string_view line, std::size_t target_limit) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return refusal{400, "the request line is not HTTP/1.1"};
  const std::string_view version = line.substr(last + 1);
  if (version.substr(0, 5) != "HTTP/") return refusal{400, "the request line is not HTTP/1.1"};
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return refusal{505, "only HTTP/1.1 is spoken here"};
  if (last - first - 1 > target_limit) return refusal{414, "the target is too long"};
  return std::nullopt;
}

std::size_t count(const header_list& headers, std::string_view name) {
  return static_cast<std::size_t>(
      std::count_if(headers.begin(), headers.end(), [name](const auto& h) { return h.first == name; }));
}

/// A host with an optional port, and nothing that could hide another one.
bool is_host(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{".-_:[]"}.find(c) != std::string_view::npos;
  });
}

std::optional<refusal> check_host(request_head& head, bool required) {
  if (count(head.headers, "host") > 1) return refusal{400, "Host is given twice"};
  const std::string_view host = find_header(head.headers, "host");
  if (required && count(head.headers, "host") == 0) return refusal{400, "Host is missing"};
  if (count(head.headers, "host") == 1 && !is_host(host)) return refusal{400, "Host is not a host"};
  if (head.target[0] == '/') {
    head.origin_form = head.target;
    return std::nullopt;
  }
  // absolute-form: what a proxy would be sent. Its authority and Host must agree, else one of the two is a disguise.
  const std::string_view target = head.target;
  const std::size_t scheme = target.find("://");
  const std::string name = core::lower_case(target.substr(0, std::min(scheme, target.size())));
  if (scheme == std::string_view::npos || (name != "http" && name != "https"))
    return refusal{400, "the target is not a path"};
  const std::size_t begin = scheme + 3;
  const std::size_t end = std::min(target.find_first_of("/?", begin), target.size());
  if (core::lower_case(target.substr(begin, end - begin)) != core::lower_case(host))
    return refusal{400, "target and Host differ"};
  head.origin_form = (end < target.size() && target[end] == '/' ? "" : "/") + std::string{target.substr(end)};
  return std::nullopt;
}

std::optional<refusal> check_length(request_head& head) {
  if (count(head.headers, "transfer-encoding") > 0) return refusal{400, "Transfer-Encoding is not accepted"};
  const std::size_t lengths = count(head.headers, "content-length");
  if (lengths > 1) return refusal{400, "Content-Length is given twice"};
  if (lengths == 0) {
    const bool carries_body = head.method == "POST" || head.method == "PUT" || head.method == "PATCH";
    return carries_body ? std::optional{refusal{411, "Content-Length is missing"}} : std::nullopt;
  }
  const std::string_view text = find_header(head.headers, "content-length");
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), head.content_length);
  if (text.empty() || end != text.data() + text.size()) return refusal{400, "Content-Length is not a number"};
  if (error != std::errc{}) return refusal{413, "the body is too large"};
  return std::nullopt;
}

std::optional<refusal> check_rest(request_head& head) {
  if (head.method == "TRACE" || head.method == "CONNECT") return refusal{405, "this method is not served"};
  if (count(head.headers, "expect") > 0) {
    head.expects_continue = core::lower_case(find_header(head.headers, "expect")) == "100-continue";
    if (!head.expects_continue || count(head.headers, "expect") > 1)
      return refusal{417, "only 100-continue can be expected"};
  }
  const auto compressed = [](const auto& h) {
    return h.first == "content-encoding" && core::lower_case(h.second) != "identity";
  };
  if (std::any_of(head.headers.begin(), head.headers.end(), compressed))
    return refusal{415, "bodies are not inflated here"};
  return std::nullopt;
}

}  // namespace

head_scanner::progress head_scanner::scan(std::string_view all) {
  for (; at_ < all.size(); ++at_) {
    if (lines_ == 0 && at_ > target_limit_ + 64) return refuse(414, "the request line is too long");
    if (at_ >= limits::request_head) return refuse(431, "the headers are too long");
    const auto c = static_cast<unsigned char>(all[at_]);
    const bool after_return = at_ > line_ && all[at_ - 1] == '\r';
    if (after_return != (c == '\n')) return refuse(400, "a line ends with CR LF, and nothing else does");
    if (c == '\r' || c == '\t') continue;
    if (c == '\n') {
      const auto verdict = end_line(all.substr(line_, at_ - 1 - line_));
      if (verdict == progress::refused) return verdict;
      ++lines_;
      line_ = at_ + 1;
      if (verdict == progress::complete) {
        ++at_;
        return verdict;
      }
      continue;
    }
    if (c < 0x20 || c == 0x7f) return refuse(400, "a control character");
  }
  return progress::more;
}

head_scanner::progress head_scanner::end_line(std::string_view line) {
  if (lines_ == 0) {
    const auto refused = check_request_line(line, target_limit_);
    return refused ? refuse(refused->status, refused->reason) : progress::more;
  }
  if (line.empty()) return progress::complete;
  if (line[0] == ' ' || line[0] == '\t') return refuse(400, "a folded header");
  if (lines_ > limits::request_headers) return refuse(431, "too many headers");
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
    return refuse(400, "a header without a name");
  return progress::more;
}

head_scanner::progress head_scanner::refuse(int status, std::string_view reason) {
  why_ = {status, reason};
  return progress::refused;
}

std::variant<request_head, refusal> parse_request_head(std::string_view bytes) {
  parser reader;
  reader.header_limit(static_cast<std::uint32_t>(limits::request_head));
  reader.body_limit(boost::none);
  boost::beast::error_code ec;
  reader.put(boost::asio::buffer(bytes.data(), bytes.size()), ec);
  if (!reader.is_header_done() || (ec && ec != http::error::need_more))
    return refusal{400, "the request is not HTTP/1.1"};
  const auto& message = reader.get();
  request_head head;
  head.method = std::string{view(message.method_string())};
  head.target = std::string{view(message.target())};
  if (head.target.empty()) return refusal{400, "the target is not a path"};
  for (const auto& field : message) {
    head.headers.emplace_back(core::lower_case(view(field.name_string())), std::string{view(field.value())});
  }
  head.keep_alive = reader.keep_alive() && message.version() == 11;
  if (const auto refused = check_host(head, message.version() == 11)) return *refused;
  if (const auto refused = check_length(head)) return *refused;
  if (const auto refused = check_rest(head)) return *refused;
  return head;
}

}  // namespace koppel::net
