// SPDX-License-Identifier: Apache-2.0
// A provider's connector: derive, register the streams in the constructor, write a coroutine for each.
// One instance serves many connections and many jobs at a time: keep no state of a job in it.
#pragma once

#include <koppel/sdk/field_table.hpp>
#include <koppel/sdk/job.hpp>
#include <koppel/sdk/subscriptions.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace koppel::sdk {

class connector {
 public:
  using sync = sdk::sync;  // so that a connector's members mean ours, not the one of <unistd.h>

  virtual ~connector() = default;
  connector(const connector&) = delete;
  connector& operator=(const connector&) = delete;

  /// Whose account is this, and which streams may it read? Ends well with an account id, or throws.
  virtual task<> probe(probe_run& run) = 0;

  /// The manifest's text, once and before any job; empty from a host that does not tell. Reads the field tables, if
  /// `fields_in_manifest` asked for them. What is thrown here says why the plugin cannot be used: it is `failed` with
  /// that sentence.
  virtual void manifest(std::string_view text);

  /// What paths are relative to, e.g. "https://api.example.com"; may depend on settings and on what was remembered.
  virtual std::string base_url(const job& run) const = 0;

  /// Turns a cursor of another version of this connector into one of this version. Nothing: read from the beginning.
  virtual std::optional<std::string> migrate_cursor(std::uint32_t version, std::string_view cursor) const;

 protected:
  connector() = default;

  /// Declares a stream of the manifest. `read` reads it from its cursor; `one` reads a single record by id, and answers
  /// record::not_there if, and only if, the provider says that there is none.
  template <class Connector>
  void stream(std::string name, std::string_view entity, task<> (Connector::*read)(sync&),
              task<record> (Connector::*one)(job&, std::string)) {
    add_stream(std::move(name), entry_of(entity, read, one));
  }
  /// The same where the provider reads many records by their ids in one request: `some` is asked for `at_once` at most,
  /// and answers those that come. Every other is read by `one`: absence from such an answer proves nothing.
  template <class Connector>
  void stream(std::string name, std::string_view entity, task<> (Connector::*read)(sync&),
              task<record> (Connector::*one)(job&, std::string),
              task<std::vector<record>> (Connector::*some)(job&, std::vector<std::string>), std::size_t at_once) {
    auto* self = static_cast<Connector*>(this);
    auto entry = entry_of(entity, read, one);
    entry.some = [self, some](job& run, std::vector<std::string> ids) { return (self->*some)(run, std::move(ids)); };
    entry.at_once = at_once;
    add_stream(std::move(name), std::move(entry));
  }

  /// Declares that webhooks are registered at the provider, and how; the manifest says registration = "plugin".
  /// Registering is done again and again, and has to end well where all is there already.
  void webhooks(task<> (*enrol)(webhook_run&), task<> (*remove)(webhook_run&)) {
    register_webhooks_ = enrol;
    remove_webhooks_ = remove;
  }

  /// Those of a list of subscriptions, which `describe` describes.
  void webhooks(subscription_list_of describe) {
    register_webhooks_ = [describe](webhook_run& run) { return register_subscriptions(run, describe); };
    remove_webhooks_ = [describe](webhook_run& run) { return remove_subscriptions(run, describe); };
  }

  /// Sent with every request.
  void header_on_every_request(std::string name, std::string value) {
    headers_.emplace_back(std::move(name), std::move(value));
  }
  /// Rows become records by [stream.fields] of the manifest: each stream has to have one, and `job::fields` gives it.
  /// `kinds` has the kinds of value that only this provider has.
  void fields_in_manifest(kind_list kinds = {}) { kinds_ = std::move(kinds); }
  /// The version of the cursors that this connector writes; must agree with the manifest.
  void cursor_version(std::uint32_t version) { cursor_version_ = version; }

 private:
  friend class detail_runtime;
  friend class job;
  friend struct detail::job_core;
  struct stream_entry {
    std::string entity;
    std::function<task<>(sync&)> read;
    std::function<task<record>(job&, std::string)> one;
    std::function<task<std::vector<record>>(job&, std::vector<std::string>)> some{};
    std::size_t at_once = 1;  ///< ids of a request of `some`; 1: there is none
  };
  template <class Connector>
  stream_entry entry_of(std::string_view entity, task<> (Connector::*read)(sync&),
                        task<record> (Connector::*one)(job&, std::string)) {
    auto* self = static_cast<Connector*>(this);
    return {std::string(entity), [self, read](sync& run) { return (self->*read)(run); },
            [self, one](job& run, std::string id) { return (self->*one)(run, std::move(id)); }};
  }
  void add_stream(std::string name, stream_entry entry) {
    streams_.insert_or_assign(std::move(name), std::move(entry));
  }

  std::map<std::string, stream_entry, std::less<>> streams_;
  std::function<task<>(webhook_run&)> register_webhooks_, remove_webhooks_;
  header_list headers_;
  std::optional<kind_list> kinds_;
  std::map<std::string, field_table, std::less<>> fields_;
  std::uint32_t cursor_version_ = 1;
};

}  // namespace koppel::sdk
