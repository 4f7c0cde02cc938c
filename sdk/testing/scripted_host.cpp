// SPDX-License-Identifier: Apache-2.0
// The scripted host: a host of one job, whose network is a script and whose ledger is a vector.
#include <koppel/messages.hpp>
#include <koppel/sdk/json.hpp>
#include <koppel/testing/scripted_host.hpp>

#include <deque>
#include <optional>

namespace koppel::testing {
namespace {

constexpr std::size_t too_many_requests = 10'000;

void split_url(asked& into) {
  std::string_view rest = into.url;
  if (const auto scheme = rest.find("://"); scheme != rest.npos) rest.remove_prefix(scheme + 3);
  const auto slash = rest.find('/');
  into.host = rest.substr(0, slash);
  rest = slash == rest.npos ? "/" : rest.substr(slash);
  const auto mark = rest.find('?');
  into.path = rest.substr(0, mark);
  into.query = mark == rest.npos ? "" : rest.substr(mark + 1);
}

seen_record to_seen(messages::record of) {
  seen_record out{std::move(of.entity), std::move(of.id), std::move(of.updated_at), of.gone, {}};
  for (auto& each : of.facets) out.facets.push_back({std::move(each.name), std::move(each.fields)});
  return out;
}

messages::start about_webhooks(std::string kind) {
  messages::start out;
  out.kind = std::move(kind);
  out.webhook_url = scripted_host::webhook_address;
  out.webhook_token = scripted_host::webhook_token;
  return out;
}

}  // namespace

struct scripted_host::state {
  const koppel_plugin* plugin = nullptr;
  std::string manifest{};
  koppel_host host{};
  void* instance = nullptr;
  std::deque<messages::message> from_plugin{};

  std::uint64_t job = 0;
  std::int64_t now = 0;
  bool hold = false;
  std::optional<asked> waiting{};
  std::uint64_t waiting_effect = 0;
  std::deque<messages::page> uncommitted{};
  std::optional<seen_outcome> end{};

  std::vector<seen_page> ledger{};
  std::string cursor{};
  std::size_t answered = 0;
  std::vector<std::string> log{};
  std::map<std::string, std::string> remembered{};

  static void receive(void* context, const std::uint8_t* bytes, std::uint64_t size) {
    auto got = messages::decode({reinterpret_cast<const char*>(bytes), size});
    auto* self = static_cast<state*>(context);
    // No exception may cross the plugin: remember it as a line that no script expects.
    if (got.what == messages::decoded::verdict::known)
      self->from_plugin.push_back(std::move(got.value));
    else
      self->log.push_back("malformed: " + got.reason);
  }

  void create() {
    host = {KOPPEL_ABI_VERSION, sizeof(koppel_host), this, &receive};
    instance = plugin->create(&host);
    if (!instance) throw script_error("the plugin could not make an instance of itself");
    messages::hello greeting;
    greeting.abi_version = KOPPEL_ABI_VERSION;
    greeting.host_version = "test";
    greeting.now = now;
    greeting.manifest = manifest;
    bool is_ready = false;
    std::string refusal = "the plugin did not answer hello with ready";
    to_plugin(greeting);
    for (; !from_plugin.empty(); from_plugin.pop_front()) {
      is_ready = is_ready || std::holds_alternative<messages::ready>(from_plugin.front());
      if (const auto* why = std::get_if<messages::unusable>(&from_plugin.front())) refusal = why->reason;
    }
    if (is_ready) return;
    destroy();
    throw script_error(refusal);
  }

  void destroy() {
    if (instance) plugin->destroy(std::exchange(instance, nullptr));
  }

  void to_plugin(const messages::message& of) {
    const auto bytes = messages::encode(of);
    plugin->receive(instance, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  }

  void reply_to(std::uint64_t effect) {
    messages::reply out;
    out.job = job;
    out.effect = effect;
    out.now = now;
    to_plugin(out);
  }

  void begin(messages::start with, const job_options& options) {
    if (job != 0 && !end) throw script_error("the last job has not ended");
    now = options.now;
    end.reset();
    with.job = ++job;
    with.full = options.full;
    with.resumed = options.resumed;
    with.cursor = options.cursor;
    with.cursor_version = options.cursor_version;
    with.settings = options.settings;
    with.now = now;
    with.deadline = now + 3'600'000;
    to_plugin(with);
    run();
  }

  /// Handles what the plugin said until it has nothing more to say.
  void run() {
    while (!from_plugin.empty()) {
      const auto next = std::move(from_plugin.front());
      from_plugin.pop_front();
      std::visit([this](const auto& of) { on(of); }, next);
      if (!hold)
        while (!uncommitted.empty()) commit();
    }
  }

  void commit() {
    const auto page = std::move(uncommitted.front());
    uncommitted.pop_front();
    seen_page seen;
    for (const auto& each : page.records) seen.records.push_back(to_seen(each));
    seen.cursor = cursor = page.cursor;
    seen.cursor_version = page.cursor_version;
    seen.set_aside = page.set_aside;
    seen.set_aside_reason = page.set_aside_reason;
    ledger.push_back(std::move(seen));
    reply_to(page.effect);
  }

  void on(const messages::http& of) {
    if (waiting) throw script_error("a second request while one is unanswered");
    waiting = asked{of.method, of.url, {}, {}, {}, of.headers, of.body};
    split_url(*waiting);
    waiting_effect = of.effect;
  }
  void on(const messages::page& of) {
    uncommitted.push_back(of);
    if (uncommitted.size() > 2) throw script_error("a third page while two are uncommitted");
  }
  void on(const messages::sleep& of) {
    now += of.milliseconds;
    reply_to(of.effect);
  }
  void on(const messages::learned& of) { remembered[of.name] = of.value; }
  void on(const messages::log& of) { log.push_back(of.level + ": " + of.text); }
  void on(const messages::done& of) {
    if (of.job != job || end) throw script_error("a job ended twice");
    if (of.error.empty() && !uncommitted.empty())
      throw script_error("a job ended well before its pages were committed");
    waiting.reset();
    uncommitted.clear();
    end = seen_outcome{of.error,           of.detail,       of.http_status,         of.retry_after,
                       of.account_id,      of.account_name, of.account_environment, of.streams_refused,
                       of.registered_until};
  }
  template <class Other>
  void on(const Other&) {
    throw script_error("the plugin said what only a host says");
  }

  const asked& pending() const {
    if (waiting) return *waiting;
    if (end) throw script_error("no request: the job ended, error '" + end->error + "', " + end->detail);
    throw script_error("no request: the job waits for something else");
  }
};

scripted_host::scripted_host(const koppel_plugin* plugin) : scripted_host(plugin, manifest_of(plugin)) {}
scripted_host::scripted_host(const koppel_plugin* plugin, std::string manifest) : state_(std::make_unique<state>()) {
  state_->plugin = plugin;
  state_->manifest = std::move(manifest);
  state_->create();
}
scripted_host::~scripted_host() { state_->destroy(); }

void scripted_host::probe(const job_options& with) {
  messages::start out;
  out.kind = "probe";
  state_->begin(std::move(out), with);
}

void scripted_host::sync(std::string_view stream, const job_options& with) {
  messages::start out;
  out.kind = "sync";
  out.stream = stream;
  state_->begin(std::move(out), with);
}

void scripted_host::refetch(std::string_view stream, const std::vector<std::string>& ids, const job_options& with) {
  messages::start out;
  out.kind = "refetch";
  out.stream = stream;
  out.ids = ids;
  state_->begin(std::move(out), with);
}

void scripted_host::register_webhooks(const job_options& with) {
  state_->begin(about_webhooks("register_webhooks"), with);
}

void scripted_host::remove_webhooks(const job_options& with) { state_->begin(about_webhooks("remove_webhooks"), with); }

const asked& scripted_host::expect(std::string_view method, std::string_view path) const {
  const auto& request = state_->pending();
  if (request.method != method || request.path != path)
    throw script_error("expected " + std::string(method) + ' ' + std::string(path) + ", but it asks " + request.method +
                       ' ' + request.path);
  return request;
}

void scripted_host::answer(int status, std::string body, header_list headers) {
  state_->pending();
  messages::reply out;
  out.job = state_->job;
  out.effect = state_->waiting_effect;
  out.status = status;
  out.headers = std::move(headers);
  out.body = std::move(body);
  out.now = state_->now;
  state_->waiting.reset();
  ++state_->answered;
  state_->to_plugin(out);
  state_->run();
}

void scripted_host::fail(std::string_view error, std::string_view detail) {
  state_->pending();
  messages::reply out;
  out.job = state_->job;
  out.effect = state_->waiting_effect;
  out.error = error;
  out.detail = detail;
  out.now = state_->now;
  state_->waiting.reset();
  state_->to_plugin(out);
  state_->run();
}

void scripted_host::play(const std::function<testing::answer(const asked&)>& provider, std::size_t most) {
  for (std::size_t count = 0; !ended() && count < most; ++count) {
    if (count >= too_many_requests) throw script_error("no end after 10,000 requests");
    auto given = provider(state_->pending());
    answer(given.status, std::move(given.body), std::move(given.headers));
  }
}

bool scripted_host::ended() const { return state_->end.has_value(); }

const seen_outcome& scripted_host::outcome() const {
  if (!state_->end) throw script_error("the job has not ended");
  return *state_->end;
}

void scripted_host::hold_commits(bool hold) {
  state_->hold = hold;
  state_->run();
}

void scripted_host::commit_one() {
  if (state_->uncommitted.empty()) throw script_error("no page waits to be committed");
  state_->commit();
  state_->run();
}

void scripted_host::cancel() {
  messages::cancel out;
  out.job = state_->job;
  out.now = state_->now;
  state_->to_plugin(out);
  state_->run();
}

void scripted_host::cut() {
  state_->destroy();
  state_->from_plugin.clear();
  state_->waiting.reset();
  state_->uncommitted.clear();
  if (!state_->end) state_->end = seen_outcome{"crashed", "cut by the script", 0, 0, {}, {}, {}, {}, 0};
  state_->create();
}

void scripted_host::resume(std::string_view stream, job_options with) {
  with.resumed = true;
  with.cursor = state_->cursor;
  sync(stream, with);
}

const std::vector<seen_page>& scripted_host::pages() const { return state_->ledger; }

std::map<std::string, seen_record> scripted_host::records() const {
  std::map<std::string, seen_record> out;
  for (const auto& page : state_->ledger)
    for (const auto& each : page.records) out.insert_or_assign(each.id, each);
  return out;
}

const std::string& scripted_host::cursor() const { return state_->cursor; }
std::size_t scripted_host::requests() const { return state_->answered; }
const std::vector<std::string>& scripted_host::log() const { return state_->log; }
const std::map<std::string, std::string>& scripted_host::remembered() const { return state_->remembered; }

}  // namespace koppel::testing
