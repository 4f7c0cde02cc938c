// SPDX-License-Identifier: Apache-2.0
// CLI11 knows the grammar; every leaf stores what is to be done, and it is done after parsing succeeded.

#include "tools/koppelctl/cli.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdlib>
#include <functional>
#include <ostream>

#include "tools/koppelctl/commands.hpp"
#include "tools/koppelctl/text.hpp"

namespace koppel::koppelctl {
namespace {

using task = std::function<ending(surroundings&)>;

/// Where the parsed values land. It outlives the parser and the task.
struct arguments_of_all {
  std::string socket;
  bool no_colour = false;
  std::string name, language;
  new_secret secret;
  new_app app;
  new_connection connection;
  new_settings settings;
  new_token token;
  connect_wish connect;
  new_link link;
  confirm_wish confirm;
  std::string id;
  sync_wish sync;
  held_wish held;
  event_wish event;
  fetch_wish fetch;
  std::string from = "now";
  bool purge = false, yes = false, all = false, no_wait = false;
  long timeout_s = 3600;
  std::size_t limit = 50;
  task chosen;
};

/// Runs `then` with the checked name.
template <class Then>
task with_name(arguments_of_all& a, Then then) {
  return [&a, then](surroundings& s) -> ending {
    const auto name = parse_name(a.name);
    if (!name) return name.error();
    return then(s, *name);
  };
}

CLI::App* noun(CLI::App& top, const std::string& name, const std::string& what) {
  auto* sub = top.add_subcommand(name, what);
  sub->require_subcommand(1);
  sub->fallthrough();
  return sub;
}

CLI::App* verb(CLI::App& of, arguments_of_all& a, const std::string& name, const std::string& what,
               const std::string& examples, task then) {
  auto* sub = of.add_subcommand(name, what);
  sub->fallthrough();
  sub->footer("Examples:\n" + examples);
  sub->callback([&a, then = std::move(then)] { a.chosen = then; });
  return sub;
}

void add_app_verbs(CLI::App& top, arguments_of_all& a) {
  auto* app = noun(top, "app", "Registrations at providers: a client id with its secret");
  auto* add = verb(*app, a, "add", "Add a registration; its secret is asked for, or read from the input",
                   "  koppelctl app add teamleader/main --client-id 6c0e21\n"
                   "  koppelctl app add teamleader/main --client-id 6c0e21 --secret-stdin < secret.txt",
                   with_name(a, [&a](surroundings& s, const full_name& name) {
                     a.app.name = name;
                     return add_app(s, a.app);
                   }));
  add->add_option("name", a.name, "provider/name, such as teamleader/main")->required();
  add->add_option("--client-id", a.app.client_id, "The client id that the provider gave")->required();
  add->add_option("--redirect-uri", a.app.redirect_uri, "The redirect address registered at the provider");
  add->add_flag("--secret-stdin", a.app.secret_from_input, "Read the client secret from the first line of the input");
  auto* secret =
      verb(*app, a, "set-secret", "Give a registration another secret; it is asked for, or read from the input",
           "  koppelctl app set-secret teamleader/main\n"
           "  koppelctl app set-secret teamleader/main --secret-stdin < secret.txt\n"
           "  koppelctl app set-secret zoho/main --region eu\n"
           "  koppelctl app set-secret snelstart/main --expires 2027-01-31",
           with_name(a, [&a](surroundings& s, const full_name& name) { return set_app_secret(s, name, a.secret); }));
  secret->add_option("name", a.name, "provider/name, such as teamleader/main")->required();
  secret->add_flag("--secret-stdin", a.secret.from_input, "Read the client secret from the first line of the input");
  secret->add_option("--region", a.secret.region,
                     "For this data centre alone, where the provider has a secret for each");
  secret->add_option("--expires", a.secret.expires,
                     "The day on which the provider ends it (2027-01-31): warned of ahead");
  verb(*app, a, "list", "All registrations", "  koppelctl app list", list_apps);
}

std::string word_of(language l) { return l == language::nl ? "nl" : l == language::fr ? "fr" : "en"; }

void add_provider_verbs(CLI::App& top, arguments_of_all& a) {
  auto* provider = noun(top, "provider", "What is to be done at a provider");
  auto* show = verb(*provider, a, "show", "The addresses to register there, and the steps of an administrator",
                    "  koppelctl provider show snelstart\n"
                    "  koppelctl provider show snelstart --language nl",
                    [&a](surroundings& s) {
                      return show_provider(s, a.name, a.language.empty() ? word_of(s.console.speaks) : a.language);
                    });
  show->add_option("name", a.name, "As its plugin is named, such as snelstart")->required();
  show->add_option("--language", a.language, "Of the steps: nl, fr or en; else that of the environment")
      ->check(CLI::IsMember({"nl", "fr", "en"}));

  auto* webhook = noun(top, "webhook", "What providers have sent");
  auto* list = verb(*webhook, a, "list", "What came, newest first, and what became of it", "  koppelctl webhook list",
                    [&a](surroundings& s) { return list_webhooks(s, a.limit); });
  list->add_option("--limit", a.limit, "How many")->check(CLI::Range(1, 1000))->capture_default_str();
  auto* address = verb(*webhook, a, "address", "Where a connection's webhooks are to be sent: a secret",
                       "  koppelctl webhook address teamleader/acme", with_name(a, show_webhook_address));
  address->add_option("name", a.name, "provider/name, such as teamleader/acme")->required();
}

void add_set(CLI::App& connection, arguments_of_all& a) {
  auto* set = verb(connection, a, "set", "Change settings of a connection; what is not named stays as it is",
                   "  koppelctl connection set generic/crm scopes='contacts offline_access'\n"
                   "  koppelctl connection set generic/crm pkce=\n"
                   "  koppelctl connection set generic/crm api_hosts='api.example.com files.example.com'\n"
                   "  koppelctl connection set generic/crm token_url=https://eu.example.com/token --paste < code.txt",
                   with_name(a, [&a](surroundings& s, const full_name& name) {
                     a.settings.name = name;
                     return set_connection(s, a.settings);
                   }));
  set->add_option("name", a.name, "provider/name, such as teamleader/acme")->required();
  set->add_option("settings", a.settings.settings, "key=value; key= goes back to the default")->required();
  auto* paste = set->add_flag("--paste", a.settings.paste,
                              "Ask for a code as well: another address needs one from there while the grant works");
  set->add_option("--expect-account", a.settings.expected_account, "Take this account (its id) and no other")
      ->needs(paste);
}

void add_connect(CLI::App& connection, arguments_of_all& a) {
  auto* sub =
      verb(connection, a, "connect", "Give Koppel access to the account: prints the link, and waits for the outcome",
           "  koppelctl connection connect teamleader/acme\n"
           "  koppelctl connection connect teamleader/acme --paste --yes < code.txt\n"
           "  koppelctl --json connection connect teamleader/acme --expect-account 42",
           with_name(a, [&a](surroundings& s, const full_name& name) {
             a.connect.name = name;
             a.connect.timeout = std::chrono::seconds(a.timeout_s);
             return connect(s, a.connect);
           }));
  sub->add_option("name", a.name, "provider/name, such as teamleader/acme")->required();
  sub->add_flag("--paste", a.connect.paste, "Ask for the code or key instead of waiting for it to come");
  auto* yes = sub->add_flag("--yes", a.connect.yes, "Take whatever account the grant opens");
  sub->add_option("--expect-account", a.connect.expected_account, "Take this account (its id) and no other")
      ->excludes(yes);
  sub->add_option("--redirect-uri", a.connect.redirect_uri, "Another redirect address for this attempt");
  sub->add_option("--region", a.connect.region, "The account's data centre, where a pasted code does not name it");
  sub->add_option("--timeout", a.timeout_s, "Seconds to wait for the callback")
      ->check(CLI::Range(1L, 86'400L))
      ->capture_default_str();
}

void add_link_verbs(CLI::App& connection, arguments_of_all& a) {
  constexpr const char* which = "provider/name, such as teamleader/acme";
  auto* link = verb(connection, a, "link", "Make an address to mail to the customer; it is shown this once",
                    "  koppelctl connection link teamleader/acme\n"
                    "  koppelctl connection link teamleader/acme --days 14 --expect-account 42",
                    with_name(a, [&a](surroundings& s, const full_name& name) {
                      a.link.name = name;
                      return add_link(s, a.link);
                    }));
  link->add_option("name", a.name, which)->required();
  link->add_option("--days", a.link.days, "How long it is good for")->check(CLI::Range(1, 30))->capture_default_str();
  link->add_option("--expect-account", a.link.expected_account, "Take this account (its id) and no other");
  auto* links = verb(connection, a, "links", "The links that were made, and what became of them",
                     "  koppelctl connection links teamleader/acme", with_name(a, list_links));
  links->add_option("name", a.name, which)->required();
  auto* unlink = verb(
      connection, a, "unlink", "Revoke a link, at once", "  koppelctl connection unlink teamleader/acme lnk-3f0a11b2",
      with_name(a, [&a](surroundings& s, const full_name& name) { return revoke_link(s, name, a.id); }));
  unlink->add_option("name", a.name, which)->required();
  unlink->add_option("id", a.id, "As connection links shows it")->required();
  auto* confirm = verb(connection, a, "confirm", "Accept or reject the account that the customer gave access to",
                       "  koppelctl connection confirm teamleader/acme\n"
                       "  koppelctl connection confirm teamleader/acme --account 42\n"
                       "  koppelctl connection confirm teamleader/acme --reject",
                       with_name(a, [&a](surroundings& s, const full_name& name) {
                         a.confirm.name = name;
                         return confirm_account(s, a.confirm);
                       }));
  confirm->add_option("name", a.name, which)->required();
  auto* reject = confirm->add_flag("--reject", a.confirm.reject, "Throw its credentials away");
  confirm->add_option("--account", a.confirm.account, "Accept this account (its id), if it is the one")
      ->excludes(reject);
}

void add_connection_verbs(CLI::App& top, arguments_of_all& a) {
  auto* connection = noun(top, "connection", "Customers' accounts at providers");
  auto* add = verb(*connection, a, "add", "Add a connection; connect it afterwards",
                   "  koppelctl connection add teamleader/acme --app main --customer 4711\n"
                   "  koppelctl connection add generic/crm --app main --preset google",
                   with_name(a, [&a](surroundings& s, const full_name& name) {
                     a.connection.name = name;
                     return add_connection(s, a.connection);
                   }));
  add->add_option("name", a.name, "provider/name, such as teamleader/acme")->required();
  add->add_option("--app", a.connection.app, "The name of the app to use")->required();
  add->add_option("--customer", a.connection.customer, "Your own id of the customer; it is on every event");
  add->add_option("--preset", a.connection.preset,
                  "Settings that the plugin knows by this name: koppelctl provider show; --set stands over them");
  add->add_option("--set", a.connection.settings, "key=value: a setting that the plugin asks for")
      ->allow_extra_args(false);

  add_set(*connection, a);
  verb(*connection, a, "list", "All connections and their status", "  koppelctl connection list", list_connections);
  auto* show = verb(*connection, a, "show", "One connection, its status and its streams",
                    "  koppelctl connection show teamleader/acme", with_name(a, show_connection));
  show->add_option("name", a.name, "provider/name, such as teamleader/acme")->required();

  auto* remove = verb(*connection, a, "remove", "Remove a connection with its credentials",
                      "  koppelctl connection remove teamleader/acme\n"
                      "  koppelctl connection remove teamleader/acme --purge --yes",
                      with_name(a, [&a](surroundings& s, const full_name& name) {
                        return remove_connection(s, name, a.purge, a.yes);
                      }));
  remove->add_option("name", a.name, "provider/name, such as teamleader/acme")->required();
  remove->add_flag("--purge", a.purge, "Erase its records as well, here and at the consumers");
  remove->add_flag("--yes", a.yes, "Do not ask");
  add_connect(*connection, a);
  add_link_verbs(*connection, a);
}

void add_token_verbs(CLI::App& top, arguments_of_all& a) {
  auto* token = noun(top, "token", "Keys to the REST API");
  auto* add = verb(*token, a, "add", "Make a token; it is shown this once",
                   "  koppelctl token add monitoring --scope read\n"
                   "  koppelctl token add acme --customer 4711 --scope read --scope connect --scope sync",
                   [&a](surroundings& s) {
                     a.token.name = a.name;
                     return add_token(s, a.token);
                   });
  add->add_option("name", a.name, "1 to 64 small letters, digits and hyphens")->required();
  add->add_option_function<std::string>(
      "--customer",
      [&a](const std::string& customer) {
        a.token.customer = customer;
        a.token.of_customer = true;
      },
      "The only customer whose things it sees; without it, it sees all");
  add->add_option("--scope", a.token.scopes, "read (the default), connect, sync or admin; several times for several")
      ->allow_extra_args(false)
      ->check(CLI::IsMember({"read", "connect", "sync", "admin"}));
  verb(*token, a, "list", "All tokens, and when they were used", "  koppelctl token list", list_tokens);
  auto* revoke = verb(*token, a, "revoke", "End a token, at once", "  koppelctl token revoke acme",
                      [&a](surroundings& s) { return revoke_token(s, a.name); });
  revoke->add_option("name", a.name, "The token's name")->required();
}

void add_sync_verbs(CLI::App& top, arguments_of_all& a) {
  auto* sync = noun(top, "sync", "Reading records from providers");
  auto* run = verb(*sync, a, "run", "Read what is new, now, and wait for the end",
                   "  koppelctl sync run teamleader/acme\n"
                   "  koppelctl sync run teamleader/acme --stream contacts --full",
                   with_name(a, [&a](surroundings& s, const full_name& name) {
                     a.sync.name = name;
                     a.sync.wait = !a.no_wait;
                     return run_sync(s, a.sync);
                   }));
  run->add_option("name", a.name, "provider/name, such as teamleader/acme")->required();
  run->add_option("--stream", a.sync.stream, "One stream only, such as contacts");
  run->add_flag("--full", a.sync.full, "Read everything again, not only what changed");
  run->add_flag("--no-wait", a.no_wait, "Return as soon as the daemon has accepted");

  auto* list =
      verb(*sync, a, "list", "The newest runs",
           "  koppelctl sync list\n  koppelctl sync list teamleader/acme --limit 5", [&a](surroundings& s) -> ending {
             if (a.name.empty()) return list_syncs(s, std::nullopt, a.limit);
             const auto name = parse_name(a.name);
             if (!name) return name.error();
             return list_syncs(s, *name, a.limit);
           });
  list->add_option("name", a.name, "provider/name: of this connection only");
  list->add_option("--limit", a.limit, "How many")->check(CLI::Range(1, 1000))->capture_default_str();
}

void add_held_verbs(CLI::App& top, arguments_of_all& a) {
  auto* held = noun(top, "held", "Deletions that are held, for they were too many to publish unasked");
  const auto of_stream = [&](const std::string& name, const std::string& what, const std::string& examples,
                             ending (*then)(surroundings&, const held_wish&)) {
    auto* sub = verb(*held, a, name, what, examples, with_name(a, [&a, then](surroundings& s, const full_name& of) {
      a.held.name = of;
      return then(s, a.held);
    }));
    sub->add_option("name", a.name, "provider/name, such as teamleader/acme")->required();
    sub->add_option("stream", a.held.stream, "Such as contacts")->required();
    return sub;
  };
  const auto with_mark = [&](CLI::App* sub) {
    sub->add_option("--mark", a.held.mark, "Do not ask: about what held show showed under this mark")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{9'000'000'000'000'000'000}));
  };
  verb(*held, a, "list", "Of which streams deletions are held, or were rejected", "  koppelctl held list", list_held);
  of_stream("show", "What would be deleted, with some of the records",
            "  koppelctl held show teamleader/acme contacts\n"
            "  koppelctl held show teamleader/acme contacts --limit 500",
            show_held)
      ->add_option("--limit", a.held.limit, "How many records to name")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  with_mark(of_stream("confirm", "Publish them: the records are deleted, but for those that came back",
                      "  koppelctl held confirm teamleader/acme contacts\n"
                      "  koppelctl held confirm teamleader/acme contacts --mark 5000",
                      confirm_held));
  with_mark(of_stream("reject", "Keep the records: the same absence is not held again",
                      "  koppelctl held reject teamleader/acme contacts\n"
                      "  koppelctl held reject teamleader/acme contacts --mark 5000",
                      reject_held));
}

void add_fetch(CLI::App& top, arguments_of_all& a) {
  auto* sub = verb(top, a, "fetch", "One request with a connection's credentials",
                   "  koppelctl fetch generic/crm 'https://api.example.com/contacts.info?id={{id}}' --var id=7 "
                   "--select data.last_name\n"
                   "  koppelctl fetch generic/crm https://api.example.com/contacts.info --method POST "
                   "--body '{\"id\":\"{{id}}\"}' --var id=7\n"
                   "  koppelctl fetch --list",
                   [&a](surroundings& s) { return fetch(s, a.fetch); });
  sub->add_option("name", a.fetch.name, "provider/name of an authorized connection, such as generic/crm");
  sub->add_option("url", a.fetch.url, "An https address; {{name}} in its path or query stands for a variable");
  sub->add_option("--var", a.fetch.variables, "name=value; several times for several")->allow_extra_args(false);
  sub->add_option("--select", a.fetch.select, "The part of the JSON answer to print, such as data.0.last_name");
  sub->add_option("--method", a.fetch.method, "GET, HEAD, POST, PUT, PATCH or DELETE")
      ->check(CLI::IsMember({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}, CLI::ignore_case))
      ->capture_default_str();
  sub->add_option("--body", a.fetch.body, "JSON to send, with {{name}} for a variable");
  sub->add_flag("--list", a.fetch.list, "The connections that can be asked with");
}

void add_event_filters(CLI::App& sub, arguments_of_all& a) {
  sub.add_option("--connection", a.event.connections, "provider/name; several times for several")
      ->allow_extra_args(false);
  sub.add_option("--type", a.event.types,
                 "A type such as auth.status, or its beginning such as sync.company; several times for several")
      ->allow_extra_args(false);
}

void add_event_verbs(CLI::App& top, arguments_of_all& a) {
  auto* event = noun(top, "event", "What happened: the events on the bus");
  auto* list = verb(*event, a, "list", "The newest events",
                    "  koppelctl event list --limit 10\n"
                    "  koppelctl event list --connection teamleader/acme --type sync.company --all",
                    [&a](surroundings& s) {
                      a.event.limit = a.all ? 0 : a.limit;
                      return list_events(s, a.event);
                    });
  add_event_filters(*list, a);
  auto* limit =
      list->add_option("--limit", a.limit, "How many")->check(CLI::Range(1, 1'000'000))->capture_default_str();
  list->add_flag("--all", a.all, "All that the daemon keeps")->excludes(limit);

  auto* follow = verb(*event, a, "follow", "Events as they come, until Ctrl-C",
                      "  koppelctl event follow\n"
                      "  koppelctl --json event follow --from start --type auth.status",
                      [&a](surroundings& s) {
                        a.event.from_start = a.from == "start";
                        return follow_events(s, a.event);
                      });
  add_event_filters(*follow, a);
  follow->add_option("--from", a.from, "Where to begin")->check(CLI::IsMember({"now", "start"}))->capture_default_str();
}

std::string default_socket() {
  const char* set = std::getenv("KOPPEL_SOCKET");
  return set != nullptr && *set != '\0' ? set : "/var/lib/koppel/control.sock";
}

void add_everything(CLI::App& top, arguments_of_all& a, terminal& t) {
  top.require_subcommand(1);
  top.set_version_flag("--version", "koppelctl " KOPPEL_VERSION);
  top.add_option("--socket", a.socket, "The daemon's control socket; else KOPPEL_SOCKET")->capture_default_str();
  top.add_flag("--json", t.json, "For programs: one JSON document a line");
  top.add_flag("--no-color", a.no_colour, "No colours; NO_COLOR in the environment does the same");
  top.footer(
      "Exit codes: 0 done, 1 refused or failed, 2 wrong arguments, 3 the daemon cannot be reached.\n"
      "Begin with:\n"
      "  koppelctl app add teamleader/main --client-id ID\n"
      "  koppelctl connection add teamleader/acme --app main\n"
      "  koppelctl connection connect teamleader/acme\n"
      "  koppelctl sync run teamleader/acme");

  verb(top, a, "status", "The daemon at a glance", "  koppelctl status", show_status);
  auto* plugin = noun(top, "plugin", "The providers that the daemon knows");
  verb(*plugin, a, "list", "All plugins and how they are", "  koppelctl plugin list", list_plugins);
  verb(*plugin, a, "rescan", "Look at the plugin folder anew: load, replace and end plugins without a restart",
       "  koppelctl plugin rescan", rescan_plugins);
  add_provider_verbs(top, a);
  add_app_verbs(top, a);
  add_connection_verbs(top, a);
  add_token_verbs(top, a);
  add_sync_verbs(top, a);
  add_held_verbs(top, a);
  add_fetch(top, a);
  add_event_verbs(top, a);
  auto* consumer = noun(top, "consumer", "Who follows the bus");
  verb(*consumer, a, "list", "All consumers, and how far they are", "  koppelctl consumer list", list_consumers);
}

}  // namespace

exit_code run(const std::vector<std::string>& arguments, terminal& t) {
  arguments_of_all a;
  a.socket = default_socket();
  CLI::App top("koppelctl: looks after the Koppel daemon.", "koppelctl");
  add_everything(top, a, t);
  try {
    // CLI11 takes them from the back.
    top.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& e) {
    // Of a word that is no command it says only that one is missing, and not which word it was.
    const auto unknown = e.get_name() == "RequiredError" ? top.remaining(true) : std::vector<std::string>();
    if (!unknown.empty()) t.err << "\"" << printable(unknown.front()) << "\" is not known here.\n";
    return top.exit(e, t.out, t.err) == 0 ? exit_code::ok : exit_code::usage;
  }
  if (a.no_colour || t.json) t.colours = false;

  control daemon(a.socket);
  surroundings s{t, daemon};
  const auto end = a.chosen(s);
  t.out.flush();
  if (end) return *end;
  t.err << "koppelctl: " << end.error().detail << "\n";
  return exit_of(end.error());
}

}  // namespace koppel::koppelctl
