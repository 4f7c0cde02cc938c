# SPDX-License-Identifier: Apache-2.0
"""Webhooks as hints, whether the plugin registers them or somebody else: what is hinted at is read, and nothing depends on
a hint."""

import math

from provider import wait_until
from provider_test import ProviderTest


class Webhooks(ProviderTest):
    def hooked(self, sizes=None, knobs=None):
        """A connection that has read everything, whose address the provider has. Only hints cause reads from here on."""
        if "webhook" not in self.manifest:
            self.skipTest("its manifest has no webhooks")
        self.make_rig(sizes=sizes, public=True)
        if knobs:
            self.sim.post("/knobs", knobs)
        self.rig.add_app(f"{self.provider}/main")
        self.rig.add_connection(self.name)
        self.rig.connect(self.name)
        if self.manifest["webhook"]["registration"] == "plugin":
            wait_until("the webhooks to be registered", self.is_registered, 30)
        else:
            self.simulated.enter_webhooks(self.sim, self.client, self.address())
        self.read_well(full=True)
        self.hinted = sorted({rule["stream"] for rule in self.manifest["webhook"]["record"] if rule.get("id")})
        self.assertTrue(self.hinted, "no record is ever named")

    def of_registering_plugins(self):
        if self.manifest.get("webhook", {}).get("registration") == "by_hand":
            self.skipTest("somebody enters its webhooks at the provider, and takes them away")

    def address(self):
        return self.rig.ask("webhook", "address", self.name)["url"]

    def is_registered(self):
        return self.rig.connection(self.name)["webhooks"]["state"] == "registered"

    def settled(self):
        """Every call was made, and nothing that came of it waits. Limits hold for reads by id as well."""
        self.sim.wait_delivered()
        wait_until("no webhook to wait", lambda: all(w["state"] != "waiting" for w in self.rig.ask(
            "webhook", "list", "--limit", "1000")["webhooks"]), 120, every=0.1)

    def provider_does(self, stream, what, count):
        return set(self.sim.post(f"/records/{what}", {"entity": self.listed(stream).entity, "count": count})["ids"])

    def wait_published(self, stream, kind, ids, after):
        def there():
            return ids <= {record for k, record, _ in self.published(stream, after) if k == kind}

        wait_until(f"{stream}: {len(ids)} {kind}", there, 30, every=0.1)

    def record_events(self, after):
        return [e for stream in self.simulated.streams for e in self.published(stream, after)]

    # ---- registering

    def test_registers_its_webhooks(self):
        self.of_registering_plugins()
        self.hooked()
        there = self.sim.webhooks()
        self.assertEqual({w["url"] for w in there}, {self.address()})
        self.assertEqual({w["client_id"] for w in there}, {self.client["client_id"]})
        types = [t for w in there for t in w["types"]]
        self.assertEqual(sorted(types), sorted(set(types)), "each once")

    def test_renews_its_webhooks_in_time(self):
        self.of_registering_plugins()
        if self.simulated.webhook_life is None:
            self.skipTest("webhooks of this provider have no end")
        # The host renews in half the time, and not more often than once a minute.
        self.hooked(knobs=dict.fromkeys(self.simulated.webhook_life, 100))
        first = max(w["expires_ms"] for w in self.sim.webhooks())
        self.assertLess(self.seconds_until(first), 101)
        wait_until("a renewal", lambda: min(w["expires_ms"] for w in self.sim.webhooks()) > first, 90, every=0.5)
        # At the provider the first registration is over now.
        self.sim.post("/clock", {"advance_seconds": max(0, math.ceil(self.seconds_until(first)))})
        self.assert_hint_arrives()

    def seconds_until(self, moment_ms):
        return (moment_ms - self.sim.get("/clock")["now_ms"]) / 1000

    def test_removal_unregisters(self):
        self.of_registering_plugins()
        self.hooked()
        self.rig.ctl("connection", "remove", self.name, "--yes")
        wait_until("nothing to be registered", lambda: not self.sim.webhooks(), 30)

    # ---- hints

    def assert_hint_arrives(self):
        after, changed = self.last_seq(), {s: self.provider_does(s, "change", 2) for s in self.hinted}
        for stream, ids in changed.items():
            self.wait_published(stream, "upserted", ids, after)
        self.settled()
        for stream, ids in changed.items():
            told = [(record, event["data"]["cause"]) for _, record, event in self.published(stream, after)]
            self.assertEqual(sorted(told), sorted((record, "webhook") for record in ids), stream)

    def test_a_change_that_is_hinted_at_is_read_and_published(self):
        self.hooked()
        runs = {stream: run["id"] for stream, run in self.runs().items()}
        self.assert_hint_arrives()
        self.assertEqual({stream: run["id"] for stream, run in self.runs().items()}, runs, "no stream was read")
        self.assertEqual(self.auth_status()["display"], "Success")

    def test_what_a_read_by_id_alone_says_arrives(self):
        if "webhook" in self.manifest and not any(self.mapped(s, of_lists=False) for s in self.simulated.streams):
            self.skipTest("its lists say everything")
        self.hooked()
        for stream in self.hinted:
            after, changed = self.last_seq(), self.provider_does(stream, "change", 25)
            self.wait_published(stream, "upserted", changed, after)
            self.assert_arrived(self.mapped(stream, of_lists=False), stream, after)

    def test_what_only_a_hint_tells_of_is_read(self):
        if not self.simulated.hinted_only:
            self.skipTest("its lists and times of change tell everything")
        self.hooked()
        for stream, orders in self.simulated.hinted_only.items():
            for path, order in orders:
                after, changed = self.last_seq(), set(self.sim.post(path, order)["ids"])
                self.assertTrue(changed, order)
                self.wait_published(stream, "upserted", changed, after)

    def test_what_appears_and_goes_is_told_by_hints(self):
        self.hooked()
        for stream in self.hinted:
            after, added = self.last_seq(), self.provider_does(stream, "add", 2)
            self.wait_published(stream, "upserted", added, after)
            gone = set(self.sim.post("/records/delete", {"entity": self.listed(stream).entity,
                                                         "ids": sorted(added)})["ids"])
            self.assertEqual(gone, added)
            self.wait_published(stream, "deleted", gone, after)
        self.settled()
        self.assert_in_step(self.hinted)

    def test_repeated_hints_publish_nothing(self):
        self.hooked()
        self.assert_hint_arrives()
        after = self.last_seq()
        for _ in range(3):
            self.assertGreater(self.sim.post("/webhooks/again", {"count": 100})["sent"], 0)
            self.settled()
        self.assertEqual(self.record_events(after), [])

    def test_hints_in_any_order_and_twice_leave_everything_in_step(self):
        self.hooked()
        self.sim.post("/webhooks/rules", {"shuffle": True, "jitter_ms": 400, "twice_every": 3})
        for _ in range(3):
            for stream in self.hinted:
                self.provider_does(stream, "change", 5)
                self.provider_does(stream, "add", 2)
                self.provider_does(stream, "delete", 1)
        self.settled()
        self.assert_in_step(self.hinted)

    def test_a_hint_that_never_came_is_caught_by_the_next_read(self):
        self.hooked()
        self.sim.post("/webhooks/rules", {"drop_every": 1})
        after, changed = self.last_seq(), {s: self.provider_does(s, "change", 2) for s in self.hinted}
        gone = {s: self.provider_does(s, "delete", 1) - changed[s] for s in self.hinted}
        self.settled()
        self.assertEqual(self.record_events(after), [])
        self.read_well(full=True)
        for stream in self.hinted:
            told = {(kind, record) for kind, record, _ in self.published(stream, after)}
            there = self.at_provider(stream)
            self.assertTrue({("upserted", record) for record in changed[stream] & there} <= told, stream)
            self.assertTrue({("deleted", record) for record in gone[stream]} <= told, stream)

    def test_hints_of_somebody_else_publish_nothing(self):
        """At another address, or without the token; the record has changed, and nobody has said so yet."""
        self.hooked()
        self.assert_hint_arrives()
        self.sim.post("/webhooks/rules", {"drop_every": 1})
        after = self.last_seq()
        for stream in self.hinted:
            self.provider_does(stream, "change", 2)
        forged = [{"url": url[:-1] + ("A" if url[-1] != "A" else "B")} for url in {w["url"] for w in self.sim.webhooks()}]
        token = self.manifest["webhook"].get("token", {})
        if "pointer" in token:
            forged += [{"set": {token["pointer"].removeprefix("/"): value}} for value in ("", "x" * 43, None)]
        if "header" in token:
            forged += [{"headers": {token["header"]: value}} for value in ("Bearer " + "x" * 43, "", None)]
        for one in forged:
            asked = self.sim.get("/webhooks")["counts"]["by_status"].get("404", 0)
            sent = self.sim.post("/webhooks/forge", one)["sent"]
            self.sim.wait_delivered()
            self.assertEqual(self.sim.get("/webhooks")["counts"]["by_status"].get("404", 0), asked + sent, one)
        self.settled()
        self.assertEqual(self.record_events(after), [])
