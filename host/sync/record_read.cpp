// SPDX-License-Identifier: Apache-2.0
// Records that a webhook hinted at, read by their ids: one job of the plugin, and its pages committed. No run is begun
// for it, so that one may be under way, and no event of a run tells of it.

#include <spdlog/spdlog.h>

#include <utility>

#include "host/core/connection_manifest.hpp"
#include "host/core/learned.hpp"
#include "host/core/text.hpp"
#include "host/sync/sync_job.hpp"
#include "host/sync/sync_state.hpp"

namespace koppel::sync {
namespace job_error = messages::job_error;
using ledger::transaction;
using runtime::awaitable;

namespace {

/// A job may take this long from one page to the next.
constexpr std::chrono::hours page_limit{1};
/// Reads of other connections wait for this one's place meanwhile; what is refused for a limit's sake comes again.
constexpr std::chrono::seconds limit_patience{5};
constexpr std::size_t longest_reason = 300;

messages::done undone(std::string_view error, std::string why) {
  messages::done out;
  out.error = error;
  out.detail = std::move(why);
  return out;
}

}  // namespace

class sync_service::record_read final : public plugins::job_effects {
 public:
  record_read(sync_surroundings& around, std::shared_ptr<const state> known, ledger::connection c,
              std::shared_ptr<const core::manifest> m, const core::stream_rule& r, std::int64_t webhook)
      : connection_(std::move(c)),
        manifest_(std::move(m)),
        addressed_(core::manifest_for(manifest_, connection_.settings, connection_.learned)),
        rule_(r),
        webhook_(webhook),
        around_(around),
        known_(std::move(known)),
        deadline_(around.clock.now() + page_limit) {}

  awaitable<result<>> find_client() {
    const auto look = [this](transaction& tx) -> result<> {
      if (const auto app = tx.find_app(connection_.app_id)) client_id_ = app->client_id;
      return {};
    };
    co_return co_await around_.ledger.write(look);
  }

  messages::start start_message(std::vector<std::string> ids) const {
    messages::start start;
    start.kind = "refetch";
    start.stream = rule_.name;
    start.ids = std::move(ids);
    start.settings = core::job_settings(*manifest_, connection_.settings, connection_.learned);
    start.deadline = deadline_.time_since_epoch().count();
    return start;
  }

  awaitable<messages::reply> http(messages::http request) override {
    messages::reply refused;
    refused.error = job_error::try_again;
    refused.detail = known_->stopping ? "the host is shutting down" : "the connection was removed";
    if (known_->stopping || !known_->connections.contains(connection_.id)) co_return refused;
    auth::provider_client::context context;
    context.manifest = addressed_;
    context.connection_id = connection_.id;
    context.client_id = client_id_;
    context.account_id = connection_.pinned ? connection_.pinned->id : "";
    context.deadline = deadline_;
    context.limit_patience = limit_patience;
    co_return co_await around_.provider.send(std::move(context), std::move(request));
  }

  awaitable<result<>> page(messages::page page) override {
    set_aside_strangers(page, rule_);
    if (page.set_aside > 0)
      spdlog::warn("{}/{} {}: {} records of a webhook set aside, the first because {}", connection_.provider,
                   connection_.name, rule_.name, page.set_aside, core::escaped(page.set_aside_reason, longest_reason));
    const auto work = [&](transaction& tx) -> result<> {
      auto outcome = tx.commit_hinted(webhook_, connection_, page, manifest_->mapping_version);
      if (!outcome) return outcome.error();
      return {};
    };
    auto committing = around_.ledger.write(work);
    const auto committed = co_await std::move(committing);
    deadline_ = around_.clock.now() + page_limit;
    co_return committed;
  }

  /// What one record's answer teaches is no more than a run finds out too.
  void learned(messages::learned) override {}

 private:
  const ledger::connection connection_;
  const std::shared_ptr<const core::manifest> manifest_;
  const std::shared_ptr<const core::manifest> addressed_;  ///< with this connection's hosts in it
  const core::stream_rule& rule_;                          ///< of the manifest
  const std::int64_t webhook_;
  std::string client_id_;
  sync_surroundings& around_;
  const std::shared_ptr<const state> known_;
  core::instant deadline_;
};

awaitable<messages::done> sync_service::read_records(std::string connection_id, std::string stream,
                                                     std::vector<std::string> ids, std::int64_t webhook) {
  if (state_->stopping || !is_authorized(connection_id))
    co_return undone(job_error::try_again, "the connection is not authorized");
  auto c = state_->connections.at(connection_id);
  const auto m = around_.plugins.find(c.provider);
  if (!m) co_return undone(job_error::try_again, "no plugin of provider " + c.provider + " is running");
  const auto* rule = m->find_stream(stream);
  if (!rule) co_return undone(job_error::permanent, "there is no stream \"" + stream + "\"");
  const auto provider = c.provider;
  record_read work(around_, state_, std::move(c), m, *rule, webhook);
  auto finding = work.find_client();
  if (auto found = co_await std::move(finding); !found) co_return undone(job_error::try_again, found.error().detail);
  auto start = work.start_message(std::move(ids));
  auto running = around_.plugins.run(provider, std::move(start), work);
  auto ended = co_await std::move(running);
  if (ended.error == job_error::authorise_again && around_.credentials_refused)
    around_.credentials_refused(connection_id, ended.http_status, ended.detail);
  co_return ended;
}

}  // namespace koppel::sync
