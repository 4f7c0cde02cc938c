// SPDX-License-Identifier: Apache-2.0
// The ledger: the truth. One SQLite database (WAL, synchronous=FULL), one thread that owns its one writing connection.
// Whatever queued while the last commit ran is the next commit; each piece of work has its own savepoint, so that one
// that fails rolls back alone; work completes after the commit was synced. A failed sync ends the process; a full disk
// does not: work that can wait is refused until there is room.
// docs/state.md describes the tables, the sealing and what each format costs.
#pragma once

#include <koppel/bus/event_source.hpp>
#include <koppel/messages.hpp>
#include <koppel/result.hpp>

#include <boost/json/object.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/core/auth_state.hpp"
#include "host/core/connect_link.hpp"
#include "host/core/record.hpp"
#include "host/core/retention.hpp"
#include "host/core/secret.hpp"
#include "host/core/time.hpp"
#include "host/core/token_age.hpp"
#include "host/core/webhook_plan.hpp"
#include "host/ledger/held.hpp"
#include "host/runtime/asio.hpp"
#include "host/runtime/clock.hpp"

namespace koppel::ledger {

enum class errc {
  not_found = 1,  ///< no such row
  exists,         ///< the name is taken
  in_use,         ///< others refer to it
  stale,          ///< the row changed meanwhile (compare-and-set on a generation)
  too_large,      ///< an event over 64 KiB
  wrong_key,      ///< the key file does not open this database's seals
  locked,         ///< another host holds this data folder
  schema,         ///< made by a newer version
  corrupt,
  disk_full,  ///< nothing was stored; it goes on by itself when there is room
  io,
};
const boost::system::error_category& ledger_category();
inline boost::system::error_code make_error_code(errc e) { return {static_cast<int>(e), ledger_category()}; }

/// A registration at a provider. Secrets live sealed in columns of their own.
struct app {
  std::string id;  ///< assigned by insert_app
  std::string provider, name;
  std::string client_id;
  std::string redirect_uri;
  core::instant created_at{};
  std::optional<core::instant> secret_ends_at;  ///< the provider ends the secret then, as far as the operator said
  std::vector<std::string> secret_regions;      ///< data centres that have a secret of their own
};

struct connection {
  std::string id;  ///< assigned by insert_connection; immutable, never reused
  std::string provider, name, customer;
  std::string app_id;
  std::map<std::string, std::string> settings;
  std::map<std::string, std::string> learned;
  core::auth_state auth;
  std::optional<core::account> pinned;  ///< the account this connection is bound to
  core::instant created_at{};
  std::string reference;  ///< digest of the reference that its key came with; empty: it did not come by webhook
};

struct credentials {
  core::secret access_token, refresh_token;
  core::instant obtained_at{};  ///< when the request for them was sent
  std::optional<core::instant> expires_at;
  std::uint64_t generation = 0;                ///< grows with each pair
  std::optional<core::refresh_intent> intent;  ///< a renewal of this pair that has no definite answer yet
  /// Nobody has said yet whose account it opens; how that is to be confirmed, as an attempt's `confirmation`. Else
  /// empty.
  std::string unproven;

  core::token_age age() const { return {generation, obtained_at, expires_at, intent.has_value(), !unproven.empty()}; }
};

/// One authorisation attempt: what the link carried, until it is consumed.
struct attempt {
  std::string state_hash;  ///< BLAKE2b of the state; the state itself is not kept
  std::string connection_id;
  std::string redirect_uri;
  core::secret verifier;     ///< PKCE; empty without
  std::string confirmation;  ///< "ask", "yes", or "expect:<account id>"
  core::instant created_at{}, expires_at{};
  std::string link;     ///< id of the connect link that it was minted for; empty: none
  std::string browser;  ///< digest of the word that the browser keeps which began it; empty: it is not known
};

/// An address that is mailed to a customer, who begins attempts with it until one has served.
struct connect_link {
  std::string id;    ///< assigned by insert_connect_link; no secret
  std::string hash;  ///< digest of the secret in its address, which is not kept
  std::string connection_id;
  std::string confirmation;  ///< as an attempt's
  std::string made_by;       ///< name of the API token; empty: on the control socket
  core::instant created_at{}, expires_at{};
  core::link_state state = core::link_state::open;
  std::optional<core::auth_state> outcome;  ///< of the latest attempt that came back and was refused
};

/// A request at a webhook address, of an app or of a connection: kept before it is answered, since nobody sends it
/// again. Its body is sealed, and gone once it has been worked off; that of one that is nobody's stays.
struct webhook {
  enum class state {
    pending,  ///< at an app's address
    waiting,  ///< at a connection's address: what it hints at is still to be read
    done,
    unattributed,  ///< nobody's
    refused,
  };
  std::string id;           ///< assigned by insert_webhook
  std::int64_t number = 0;  ///< assigned by insert_webhook
  std::string provider, app_id;
  std::string reference;  ///< digest of what it says whose it is; those of one reference are worked off in order
  core::instant received_at{};
  state now = state::pending;
  std::string reason;         ///< a sentence, where there is something to say
  std::string connection_id;  ///< empty: none is known
  /// What came of it for whoever waits, where somebody was asked; else the connection's own status says it.
  std::optional<core::auth_state> outcome;
};

std::string to_string(webhook::state s);

/// Where webhooks about a connection's records come to, and what is known of their registration at the provider.
struct webhook_address {
  enum class state {
    none,        ///< it was not registered, or is no longer
    registered,  ///< until `ends_at`, where it ends
    refused,     ///< the provider does not let this grant register any: the schedule alone finds what changes
    failing,     ///< it is tried again and again
  };
  std::string connection_id;
  core::secret secret;  ///< the last part of the address
  core::secret token;   ///< what its webhooks bear besides, where the provider's do
  state now = state::none;
  core::webhook_places places;  ///< where something may be registered, whatever `now` says
  std::string reason;           ///< a sentence: why it is refused, or fails, or what could not be removed
  std::optional<core::instant> registered_at, ends_at, tried_at, last_received_at;
  std::uint32_t failures = 0;  ///< in a row
};
std::string to_string(webhook_address::state s);

/// A webhook that waits for what it hints at.
struct waiting_webhook {
  webhook about;
  std::vector<std::string> streams;  ///< to be read as a whole, whatever the body says; usually none
  core::secret body;
  std::string damage;  ///< why its body cannot be had; else empty
};

/// What an event is about; seq, id and time are the ledger's to give.
struct event_draft {
  std::string type;  ///< short: "auth.status"
  std::string subject;
  const connection* about = nullptr;  ///< absent for events that concern no connection
  std::string provider;               ///< for those that concern a provider alone
  boost::json::object data;
};

/// A key to the REST API. What it is made of is not kept, only its digest.
struct api_token {
  std::string name;
  std::string hash;                     ///< 32 bytes
  std::optional<std::string> customer;  ///< it sees this customer's alone; absent: everybody's
  std::vector<std::string> scopes;
  core::instant created_at{};
  std::optional<core::instant> last_used_at;  ///< written now and then, not at each use
};

enum class run_mode { full, incremental };

/// A sync run, live or past.
struct run {
  std::string id;  ///< assigned by begin_run
  std::string connection_id, stream, entity;
  run_mode mode = run_mode::full;
  std::string cause;  ///< "schedule", "webhook", "manual"
  std::string state;  ///< "running", "completed", "failed", "interrupted"; "releasing": publishing confirmed deletions
  bool resumed = false;  ///< went on after an interruption
  bool complete = false;
  bool initial = false;  ///< the stream had no complete full read before
  /// A full read that saw everything: the schedule has its full read. Not `complete` while deletions are held. For
  /// end_run alone, not stored.
  bool saw_all = false;
  std::uint64_t read = 0, upserted = 0, deleted = 0, unchanged = 0, set_aside = 0;
  std::uint64_t held = 0;  ///< deletions that it found and the guard holds
  std::string cursor;
  std::uint32_t cursor_version = 0;
  std::string error;
  core::instant started_at{}, ended_at{};
};

/// Where a stream stands between runs.
struct stream_state {
  std::string connection_id, stream;
  std::string
      cursor;  ///< where the next incremental run begins: after the newest page of one, or the end of a full run
  std::uint32_t cursor_version = 0;
  std::optional<core::instant> last_full_at, last_success_at, last_attempt_at;
  std::uint32_t failures = 0;  ///< in a row
  std::string last_error;
  std::uint32_t inconclusive = 0;  ///< full runs that completed without being complete, since the last that was
  std::optional<core::instant> last_inconclusive_at;
};

/// Whose runs; empty: anybody's.
struct run_filter {
  std::string provider, connection;     ///< names
  std::optional<std::string> customer;  ///< of this customer's connections alone
};

struct page_outcome {
  std::uint64_t upserted = 0, deleted = 0, unchanged = 0, set_aside = 0, held = 0;
};

/// One part of a search for records that a run did not see.
struct suspect_search {
  std::vector<std::string> ids;  ///< ascending
  std::string up_to;             ///< every record up to here was looked at
  bool more = false;             ///< there are records behind
};

/// From the horizon on every event is kept; before it, what nothing newer has replaced.
struct history_size {
  std::uint64_t horizon = 1;
  std::uint64_t bytes = 0;
};

/// One slice of trimming.
struct trim_outcome {
  std::uint64_t up_to = 0;   ///< where the next slice goes on
  bool more = false;         ///< there is one
  std::uint64_t events = 0;  ///< that went
  std::uint64_t bytes = 0;   ///< of those
  std::string damage;        ///< what was met and left as it is; empty: none
};

/// How far a pass has trimmed runs. One begins with an empty value.
struct run_trimming {
  std::uint64_t up_to = 0;  ///< the number of the last that was looked at
  bool more = false;        ///< there is another slice
  std::uint64_t runs = 0;   ///< that went
  /// By connection and stream: the newest ended run so far, which goes when a newer one is met; 0: it is too young.
  std::map<std::pair<std::string, std::string>, std::uint64_t> newest;
};

/// Typed access inside one piece of work, on the ledger's thread. Not to be kept beyond it.
class transaction {
 public:
  virtual ~transaction() = default;
  virtual core::instant now() const = 0;
  /// disk_full while work that can wait is refused: asked before something is begun whose outcome must be kept.
  virtual result<void> room() const = 0;

  virtual result<app> insert_app(app a, core::secret client_secret) = 0;
  /// What is known of the former one's end is forgotten.
  virtual result<void> update_app_secret(const std::string& app_id, core::secret client_secret) = 0;
  virtual result<void> update_regional_secret(const std::string& app_id, const std::string& region,
                                              core::secret client_secret) = 0;
  virtual result<void> set_secret_end(const std::string& app_id, std::optional<core::instant> ends_at) = 0;
  /// Another client id and redirect address.
  virtual result<void> update_app(const app& a) = 0;
  virtual std::vector<app> apps() = 0;
  virtual std::optional<app> find_app(const std::string& id) = 0;
  /// That of the region, where the app has one for it; else the one that serves everywhere.
  virtual result<core::secret> client_secret(const std::string& app_id, const std::string& region = {}) = 0;

  /// The secret of the app's webhook address: 256 random bits, made when it is first asked for.
  virtual result<core::secret> webhook_secret(const std::string& app_id) = 0;
  /// By the digest of that secret.
  virtual std::optional<app> find_app_by_webhook(const std::string& digest) = 0;

  virtual result<connection> insert_connection(connection c) = 0;
  virtual std::vector<connection> connections() = 0;
  virtual std::optional<connection> find_connection(const std::string& id) = 0;
  virtual std::optional<connection> find_connection_by_reference(const std::string& digest) = 0;
  /// Writes settings, learned, auth, pinned and reference; nothing else of a connection changes.
  virtual result<void> update_connection(const connection& c) = 0;
  /// From now on it uses this app, of the same provider.
  virtual result<void> move_connection(const std::string& id, const std::string& app_id) = 0;
  /// Marks it removed (the id is never reused, the name becomes free), with the auth status that says so; closes its
  /// open runs; deletes its credentials, attempts, connect links and, with `purge`, its records. Nothing is written for
  /// it afterwards: update_connection, begin_run, commit_page and end_run fail with not_found.
  virtual result<void> remove_connection(const std::string& id, bool purge) = 0;
  /// Those of this name that were removed and not purged, of which something was read: remove_connection purges them.
  virtual std::vector<connection> removed_with_records(const std::string& provider, const std::string& name) = 0;

  virtual result<std::optional<credentials>> find_credentials(const std::string& connection_id) = 0;
  /// Compare-and-set: stores generation `expected + 1` if the stored one is `expected` (0: none); else errc::stale.
  virtual result<void> store_credentials(const std::string& connection_id, const credentials& c,
                                         std::uint64_t expected) = 0;
  virtual result<void> delete_credentials(const std::string& connection_id) = 0;
  /// Puts the stored pair in question (how its account is to be confirmed), or out of it (empty).
  virtual void mark_credentials(const std::string& connection_id, const std::string& unproven) = 0;
  /// Of the pair of the intent's generation; errc::stale where another is stored. A new pair has no intent.
  virtual result<void> store_refresh_intent(const std::string& connection_id, const core::refresh_intent& i) = 0;
  virtual result<void> clear_refresh_intent(const std::string& connection_id, std::uint64_t generation) = 0;
  /// Nothing where the connection has no credentials.
  virtual std::optional<core::token_age> find_token_age(const std::string& connection_id) = 0;

  virtual result<void> insert_attempt(attempt a) = 0;
  /// Looks without taking it; of one that has expired too, for a day.
  virtual std::optional<attempt> find_attempt(const std::string& state_hash) = 0;
  virtual void delete_attempt(const std::string& state_hash) = 0;
  /// Atomic: takes the attempt out. Errors: not_found (unknown or used). An expired one is taken out and returned.
  virtual result<attempt> consume_attempt(const std::string& state_hash) = 0;
  virtual void delete_attempts(const std::string& connection_id) = 0;
  /// The newest attempt of a connection that is not consumed, taken out; for pasted codes. None of a connect link's,
  /// whose answers always bring their state.
  virtual result<attempt> consume_newest_attempt(const std::string& connection_id) = 0;

  /// errc::in_use where the connection has as many open ones as it may have.
  virtual result<connect_link> insert_connect_link(connect_link l) = 0;
  /// By its id, or by the digest of its secret.
  virtual std::optional<connect_link> find_connect_link(const std::string& id_or_hash) = 0;
  /// Newest first.
  virtual std::vector<connect_link> connect_links(const std::string& connection_id) = 0;
  virtual void mark_connect_link(const std::string& id, core::link_state s) = 0;
  virtual void note_link_outcome(const std::string& id, const core::auth_state& outcome) = 0;
  /// What was given by a link of this connection turned out to open an account: such links have served.
  virtual void settle_given_links(const std::string& connection_id) = 0;

  /// Gives the event its seq, id and time and adds it to this commit. too_large over 64 KiB.
  virtual result<void> append(const event_draft& draft) = 0;

  /// Begins a run, or goes on with the interrupted one of this stream (then resumed is true, and its mode and counts
  /// are kept).
  virtual result<run> begin_run(const connection& c, const std::string& stream, const std::string& entity,
                                run_mode mode, const std::string& cause) = 0;
  /// Records, cursor, counts and record events together; `r` gets the new counts and cursor. Records are merged with
  /// their stored versions by core::merge; one that core::record_refusal refuses (with the connection's provider as
  /// plugin), or whose event is over the limit, becomes a dead_letter.added event, counts as set aside, and as seen; it
  /// becomes one again when its content changes.
  /// `deletion_reason` is what deletes say: "provider_deleted" or "absent". With `keep_cursor` the run's cursor stays
  /// (confirming suspects). Without a guard every deletion is published. A record whose deletion is held, and that is
  /// there after all, has it lifted; one whose deletion was rejected stays until then, whoever says that it is gone.
  virtual result<page_outcome> commit_page(run& r, const connection& c, const messages::page& page,
                                           std::uint32_t mapping_version, const std::string& deletion_reason,
                                           bool keep_cursor, const std::optional<page_guard>& guard = {}) = 0;
  /// Records that were read because of the webhook of this number, whose id stands for the run in their
  /// events; like commit_page, without a run and without a cursor.
  virtual result<page_outcome> commit_hinted(std::int64_t webhook, const connection& c, const messages::page& page,
                                             std::uint32_t mapping_version) = 0;
  /// Ids of records of the run's entity that it did not see, known and not deleted, without those whose deletion is
  /// held or was rejected: at most `limit`, after `after`. It looks at ten thousand records at most, so that others get
  /// their turn, and says where to go on.
  virtual suspect_search suspects(const run& r, const std::string& after, std::size_t limit) = 0;
  /// Records that are there, deleted ones not counted.
  virtual std::uint64_t known_records(const std::string& connection_id, const std::string& entity) = 0;
  /// Held deletions that nobody has decided on.
  virtual std::uint64_t held_deletions(const std::string& connection_id, const std::string& entity) = 0;
  /// Streams of connections that are not removed, with held or rejected deletions.
  virtual std::vector<held_stream> held_streams() = 0;
  virtual std::optional<held_stream> find_held(const std::string& connection_id, const std::string& stream) = 0;
  /// In the order in which they were held; those that were rejected last.
  virtual std::vector<held_record> held_records(const std::string& connection_id, const std::string& stream,
                                                std::size_t limit) = 0;
  /// Decides on what is held up to `mark`, which a held_stream has; where nothing is, a confirmation is about what was
  /// rejected. Confirmed deletions wait for release_held. Returns how many there were.
  virtual std::uint64_t decide_held(const std::string& connection_id, const std::string& stream, std::uint64_t mark,
                                    held_decision decision) = 0;
  /// Connection id and stream of those whose confirmed deletions wait, and of runs that publish them.
  virtual std::vector<std::pair<std::string, std::string>> streams_to_release() = 0;
  /// Begins a run of its own for them, beside whatever run of the stream is open, or goes on with the one that was
  /// begun (then resumed is true). Nothing where there is nothing to do.
  virtual result<std::optional<run>> begin_release(const connection& c, const std::string& stream) = 0;
  /// Publishes some of the stream's deletions: those that were confirmed, or (`confirmed` false) all that are held, as
  /// far as the records are still there. Returns how many were looked at; 0: none is left.
  virtual result<std::uint64_t> release_held(run& r, const connection& c, bool confirmed) = 0;
  /// Stores state, counts and times of a run that begin_release began.
  virtual result<void> end_release(const run& r) = 0;
  /// Stores state, counts and times of the run, and the stream's state with it.
  virtual result<void> end_run(const run& r) = 0;
  /// The newest runs of connections that are not removed, newest first.
  virtual std::vector<run> runs(std::size_t newest, const run_filter& of = {}) = 0;
  virtual std::vector<run> open_runs() = 0;
  virtual std::optional<stream_state> find_stream(const std::string& connection_id, const std::string& stream) = 0;
  /// All streams of the connection that were ever read.
  virtual std::vector<stream_state> streams(const std::string& connection_id) = 0;

  /// errc::exists where the name is taken.
  virtual result<void> insert_api_token(const api_token& t) = 0;
  virtual std::vector<api_token> api_tokens() = 0;
  virtual result<void> delete_api_token(const std::string& name) = 0;
  virtual void mark_api_token_used(const std::string& name, core::instant at) = 0;

  virtual result<webhook> insert_webhook(webhook w, const core::secret& body) = 0;
  virtual std::size_t pending_webhooks(const std::string& app_id) = 0;
  /// Of each app and reference the oldest that is pending, oldest first. What nobody could read yet (no reference) may
  /// be about any: nothing that came to its app later goes before it.
  virtual std::vector<webhook> next_webhooks() = 0;
  virtual result<core::secret> webhook_body(const std::string& id) = 0;
  /// Stores state, reason, connection, outcome and reference; the body goes, unless it is nobody's or pending still.
  virtual void conclude_webhook(const webhook& w) = 0;
  /// The newest, newest first.
  virtual std::vector<webhook> webhooks(std::size_t newest) = 0;
  /// The newest with this reference.
  virtual std::optional<webhook> find_webhook(const std::string& reference) = 0;
  /// Forgets what is settled, beyond the newest `keep` of the app, and whatever came before `horizon`.
  virtual void trim_webhooks(const std::string& app_id, std::size_t keep, core::instant horizon) = 0;

  /// The connection's address, made when it is first asked for.
  virtual result<webhook_address> webhook_address_of(const std::string& connection_id) = 0;
  /// Of connections that are not removed.
  virtual result<std::vector<webhook_address>> webhook_addresses() = 0;
  /// What is shown of an address: everything but its secrets. Nothing where the connection has none.
  virtual std::optional<webhook_address> find_webhook_state(const std::string& connection_id) = 0;
  /// Writes state, places, reason, times and failures; not when something came last.
  virtual void store_webhook_state(const webhook_address& a) = 0;
  virtual void mark_webhook_received(const std::string& connection_id, core::instant at) = 0;
  /// The number of the newest there ever was; 0 where there was none.
  virtual std::int64_t newest_webhook() = 0;
  /// The oldest behind `after`.
  virtual std::vector<waiting_webhook> waiting_webhooks(std::int64_t after, std::size_t limit) = 0;
  /// What they hinted at was read; their bodies go.
  virtual void settle_webhooks(const std::vector<std::int64_t>& numbers, const std::string& reason) = 0;
  /// From now on this one means the whole of `stream`, besides what it meant before.
  virtual void widen_webhook(std::int64_t number, const std::string& stream) = 0;
  /// Forgets what is settled of a connection's, beyond its newest `keep`, and whatever came before `horizon`.
  virtual void trim_webhooks_of(const std::string& connection_id, std::size_t keep, core::instant horizon) = 0;

  virtual std::vector<bus::consumer_position> consumers() = 0;
  virtual std::uint64_t head() = 0;

  virtual history_size history() = 0;
  /// Begins a pass of trimming where one is due: the horizon moves, and `trim` may follow. Returns zero, or how long it
  /// is until then.
  virtual std::chrono::milliseconds begin_trimming(const core::retention_limits& limits) = 0;
  /// One slice, some milliseconds long: takes events that may go, behind `after` and before the horizon, out of a few
  /// batches of at most 1 MiB together. A damaged batch is left as it is.
  virtual result<trim_outcome> trim(std::uint64_t after) = 0;
  /// One slice of the runs that ended longer ago than `limits.keep`, from the oldest on; neither the newest that ended
  /// of a stream nor one that is open goes. Returns how far it has come, for the next slice.
  virtual run_trimming trim_runs(run_trimming so_far, const core::retention_limits& limits) = 0;
};

/// What becomes of work that changes something while the disk is full.
enum class urgency {
  can_wait,     ///< it is refused, with errc::disk_full
  cannot_wait,  ///< it is done, in the room that is kept for it: what a provider has answered, what makes room
};

/// Whether there is room on the disk.
struct disk_space {
  bool full = false;      ///< only what cannot wait is stored
  core::instant since{};  ///< when that began, if it is full
  std::uint64_t free_bytes = 0, kept_bytes = 0;
};

struct options {
  std::string folder;     ///< 0700; made if missing
  std::string key_file;   ///< 32 bytes as 64 hex digits, mode 0600 or 0400
  bool restored = false;  ///< the operator says that the database is an older copy; one that is noticed needs no word
  /// With less free on the folder's disk than this, it counts as full.
  std::uint64_t keep_free = std::uint64_t{64} << 20;
  /// For tests: said instead of what the folder's disk says of itself.
  std::function<std::uint64_t()> free_bytes = nullptr;
  /// Called from the ledger's thread when the disk becomes full, and when there is room again.
  std::function<void(const disk_space&)> on_space = [](const disk_space&) {};
};

class ledger {
 public:
  /// Opens or makes the database and takes the folder's lock. `on_fatal` is called once, from the ledger's thread, when
  /// a sync or the disk failed: the process must end. `on_commit` is called from the ledger's thread after each commit
  /// that added events, with the new head.
  static result<std::unique_ptr<ledger>> open(options o, const runtime::clock& clock,
                                              std::function<void(failure)> on_fatal,
                                              std::function<void(std::uint64_t head)> on_commit);
  virtual ~ledger() = default;

  virtual const std::string& epoch() const = 0;

  /// Runs `work` on the ledger's thread within the next commit and resumes the caller, on its own executor, once the
  /// commit is durable. If `work` fails, what it did is rolled back and its failure returned. Not cancellable: what was
  /// handed over happens. `work` is called once; what cannot wait is called again where the disk had no room for the
  /// commit that it was part of, so it must leave what it captured fit for that.
  runtime::awaitable<result<void>> write(std::function<result<void>(transaction&)> work,
                                         urgency how = urgency::can_wait);

  /// The same for the threads that have no coroutine (the start of main, tests): blocks.
  result<void> write_blocking(std::function<result<void>(transaction&)> work, urgency how = urgency::can_wait);

  /// From any thread.
  virtual disk_space space() const = 0;
  /// Pages that were copied from the write-ahead log when it was opened: none if it was closed in good order before.
  virtual std::uint64_t recovered_pages() const = 0;

  /// A read-only view for the bus thread, with a connection of its own. Outlived by the ledger.
  virtual std::unique_ptr<bus::event_source> make_event_source() = 0;

 protected:
  virtual void enqueue(std::function<result<void>(transaction&)> work, urgency how,
                       std::function<void(result<void>)> done) = 0;
};

}  // namespace koppel::ledger

template <>
struct boost::system::is_error_code_enum<koppel::ledger::errc> : std::true_type {};
