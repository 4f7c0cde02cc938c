// SPDX-License-Identifier: Apache-2.0
// The registrar's jobs, one after another for a connection, and the withdrawal before it is removed.

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "host/core/connection_manifest.hpp"
#include "host/core/learned.hpp"
#include "host/hooks/registrar.hpp"
#include "host/hooks/registration_job.hpp"

namespace koppel::hooks {
namespace {

namespace job_error = messages::job_error;
using ledger::transaction;
using runtime::awaitable;

constexpr std::chrono::minutes job_limit{5};

/// "https://koppel.example (why), https://old.example (why)"
void add_place(std::string& to, const std::string& url, const std::string& why) {
  to += (to.empty() ? "" : ", ") + url + " (" + why + ")";
}

}  // namespace

awaitable<messages::done> registrar::ask(std::string id, const char* kind, std::string public_url) {
  const auto at = known_.find(id);
  const auto resting = not_done(job_error::cancelled, "the connection is being removed");
  if (at == known_.end()) co_return resting;
  const auto address = at->second.address;
  const auto provider = at->second.connection.provider;
  const auto m = plugins_.find(provider);
  if (!m) co_return not_done(job_error::try_again, "no plugin of provider " + provider + " is running");
  messages::start start;
  start.kind = kind;
  // Who withdraws does not wait for ever, and removes the connection with its credentials: the removal goes on with the
  // token that it has.
  core::secret parting_token;
  const bool leaving = start.kind == removing;
  // As the ledger has it: settings may have been saved, and something learned, a moment ago.
  ledger::connection c;
  auth::provider_client::context context;
  const std::function<result<void>(transaction&)> look = [&](transaction& tx) -> result<> {
    const auto found = tx.find_connection(id);
    if (!found) return failure{make_error_code(ledger::errc::not_found), "the connection was removed"};
    c = *found;
    if (const auto app = tx.find_app(c.app_id)) context.client_id = app->client_id;
    if (!leaving) return {};
    auto pair = tx.find_credentials(id);
    if (!pair) return pair.error();
    if (*pair) parting_token = std::move((*pair)->access_token);
    return {};
  };
  auto looking = ledger_.write(look);
  if (const auto looked = co_await std::move(looking); !looked)
    co_return not_done(job_error::try_again, looked.error().detail);
  if (start.kind == registering && rests(id)) co_return resting;
  context.manifest = core::manifest_for(m, c.settings, c.learned);
  context.connection_id = id;
  context.account_id = c.pinned ? c.pinned->id : "";
  context.deadline = clock_.now() + job_limit;
  start.settings = core::job_settings(*m, c.settings, c.learned);
  start.deadline = context.deadline.time_since_epoch().count();
  start.webhook_url = address_word;
  start.webhook_token = token_word;
  const registration_job::keeper keep = [this, id](std::map<std::string, std::string> learned) {
    return remember(id, std::move(learned));
  };
  const std::function<bool()> removed = [this, id] { return !known_.contains(id); };
  registration_job work(provider_, std::move(context), keep, removed, std::move(parting_token), std::move(public_url),
                        *address);
  auto running = plugins_.run(provider, std::move(start), work);
  auto outcome = co_await std::move(running);
  auto keeping = work.keep_learned();
  if (const auto kept = co_await std::move(keeping); !kept)
    spdlog::warn("what a job about webhooks learned was not kept: {}", kept.error().detail);
  if (outcome.error == job_error::authorise_again && credentials_refused && known_.contains(id))
    credentials_refused(id, outcome.http_status, outcome.detail);
  co_return outcome;
}

awaitable<result<>> registrar::remember(std::string id, std::map<std::string, std::string> learned) {
  const std::function<result<void>(transaction&)> keep = [&](transaction& tx) -> result<> {
    auto row = tx.find_connection(id);
    if (!row) return failure{make_error_code(ledger::errc::not_found), "the connection was removed"};
    for (const auto& [name, value] : learned) core::learn(row->learned, name, value);
    return tx.update_connection(*row);
  };
  auto keeping = ledger_.write(keep);
  auto kept = co_await std::move(keeping);
  co_return kept;
}

awaitable<result<>> registrar::store(const ledger::webhook_address& a) {
  const std::function<result<void>(transaction&)> write = [&a](transaction& tx) -> result<> {
    tx.store_webhook_state(a);
    return {};
  };
  auto writing = ledger_.write(write);
  auto stored = co_await std::move(writing);
  co_return stored;
}

awaitable<std::string> registrar::remove_at(std::string id, std::vector<std::string> public_urls) {
  std::string left;
  for (const auto& url : public_urls) {
    auto asking = ask(id, removing, url);
    const auto outcome = co_await std::move(asking);
    if (!outcome.error.empty()) {
      add_place(left, url, reason_of(outcome));
      continue;
    }
    const auto at = known_.find(id);
    if (at == known_.end()) continue;
    const auto address = at->second.address;
    const auto before = address->places;
    address->places.clear(url);
    if (address->places.current.empty()) {
      address->now = ledger::webhook_address::state::none;
      address->reason.clear();
      address->registered_at = address->ends_at = std::nullopt;
    }
    auto storing = store(*address);
    if (const auto stored = co_await std::move(storing); !stored) {
      address->places = before;
      add_place(left, url, "that they are gone could not be stored");
    }
  }
  co_return left;
}

// ---- withdrawal

awaitable<bool> registrar::idle_by(std::string id, runtime::steady_time limit) {
  while (true) {
    const auto at = known_.find(id);
    if (at == known_.end() || !at->second.busy) co_return true;
    if (stopping_ || runtime::steady_clock::now() >= limit) co_return false;
    auto waiting = changed_.wait_until(limit);
    co_await std::move(waiting);
  }
}

awaitable<std::string> registrar::withdraw(std::string id) {
  auto at = known_.find(id);
  if (at == known_.end()) co_return "";
  const auto now = runtime::steady_clock::now(), limit = now + limits_.withdrawal;
  at->second.rests_until = limit + limits_.rest;
  auto resting = idle_by(id, now + limits_.patience);
  bool idle = co_await std::move(resting);
  at = known_.find(id);
  if (!idle && at != known_.end()) {
    if (at->second.check != 0) supervisor_.end(at->second.check);
    auto ending = idle_by(id, limit);
    idle = co_await std::move(ending);
    at = known_.find(id);
  }
  if (at == known_.end() || !at->second.address || !at->second.address->places.any()) co_return "";

  auto why = std::make_shared<std::string>();
  if (!idle) {
    *why = "a job about them is still under way";
  } else if (at->second.connection.auth.status != core::auth_status::authorized) {
    *why = "the connection is not authorized";
  } else {
    // The job goes on by itself where it takes longer; whoever removes does not wait for it.
    *why = "the provider has not answered yet, and is still being asked";
    at->second.busy = true;
    ++busy_;
    // What is live first: once the connection is gone, only the job that runs goes on.
    auto places = at->second.address->places.all();
    std::reverse(places.begin(), places.end());
    supervisor_.run("removal of webhooks", withdraw_into(id, std::move(places), why));
    auto removal = idle_by(id, limit);
    co_await std::move(removal);
    at = known_.find(id);
  }
  if (at == known_.end() || !at->second.address->places.any()) co_return "";
  std::string urls;
  for (const auto& url : at->second.address->places.all()) urls += (urls.empty() ? "" : ", ") + url;
  co_return "Webhooks that the provider may send to " + urls + " could not be removed: " + *why +
      ". They are refused from now on.";
}

awaitable<void> registrar::withdraw_into(std::string id, std::vector<std::string> public_urls,
                                         std::shared_ptr<std::string> left) {
  auto leaving = remove_at(id, std::move(public_urls));
  *left = co_await std::move(leaving);
  release(id);
}

}  // namespace koppel::hooks
