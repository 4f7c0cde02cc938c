# SPDX-License-Identifier: Apache-2.0
"""Webhooks as hints: registered by the plugin, kept before the answer, followed by a read of the record."""

import http.client
import json
import urllib.parse

from harness import RigTest
from koppel import Rig
from provider import wait_until

class WebhookTest(RigTest):
    provider, options = "teamleader", ("--companies", 40, "--contacts", 40, "--rate-limit", 100000)

    def setUp(self):
        super().setUp()
        self.name = f"{self.provider}/acme"
        self.rig = Rig(self.build, self.folder, schedule=False, public=True)
        self.addCleanup(self.rig.stop)
        self.sim = self.rig.start_simulator(*self.options, provider=self.provider)
        self.rig.write_config()
        self.rig.start_host()
        self.rig.add_app(f"{self.provider}/main")
        self.rig.add_connection(self.name)

    # ---- what a provider does, or somebody who pretends to be one

    def address(self):
        return self.rig.ask("webhook", "address", self.name)["url"]

    def post(self, body, url=None, headers=None):
        parts = urllib.parse.urlsplit(url or self.url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=30)
        try:
            text = body if isinstance(body, (str, bytes)) else json.dumps(body)
            connection.request("POST", parts.path, text, {"Content-Type": "application/json", **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def hint(self, what, record):
        return self.post({"type": what, "subject": {"type": what.split(".")[0], "id": record}})

    # ---- what can be seen

    def state(self):
        return (self.rig.connection(self.name)["webhooks"] or {"state": "none"})["state"]

    def registered(self, connect=True):
        if connect:
            self.rig.connect(self.name)
        wait_until("the registration", lambda: self.state() == "registered", 30)
        self.url = self.address()

    def events(self):
        listed = self.rig.ctl("event", "list", "--all").stdout.splitlines()
        return [e for e in map(json.loads, listed) if e["type"].endswith((".upserted.v1", ".deleted.v1"))]

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


class Webhooks(WebhookTest):
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
        self.assertIsNotNone(self.rig.connection(self.name)["webhooks"]["last_received_at"])
        with open(self.rig.host_log, encoding="utf-8") as log:
            self.assertNotIn(self.url.rsplit("/", 1)[1], log.read())

        removed = json.loads(self.rig.ctl("connection", "remove", self.name, "--yes").stdout)
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

    def test_nobody_but_the_registrar_asks_where_webhooks_are_sent(self):
        self.registered()
        for path in ("/webhooks.list", "/webhooks.register", "/webhooks.unregister"):
            refused = self.rig.ctl("fetch", self.name, "https://api.focus.teamleader.eu" + path, "--method", "POST",
                                   "--body", "{}", check=False)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("but for the registration of webhooks", refused.stdout + refused.stderr)
        self.assertEqual(self.reads("/webhooks.unregister"), 0)
        self.assertEqual([w["url"] for w in self.sim.get("/webhooks")["webhooks"]], [self.url])

    def move(self):
        """Another public address, from a restart on. Returns the connection's there."""
        self.assertEqual(self.rig.host.poll(), None)
        self.rig.host.terminate()
        self.rig.host.wait(15)
        with open(self.rig.config, encoding="utf-8") as file:
            text = file.read()
        with open(self.rig.config, "w", encoding="utf-8") as file:
            file.write(text.replace('public_url = "http://127.0.0.1:', 'public_url = "http://localhost:'))
        self.rig.start_host()
        return self.url.replace("//127.0.0.1:", "//localhost:")

    def addresses(self):
        return sorted(w["url"] for w in self.sim.get("/webhooks")["webhooks"])

    def remove(self):
        return json.loads(self.rig.ctl("connection", "remove", self.name, "--yes").stdout)["webhooks_left"]

    def test_another_public_address_takes_the_place_of_the_old_one(self):
        self.registered()
        moved = self.move()
        wait_until("the new address alone", lambda: self.addresses() == [moved], 30)

    def test_an_old_address_that_could_not_be_removed_is_told_and_goes_with_the_connection(self):
        self.registered()
        self.sim.post("/faults", {"match": {"path": "/webhooks.unregister", "count": 1}, "action": "status", "status": 403,
                                  "body": "{}"})
        moved = self.move()
        wait_until("both addresses", lambda: self.addresses() == sorted([self.url, moved]), 30)
        wait_until("the old one to be told",
                   lambda: "former address" in self.rig.connection(self.name)["webhooks"]["reason"], 30)
        shown = self.rig.connection(self.name)["webhooks"]
        self.assertEqual(shown["state"], "registered")
        self.assertIn("http://127.0.0.1:", shown["reason"])
        self.assertEqual(self.remove(), "")
        self.assertEqual(self.addresses(), [])

    def test_a_removal_comes_after_the_registration_that_is_under_way(self):
        self.sim.post("/answer-delay", {"path": "/webhooks.register", "ms": 3000})
        self.rig.connect(self.name)
        # What is asked right before it; a request is listed when it was answered.
        wait_until("the registration to be asked for", lambda: self.reads("/webhooks.list") == 1, 30, every=0.05)
        self.assertEqual(self.remove(), "")
        self.assertEqual(self.addresses(), [])
        self.assertEqual((self.reads("/webhooks.register"), self.reads("/webhooks.unregister")), (1, 1))


class Workfront(WebhookTest):
    provider, options = "workfront", ("--companies", 20, "--projects", 20, "--users", 10)

    def test_who_is_no_administrator_is_read_by_the_schedule_alone(self):
        self.sim.post("/knobs", {"not_admin": True})
        self.assertEqual(self.rig.connect(self.name)["auth"]["display"], "Success")
        wait_until("the refusal", lambda: self.state() == "refused", 30)
        shown = self.rig.connection(self.name)
        self.assertEqual(shown["auth"]["display"], "Success")
        self.assertTrue(shown["webhooks"]["reason"])
        self.assertEqual(len(self.rig.ask("sync", "run", self.name, "--stream", "companies")["runs"]), 1)

    def test_a_deletion_is_read_from_the_old_state(self):
        self.registered()
        company = self.sim.records("company")[0]["ID"]
        self.sim.post("/records/change", {"entity": "company", "count": 1, "ids": [company]})
        self.assertEqual(self.events_of(company)[0]["data"]["cause"], "webhook")
        self.sim.post("/records/delete", {"entity": "company", "count": 1, "ids": [company]})
        self.assertIn("deleted", self.events_of(company, 2)[-1]["type"])
        # At the right address, without the token.
        body = {"eventType": "UPDATE", "newState": {"objCode": "CMPY", "ID": company}, "oldState": {}}
        self.assertEqual(self.post(body)[0], 404)
        self.assertEqual(self.post(body, headers={"Authorization": "Bearer guessed"})[0], 404)
        refused = self.rig.ask("webhook", "list", "--limit", "2")["webhooks"]
        self.assertEqual({w["state"] for w in refused}, {"refused"})


class Zoho(WebhookTest):
    provider, options = "zoho", ("--accounts", 20, "--contacts", 20, "--users", 5)

    def test_a_channel_ends_when_the_provider_says_and_its_token_is_demanded(self):
        self.registered()
        shown = self.rig.connection(self.name)["webhooks"]
        self.assertTrue(shown["ends_at"])
        account = self.sim.records("account")[0]["id"]
        self.sim.post("/records/change", {"entity": "account", "count": 1, "ids": [account]})
        self.assertEqual(self.events_of(account)[0]["data"]["cause"], "webhook")
        forged = {"module": "Accounts", "ids": [account], "operation": "update", "token": "guessed"}
        self.assertEqual(self.post(forged)[0], 404)
        self.assertNotIn("guessed", json.dumps(self.rig.ask("webhook", "list")))
        token = self.rig.ask("webhook", "address", self.name)["token"]
        self.assertEqual(self.post({**forged, "token": token})[0], 200)
        self.settled()
        self.assertNotIn(token, json.dumps(self.rig.ask("webhook", "list")))
        removed = json.loads(self.rig.ctl("connection", "remove", self.name, "--yes").stdout)
        self.assertEqual(removed["webhooks_left"], "")
