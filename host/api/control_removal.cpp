// SPDX-License-Identifier: Apache-2.0
// The route that removes a connection: the provider is asked to send no more webhooks, the ledger forgets what opened
// the account, and the records go where that was asked for.

#include <functional>
#include <utility>

#include "host/api/control_api.hpp"
#include "host/core/auth_texts.hpp"

#include <koppel/bus/event_types.hpp>

namespace koppel::api {
namespace json = boost::json;
using ledger::transaction;
using runtime::awaitable;

namespace {

/// Whether the records go with their connection; nothing where the query says it otherwise than plainly: what was meant
/// to be erased, and was not, is missed by nobody.
std::optional<bool> purge_of(const net::inbound_request& r) {
  std::optional<bool> said;
  for (const auto& [name, value] : r.query) {
    if (said || name != "purge" || (value != "true" && value != "false")) return std::nullopt;
    said = value == "true";
  }
  return said.value_or(false);
}

}  // namespace

awaitable<answer> control_api::delete_connection(call c) {
  const std::string provider = c.path["provider"], name = c.path["name"];
  const auto purge = purge_of(c.request);
  if (!purge)
    co_return error_answer(400, "bad_request",
                           "The query has \"purge\" alone, once, which is true or false. Nothing was removed.");
  ledger::connection removed;
  bool removed_before = false;
  std::string left;
  if (around_.withdraw_webhooks) {
    auto finding = find(provider, name, c.who);
    if (const auto found = co_await std::move(finding)) {
      auto withdrawing = around_.withdraw_webhooks(found->id);
      left = co_await std::move(withdrawing);
    }
  }
  const auto m = around_.plugins.find(provider);
  const auto tell_removal = [&](transaction& tx, const ledger::connection& of) {
    ledger::event_draft draft;
    draft.type = bus::event_types::connection_removed;
    draft.about = &of;
    draft.data = {{"purge", *purge}};
    return tx.append(draft);
  };
  const std::function<result<void>(transaction&)> remove = [&](transaction& tx) -> result<> {
    const auto found = find_named(tx, provider, name);
    if (!found) {
      // Who removed it and kept its records may erase them still.
      const auto before = *purge ? tx.removed_with_records(provider, name) : std::vector<ledger::connection>();
      if (before.empty())
        return failure{ledger::errc::not_found,
                       "There is no connection " + provider + "/" + name +
                           (*purge ? ", and no records are kept of one that was removed." : ".")};
      removed_before = true;
      for (const auto& one : before) {
        if (auto done = tx.remove_connection(one.id, true); !done) return done;
        if (auto told = tell_removal(tx, one); !told) return told;
      }
      return {};
    }
    if (auto done = tx.remove_connection(found->id, *purge); !done) return done;
    removed = *tx.find_connection(found->id);
    ledger::event_draft status;
    status.type = bus::event_types::auth_status;
    status.about = &removed;
    status.data = core::status_data(removed.auth, m.get());
    if (auto appended = tx.append(status); !appended) return appended;
    return tell_removal(tx, removed);
  };
  // Removing makes room.
  auto removing = around_.ledger.write(remove, ledger::urgency::cannot_wait);
  if (auto done = co_await std::move(removing); !done) co_return failure_answer(done.error());
  if (!removed_before) {
    around_.sync.connection_changed(removed);
    if (around_.changed) around_.changed(removed);
    connection_changed(removed);
  }
  co_return json_answer(200, json::object{{"removed", provider + "/" + name},
                                          {"removed_before", removed_before},
                                          {"purged", *purge},
                                          {"webhooks_left", left}});
}

}  // namespace koppel::api
