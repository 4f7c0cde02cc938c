# SPDX-License-Identifier: Apache-2.0
"""A host, one plugin and its simulator, and what every case asks them. Expectations come from the plugin's manifest."""

import functools
import http
import json
import os
import shutil
import tempfile
import unittest
import urllib.parse

from customs import Customs
from koppel import Rig
from provider import wait_until
from simulated import SIMULATED

# docs/auth.md, "Status": what is shown where no HTTP status of 400 or above decided.
DISPLAYED = {"code_refused": "Failed, authorization code refused", "access_denied": "Failed, access denied",
             "customer_key_invalid": "Failed, key invalid", "revoked": "Failed, access revoked",
             "partner_key_invalid": "Failed, partner key invalid", "account_mismatch": "Failed, other account"}


def of_streams(case):
    """A case about what a plugin reads on its own."""
    @functools.wraps(case)
    def guarded(self):
        if self.first is None:
            self.skipTest("this plugin reads nothing on its own")
        case(self)
    return guarded


class ProviderTest(unittest.TestCase):
    """`provider` is set by the class that is made for each."""

    provider = None
    build = os.environ["KOPPEL_BUILD"]

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="koppel-test-")
        os.chmod(self.folder, 0o700)
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.customs = Customs(self.provider)
        self.manifest, self.auth = self.customs.manifest, self.customs.manifest["auth"]
        self.simulated = SIMULATED[self.provider]
        self.first = next(iter(self.simulated.streams), None)
        self.name = f"{self.provider}/acme"

    # ---- a rig

    def make_rig(self, sizes=None, small=True, **more):
        """Nothing is read unless a test asks for it. `small`: a few records of each stream but for `sizes`."""
        plugins = os.path.join(self.folder, "plugins")
        self.customs.install(self.build, plugins)
        self.rig = Rig(self.build, self.folder, plugins=plugins, schedule=False, **more)
        self.addCleanup(self.rig.stop)
        counts = {**(dict.fromkeys(self.simulated.streams, 40) if small else {}), **(sizes or {})}
        self.sim = self.rig.start_simulator(*self.simulated.options, *self.simulated.sizes(counts),
                                            provider=self.customs.simulator)
        self.rig.write_config("".join(f'[[limit]]\nprovider = "{self.provider}"\nname = "{name}"\nrequests = {count}\n'
                                      for name, count in self.simulated.limits.items()))
        self.rig.start_host()
        self.client = self.sim.client()

    def connected(self, **options):
        self.make_rig(**options)
        self.rig.add_app(f"{self.provider}/main")
        self.rig.add_connection(self.name)
        return self.rig.connect(self.name)

    def runs(self):
        """The newest run of each stream that has one."""
        newest = {}
        for run in self.rig.call("GET", f"/v1/syncs?provider={self.provider}&connection=acme&limit=100")[1]["runs"]:
            newest.setdefault(run["stream"], run)
        return newest

    def begin(self, stream=None, full=False):
        wish = {"provider": self.provider, "connection": "acme", "full": full, **({"stream": stream} if stream else {})}
        status, asked = self.rig.call("POST", "/v1/syncs", wish)
        self.assertEqual(status, 202, asked)
        return asked["streams"]

    def read(self, stream=None, full=False):
        """Reads now, and waits until each has ended, somehow; returns the runs by stream. What koppelctl sync run does,
        at a pace for tests."""
        def endings():
            return {name: (r["id"], r["ended_at"]) for name, r in self.runs().items() if r["state"] != "running"}

        before = endings()
        asked = self.begin(stream, full)

        def all_ended():
            now = endings()
            return all(name in now and now[name] != before.get(name) for name in asked)

        wait_until("the runs to end", all_ended, 60)
        return {name: run for name, run in self.runs().items() if name in asked}

    def read_well(self, stream=None, full=False):
        for name, run in self.read(stream, full).items():
            self.assertEqual((run["state"], run["complete"], run["set_aside"]), ("completed", full, 0), (name, run))

    # ---- something that needs the access token, whether the plugin reads or is asked

    def fetch(self):
        return self.rig.call("POST", f"/v1/connections/{self.name}/fetch", {"url": self.simulated.use})

    @property
    def path_of_use(self):
        """Part of the path of what is asked for then."""
        return urllib.parse.urlsplit(self.simulated.use).path if self.first is None else self.listed(self.first).path

    def uses(self):
        return [r for r in self.requests() if r["path"].endswith(self.path_of_use)]

    def use_well(self, full=False):
        if self.first is not None:
            self.read_well(self.first, full)
            return
        status, answer = self.fetch()
        self.assertEqual(status, 200, answer)

    def assert_use_is_refused(self):
        if self.first is not None:
            self.assert_cut_short(self.read(self.first))
            return
        status, answer = self.fetch()
        self.assertEqual((status, answer["error"]["code"]), (409, "not_authorized"), answer)

    def works(self):
        if self.first is not None:
            return self.read(self.first)[self.first]["state"] == "completed"
        return self.fetch()[0] == 200

    def read_all(self, stream=None):
        """Until a full read has completed: one that was interrupted goes on by itself first, and concludes nothing."""
        wait_until("complete reads", lambda: all(r["complete"] for r in self.read(stream, full=True).values()), 60)

    def assert_cut_short(self, runs):
        """Each says why, and either has failed or goes on later."""
        for stream, run in runs.items():
            self.assertIn(run["state"], ("failed", "interrupted"), stream)
            self.assertTrue(run["error"], stream)
            self.assertEqual((run["complete"], run["deleted"]), (False, 0), stream)

    # ---- what is known

    def auth_status(self):
        return self.rig.connection(self.name)["auth"]

    def events(self):
        return [json.loads(line) for line in self.rig.ctl("event", "list", "--all").stdout.splitlines()]

    def entity_of(self, stream):
        return next(s["entity"] for s in self.manifest["stream"] if s["name"] == stream)

    def published(self, stream, after=0):
        """The events of a stream's records, in order: [("upserted" or "deleted", id, event)]."""
        beginning = f"eu.koppel.sync.{self.entity_of(stream)}."
        return [(e["type"].removeprefix(beginning).removesuffix(".v1"), e["data"]["id"], e) for e in self.events()
                if e["type"].startswith(beginning) and int(e["seq"]) > after]

    def last_seq(self):
        return int(self.events()[-1]["seq"])

    def held(self, stream):
        """The ids that a consumer has by now, and how often each was published."""
        there = {}
        for kind, record, _ in self.published(stream):
            if kind == "upserted":
                there[record] = there.get(record, 0) + 1
            else:
                there.pop(record, None)
        return there

    def listed(self, stream):
        return self.simulated.streams[stream]

    def mapped(self, stream, of_lists):
        """The canonical fields that lines of what lists say, or of what reads by id alone say, read: each with the type
        that the line gives, or None."""
        found = set()
        for field, said in next(s["fields"] for s in self.manifest["stream"] if s["name"] == stream).items():
            for line in (said if isinstance(said, list) else [said]) if field != "dropped" else []:
                line = line if isinstance(line, dict) else {"from": line}  # a path alone is a line, too
                if (line.get("facet") == "detail") != of_lists:
                    several = field in ("emails", "phones", "addresses") and isinstance(line["from"], dict)
                    found |= {(field, kind) for kind in (line["from"] if several else [line.get("type")])}
        return found

    def assert_arrived(self, fields, stream, after=0):
        """Something in each, in one record or another."""
        said = set()
        for _, _, event in self.published(stream, after):
            for field, value in event["data"].get("data", {}).items():
                if value not in (None, []):
                    parts = value if isinstance(value, list) else [value]
                    said |= {(field, None)} | {(field, part.get("type")) for part in parts if isinstance(part, dict)}
        self.assertEqual(fields - said, set(), f"{stream}: nothing ever came")

    def at_provider(self, stream):
        return {raw.get("id") or raw["ID"] for raw in self.sim.records(self.listed(stream).entity)}

    def assert_in_step(self, streams=None):
        for stream in streams or self.simulated.streams:
            held, there = set(self.held(stream)), self.at_provider(stream)
            self.assertEqual((len(held), sorted(there - held)[:3], sorted(held - there)[:3]), (len(there), [], []),
                             stream)

    def requests(self, path=""):
        return [r for r in self.sim.get("/requests?since=0&limit=100000")["requests"] if path in r["path"]]

    def lists_of(self, stream):
        path = self.listed(stream).path
        return [r for r in self.requests() if r["path"].endswith(path)]

    def presented(self):
        """The tokens or keys that were presented to get an access token, but for codes."""
        kind = "key" if self.customs.by_key else "refresh"
        return [p for p in self.sim.get("/tokens/presented")["presented"] if p["kind"] == kind]

    # ---- what the manifest says of a refusal

    def refused_reason(self, grant):
        if self.customs.by_key:
            return "customer_key_invalid"
        return "code_refused" if grant == "authorization_code" else "revoked"

    def display_of(self, reason, grant):
        """By the rule that gives this reason: its status, where that is one of an error."""
        # Whoever has no words of its own for it speaks as RFC 6749 does.
        for rule in [*self.auth.get("refusal", []), {"reason": reason, "status": 400}]:
            if rule["reason"] == reason and rule.get("grant", grant) == grant:
                status = rule.get("status", 200)
                if status >= 400:
                    return "Failed, Status code: " + http.HTTPStatus(status).phrase.replace(" ", "")
                break
        return DISPLAYED[reason]

    def assert_hints(self, auth):
        self.assertTrue(all(auth["hint"][language].strip() for language in ("nl", "fr", "en")), auth["hint"])
        self.assertEqual(len(set(auth["hint"].values())), 3)
