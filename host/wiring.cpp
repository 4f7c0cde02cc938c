// SPDX-License-Identifier: Apache-2.0

#include "host/wiring.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdlib>
#include <koppel/bus/event_types.hpp>
#include <koppel/bus/server.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "host/api/control_api.hpp"
#include "host/api/ingress.hpp"
#include "host/api/rest_door.hpp"
#include "host/hooks/registrar.hpp"
#include "host/ledger/trimming.hpp"
#include "host/net/http_client.hpp"
#include "host/net/server_tls.hpp"
#include "host/runtime/log.hpp"
#include "host/version.hpp"

namespace koppel {
namespace {

using runtime::awaitable;
namespace asio = boost::asio;

// Together they stay under the ten seconds that service managers wait.
constexpr std::chrono::milliseconds soft_limit{5'000}, soft_step{20};
constexpr std::chrono::milliseconds hard_limit{2'000};
constexpr std::chrono::milliseconds runner_limit{1'000};

class host {
 public:
  host(const config::config& c, plugins::spawner& children, bool restored)
      : config_(c),
        restored_(restored),
        children_(children),
        supervisor_(io_.get_executor()),
        signals_(io_, SIGTERM, SIGINT) {}

  exit_code run() {
    supervisor_.on_fatal = [this](const std::string& name, const std::string& what) {
      spdlog::critical("{} failed: {}", name, what);
      fail();
    };
    children_.on_lost = [this] {
      // A service manager can start us again; without it no plugin would ever run again.
      spdlog::critical("the process that starts plugins has ended");
      fail();
    };
    supervisor_.run("serve", serve());
    mask_signals(SIG_UNBLOCK);
    io_.run();
    mask_signals(SIG_BLOCK);
    // The bus thread reads the ledger: it ends first.
    if (bus_) bus_->stop();
    {
      const std::lock_guard lock(notify_mutex_);
      notify_ = nullptr;
    }
    if (!all_ended_ || (http_ && http_->look_ups_under_way() > 0)) leave();
    return code_;
  }

 private:
  /// Ends the process where what is left cannot be waited for: frames that still run would use services that are
  /// destroyed before them, and no thread may be within getaddrinfo while exit() takes libraries down. What is durable
  /// is closed first.
  [[noreturn]] void leave() {
    bus_.reset();  // first: who finds the data folder free finds the bus folder free as well
    ledger_.reset();
    runtime::end_log(log_limit);
    std::_Exit(static_cast<int>(code_.load()));
  }

  awaitable<void> serve() {
    const auto started = co_await start();
    if (!started) {
      spdlog::critical("{}", started.error().detail);
      code_ = exit_code::failed;
    } else {
      spdlog::info("koppeld {} is ready: ingress {}, bus {}, control {}", version, public_url_,
                   config_.bus.folder.string(), config_.control.socket.string());
      supervisor_.run("plugin report", report_plugins());
      co_await wait_for_signal();
    }
    // Runs outside of the supervised set, which this coroutine is part of, and not before this coroutine has ended.
    asio::post(io_, [this] { begin_shut_down(); });
  }

  void begin_shut_down() {
    signals_.async_wait([this](const boost::system::error_code& ec, int) {
      if (ec) return;
      spdlog::info("told a second time: ending without waiting");
      hurried_ = true;
    });
    asio::co_spawn(io_, shut_down(), [this](std::exception_ptr) { io_.stop(); });
  }

  awaitable<void> wait_for_signal() {
    // What failed during the start cancelled a wait that had not begun.
    if (code_ != exit_code::stopped) co_return;
    const auto [ec, number] = co_await signals_.async_wait(runtime::token);
    if (!ec) spdlog::info("{} received: ending", number == SIGINT ? "SIGINT" : "SIGTERM");
  }

  /// From any thread: the process cannot go on.
  void fail() {
    code_ = exit_code::failed;
    asio::post(io_, [this] { signals_.cancel(); });
  }

  awaitable<result<>> start() {
    auto opened = open_ledger();
    if (!opened) co_return opened;
    if (auto bus = start_bus(); !bus) co_return bus;

    net::client_options client_options;
    for (const auto& r : config_.routes) client_options.routes.push_back({r.host, r.address, r.ca_file});
    auto client = net::http_client::make(io_.get_executor(), std::move(client_options));
    if (!client) co_return client.error();
    http_ = std::move(*client);

    plugins::plugin_host_options plugin_options;
    plugin_options.folder = config_.plugin_folder;
    plugin_options.manifest_library = config::runner_path(config_).replace_filename("koppel-declarative.so");
    for (const auto& l : config_.limits) plugin_options.limits.push_back({l.provider, l.name, l.requests});
    plugins_.emplace(supervisor_, clock_, children_, std::move(plugin_options));
    plugins_->on_notice = [this](plugins::plugin_notice n) { supervisor_.run("plugin notice", publish(std::move(n))); };
    // Not waited for: one that hangs while it loads holds up nobody else, and jobs wait for their plugin.
    if (auto scanned = plugins_->start(); !scanned) co_return scanned;

    if (auto ingress = start_ingress(); !ingress) co_return ingress;
    provider_.emplace(*http_, *ledger_, clock_);
    auth_.emplace(supervisor_, *ledger_, *http_, *plugins_, *provider_, clock_,
                  auth::auth_service::options{public_url_});
    webhooks_.emplace(supervisor_, *ledger_, *plugins_, *auth_, clock_);
    make_sync();
    make_hints();
    auth_->on_change = [this](const ledger::connection& c) {
      sync_->connection_changed(c);
      hints_->connection_changed(c);
      registrar_->connection_changed(c);
      control_->connection_changed(c);
    };
    auth_->on_refusal = [this](const ledger::connection& c) { control_->attempt_refused(c); };
    make_control();
    auto loaded = co_await control_->tokens().load();
    if (!loaded) co_return loaded;
    auto syncing = co_await sync_->start();
    if (!syncing) co_return syncing;
    auto hinting = co_await hints_->start();
    if (!hinting) co_return hinting;
    auto registering = co_await registrar_->start();
    if (!registering) co_return registering;
    supervisor_.run("resume of grants", auth_->resume());
    supervisor_.run("renewal of tokens", auth_->keep_tokens_fresh());
    supervisor_.run("secrets that end", auth_->warn_of_secrets_that_end());
    supervisor_.run("webhooks", webhooks_->work_off());
    supervisor_.run("webhooks of records", hints_->work_off());
    supervisor_.run("registration of webhooks", registrar_->keep_registered());
    supervisor_.run("trimming of old events",
                    ledger::keep_trimming(*ledger_, {config_.retention.events, config_.retention.hold}));
    if (auto admin = start_admin(); !admin) co_return admin;
    co_return start_control();
  }

  awaitable<void> report_plugins() {
    co_await plugins_->settled();
    for (const auto& p : plugins_->statuses())
      if (p.state == "running")
        spdlog::info("plugin {} {} is running", p.name, p.version);
      else if (p.state != "stopped")
        spdlog::warn("plugin {} is {}: {}", p.name, p.state, p.reason);
  }

  result<> open_ledger() {
    ledger::options options{.folder = config_.data_folder,
                            .key_file = config_.key_file,
                            .restored = restored_,
                            .keep_free = config_.keep_free};
    options.on_space = [](const ledger::disk_space& space) {
      const auto mebibytes = [](std::uint64_t bytes) { return bytes >> 20; };
      if (space.full)
        spdlog::warn(
            "the disk of the data folder is full ({} MiB are free, {} are kept): only what cannot wait is stored, no "
            "token is renewed and nothing is read until there is room",
            mebibytes(space.free_bytes), mebibytes(space.kept_bytes));
      else
        spdlog::info("there is room on the disk of the data folder again: {} MiB", mebibytes(space.free_bytes));
    };
    const auto on_fatal = [this](failure f) {
      spdlog::critical("the ledger cannot go on: {}", f.detail);
      ledger_failed_ = true;
      fail();
    };
    const auto on_commit = [this](std::uint64_t head) {
      const std::lock_guard lock(notify_mutex_);
      if (notify_) notify_->notify(head);
    };
    auto opened = ledger::ledger::open(std::move(options), clock_, on_fatal, on_commit);
    if (!opened) return opened.error();
    ledger_ = std::move(*opened);
    if (const auto pages = ledger_->recovered_pages(); pages > 0)
      spdlog::info("the host before this one did not end in good order: {} pages of the ledger's log were recovered",
                   pages);
    return {};
  }

  result<> start_bus() {
    bus::server_options options;
    options.live = config_.bus.live == config::live_detail::whole ? bus::live_detail::whole : bus::live_detail::thin;
    options.on_fatal = [this](const failure& f) {
      spdlog::critical("the bus cannot go on: {}", f.detail);
      fail();
    };
    options.on_broken = [](const failure& f) {
      spdlog::error("{} Consumers that need them were refused: restore a backup of the data folder", f.detail);
    };
    options.on_many_connections = [](std::size_t count) {
      spdlog::warn(
          "{} connections to the bus are open, many more than there should be consumers and watchers: each is a "
          "descriptor, and without one for the next this process ends. See who holds the sockets (ss -xp)",
          count);
    };
    bus_.emplace(config_.bus.folder, ledger_->make_event_source(), std::move(options));
    if (auto started = bus_->start(); !started) return started;
    const std::lock_guard lock(notify_mutex_);
    notify_ = &*bus_;
    return {};
  }

  result<> start_ingress() {
    net::server_options options;
    options.name = "ingress";
    options.told_below = "/webhook/";
    options.address = config_.ingress.address;
    options.port = config_.ingress.port;
    options.target_limit = net::limits::ingress_target;
    options.handler_deadline = net::limits::authorization_deadline;
    options.proxies = config_.ingress.proxies;
    if (!config_.ingress.certificate.empty()) {
      auto read = net::server_certificate::load({config_.ingress.certificate, config_.ingress.key}, clock_);
      if (!read) return read.error();
      options.certificate = certificate_ = std::move(*read);
    }
    // The callback needs auth, which needs the bound port for its own address: looked up when the first request comes.
    auto listening = net::http_server::listen(supervisor_, std::move(options), [this](net::inbound_request r) {
      return api::ingress_handler(*auth_, *webhooks_, *hints_)(std::move(r));
    });
    if (!listening) return listening.error();
    ingress_ = std::move(*listening);
    ingress_address_ = config_.ingress.address + ":" + std::to_string(ingress_->port());
    public_url_ = config_.ingress.public_url_at(ingress_->port());
    return {};
  }

  void make_sync() {
    sync::sync_options options;
    options.max_jobs = config_.sync.max_jobs;
    options.interval = config_.sync.interval;
    options.full_interval = config_.sync.full_interval;
    options.schedule = config_.sync.schedule;
    options.deletions = {config_.sync.hold_above_records, config_.sync.hold_above_percent};
    sync::sync_surroundings around{
        supervisor_,
        clock_,
        *ledger_,
        *plugins_,
        *provider_,
        [this](const ledger::connection& c, const std::string& type, boost::json::object data) {
          publish_live(c, type, std::move(data));
        },
        [this](std::string id, int status, std::string detail) {
          supervisor_.run("refused credentials", auth_->credentials_refused(std::move(id), status, std::move(detail)));
        }};
    sync_.emplace(std::move(around), options);
  }

  void make_hints() {
    hints_.emplace(supervisor_, *ledger_, *plugins_, *sync_, clock_);
    sync_->on_run_ended = [this](const std::string& connection_id, const std::string& stream, bool completed) {
      hints_->run_ended(connection_id, stream, completed);
    };
    // Only an address that somebody named is one that a provider can reach.
    registrar_.emplace(supervisor_, *ledger_, *plugins_, *provider_, *hints_, clock_, config_.ingress.public_url);
    registrar_->credentials_refused = [this](std::string id, int status, std::string detail) {
      supervisor_.run("refused credentials", auth_->credentials_refused(std::move(id), status, std::move(detail)));
    };
  }

  void make_control() {
    const auto connected = [this] {
      std::vector<std::string> names;
      for (const auto& s : bus_->sessions()) names.push_back(s.name);
      return names;
    };
    api::api_surroundings around{supervisor_,      clock_,      *ledger_,           *plugins_,
                                 *auth_,           *sync_,      connected,          std::string(version),
                                 ingress_address_, public_url_, config_.bus.folder, &*provider_};
    around.withdraw_webhooks = [this](std::string id) { return registrar_->withdraw(std::move(id)); };
    around.changed = [this](const ledger::connection& c) {
      hints_->connection_changed(c);
      registrar_->connection_changed(c);
    };
    around.plugins_changed = [this] {
      hints_->plugins_changed();
      registrar_->plugins_changed();
    };
    around.certificate_until = [this]() -> std::optional<core::instant> {
      if (!certificate_) return std::nullopt;
      return certificate_->valid_until();
    };
    control_.emplace(std::move(around));
    control_->add_routes(router_);
  }

  result<> start_admin() {
    const auto& admin = config_.admin;
    if (!admin.port) return {};
    net::server_options options;
    options.name = "admin";
    options.address = admin.address;
    options.port = *admin.port;
    options.max_connections_per_address = net::limits::admin_connections_per_address;
    options.body_limit = net::limits::admin_body;
    options.keep_alive = true;
    options.handler_deadline = net::limits::authorization_deadline;
    auto listening = net::http_server::listen(supervisor_, std::move(options),
                                              [this](net::inbound_request r) { return (*rest_)(std::move(r)); });
    if (!listening) return listening.error();
    admin_ = std::move(*listening);
    const bool v6 = admin.address.find(':') != std::string::npos;
    const auto address = (v6 ? "[" + admin.address + "]" : admin.address) + ":" + std::to_string(admin_->port());
    rest_.emplace(*control_, api::names_of(admin.address, admin_->port(), admin.name));
    control_->rest_is_at(address);
    spdlog::info("REST is at {}", address);
    if (admin.exposed_without_tls)
      spdlog::warn("REST at {} is not encrypted: whoever is on the way can read tokens and secrets", address);
    return {};
  }

  result<> start_control() {
    net::server_options options;
    options.name = "control";
    options.unix_socket = config_.control.socket;
    options.body_limit = net::limits::admin_body;
    options.keep_alive = true;
    options.handler_deadline = net::limits::authorization_deadline;  // a long poll needs less
    auto listening = net::http_server::listen(supervisor_, std::move(options),
                                              [this](net::inbound_request r) { return router_(std::move(r)); });
    if (!listening) return listening.error();
    control_server_ = std::move(*listening);
    return {};
  }

  void publish_live(const ledger::connection& c, const std::string& type, boost::json::object data) {
    bus::event e;
    e.source = "koppel://" + ledger_->epoch() + "/" + c.id;
    e.type = bus::long_type(type);
    e.time = core::to_rfc3339(clock_.now());
    e.epoch = ledger_->epoch();
    e.provider = c.provider;
    e.connection_id = c.id;
    e.connection = c.name;
    e.customer = c.customer;
    e.data = bus::msgpack_from_json(data);
    bus_->publish_live(std::move(e));
  }

  static std::string_view type_of(plugins::plugin_notice::kind what) {
    using kind = plugins::plugin_notice::kind;
    switch (what) {
      case kind::loaded:
        return bus::event_types::plugin_loaded;
      case kind::failed:
        return bus::event_types::plugin_failed;
      case kind::crashed:
        return bus::event_types::plugin_crashed;
      case kind::quarantined:
        return bus::event_types::plugin_quarantined;
    }
    return bus::event_types::plugin_crashed;
  }

  awaitable<void> publish(plugins::plugin_notice n) {
    const auto append = [&](ledger::transaction& tx) -> result<> {
      ledger::event_draft draft;
      draft.type = type_of(n.what);
      draft.provider = n.name;
      draft.data = {{"plugin", n.name}, {"version", n.version}, {"reason", n.reason}};
      return tx.append(draft);
    };
    if (auto done = co_await ledger_->write(append); !done)
      spdlog::error("plugin {}: its event could not be stored: {}", n.name, done.error().detail);
  }

  /// Soft: no new request comes in, runs end at their next request and keep what they read, tokens that were asked for
  /// are waited for and stored. Hard: what is left is cancelled. A second signal ends the soft stage. Without a ledger
  /// nothing is worth waiting for: it could not be kept.
  awaitable<void> shut_down() {
    if (ingress_) ingress_->stop_accepting();
    if (admin_) admin_->stop_accepting();
    if (control_server_) control_server_->stop_accepting();
    if (ledger_failed_) {
      all_ended_ = false;
      co_return;
    }
    if (webhooks_) webhooks_->stop();
    if (hints_) hints_->stop();
    if (registrar_) registrar_->stop();
    if (auth_) auth_->stop_renewing();
    if (sync_) co_await sync_->stop(std::chrono::milliseconds{0});
    const auto soft_end = runtime::steady_clock::now() + soft_limit;
    const auto busy = [this] { return (sync_ && sync_->reading()) || (auth_ && auth_->asking()); };
    while (busy() && !hurried_ && runtime::steady_clock::now() < soft_end) co_await runtime::sleep_for(soft_step);
    if (plugins_) co_await plugins_->stop(hurried_ ? std::chrono::milliseconds{0} : runner_limit);
    all_ended_ = co_await supervisor_.stop(hard_limit);
    if (!all_ended_) spdlog::warn("ended without waiting for: {}", supervisor_.names());
    spdlog::info("ended");
  }

  // Constant after construction.
  const config::config& config_;
  const bool restored_;
  plugins::spawner& children_;
  runtime::system_clock clock_;

  // Own synchronisation: the ledger's thread and the bus's call fail(), the ledger's calls notify.
  asio::io_context io_{1};
  std::mutex notify_mutex_;
  bus::server* notify_ = nullptr;
  std::atomic<exit_code> code_{exit_code::stopped};
  std::atomic<bool> ledger_failed_ = false;

  // Main strand only; in the order in which they depend on each other.
  bool all_ended_ = true;
  bool hurried_ = false;  ///< told a second time
  runtime::supervisor supervisor_;
  asio::signal_set signals_;
  std::unique_ptr<ledger::ledger> ledger_;
  std::optional<bus::server> bus_;
  std::unique_ptr<net::http_client> http_;
  std::optional<plugins::plugin_host> plugins_;
  std::optional<auth::provider_client> provider_;
  std::optional<auth::auth_service> auth_;
  std::optional<auth::webhook_queue> webhooks_;
  std::optional<sync::sync_service> sync_;
  std::optional<hooks::hint_service> hints_;
  std::optional<hooks::registrar> registrar_;
  std::optional<api::control_api> control_;
  api::router router_;
  std::optional<api::rest_door> rest_;
  std::shared_ptr<net::server_certificate> certificate_;  ///< of the ingress, if it has one
  std::unique_ptr<net::http_server> ingress_, admin_, control_server_;
  std::string ingress_address_, public_url_;
};

}  // namespace

void mask_signals(int how) {
  sigset_t ours;
  sigemptyset(&ours);
  sigaddset(&ours, SIGTERM);
  sigaddset(&ours, SIGINT);
  pthread_sigmask(how, &ours, nullptr);
}

exit_code run_host(const config::config& c, plugins::spawner& children, bool restored) {
  return host(c, children, restored).run();
}

}  // namespace koppel
