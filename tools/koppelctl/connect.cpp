// SPDX-License-Identifier: Apache-2.0
// koppelctl connection connect: a link for the administrator, then either the callback is awaited or a code is pasted;
// or, where customers give a key, that is pasted and there is no link. Then the account is confirmed. The daemon
// decides everything; this is the conversation.

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <ostream>
#include <thread>

#include "tools/koppelctl/commands.hpp"
#include "tools/koppelctl/json_read.hpp"
#include "tools/koppelctl/outcome.hpp"
#include "tools/koppelctl/text.hpp"

namespace koppel::koppelctl {
namespace {

using clock = std::chrono::steady_clock;
constexpr std::chrono::seconds poll_limit{20};
constexpr int paste_tries = 5;

class conversation {
 public:
  conversation(surroundings& s, const connect_wish& wish) : s_(s), t_(s.console), wish_(wish), progress_(s.console) {
    s_.daemon.while_waiting = [this] { progress_.turn(); };
  }
  ~conversation() { s_.daemon.while_waiting = nullptr; }
  conversation(const conversation&) = delete;
  conversation& operator=(const conversation&) = delete;

  ending run() {
    const auto before = s_.daemon.get(path());
    if (!before) return before.error();
    generation_ = number_of(object_of(*before, "auth"), "generation");
    const bool answered_ahead = wish_.yes || !wish_.expected_account.empty();
    if (status_of(*before) == "awaiting_confirmation" && (answered_ahead || (t_.in_is_terminal && !t_.json)))
      return settle(*before);

    const auto way = text_of(*before, "connects_by");
    if (way == "key" || (way == "link_or_key" && wish_.paste)) return connect_by_key();

    json::object body{{"confirmation", confirmation()}};
    if (!wish_.redirect_uri.empty()) body["redirect_uri"] = wish_.redirect_uri;
    const auto attempt = s_.daemon.post(path() + "/attempts", body);
    if (!attempt) return attempt.error();
    show_link(*attempt);

    auto after =
        flag_of(*attempt, "own_callback") && !wish_.paste ? await_callback(*attempt) : await_paste(code_wanted);
    if (!after) return after.error();
    return settle(*after);
  }

 private:
  struct wanted {
    std::string_view prompt, none_given;
  };
  static constexpr wanted code_wanted{
      "Paste the code, or the whole address of the page you were sent to (it is not shown):", "No code was given."};
  static constexpr wanted key_wanted{"Paste the customer's key (it is not shown):", "No key was given."};

  ending connect_by_key() {
    if (!wish_.redirect_uri.empty())
      return fail(errc::usage, "--redirect-uri is for links; this provider's customers give a key.");
    auto after = await_paste(key_wanted);
    if (!after) return after.error();
    return settle(*after);
  }

  std::string path() const { return path_of(wish_.name); }
  static std::string status_of(const json::object& connection) {
    return text_of(object_of(connection, "auth"), "status");
  }

  json::object confirmation() const {
    if (!wish_.expected_account.empty()) return {{"mode", "expect"}, {"account", wish_.expected_account}};
    return {{"mode", wish_.yes ? "yes" : "ask"}};
  }

  void show_link(const json::object& attempt) {
    if (t_.json) {
      print_document(t_, {{"link", text_of(attempt, "link")},
                          {"redirect_uri", text_of(attempt, "redirect_uri")},
                          {"own_callback", flag_of(attempt, "own_callback")}});
      return;
    }
    t_.err << "Open this address in a browser where the account's administrator is logged in:\n\n" << std::flush;
    t_.out << printable(text_of(attempt, "link")) << std::endl;
    t_.err << "\n" << std::flush;
  }

  /// The link that was used up leads nowhere any more.
  void show_next_link(const json::object& connection) {
    const auto next = printable(text_of(object_of(connection, "open_link"), "link"));
    if (next.empty()) return;
    t_.out << "\n" << sentence_of_next_link(t_.speaks) << "\n\n" << next << "\n";
  }

  /// Looks until the status is one that somebody decided, or the time is over.
  result<json::object> await_callback(const json::object& attempt) {
    const auto refusals = attempt.contains("refusals")
                              ? "&after_refusals=" + std::to_string(number_of(attempt, "refusals"))
                              : std::string();
    progress_.say("Waiting for the administrator to give access (Ctrl-C leaves the link alive)");
    const auto end = clock::now() + wish_.timeout;
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::seconds>(end - clock::now());
      if (left <= std::chrono::seconds(0))
        return fail(errc::refused,
                    "Nobody gave access within " + std::to_string(wish_.timeout.count()) +
                        " seconds. The link is good for an hour; look later: koppelctl connection show " +
                        wish_.name.text());
      const auto wait = std::min(left, poll_limit);
      const auto asked = clock::now();
      auto now = s_.daemon.get(path() + "?after_generation=" + std::to_string(generation_) + refusals +
                                   "&wait_s=" + std::to_string(wait.count()),
                               wait + std::chrono::seconds(30));
      if (!now) return now;
      if (auto outcome = object_of(*now, "outcome"); !outcome.empty()) {
        // This attempt failed; what the connection was before, it still is.
        outcome_ = std::move(outcome);
        auto connection = object_of(*now, "connection");
        connection["outcome"] = outcome_;
        return connection;
      }
      const auto generation = number_of(object_of(*now, "auth"), "generation");
      if (generation <= generation_) {
        // The daemon holds the answer back; should it not, it must not be asked without a pause.
        if (clock::now() - asked < t_.poll) std::this_thread::sleep_for(t_.poll);
        continue;
      }
      generation_ = generation;
      const auto status = status_of(*now);
      if (status != "waiting" && status != "unconfigured") return now;
    }
  }

  /// A slip of the hand is told and asked again; what the provider says is the end.
  result<json::object> await_paste(const wanted& what) {
    for (int tries = 1;; ++tries) {
      const auto pasted = t_.ask_secret(what.prompt);
      if (!pasted) return fail(errc::usage, std::string(what.none_given));
      progress_.say("Asking the provider");
      json::object body{{"pasted", *pasted}, {"confirmation", confirmation()}};
      if (!wish_.region.empty()) body["region"] = wish_.region;
      auto answer = s_.daemon.post(path() + "/code", body);
      progress_.clear();
      if (answer) {
        auto connection = object_of(*answer, "connection");
        // The outcome is this attempt's: a refused second grant leaves an authorized connection as it was.
        outcome_ = object_of(*answer, "outcome");
        if (!outcome_.empty()) connection["outcome"] = outcome_;
        return connection;
      }
      if (answer.error().code != errc::bad_input || !t_.in_is_terminal || tries == paste_tries) return answer;
      t_.err << answer.error().detail << "\n";
    }
  }

  /// Asks where a confirmation is missing, and says how it ended.
  ending settle(const json::object& connection) {
    progress_.clear();
    const auto& auth = outcome_.empty() ? object_of(connection, "auth") : outcome_;
    if (text_of(auth, "status") != "awaiting_confirmation") return conclude(connection, auth);

    const auto account = account_text(object_of(auth, "account"));
    const auto id = text_of(object_of(auth, "account"), "id");
    if (!wish_.expected_account.empty() && wish_.expected_account != id)
      return fail(errc::refused, "The account " + account + " waits for a confirmation, not " + wish_.expected_account +
                                     ". Nothing was changed.");
    const bool answered_ahead = wish_.yes || !wish_.expected_account.empty();
    auto said = answered_ahead ? reply::yes : reply::nobody;
    if (!answered_ahead && (!t_.json || t_.in_is_terminal))
      said = t_.ask_yes_or_no("This grant opens the account " + account + ". Connect " + wish_.name.text() +
                              " to it? [y/n]");
    if (said == reply::nobody)
      return fail(errc::refused, "The grant opens the account " + account +
                                     " and waits for a confirmation: koppelctl connection confirm " +
                                     wish_.name.text() +
                                     " --account ID, or --reject. The next time it can be said ahead: "
                                     "--expect-account ID, or --yes for any account.");
    if (said == reply::unclear) return neither_yes_nor_no(wish_.name);
    const bool accepted = said == reply::yes;
    const auto confirmed = s_.daemon.post(path() + "/confirmation", {{"accept", accepted}, {"account", id}});
    if (!confirmed) return confirmed.error();
    if (accepted) return conclude(*confirmed, object_of(*confirmed, "auth"));
    if (t_.json)
      print_document(t_, *confirmed);
    else
      t_.err << "Rejected: " << wish_.name.text() << " was not connected to this account.\n";
    return exit_code::refused;
  }

  ending conclude(const json::object& connection, const json::object& auth) {
    const bool authorized = text_of(auth, "status") == "authorized";
    if (t_.json) {
      print_document(t_, connection);
    } else if (authorized) {
      const auto account = account_text(object_of(auth, "account"));
      t_.out << printable(text_of(auth, "display")) << "\n"
             << wish_.name.text() << " is connected" << (account.empty() ? "" : " to " + account) << ".\n";
    } else {
      t_.out << failure_text(auth, t_.speaks);
      if (status_of(connection) == "authorized")
        t_.out << wish_.name.text() << " goes on with the access that it has.\n";
      show_next_link(connection);
    }
    return authorized ? exit_code::ok : exit_code::refused;
  }

  surroundings& s_;
  terminal& t_;
  const connect_wish& wish_;
  progress progress_;
  std::uint64_t generation_ = 0;
  json::object outcome_;
};

}  // namespace

ending connect(surroundings& s, const connect_wish& wish) { return conversation(s, wish).run(); }

}  // namespace koppel::koppelctl
