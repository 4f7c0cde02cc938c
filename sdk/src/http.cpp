// SPDX-License-Identifier: Apache-2.0
// Requests, answers, and what a status means for a job.
#include <koppel/sdk/http.hpp>

#include <charconv>

namespace koppel::sdk {
namespace {

void append_percent_encoded(std::string& out, std::string_view text) {
  constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr std::string_view hex = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (plain.find(c) != plain.npos)
      out += c;
    else
      out.append({'%', hex[byte >> 4], hex[byte & 15]});
  }
}

std::string path_of(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme != url.npos) url.remove_prefix(scheme + 3);
  const auto slash = url.find('/');
  if (slash == url.npos) return "/";
  // A query may hold what the connector looked for, e.g. an e-mail address.
  return std::string(url.substr(slash, url.find('?') - slash));
}

}  // namespace

std::string_view to_text(verdict what) {
  switch (what) {
    case verdict::try_again:
      return "try_again";
    case verdict::authorise_again:
      return "authorise_again";
    case verdict::scope_missing:
      return "scope_missing";
    case verdict::bad_settings:
      return "bad_settings";
    case verdict::permanent:
      return "permanent";
    case verdict::too_large:
      return "too_large";
    case verdict::bug:
      break;
  }
  return "bug";
}

verdict verdict_of_status(int status) {
  if (status == 401) return verdict::authorise_again;
  if (status == 403) return verdict::scope_missing;
  if (status == 404 || status == 410) return verdict::permanent;
  if (status == 408 || status == 425 || status == 429 || status >= 500) return verdict::try_again;
  return verdict::bug;
}

std::chrono::milliseconds retry_after(const response& answered) {
  const auto text = answered.header("retry-after");
  std::int64_t seconds = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const bool whole = fault == std::errc() && end == text.data() + text.size();
  if (!whole || seconds < 0 || seconds > 86'400) return std::chrono::milliseconds(0);
  return std::chrono::seconds(seconds);
}

request&& request::header(std::string_view name, std::string_view value) && {
  headers.emplace_back(name, value);
  return std::move(*this);
}

request&& request::query(std::string_view name, std::string_view value) && {
  url += url.find('?') == url.npos ? '?' : '&';
  append_percent_encoded(url, name);
  url += '=';
  append_percent_encoded(url, value);
  return std::move(*this);
}

request&& request::json(const json_object& of) && {
  body = of.text();
  return std::move(*this).header("content-type", "application/json");
}

request&& request::form(const std::vector<std::pair<std::string, std::string>>& fields) && {
  body.clear();
  for (const auto& [name, value] : fields) {
    if (!body.empty()) body += '&';
    append_percent_encoded(body, name);
    body += '=';
    append_percent_encoded(body, value);
  }
  return std::move(*this).header("content-type", "application/x-www-form-urlencoded");
}

std::string_view response::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return {};
}

bool response::is_page() const {
  const auto first = body.find_first_not_of(" \t\r\n");
  return first != std::string::npos && body[first] == '<';
}

const json& response::json() const {
  if (!document_.is_absent()) return document_;
  // It will pass. JSON that breaks off, or is none, is a fault that stays.
  if (is_page() || body.find_first_not_of(" \t\r\n") == std::string::npos) {
    job_failure passing(verdict::try_again, "an answer that is not JSON, but a page or nothing");
    passing.http_status = status;
    throw passing;
  }
  document_ = sdk::json::parse(body);
  return document_;
}

json response::json_if_any() const try { return json(); } catch (const job_failure&) {
  return {};
}

http_error::http_error(const request& asked, response answered)
    : job_failure(verdict_of_status(answered.status),
                  asked.method + ' ' + path_of(asked.url) + " was answered with " + std::to_string(answered.status)),
      answer_(std::move(answered)) {
  http_status = answer_.status;
  if (reason() == verdict::try_again) job_failure::retry_after = sdk::retry_after(answer_);
}

job_failure http_error::meaning(verdict what, std::string_view code) const {
  job_failure out(what, std::string(this->what()) + (code.empty() ? "" : " ") + std::string(code), http_status);
  out.retry_after = job_failure::retry_after;
  return out;
}

std::string safe_code(std::string_view said) {
  constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
  return said.size() <= 64 && said.find_first_not_of(plain) == said.npos ? std::string(said) : std::string();
}

}  // namespace koppel::sdk
