// SPDX-License-Identifier: Apache-2.0
// The JSON view and builders over Boost.JSON, which is compiled into this file: a plugin needs no Boost library to run.
#include <koppel/sdk/failure.hpp>

#include "json_access.hpp"

#include <boost/json/src.hpp>

namespace koppel::sdk {
namespace {

namespace bj = boost::json;

constexpr std::size_t max_depth = 32;

std::string quoted(std::string_view text) { return bj::serialize(bj::string_view(text.data(), text.size())); }

}  // namespace

json json::parse(std::string_view text) {
  bj::parse_options options;
  options.max_depth = max_depth;
  bj::error_code fault;
  // A monotonic resource: an answer is read once and dropped whole.
  auto document = std::make_shared<bj::value>(bj::parse(bj::string_view(text.data(), text.size()), fault,
                                                        bj::make_shared_resource<bj::monotonic_resource>(), options));
  if (fault) throw job_failure(verdict::bug, "an answer that is not JSON: " + fault.message());
  const auto* root = document.get();
  return {std::move(document), root};
}

bool json::is_null() const { return at_ && json_access::value(*this)->is_null(); }
bool json::is_object() const { return at_ && json_access::value(*this)->is_object(); }
bool json::is_array() const { return at_ && json_access::value(*this)->is_array(); }

json json::operator[](std::string_view name) const {
  if (!is_object()) return {};
  const auto* member = json_access::value(*this)->get_object().if_contains(bj::string_view(name.data(), name.size()));
  return member ? json(document_, member) : json();
}

json json::at(std::string_view path) const {
  json place = *this;
  while (!path.empty() && place && !place.is_null()) {
    path.remove_prefix(1);
    const auto name = path.substr(0, path.find('/'));
    path.remove_prefix(name.size());
    place = place[name];
  }
  return place;
}

std::optional<std::string_view> json::text() const {
  if (!at_ || !json_access::value(*this)->is_string()) return std::nullopt;
  const auto& text = json_access::value(*this)->get_string();
  return std::string_view(text.data(), text.size());
}

std::optional<std::int64_t> json::integer() const {
  if (!at_) return std::nullopt;
  bj::error_code fault;
  const auto number = json_access::value(*this)->to_number<std::int64_t>(fault);
  return fault ? std::nullopt : std::optional(number);
}

std::optional<double> json::number() const {
  if (!at_ || !json_access::value(*this)->is_number()) return std::nullopt;
  bj::error_code fault;
  return json_access::value(*this)->to_number<double>(fault);
}

std::optional<bool> json::boolean() const {
  if (!at_ || !json_access::value(*this)->is_bool()) return std::nullopt;
  return json_access::value(*this)->get_bool();
}

std::size_t json::size() const {
  if (is_array()) return json_access::value(*this)->get_array().size();
  return is_object() ? json_access::value(*this)->get_object().size() : 0;
}

std::vector<std::string_view> json::names() const {
  std::vector<std::string_view> out;
  if (!is_object()) return out;
  for (const auto& member : json_access::value(*this)->get_object())
    out.emplace_back(member.key().data(), member.key().size());
  return out;
}

json_items json::items() const {
  json_items all;
  if (!is_array()) return all;
  all.list_ = *this;
  all.size_ = size();
  return all;
}

json_items json::array(std::string_view name) const {
  const auto list = (*this)[name];
  if (!list.is_array()) throw job_failure(verdict::bug, "an answer without the list '" + std::string(name) + "'");
  return list.items();
}

std::string json::dump() const { return at_ ? bj::serialize(*json_access::value(*this)) : std::string(); }

json json_items::operator[](std::size_t index) const {
  if (index >= size_) return {};
  return {list_.document_, &json_access::value(list_)->get_array()[index]};
}

json_object&& json_object::put(std::string_view name, std::string_view raw) {
  if (!members_.empty()) members_ += ',';
  members_.append(quoted(name)).append(":").append(raw);
  return std::move(*this);
}
json_object&& json_object::add(std::string_view name, std::string_view value) && { return put(name, quoted(value)); }
json_object&& json_object::add(std::string_view name, std::int64_t value) && {
  return put(name, std::to_string(value));
}
json_object&& json_object::add(std::string_view name, bool value) && { return put(name, value ? "true" : "false"); }
json_object&& json_object::add(std::string_view name, std::nullptr_t) && { return put(name, "null"); }
json_object&& json_object::add(std::string_view name, const json_object& value) && { return put(name, value.text()); }
json_object&& json_object::add(std::string_view name, const json_array& value) && { return put(name, value.text()); }

json_array&& json_array::put(std::string_view raw) {
  if (!items_.empty()) items_ += ',';
  items_ += raw;
  return std::move(*this);
}
json_array&& json_array::add(std::string_view value) && { return put(quoted(value)); }
json_array&& json_array::add(std::int64_t value) && { return put(std::to_string(value)); }
json_array&& json_array::add(const json_object& value) && { return put(value.text()); }

}  // namespace koppel::sdk
