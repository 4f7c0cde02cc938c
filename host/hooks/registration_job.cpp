// SPDX-License-Identifier: Apache-2.0

#include "host/hooks/registration_job.hpp"

#include <sodium/utils.h>

#include <utility>

#include "host/core/learned.hpp"
#include "host/core/text.hpp"
#include "host/core/written_forms.hpp"

namespace koppel::hooks {

using runtime::awaitable;

namespace {

constexpr std::size_t longest_reason = 300;

void put_in(std::string& text, const std::string& word, const std::string& value) {
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + value.size()))
    text.replace(at, word.size(), value);
}

auth::provider_client::context for_webhooks(auth::provider_client::context c) {
  c.purpose = core::egress_purpose::webhooks;
  return c;
}

}  // namespace

messages::done not_done(std::string_view error, std::string detail) {
  messages::done outcome;
  outcome.error = error;
  outcome.detail = std::move(detail);
  return outcome;
}

std::string reason_of(const messages::done& outcome) {
  return core::escaped(outcome.detail.empty() ? outcome.error : outcome.detail, longest_reason);
}

registration_job::registration_job(auth::provider_client& provider, auth::provider_client::context context, keeper keep,
                                   std::function<bool()> removed, core::secret parting_token, std::string public_url,
                                   const ledger::webhook_address& a)
    : provider_(provider),
      context_(for_webhooks(std::move(context))),
      keep_(std::move(keep)),
      removed_(std::move(removed)),
      parting_token_(std::move(parting_token)),
      url_(std::move(public_url)),
      secret_(a.secret.reveal()),
      token_(a.token.reveal()) {
  while (url_.ends_with('/')) url_.pop_back();
  url_ += "/webhook/" + context_.manifest->name + "/" + secret_;
}

registration_job::~registration_job() {
  for (auto* text : {&url_, &secret_, &token_}) sodium_memzero(text->data(), text->size());
}

awaitable<messages::reply> registration_job::http(messages::http request) {
  auto keeping = keep_learned();
  if (const auto kept = co_await std::move(keeping); !kept) {
    messages::reply refused;
    refused.error = messages::job_error::try_again;
    refused.detail = "what it remembers could not be stored: " + kept.error().detail;
    co_return refused;
  }
  fill(request.body);
  for (auto& [name, value] : request.headers) fill(value);
  const bool with_its_own = !removed_();
  auto sending = send(request);
  auto reply = co_await std::move(sending);
  // While it waited for its turn the connection was removed, and its credentials with it.
  if (with_its_own && removed_() && reply.error == messages::job_error::authorise_again && !parting_token_.empty()) {
    auto again = send(std::move(request));
    reply = co_await std::move(again);
  }
  blot(reply.body);
  blot(reply.detail);
  for (auto& [name, value] : reply.headers) blot(value);
  co_return reply;
}

awaitable<messages::reply> registration_job::send(messages::http request) {
  auto context = context_;
  if (removed_() && !parting_token_.empty()) context.not_yet_stored = &parting_token_;
  auto sending = provider_.send(std::move(context), std::move(request));
  auto reply = co_await std::move(sending);
  co_return reply;
}

awaitable<result<>> registration_job::page(messages::page) {
  co_return failure{{}, "a job that registers webhooks has no records"};
}

void registration_job::learned(messages::learned value) { core::learn(learned_, value.name, value.value); }

awaitable<result<>> registration_job::keep_learned() {
  if (learned_.empty() || removed_()) co_return result<>{};
  auto now = std::exchange(learned_, {});
  auto keeping = keep_(now);
  auto kept = co_await std::move(keeping);
  if (!kept) learned_.merge(now);  // what came meanwhile is newer
  co_return kept;
}

void registration_job::fill(std::string& text) const {
  put_in(text, address_word, url_);
  put_in(text, token_word, token_);
}

void registration_job::blot(std::string& text) const {
  core::replace_however_written(text, url_, address_word);
  core::replace_however_written(text, secret_, address_word);
  core::replace_however_written(text, token_, token_word);
}

}  // namespace koppel::hooks
