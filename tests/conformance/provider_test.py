# SPDX-License-Identifier: Apache-2.0
"""A host, one plugin and its simulator, and what every case asks them. Expectations come from the plugin's manifest."""

import http
import json
import os
import shutil
import tempfile
import unittest

from customs import Customs
from koppel import Rig
from provider import wait_until
from simulated import SIMULATED

# docs/auth.md, "Status": what is shown where no HTTP status of 400 or above decided.
DISPLAYED = {"code_refused": "Failed, authorization code refused", "access_denied": "Failed, access denied",
             "customer_key_invalid": "Failed, key invalid", "revoked": "Failed, access revoked",
             "partner_key_invalid": "Failed, partner key invalid", "account_mismatch": "Failed, other account"}


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
        self.name = f"{self.provider}/acme"

    # ---- a rig

    def make_rig(self, sizes=None, small=True):
        """Nothing is read unless a test asks for it. `small`: a few records of each stream but for `sizes`."""
        plugins = os.path.join(self.folder, "plugins")
        os.makedirs(plugins, mode=0o755)
        shutil.copy(os.path.join(self.build, "plugins", f"{self.provider}.so"), plugins)
        self.rig = Rig(self.build, self.folder, plugins=plugins, schedule=False)
        self.addCleanup(self.rig.stop)
        counts = {**(dict.fromkeys(self.simulated.streams, 40) if small else {}), **(sizes or {})}
        self.sim = self.rig.start_simulator(*self.simulated.options, *self.simulated.sizes(counts),
                                            provider=self.provider)
        self.rig.write_config()
        self.rig.start_host()
        self.client = self.sim.client()

    def connected(self, **options):
        self.make_rig(**options)
        self.rig.add_app(f"{self.provider}/main")
        self.rig.add_connection(self.name)
        return self.rig.connect(self.name)

    def read(self, *options, check=True):
        """Reads now, and waits; returns the runs by stream."""
        done = self.rig.ctl("sync", "run", self.name, *options, check=check)
        return {run["stream"]: run for run in json.loads(done.stdout)["runs"]} if done.stdout.strip() else {}

    def read_all(self, stream=None):
        """Until a full read has completed: one that was interrupted goes on by itself first, and concludes nothing."""
        streams = [stream] if stream else list(self.simulated.streams)

        def complete():
            runs = self.read("--full", *(["--stream", stream] if stream else []), check=False)
            return all(runs[name]["state"] == "completed" and runs[name]["complete"] for name in streams)

        wait_until("complete reads", complete, 60)

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

    def at_provider(self, stream):
        return {raw.get("id") or raw["ID"] for raw in self.sim.records(self.simulated.streams[stream].entity)}

    def assert_in_step(self, streams=None):
        for stream in streams or self.simulated.streams:
            held, there = set(self.held(stream)), self.at_provider(stream)
            self.assertEqual((len(held), sorted(there - held)[:3], sorted(held - there)[:3]), (len(there), [], []),
                             stream)

    def requests(self, path=""):
        return [r for r in self.sim.get("/requests?since=0&limit=100000")["requests"] if path in r["path"]]

    def lists_of(self, stream):
        path = self.simulated.streams[stream].path
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
        """By the rule that gives this reason: its status, where it has one that is an error."""
        for rule in self.auth["refusal"]:
            if rule["reason"] == reason and rule.get("grant", grant) == grant:
                status = rule.get("status", 200)
                if status >= 400:
                    return "Failed, Status code: " + http.HTTPStatus(status).phrase.replace(" ", "")
                break
        return DISPLAYED[reason]

    def assert_hints(self, auth):
        self.assertTrue(all(auth["hint"][language].strip() for language in ("nl", "fr", "en")), auth["hint"])
        self.assertEqual(len(set(auth["hint"].values())), 3)
