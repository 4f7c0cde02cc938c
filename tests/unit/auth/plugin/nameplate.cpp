// SPDX-License-Identifier: Apache-2.0
// The least plugin that can be connected: its probe reads one address. It has no streams to read.

#include <koppel/sdk/plugin.hpp>

namespace {

using namespace koppel::sdk;

class nameplate final : public connector {
 public:
  std::string base_url(const job& run) const override {
    return "https://" + std::string(run.setting("region.api").value_or("api.nameplate.test"));
  }

  task<> probe(probe_run& run) override {
    // Chooser: named by whoever set it up, and asked of nobody.
    if (const auto named = std::string(run.setting("account").value_or("")); !named.empty()) {
      run.account(named, named);
      co_return;
    }
    auto request = run.get("/me");
    const auto me = (co_await run.http(std::move(request))).json();
    run.remember("seen", "yes");
    if (const auto region = run.setting("region")) run.remember("asked_in", std::string(*region));
    run.account(me["id"].text().value_or(""), me["name"].text().value_or(""));
  }
};

}  // namespace

KOPPEL_PLUGIN(nameplate)
