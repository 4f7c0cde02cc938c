// SPDX-License-Identifier: Apache-2.0

#include "host/hooks/registrar.hpp"

#include <sodium/utils.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "host/core/connection_manifest.hpp"
#include "host/core/learned.hpp"
#include "host/core/text.hpp"
#include "host/core/webhook_plan.hpp"

namespace koppel::hooks {
namespace {

namespace job_error = messages::job_error;
using ledger::transaction;
using runtime::awaitable;
using state = ledger::webhook_address::state;

constexpr std::size_t at_once = 8;
constexpr std::chrono::seconds look_limit{60};
constexpr std::chrono::minutes job_limit{5};
constexpr std::chrono::seconds withdrawal_limit{10};
constexpr std::size_t longest_reason = 300;
// Without a slash: JSON has two ways to write one.
constexpr const char* address_word = "koppel-webhook-address";
constexpr const char* token_word = "koppel-webhook-token";

void replace_all(std::string& in, const std::string& what, const std::string& with) {
  if (what.empty()) return;
  for (auto at = in.find(what); at != std::string::npos; at = in.find(what, at + with.size()))
    in.replace(at, what.size(), with);
}

std::string with_escaped_slashes(std::string text) {
  replace_all(text, "/", "\\/");
  return text;
}

core::registration_facts facts_of(const ledger::webhook_address& a, const std::string& public_url) {
  using facts = core::registration_facts;
  facts f;
  f.now = a.now == state::registered ? facts::state::registered
          : a.now == state::refused  ? facts::state::refused
          : a.now == state::failing  ? facts::state::failing
                                     : facts::state::none;
  f.elsewhere = !a.base_url.empty() && a.base_url != public_url;
  f.registered_at = a.registered_at;
  f.ends_at = a.ends_at;
  f.tried_at = a.tried_at;
  f.failures = a.failures;
  return f;
}

}  // namespace

/// The plugin's requests go out with the true address and token in place of the words that stand for them.
class registrar::job final : public plugins::job_effects {
 public:
  job(auth::provider_client& provider, auth::provider_client::context context, std::string url,
      const ledger::webhook_address& a)
      : provider_(provider),
        context_(std::move(context)),
        url_(std::move(url)),
        secret_(a.secret.reveal()),
        token_(a.token.reveal()) {}
  ~job() override {
    for (auto* text : {&url_, &secret_, &token_}) sodium_memzero(text->data(), text->size());
  }

  awaitable<messages::reply> http(messages::http request) override {
    fill(request.body);
    for (auto& [name, value] : request.headers) fill(value);
    auto context = context_;
    auto sending = provider_.send(std::move(context), std::move(request));
    auto reply = co_await std::move(sending);
    blot(reply.body);
    for (auto& [name, value] : reply.headers) blot(value);
    co_return reply;
  }
  awaitable<result<>> page(messages::page) override {
    co_return failure{{}, "a job that registers webhooks has no records"};
  }
  void learned(messages::learned value) override { core::learn(learned_now, value.name, value.value); }

  std::map<std::string, std::string> learned_now;

 private:
  void fill(std::string& text) const {
    replace_all(text, address_word, url_);
    replace_all(text, token_word, token_);
  }
  void blot(std::string& text) const {
    replace_all(text, url_, address_word);
    replace_all(text, with_escaped_slashes(url_), address_word);
    replace_all(text, secret_, address_word);
    replace_all(text, token_, token_word);
  }

  auth::provider_client& provider_;
  const auth::provider_client::context context_;
  std::string url_, secret_, token_;
};

registrar::registrar(runtime::supervisor& supervisor, ledger::ledger& l, plugins::plugin_host& plugins,
                     auth::provider_client& provider, hint_service& hints, const runtime::clock& clock,
                     std::string public_url)
    : supervisor_(supervisor),
      ledger_(l),
      plugins_(plugins),
      provider_(provider),
      hints_(hints),
      clock_(clock),
      public_url_(std::move(public_url)) {}

void registrar::wake() {
  news_ = true;
  changed_.notify_all();
}

void registrar::stop() {
  stopping_ = true;
  changed_.notify_all();
}

void registrar::connection_changed(const ledger::connection& c) {
  if (c.auth.status == core::auth_status::removed) {
    known_.erase(c.id);
    return;
  }
  auto& e = known_[c.id];
  const bool granted = c.auth.status == core::auth_status::authorized &&
                       e.connection.auth.status != core::auth_status::authorized && !e.connection.id.empty();
  e.connection = c;
  // Another grant may have other rights.
  if (granted && e.address && (e.address->now == state::refused || e.address->now == state::failing))
    e.address->now = state::none;
  wake();
}

awaitable<result<>> registrar::start() {
  std::vector<ledger::webhook_address> stored;
  std::vector<ledger::connection> there;
  const std::function<result<void>(transaction&)> load = [&](transaction& tx) -> result<> {
    auto found = tx.webhook_addresses();
    if (!found) return found.error();
    stored = std::move(*found);
    there = tx.connections();
    return {};
  };
  auto loading = ledger_.write(load);
  if (auto loaded = co_await std::move(loading); !loaded) co_return loaded;
  for (auto& c : there) known_[c.id].connection = std::move(c);
  for (auto& a : stored) {
    const auto at = known_.find(a.connection_id);
    if (at != known_.end()) at->second.address = std::make_shared<ledger::webhook_address>(std::move(a));
  }
  co_return result<>{};
}

awaitable<void> registrar::keep_registered() {
  auto settled = plugins_.settled();
  co_await std::move(settled);
  while (!stopping_) {
    news_ = false;
    const auto again = start_what_is_due();
    if (news_) continue;
    const auto wait =
        std::clamp<std::chrono::milliseconds>(again - clock_.now(), std::chrono::milliseconds{1}, look_limit);
    const auto limit = runtime::steady_clock::now() + wait;
    const bool goes_on = co_await changed_.wait_or_stop(limit);
    if (!goes_on) co_return;
  }
}

core::instant registrar::start_what_is_due() {
  const auto now = clock_.now();
  auto look_again = now + look_limit;
  for (auto& [id, e] : known_) {
    if (busy_ >= at_once) break;  // whoever ends wakes us
    if (e.busy || e.connection.auth.status != core::auth_status::authorized) continue;
    const auto m = plugins_.find(e.connection.provider);
    if (!m || !m->webhook) continue;
    if (e.address) {
      if (public_url_.empty() || !m->webhook->registered) continue;
      const auto due = core::registration_due(facts_of(*e.address, public_url_), now);
      if (due > now) {
        look_again = std::min(look_again, due);
        continue;
      }
    }
    e.busy = true;
    ++busy_;
    supervisor_.run("webhook address of " + e.connection.provider + "/" + e.connection.name, look_after(id));
  }
  return look_again;
}

awaitable<void> registrar::look_after(std::string id) {
  const auto at = known_.find(id);
  const bool has_address = at != known_.end() && at->second.address != nullptr;
  if (!has_address) {
    auto making = make_address(id);
    if (const auto made = co_await std::move(making); !made) {
      spdlog::warn("a webhook address could not be made: {}", made.error().detail);
      auto pause = runtime::sleep_for(look_limit);
      co_await std::move(pause);
    }
  } else {
    const auto old = at->second.address->base_url;
    const auto name = at->second.connection.provider + "/" + at->second.connection.name;
    if (at->second.address->now == state::registered && !old.empty() && old != public_url_) {
      auto removing = ask(at->second, "remove_webhooks", old);
      if (const auto gone = co_await std::move(removing); !gone.error.empty())
        spdlog::warn("{}: webhooks to {} could not be removed: {} {}", name, old, gone.error,
                     core::escaped(gone.detail, longest_reason));
    }
    const auto still = known_.find(id);
    if (still != known_.end()) {
      auto asking = ask(still->second, "register_webhooks", public_url_);
      auto outcome = co_await std::move(asking);
      auto settling = settle(id, std::move(outcome));
      co_await std::move(settling);
    }
  }
  --busy_;
  if (const auto left = known_.find(id); left != known_.end()) left->second.busy = false;
  wake();
}

awaitable<result<>> registrar::make_address(std::string id) {
  auto made = std::make_shared<ledger::webhook_address>();
  const std::function<result<void>(transaction&)> make = [&](transaction& tx) -> result<> {
    auto found = tx.webhook_address_of(id);
    if (!found) return found.error();
    *made = std::move(*found);
    return {};
  };
  auto making = ledger_.write(make);
  if (auto done = co_await std::move(making); !done) co_return done;
  const auto at = known_.find(id);
  if (at == known_.end()) co_return result<>{};
  hints_.know(*made);
  at->second.address = std::move(made);
  co_return result<>{};
}

awaitable<messages::done> registrar::ask(entry of, const char* kind, std::string base_url) {
  const auto m = plugins_.find(of.connection.provider);
  messages::done none;
  none.error = job_error::try_again;
  none.detail = "no plugin of provider " + of.connection.provider + " is running";
  if (!m) co_return none;
  auth::provider_client::context context;
  context.manifest = core::manifest_for(m, of.connection.settings, of.connection.learned);
  context.connection_id = of.connection.id;
  context.account_id = of.connection.pinned ? of.connection.pinned->id : "";
  context.deadline = clock_.now() + job_limit;
  const auto id = of.connection.id, app_id = of.connection.app_id;
  const std::function<result<void>(transaction&)> look = [&](transaction& tx) -> result<> {
    if (const auto app = tx.find_app(app_id)) context.client_id = app->client_id;
    return {};
  };
  auto looking = ledger_.write(look);
  if (const auto looked = co_await std::move(looking); !looked) {
    none.detail = looked.error().detail;
    co_return none;
  }
  messages::start start;
  start.kind = kind;
  start.settings = core::job_settings(*m, of.connection.settings, of.connection.learned);
  start.deadline = context.deadline.time_since_epoch().count();
  start.webhook_url = address_word;
  start.webhook_token = token_word;
  while (base_url.ends_with('/')) base_url.pop_back();
  const auto url = base_url + "/webhook/" + of.connection.provider + "/" + std::string(of.address->secret.reveal());
  job work(provider_, std::move(context), url, *of.address);
  auto running = plugins_.run(of.connection.provider, std::move(start), work);
  auto outcome = co_await std::move(running);
  const auto learned = work.learned_now;
  const std::function<result<void>(transaction&)> remember = [&](transaction& tx) -> result<> {
    auto row = tx.find_connection(id);
    if (!row) return {};
    for (const auto& [name, value] : learned) core::learn(row->learned, name, value);
    return tx.update_connection(*row);
  };
  if (!learned.empty()) {
    auto remembering = ledger_.write(remember);
    if (const auto done = co_await std::move(remembering); !done)
      spdlog::warn("what a job about webhooks learned was not kept: {}", done.error().detail);
    if (const auto at = known_.find(id); at != known_.end())
      for (const auto& [name, value] : learned) core::learn(at->second.connection.learned, name, value);
  }
  if (outcome.error == job_error::authorise_again && credentials_refused)
    credentials_refused(id, outcome.http_status, outcome.detail);
  co_return outcome;
}

awaitable<result<>> registrar::store(const ledger::webhook_address& a) {
  const std::function<result<void>(transaction&)> write = [&a](transaction& tx) -> result<> {
    tx.store_webhook_state(a);
    return {};
  };
  auto writing = ledger_.write(write);
  co_return co_await std::move(writing);
}

awaitable<void> registrar::settle(std::string id, messages::done outcome) {
  const auto at = known_.find(id);
  if (at == known_.end() || stopping_) co_return;
  const auto address = at->second.address;
  auto& a = *address;
  const auto now = clock_.now();
  const auto before = a.now;
  a.tried_at = now;
  a.reason = core::escaped(outcome.detail, longest_reason);
  if (outcome.error.empty()) {
    a.now = state::registered;
    a.base_url = public_url_;
    a.registered_at = now;
    a.ends_at.reset();
    if (outcome.registered_until > 0) a.ends_at = core::instant(std::chrono::milliseconds{outcome.registered_until});
    a.failures = 0;
    a.reason.clear();
  } else if (outcome.error == job_error::scope_missing || outcome.error == job_error::permanent ||
             outcome.error == job_error::bad_settings) {
    a.now = state::refused;
    a.base_url = public_url_;
  } else {
    a.now = state::failing;
    ++a.failures;
  }
  const auto& c = at->second.connection;
  if (a.now != before)
    spdlog::info("{}/{}: webhooks are {}{}{}", c.provider, c.name, to_string(a.now), a.reason.empty() ? "" : ": ",
                 a.reason);
  auto storing = store(a);
  if (const auto done = co_await std::move(storing); !done)
    spdlog::warn("the state of webhooks could not be stored: {}", done.error().detail);
}

awaitable<std::string> registrar::withdraw(std::string id) {
  const auto at = known_.find(id);
  const bool registered = at != known_.end() && at->second.address && at->second.address->now == state::registered;
  if (!registered) co_return "";
  std::string left = "Webhooks that the provider sends to " + at->second.address->base_url +
                     " may not be removed; they are refused from now on.";
  if (at->second.connection.auth.status != core::auth_status::authorized) co_return left;
  // The job goes on by itself where it takes longer; whoever removes does not wait for it.
  auto ended = std::make_shared<std::optional<messages::done>>();
  supervisor_.run("removal of webhooks", withdraw_into(at->second, ended));
  const auto limit = runtime::steady_clock::now() + withdrawal_limit;
  while (!*ended && runtime::steady_clock::now() < limit && !stopping_) {
    auto waiting = changed_.wait_until(limit);
    co_await std::move(waiting);
  }
  if (*ended && (*ended)->error.empty()) co_return "";
  co_return left;
}

awaitable<void> registrar::withdraw_into(entry of, std::shared_ptr<std::optional<messages::done>> out) {
  auto base = of.address->base_url;
  auto asking = ask(std::move(of), "remove_webhooks", std::move(base));
  *out = co_await std::move(asking);
  wake();
}

}  // namespace koppel::hooks
