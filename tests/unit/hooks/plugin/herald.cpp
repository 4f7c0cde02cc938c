// SPDX-License-Identifier: Apache-2.0
// A plugin that registers webhooks: POST /hooks/add and /hooks/drop, with the connection's door. What it remembers
// comes back in the next request's query. An answer may say "more": then the same is asked again; or "busy" or
// "tell": then the job fails, with all of the answer as its detail.

#include <koppel/sdk/plugin.hpp>

namespace {

using namespace koppel::sdk;

task<> ask(webhook_run& run, std::string path) {
  const auto known = std::string(run.setting("mark").value_or(""));
  run.remember("mark", known + "i");
  const auto door = std::string(run.setting("door").value_or(""));
  auto request = run.post(path + "?mark=" + known + "&door=" + door)
                     .json(json_object().add("url", run.address()).add("token", run.token()));
  const auto answer = co_await run.http(std::move(request));
  if (answer.json()["more"]) {
    auto once_more = ask(run, path);
    co_await once_more;
  }
  if (answer.json()["busy"]) throw job_failure(verdict::try_again, "it is busy");
  if (answer.json()["tell"]) throw job_failure(verdict::try_again, answer.body);
}

task<> enrol(webhook_run& run) { return ask(run, "/hooks/add"); }
task<> leave(webhook_run& run) { return ask(run, "/hooks/drop"); }

class herald final : public connector {
 public:
  herald() { webhooks(&enrol, &leave); }
  std::string base_url(const job&) const override { return "https://api.nameplate.test"; }

  task<> probe(probe_run& run) override {
    run.account("42", "Acme");
    co_return;
  }
};

}  // namespace

KOPPEL_PLUGIN(herald)
