// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/people.hpp"

namespace koppel::simulation {

runtime::awaitable<void> people::insert(std::size_t account) {
  ledger::connection c;
  const std::function<result<void>(ledger::transaction&)> work = [&](ledger::transaction& tx) -> result<> {
    c = {};
    for (auto& known : tx.connections())
      if (known.name == "c" + std::to_string(account)) c = known;
    if (!c.id.empty()) return {};
    ledger::app a;
    a.provider = "almanac";
    a.name = "app" + std::to_string(account);
    a.client_id = "client" + std::to_string(account);
    a.created_at = tx.now();
    auto app = tx.insert_app(a, core::secret("its-secret"));
    if (!app) return app.error();
    c.provider = "almanac";
    c.name = "c" + std::to_string(account);
    c.customer = "customer" + std::to_string(account);
    c.app_id = app->id;
    c.created_at = c.auth.since = tx.now();
    auto made = tx.insert_connection(c);
    if (!made) return made.error();
    c = *made;
    return {};
  };
  const auto done = co_await host_.ledger().write(work);
  if (!done) co_return;
  host_.sync().connection_changed(c);
  checker_.connection(c.id, account);
  for (const auto& known : connections_)
    if (known.id == c.id) co_return;
  connections_.push_back({c.id, account});
}

/// What the host says of its connections.
runtime::awaitable<void> people::look() {
  std::vector<ledger::connection> all;
  const std::function<result<void>(ledger::transaction&)> work = [&](ledger::transaction& tx) -> result<> {
    all = tx.connections();
    return {};
  };
  const auto done = co_await host_.ledger().write(work);
  if (!done) co_return;
  for (const auto& c : all)
    for (auto& known : connections_)
      if (known.id == c.id) known.status = c.auth.status;
}

runtime::awaitable<void> people::tend(std::size_t n) {
  auto& c = connections_[n];
  auto looking = look();
  co_await std::move(looking);
  if (c.status == core::auth_status::authorized) co_return;
  auto work = authorise(c);
  co_await std::move(work);
}

/// The administrator opens a link, gives access, and comes back by the redirect or pastes where it led.
runtime::awaitable<void> people::authorise(connection& c) {
  auth::confirmation yes{auth::confirmation::mode::yes, ""};
  auto begun = co_await host_.auth().begin(c.id, yes, "");
  if (!begun) co_return;
  const auto query = std::string_view(begun->link).substr(begun->link.find('?') + 1);
  const auto state = parameter(query, "state");
  const auto back = provider_.consent(c.account, begun->redirect_uri, state);
  world_.tell("customer", "gives access to " + provider_.accounts()[c.account].id);
  if (world_.chance.hits(0.5)) {
    core::secret pasted(back);
    auto how = yes;
    const auto pasted_well = co_await host_.auth().paste(c.id, std::move(pasted), std::move(how));
    if (!pasted_well) world_.tell("customer", "is told: " + pasted_well.error().detail);
    co_return;
  }
  const auto answer = std::string_view(back).substr(back.find('?') + 1);
  std::vector<std::pair<std::string, std::string>> parameters{{"code", parameter(answer, "code")}, {"state", state}};
  std::string name = "almanac", language = "nl";
  const auto page = co_await host_.auth().callback(std::move(name), std::move(parameters), std::move(language));
  world_.tell("customer", "sees a page with status " + std::to_string(page.status));
}

void people::come() {
  if (host_.up()) {
    if (connections_.size() < provider_.accounts().size())
      for (std::size_t i = 0; i < provider_.accounts().size(); ++i) host_.run("operator", insert(i));
    for (std::size_t i = 0; i < connections_.size(); ++i) host_.run("customer", tend(i));
  }
  const auto pause =
      world_.calm ? milliseconds{30'000} : world_.chance.between(milliseconds{30'000}, milliseconds{180'000});
  world_.after(pause, [this] { come(); });
}

bool people::are_content() const {
  if (connections_.size() < provider_.accounts().size()) return false;
  for (const auto& c : connections_)
    if (c.status != core::auth_status::authorized || !provider_.accounts()[c.account].alive) return false;
  return true;
}

}  // namespace koppel::simulation
