# SPDX-License-Identifier: Apache-2.0
"""Webhooks as hints: registered by the plugin, kept before the answer, followed by a read of the record."""

import http.client
import json
import urllib.parse

from harness import RigTest
from provider import wait_until

NAME = "teamleader/acme"


class Webhooks(RigTest):
    def setUp(self):
        super().setUp()
        self.rig = self.make_rig("--companies", 40, "--contacts", 40, schedule=False, public=True)
        self.add_connection(self.rig, NAME)
        self.rig.connect(NAME)
        self.sim = self.rig.sim

    # ---- what a provider does, or somebody who pretends to be one

    def address(self):
        return self.rig.ask("webhook", "address", NAME)["url"]

    def post(self, body, url=None):
        parts = urllib.parse.urlsplit(url or self.url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=30)
        try:
            text = body if isinstance(body, (str, bytes)) else json.dumps(body)
            connection.request("POST", parts.path, text, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def hint(self, what, record):
        return self.post({"type": what, "subject": {"type": what.split(".")[0], "id": record}})

    # ---- what can be seen

    def registered(self):
        wait_until("the registration", lambda: self.rig.connection(NAME)["webhooks"]["state"] == "registered", 30)
        self.url = self.address()

    def events(self):
        listed = self.rig.ctl("event", "list", "--all").stdout.splitlines()
        return [e for e in map(json.loads, listed) if e["type"].startswith("eu.koppel.sync.co")
                and not e["type"].startswith("eu.koppel.sync.completed")]

    def events_of(self, record, count=1):
        return wait_until(f"{count} events of {record}",
                          lambda: (lambda seen: seen if len(seen) >= count else None)(
                              [e for e in self.events() if e["data"]["id"] == record]), 30, every=0.1)

    def reads(self, path):
        return len([r for r in self.sim.get("/requests?since=0")["requests"] if r["path"] == path])

    def settled(self):
        wait_until("no webhook to wait", lambda: all(w["state"] != "waiting" for w in
                                                      self.rig.ask("webhook", "list", "--limit", "1000")["webhooks"]),
                   60, every=0.1)

    # ---- the tests

    def test_what_changes_at_the_provider_is_read_and_published(self):
        self.registered()
        there = self.sim.get("/webhooks")["webhooks"]
        self.assertEqual([w["url"] for w in there], [self.url])
        self.sim.post("/records/change", {"entity": "company", "count": 1})
        changed = wait_until("the event", self.events, 30, every=0.1)[0]
        self.assertEqual(changed["data"]["cause"], "webhook")
        self.assertTrue(changed["data"]["run_id"].startswith("whk"))
        company = next(c for c in self.sim.records("company") if c["id"] == changed["data"]["id"])
        self.assertEqual(changed["data"]["data"]["name"], company["name"])

        # Hinted at again, and unchanged: no event. Gone: one that says so.
        self.hint("company.updated", company["id"])
        self.settled()
        self.assertEqual(len(self.events_of(company["id"])), 1)
        self.sim.post("/records/delete", {"entity": "company", "count": 1, "ids": [company["id"]]})
        gone = self.events_of(company["id"], 2)[-1]
        self.assertIn("deleted", gone["type"])
        self.assertEqual((gone["data"]["cause"], gone["data"]["reason"]), ("webhook", "provider_deleted"))
        self.assertEqual(self.rig.runs()["runs"], [])
        self.assertIsNotNone(self.rig.connection(NAME)["webhooks"]["last_received_at"])
        with open(self.rig.host_log, encoding="utf-8") as log:
            self.assertNotIn(self.url.rsplit("/", 1)[1], log.read())

        removed = json.loads(self.rig.ctl("connection", "remove", NAME, "--yes").stdout)
        self.assertEqual(removed["webhooks_left"], "")
        self.assertEqual(self.sim.get("/webhooks")["webhooks"], [])
        self.assertEqual(self.hint("company.updated", company["id"])[0], 404)

    def test_a_host_that_is_killed_after_the_answer_loses_nothing(self):
        self.registered()
        self.sim.post("/answer-delay", {"path": "/companies.info", "ms": 60_000})
        company = self.sim.records("company")[3]["id"]
        self.assertEqual(self.hint("company.updated", company)[0], 200)
        self.rig.kill(self.rig.host)
        self.sim.post("/answer-delay", {"path": "/companies.info", "ms": 0})
        self.rig.start_host()
        self.assertEqual(self.events_of(company)[0]["data"]["cause"], "webhook")
        self.settled()

    def test_duplicates_floods_and_nonsense_are_harmless(self):
        self.registered()
        ids = [c["id"] for c in self.sim.records("company")[:3]]
        self.sim.post("/answer-delay", {"path": "/companies.info", "ms": 300})
        for number in range(120):
            self.assertEqual(self.hint(("company.updated", "company.deleted", "company.added")[number % 3],
                                       ids[number % 3])[0], 200)
        self.settled()
        self.assertLess(self.reads("/companies.info"), 60)
        self.assertEqual(sorted(e["data"]["id"] for e in self.events()), sorted(ids))

        # Kept and shown, and nobody is asked for anything.
        asked = self.reads("/companies.info")
        strange = ["", "not json", "[]", "[" * 10_000, {"type": "deal.won", "subject": {"id": ids[0]}},
                   {"type": "company.updated"}, {"type": "company.updated", "subject": {"id": {"a": 1}}},
                   {"type": "company.updated", "subject": {"id": "x" * 300}}, b'{"type":"\xff"}']
        for body in strange:
            self.assertEqual(self.post(body)[0], 200, str(body)[:60])
        shown = self.rig.ask("webhook", "list", "--limit", str(len(strange)))["webhooks"]
        self.assertTrue(all(w["reason"] and w["state"] in ("done", "refused") for w in shown), shown)
        self.assertEqual(self.reads("/companies.info"), asked)
        # An id that the provider does not know is no record of ours.
        self.hint("company.deleted", "00000000-0000-4000-8000-000000000000")
        self.settled()
        self.assertEqual(len(self.events()), 3)
        unknown = self.post({}, url=self.url[:-1] + ("A" if self.url[-1] != "A" else "B"))
        self.assertEqual(unknown[0], 404)
        self.assertEqual(unknown, self.post({}, url=self.url.replace("/teamleader/", "/zoho/")))
