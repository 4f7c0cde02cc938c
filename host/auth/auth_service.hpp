// SPDX-License-Identifier: Apache-2.0
// Connecting accounts: mints links, takes what comes back (callback or paste), exchanges the code at once, asks the
// plugin whose account it is, renews tokens, and keeps the connection's status with its event. The decisions are core's
// (core/oauth, core/token_refresh, core/connection_auth); this is the shell that acts on them. Main strand only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/auth/provider_client.hpp"
#include "host/ledger/ledger.hpp"
#include "host/net/http_transport.hpp"
#include "host/plugins/plugin_host.hpp"
#include "host/runtime/clock.hpp"
#include "host/runtime/supervisor.hpp"

namespace koppel::auth {

/// What to do when the account's name is known: ask somebody, take any, or take one account only.
struct confirmation {
  enum class mode { ask, yes, expect } how = mode::ask;
  std::string account_id;  ///< mode::expect; with mode::ask the only one that somebody may be asked about, if any
};

struct started_attempt {
  std::string link;           ///< to be opened by the account's administrator
  std::string redirect_uri;   ///< what the link and the exchange carry
  bool own_callback = false;  ///< the answer comes to our ingress by itself; else it has to be pasted
  core::instant expires_at{};
};

/// What the browser is shown after a callback, or at a connect link.
struct landing {
  int status = 200;
  std::string html;
  std::string location, cookie;  ///< where it is sent on, and what it is to keep; empty: neither
};

struct made_link {
  std::string id;   ///< to list and revoke it
  std::string url;  ///< the secret is in it, and nowhere else
  core::instant expires_at{};
};

/// What a browser says of the page that sent a form, and what was typed there.
struct click {
  std::string origin, fetch_site;
  core::secret key = {};  ///< empty: the button was pressed
};

/// Settings that a code is tried with, where a grant that works would suffer from them if the code gave no access:
/// stored while nobody else speaks for the connection, and undone before anybody does, unless it did.
struct trial {
  std::function<result<void>(ledger::transaction&)> store, undo;  ///< both or neither
  std::map<std::string, std::string> former;                      ///< the settings that the grant was given for
};

/// Of what came of a code: access was given, though it may wait for a confirmation, or for somebody who can say whose
/// account it is.
bool gave_access(const core::auth_state& outcome);

/// Why the provider has no data centre of this name, with those that it has; "" where it has, or none is named.
std::string region_refusal(const core::manifest& m, const std::string& region);

class auth_service {
 public:
  struct options {
    std::string callback_base;  ///< "https://koppel.example": our callback is <base>/callback/<provider>
  };
  /// Sets provider's `renew`: from then on its requests bear tokens that are kept fresh here.
  auth_service(runtime::supervisor& supervisor, ledger::ledger& ledger, net::http_transport& http,
               plugins::plugin_host& plugins, provider_client& provider, const runtime::clock& clock, options o);
  ~auth_service();

  std::string own_callback(const std::string& provider) const;

  /// Mints a link with state (and PKCE where the manifest has it) for one hour; the connection becomes `waiting` unless
  /// it is authorized. `redirect_uri` empty: the app's, else our own callback. Where the key comes by webhook: the
  /// activation link, for half an hour, and the address that the browser ends at.
  runtime::awaitable<result<started_attempt>> begin(std::string connection_id, confirmation c,
                                                    std::string redirect_uri);

  /// A pasted code or the whole redirected URL. Returns the connection as it stands afterwards, also when the provider
  /// refused; its `auth` is the outcome of this code, which may differ from the stored one: a refused code leaves an
  /// authorized connection authorized. A failure (host/auth/error.hpp) is about the input itself, a provider that
  /// cannot be reached (the code was not used) or our own trouble. Where access has to be given again, `open_link` has
  /// a link for it. `t`: what the code is tried with. `region`: the data centre that the account lives in, where what
  /// is pasted does not say it.
  runtime::awaitable<result<ledger::connection>> paste(std::string connection_id, core::secret pasted, confirmation c,
                                                       trial t = {}, std::string region = {});

  /// Whether this would be sent to the provider, were it pasted: a failure where it holds no code, or belongs to no
  /// open link. Uses nothing up: for whoever stores something with it. `of_provider`: the plugin's own manifest.
  static result<void> look_at_pasted(ledger::transaction& tx, const ledger::connection& c, const ledger::app& app,
                                     const std::shared_ptr<const core::manifest>& of_provider,
                                     const core::secret& pasted);

  /// The newest link that is still good: asked for, or made when access has to be given again. Forgotten at a restart,
  /// as it bears its state. Whoever has it may connect an account: it is for those who may ask for links.
  std::optional<started_attempt> open_link(const std::string& connection_id) const;

  /// GET /callback/<provider>. Never fails: every outcome has a page in the browser's language (nl, fr, en).
  /// `cookies`: the browser's, which tell whether it is the one that began the flow of a connect link.
  runtime::awaitable<landing> callback(std::string provider, std::vector<std::pair<std::string, std::string>> query,
                                       std::string accept_language, std::string cookies = {});

  /// Makes an address that is mailed to the customer: good for `life`, until one flow that it began has served.
  runtime::awaitable<result<made_link>> make_link(std::string connection_id, confirmation c, std::chrono::days life,
                                                  std::string made_by);
  /// GET /connect/<secret>: a page with a button, which uses nothing up. Never fails.
  runtime::awaitable<landing> show_link(std::string secret, std::string accept_language);
  /// POST: mints an attempt and sends the browser to the provider. Never fails.
  runtime::awaitable<landing> follow_link(std::string secret, click how, std::string accept_language);

  /// GET /activated/<provider>: the page after an activation link. Waits, by looking again and again, until the key has
  /// come and its outcome is known.
  runtime::awaitable<landing> activated(std::string provider, std::vector<std::pair<std::string, std::string>> query,
                                        std::string accept_language);

  /// What is to be stored of a webhook; with `again`, it is not settled, and its turn comes anew then.
  struct webhook_outcome {
    ledger::webhook about;
    std::optional<core::instant> again;
  };
  /// Does what a webhook says, as far as it proves true. Never fails: trouble that passes is an `again`.
  runtime::awaitable<webhook_outcome> take_webhook(ledger::webhook w, core::secret body);

  /// The answer to `awaiting_confirmation`: accept pins the account, reject throws the new credentials away. Fails
  /// where another account than `account_id` waits by now; empty: whichever does.
  runtime::awaitable<result<ledger::connection>> confirm(std::string connection_id, bool accept,
                                                         std::string account_id);

  /// A sync met a refusal of the credentials (401): asks whether it is final and moves the status.
  runtime::awaitable<void> credentials_refused(std::string connection_id, int http_status, std::string detail);

  /// Finds the stored grants of which nobody has said yet whose account they open, at the start and after
  /// `question_refused_grants`, and asks about each until somebody has. Ends when all are being asked about.
  runtime::awaitable<void> resume();
  /// An app's settings were mended: the stored grants of its connections that are `misconfigured` are in question
  /// again. To be followed by `app_changed`, which has the new secret used and resumes.
  static void question_refused_grants(ledger::transaction& tx, const std::string& app_id);
  /// The same for one connection, whose own settings were mended.
  static void question_refused_grant(ledger::transaction& tx, const ledger::connection& c);
  /// Whether a stored grant that does not work now may yet: it is in question, or was refused for settings.
  static bool may_come_back(ledger::transaction& tx, const ledger::connection& c);
  runtime::awaitable<void> app_changed(std::string app_id);

  /// Tells the log of apps' secrets that end soon, at the start and once a day; until cancelled.
  runtime::awaitable<void> warn_of_secrets_that_end();

  /// Renews the tokens of authorized connections ahead of their expiry, and resolves renewals whose answer was lost;
  /// until cancelled or told to stop.
  runtime::awaitable<void> keep_tokens_fresh();
  /// The host is about to end: no renewal begins any more; one whose request was sent goes on to its end.
  void stop_renewing();
  /// The provider was asked for tokens, or gave some that are not settled yet: an end now would lose them.
  bool asking() const;

  /// Called after each committed change of a connection's status.
  std::function<void(const ledger::connection&)> on_change;

  /// Called after an attempt that failed and left the status as it was, with the outcome as the connection's `auth`.
  std::function<void(const ledger::connection&)> on_refusal;

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace koppel::auth
