# SPDX-License-Identifier: Apache-2.0
"""tools/bench auth: what each provider answers to a code or key, what the customer then reads, and how long after the
click or the paste the auth.status event is on the bus, beyond the simulator's own answers. What is expected is written
down here, case by case: a text that changes has to be changed on purpose."""

import dataclasses
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.parse

from customs import Customs
from koppel import Rig
from provider import Browser, wait_until

ELSEWHERE = "https://app.testocloud.be/"
LIMIT_S = 1.0
FEW_OF_TEAMLEADER = ("--companies", 1, "--contacts", 1, "--rate-limit", 1_000_000)
SIMULATED = {"teamleader": FEW_OF_TEAMLEADER, "focus": FEW_OF_TEAMLEADER, "generic": (),
             "cardfile": ("--people", 1, "--rate-limit", 1_000_000),
             "workfront": ("--companies", 1, "--projects", 1, "--users", 1),
             "zoho": ("--accounts", 1, "--contacts", 1, "--users", 1),
             "snelstart": ("--companies", 1, "--minute-limit", 100_000, "--hour-limit", 100_000)}
PAGE = "<html><body>Onderhoud / Maintenance</body></html>"


@dataclasses.dataclass(frozen=True)
class Read:
    """What the customer reads."""
    display: str
    reason: str
    turn: str  # "<action> by <whom>"


def failed(status, reason, by="customer", action="reauthorise"):
    return Read("Failed, " + status, reason, f"{action} by {by}")


SUCCESS = Read("Success", "", "none by none")
BAD, UNAUTHORIZED, UNAVAILABLE = ("Status code: " + name for name in ("BadRequest", "Unauthorized",
                                                                     "ServiceUnavailable"))
OTHER = failed("other account", "account_mismatch", "operator")
TAKEN = failed("account already connected", "account_in_use", "operator")
DENIED = failed("access denied", "access_denied")
ELSEWHERE_READ = failed("wrong data centre", "wrong_data_centre", action="fix_settings")
DOWN = failed(UNAVAILABLE, "unclear")
LOST = failed("reason unclear", "unclear")

# The words of each hint that say what to do, in nl, fr and en.
HINTS = {"": ("Er is niets te doen", "Il n'y a rien à faire", "There is nothing to do"),
         "code_refused": ("Maak een nieuwe autorisatiecode: log eerst uit uit Pro+",
                          "Générez un nouveau code d'autorisation : déconnectez-vous d'abord de Pro+",
                          "Make a new authorization code: log out of Pro+ first"),
         "redirect_mismatch": ("Voeg het daar toe bij 'Toegestane redirect URI's'",
                               "Ajoutez-la sous « URI de redirection autorisés »",
                               "Add it there under 'Valid redirect URIs'"),
         "secret_wrong": ("weigert de Client Secret. Kopieer ze opnieuw", "refuse le Secret client. Copiez-le à nouveau",
                          "refuses the client secret. Copy it again"),
         "wrong_data_centre": ("Plak het volledige adres", "Collez l'adresse entière", "Paste the whole address"),
         "access_denied": ("De toegang werd niet gegeven. Open de link opnieuw",
                           "L'accès n'a pas été accordé. Rouvrez le lien", "Access was not given. Open the link again"),
         "account_mismatch": ("aan met het juiste account", "avec le bon compte", "with the right account"),
         "account_in_use": ("aan met een ander account", "avec un autre compte", "with another account"),
         "customer_key_invalid": ("Maak een nieuwe sleutel", "Créez une nouvelle clé", "Make a new key"),
         "partner_key_invalid": ("De beheerder van Koppel moet ze vervangen", "L'opérateur de Koppel doit la remplacer",
                                 "The operator of Koppel has to replace it"),
         "unclear": ("verwittig dan de beheerder", "prévenez l'opérateur", "tell the operator")}
# Of some cases the hint says more than that of their reason.
HINTS_OF_CASES = {"scope refused": ("weigert de scopes waar de link om vraagt", "refuse les scopes demandés par le lien",
                                    "refuses the scopes that the link asks for"),
                  "no refresh token": ("Laat de beheerder de link om blijvende toegang doen vragen",
                                       "faire demander un accès durable par le lien",
                                       "has to have the link ask for lasting access")}

# What every provider of codes has.
BY_CODE = {"success, by callback": SUCCESS, "success, pasted": SUCCESS, "access denied": DENIED, "scope refused": DENIED,
           "provider down": DOWN, "too often": failed("Status code: TooManyRequests", "unclear"), "answer lost": LOST,
           "a page for an answer": LOST, "an answer without a token": LOST, "other account": OTHER,
           "account in use": TAKEN}
# And who words a refusal as RFC 6749 does, or much like it.
BY_THE_BOOK = {**BY_CODE, "bad code": failed(BAD, "code_refused"), "expired code": failed(BAD, "code_refused"),
               "wrong secret": failed(UNAUTHORIZED, "secret_wrong", action="fix_settings"),
               "unknown client": failed(UNAUTHORIZED, "secret_wrong", action="fix_settings"),
               "redirect mismatch": failed(BAD, "redirect_mismatch", action="fix_settings")}
OF_CODES = {"expired code, with its link's state": failed(BAD, "code_refused"),
            "code used before": failed(BAD, "code_refused"), "code of another client": failed(BAD, "code_refused")}

EXPECTED = {
    "teamleader": {**BY_THE_BOOK, **OF_CODES},
    "workfront": {**BY_THE_BOOK, "wrong data centre": ELSEWHERE_READ},
    "zoho": {**BY_CODE, "bad code": failed("authorization code refused", "code_refused"),
             "expired code": failed("authorization code refused", "code_refused"),
             "wrong secret": failed("client secret wrong", "secret_wrong", action="fix_settings"),
             "unknown client": ELSEWHERE_READ,
             "redirect mismatch": failed("redirect address differs", "redirect_mismatch", action="fix_settings"),
             "wrong data centre": ELSEWHERE_READ},
    "snelstart": {"success, pasted": SUCCESS, "bad key": failed(BAD, "customer_key_invalid"),
                  "key made anew since": failed(BAD, "customer_key_invalid"),
                  "key withdrawn": failed(BAD, "customer_key_invalid"),
                  "partner key invalid": failed(UNAUTHORIZED, "partner_key_invalid", "operator", "fix_settings"),
                  "other account": OTHER, "account in use": TAKEN},
    # The preset for Google, against its simulator.
    "generic": {**BY_THE_BOOK, **OF_CODES, "denied by a policy": DENIED, "no refresh token": DENIED,
                "no answer in time": LOST, "account in use with another app": SUCCESS},
    # Manifests alone.
    "cardfile": {**BY_THE_BOOK, **OF_CODES},
    "focus": {**BY_THE_BOOK, **OF_CODES},
}


class Watcher:
    """koppelctl event follow in a child: each auth.status event with the moment in which it was seen."""

    def __init__(self, rig):
        self.child = subprocess.Popen([os.path.join(rig.bin, "koppelctl"), "--socket", rig.socket, "--json", "event",
                                       "follow", "--type", "auth.status", "--from", "start"],
                                      stdout=subprocess.PIPE, text=True)
        self.seen = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.child.stdout:
            self.seen.append((time.monotonic(), json.loads(line)))

    def outcome(self, connection):
        """The first event that says how it ended."""
        for moment, event in list(self.seen):
            if event["connection"] == connection and event["data"]["status"] not in ("unconfigured", "waiting"):
                return moment, event["data"]
        return None

    def stop(self):
        self.child.terminate()
        self.child.wait()


class Town:
    """One provider, a host, and a connection for each case."""

    def __init__(self, build, provider, folder):
        self.provider, self.customs, self.number = provider, Customs(provider), 0
        self.auth = self.customs.manifest["auth"]
        plugins = os.path.join(folder, "plugins")
        self.customs.install(build, plugins)
        self.rig = Rig(build, folder, plugins=plugins, schedule=False)
        self.sim = self.rig.start_simulator(*SIMULATED[provider], provider=self.customs.simulator)
        self.rig.write_config()
        self.rig.start_host()
        self.first = self.sim.client()
        self.watcher = Watcher(self.rig)

    def stop(self):
        self.watcher.stop()
        self.rig.stop()

    # ---- preparing

    def client(self):
        """A customer with an account of its own."""
        self.number += 1
        account = dict(self.first["account"], name=f"Account {self.number}")
        account["id"] = f"{self.number:0{len(account['id'])}d}" if "-" not in account["id"] else (
            f"{self.number:08x}" + account["id"][8:])
        secret = (f"{self.number:04d}" + self.first["client_secret"][4:]) if self.customs.by_key else f"{self.number:032x}"
        made = {**self.first, "client_id": f"c{self.number:031x}", "client_secret": secret, "account": account}
        made.pop("redirect_uris", None)
        self.sim.post("/clients", {**made, "redirect_uris": []})
        return made

    def connection(self, client, settings=None, app=None, **changed):
        """Its name, with an app of its own, or another connection's. `changed`: what is entered instead of what the
        provider knows; `settings`: besides what every connection of this provider has."""
        name = f"case-{self.number}-{len(self.watcher.seen)}-{time.monotonic_ns() % 100000}"
        client_id, secret = self.customs.app(self.sim, client)
        body = {"provider": self.provider, "name": name, "client_id": client_id, "client_secret": secret,
                **({} if self.customs.by_key else {"redirect_uri": changed.pop("redirect_uri", "")}), **changed}
        if app is None:
            self.must("POST", "/v1/apps", {k: v for k, v in body.items() if v != ""}, 201)
        entered = self.customs.entered(client)
        entered["settings"] = {**entered.get("settings", {}), **(settings or {})}
        self.must("POST", "/v1/connections", {"provider": self.provider, "name": name, "customer": "1",
                                              "app": app or name, **entered}, 201)
        return name

    def must(self, method, path, body, expect=200):
        status, answer = self.rig.call(method, path, body)
        if status != expect:
            raise RuntimeError(f"{method} {path}: {status} {answer}")
        return answer

    def code(self, client, **more):
        return self.sim.post("/codes", {"client_id": client["client_id"], "redirect_uri": ELSEWHERE, **more})["code"]

    def link(self, name):
        return self.must("POST", f"/v1/connections/{self.provider}/{name}/attempts", {"confirmation": {"mode": "yes"}},
                         201)

    def token_fault(self, **fault):
        self.sim.post("/faults", {"match": {"path": urllib.parse.urlsplit(self.customs.token_url).path, "count": 1},
                                  **fault})

    # ---- the click, the paste

    def paste(self, name, text, confirmation=None):
        status, answer = self.rig.call("POST", f"/v1/connections/{self.provider}/{name}/code",
                                       {"pasted": text, "confirmation": confirmation or {"mode": "yes"}})
        if status != 200:
            raise RuntimeError(f"{self.provider}/{name}: {status} {answer}")

    def click(self, name, decision="allow", changed=None):
        """Consents; then the browser comes back, and the clock runs."""
        attempt = self.link(name)
        browser = self.rig.browser()
        address = browser.consent(attempt["link"], decision)
        if changed:
            parts = urllib.parse.urlsplit(address)
            query = {**dict(urllib.parse.parse_qsl(parts.query)), **changed}
            address = urllib.parse.urlunsplit(parts._replace(query=urllib.parse.urlencode(query)))
        return lambda: browser.exchange("GET", address)

    # ---- the cases: each prepares, and returns the connection and what is then done

    def case(self, title):
        client = self.client()
        ways = self.keys(client) if self.customs.by_key else self.codes(client)
        return ways[title]()

    def keys(self, client):
        def pasted(key=None, confirmation=None, prepare=lambda: None):
            name = self.connection(client)
            prepare()
            return name, lambda: self.paste(name, key or self.customs.key(client), confirmation)

        def partner():
            old = self.sim.get("/knobs")["subscription_key"]
            name = self.connection(client, client_secret="1" * len(old))
            return name, lambda: self.paste(name, self.customs.key(client))

        def taken():
            self.paste(self.connection(client), self.customs.key(client))
            return pasted()

        return {"success, pasted": pasted,
                "bad key": lambda: pasted("".join(reversed(self.customs.key(client).rstrip("=")))),
                "key made anew since": lambda: pasted(prepare=lambda: self.sim.post(
                    "/keys/regenerate", {"client_id": client["client_id"]})),
                "key withdrawn": lambda: pasted(prepare=lambda: self.sim.post(
                    "/revoke", {"client_id": client["client_id"]})),
                "partner key invalid": partner,
                "other account": lambda: pasted(confirmation={"mode": "expect", "account": "nobody"}),
                "account in use": taken}

    def address(self, client, code, **more):
        """Where the browser ends: some providers say there at which of their places the account lives."""
        named = {}
        for region in self.auth.get("region", []):
            if client["account"].get("host") in region["redirect"].values():
                named = region["redirect"]
        return ELSEWHERE + "?" + urllib.parse.urlencode({"code": code, **named, **more})

    def codes(self, client):
        def pasted(confirmation=None, prepare=lambda: None, code=None, **changed):
            name = self.connection(client, redirect_uri=changed.pop("redirect_uri", ELSEWHERE), **changed)
            text = self.address(client, code or self.code(client))
            prepare()
            return name, lambda: self.paste(name, text, confirmation)

        def clicked(settings=None, **how):
            name = self.connection(client, settings)
            return name, self.click(name, **how)

        def refused_with(word):
            return clicked(decision="deny", changed={"error": word})

        def answered_with(**fault):
            return pasted(prepare=lambda: self.token_fault(action="status", **fault))

        def used():
            code = self.code(client)
            Browser(self.sim.routes).post(self.customs.token_url, {
                "grant_type": "authorization_code", "code": code, "redirect_uri": ELSEWHERE,
                "client_id": client["client_id"], "client_secret": client["client_secret"]})
            return pasted(code=code)

        def consented_before():
            clicked()[1]()
            return clicked({"authorize_parameters": "access_type=offline"})

        def with_state():
            name = self.connection(client, redirect_uri=ELSEWHERE)
            attempt = self.link(name)
            state = urllib.parse.parse_qs(urllib.parse.urlsplit(attempt["link"]).query)["state"][0]
            late = self.code(client, age_seconds=self.auth.get("code_lifetime_s", 600) + 60)
            return name, lambda: self.paste(name, self.address(client, late, state=state))

        def taken(of_one_app):
            first = self.connection(client, redirect_uri=ELSEWHERE)
            self.paste(first, self.address(client, self.code(client)))
            return pasted(app=first if of_one_app else None)

        def elsewhere():
            named = list(self.auth.get("region", [{}])[0].get("redirect", {})) or ["domain", "lane"]
            return clicked(changed=dict.fromkeys(named, "elsewhere"))

        too_old = {"age_seconds": self.auth.get("code_lifetime_s", 600) + 60}
        return {"success, by callback": clicked, "success, pasted": pasted,
                "bad code": lambda: pasted(code="no-such-code-" + "0" * 40),
                "expired code": lambda: pasted(code=self.code(client, **too_old)),
                "expired code, with its link's state": with_state,
                "wrong secret": lambda: pasted(client_secret="wrong" + client["client_secret"]),
                "unknown client": lambda: pasted(client_id="unknown" + client["client_id"]),
                "redirect mismatch": lambda: pasted(redirect_uri="https://other.testocloud.be/"),
                "code used before": used,
                "code of another client": lambda: pasted(code=self.code(self.client())),
                "access denied": lambda: clicked(decision="deny"), "wrong data centre": elsewhere,
                "denied by a policy": lambda: refused_with("admin_policy_enforced"),
                "scope refused": lambda: refused_with("invalid_scope"), "no refresh token": consented_before,
                "provider down": lambda: answered_with(status=503, body=PAGE),
                "too often": lambda: answered_with(status=429, body="", headers={"Retry-After": "60"}),
                "a page for an answer": lambda: answered_with(status=200, body=PAGE),
                "an answer without a token": lambda: answered_with(status=200, body={"token_type": "Bearer"}),
                "answer lost": lambda: pasted(prepare=lambda: self.token_fault(action="cut", cut_after=0)),
                "no answer in time": lambda: pasted(prepare=lambda: self.token_fault(action="hang")),
                "other account": lambda: pasted({"mode": "expect", "account": "nobody"}),
                # Where connections say who their provider is, accounts are compared within one app.
                "account in use": lambda: taken(of_one_app=self.customs.preset is not None),
                "account in use with another app": lambda: taken(of_one_app=False)}

    def measure(self, title):
        """What was read, and the seconds from the click or paste to the event, beyond the simulator's own answers."""
        name, act = self.case(title)
        logged = self.sim.get("/requests?since=0&limit=100000")["next"]
        done = threading.Thread(target=act)
        start = time.monotonic()
        done.start()
        moment, data = wait_until(f"{self.provider}, {title}: the auth.status event",
                                  lambda: self.watcher.outcome(name), 60, every=0.001)
        done.join()
        own = self.sim.get(f"/requests?since={logged}&limit=100000")["requests"]
        return data, moment - start - sum(r["duration_us"] for r in own) / 1e6


def run(options, providers=None):
    """Rows: provider, case, what was read, hint, milliseconds, and whether all of it is as it should be."""
    rows = []
    for provider in providers or EXPECTED:
        folder = tempfile.mkdtemp(prefix="koppel-bench-")
        town = None
        try:
            town = Town(options.build, provider, folder)
            for title, expected in EXPECTED[provider].items():
                data, seconds = town.measure(title)
                read = Read(data["display"], data["reason"] or "", f"{data['action']} by {data['action_by']}")
                hints = data["hint"]
                wanted = HINTS_OF_CASES.get(title, HINTS[expected.reason])
                said = all(words in hints[tag] for tag, words in zip(("nl", "fr", "en"), wanted))
                rows.append({"provider": provider, "case": title, **dataclasses.asdict(read), "hint": hints["nl"],
                             "hints": hints, "milliseconds": round(seconds * 1000, 1),
                             "expected": dataclasses.asdict(expected) | {"hint": wanted[0]},
                             "holds": read == expected and said and seconds < LIMIT_S})
        finally:
            if town:
                town.stop()
            shutil.rmtree(folder, ignore_errors=True)
    return rows


def show(rows):
    cells = [("provider", "case", "Auth Status", "reason", "whose turn", "hint", "ms", "")]
    for row in rows:
        hint = row["hint"] if len(row["hint"]) <= 44 else row["hint"][:43] + "…"
        cells.append((row["provider"], row["case"], row["display"], row["reason"], row["turn"], hint,
                      f"{row['milliseconds']:.0f}", "holds" if row["holds"] else "MISSED"))
    widths = [max(len(cell[i]) for cell in cells) for i in range(len(cells[0]))]
    for cell in cells:
        print("  ".join(c.rjust(w) if i == 6 else c.ljust(w) for i, (c, w) in enumerate(zip(cell, widths))).rstrip())
    for row in rows:
        if not row["holds"]:
            print(f"MISSED: {row['provider']}, {row['case']}: expected {row['expected']}")
