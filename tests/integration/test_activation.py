# SPDX-License-Identifier: Apache-2.0
"""A key that comes by webhook: the activation link, the messages about a key, and what a forger gets."""

import http.client
import json
import time
import urllib.parse

from harness import RigTest
from koppel import Rig
from provider import wait_until

OTHER = {"client_id": "smit", "client_secret": "b3RoZXI6a2V5K2Zvci9zbWl0", "name": "Testo Pro+ Sync", "redirect_uris": [],
         "scopes": ["relaties:read", "settings:read"],
         "account": {"id": "0b54e21c-5bb5-4b31-9f5b-7d7c2a0d9a11", "name": "Smit & Zonen"}}


class Activation(RigTest):
    def setUp(self):
        super().setUp()
        self.rig = Rig(self.build, self.folder, schedule=False)
        self.addCleanup(self.rig.stop)
        self.sim = self.rig.start_simulator(provider="snelstart")
        self.rig.write_config()
        self.rig.start_host()
        self.rig.add_app("snelstart/main")
        self.register()
        self.rig.ask("connection", "add", "snelstart/maes", "--app", "main", "--customer", "4711")

    # ---- what a person or a provider does

    def register(self):
        """The port may be another one after a restart."""
        self.webhook = self.rig.ask("provider", "show", "snelstart")["webhooks"][0]["url"]
        self.sim.post("/knobs", {"webhook_url": self.webhook})

    def link(self, name="snelstart/maes", mode="yes"):
        status, attempt = self.rig.call("POST", f"/v1/connections/{name}/attempts", {"confirmation": {"mode": mode}})
        self.assertEqual(status, 201, attempt)
        return attempt["link"]

    def post(self, body, url=None, headers=None):
        """What a forger, or a provider that repeats itself, sends. Returns the status and the answer."""
        parts = urllib.parse.urlsplit(url or self.webhook)
        connection = http.client.HTTPConnection(parts.netloc, timeout=30)
        try:
            text = body if isinstance(body, (str, bytes)) else json.dumps(body)
            connection.request("POST", parts.path, text, {"Content-Type": "application/json", **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def message(self, link, action, key):
        reference = urllib.parse.parse_qs(urllib.parse.urlsplit(link).query)["referenceKey"][0]
        return {"KoppelSleutel": key, "ActionType": action, "ReferenceKey": reference}

    # ---- what can be seen

    def auth(self, name="snelstart/maes"):
        return self.rig.connection(name)["auth"]

    def webhooks(self):
        return self.rig.ask("webhook", "list")["webhooks"]

    def settled(self, count):
        """Once so many have come and none is pending: all, newest first."""
        def look():
            seen = self.webhooks()
            return seen if len(seen) >= count and all(w["state"] != "pending" for w in seen) else None
        return wait_until(f"{count} settled webhooks", look, 30)

    def connected(self, link):
        """Follows the link, and waits for Success."""
        after = self.rig.browser().activate(link)
        wait_until("Success", lambda: self.auth()["display"] == "Success", 10, every=0.02)
        return after

    def presented(self):
        return len([r for r in self.sim.get("/requests?since=0")["requests"] if r["path"] == "/b2b/token"])

    # ---- the tests

    def test_the_link_connects_and_the_page_says_so(self):
        link = self.link()
        began = time.monotonic()
        after = self.connected(link)
        self.assertLess(time.monotonic() - began, 3.0)
        self.assertEqual(self.auth()["account"]["name"], "Bakkerij Maes")
        status, _, page = self.rig.browser().exchange("GET", after, headers={"Accept-Language": "nl"})
        self.assertEqual(status, 200)
        self.assertIn("Bakkerij Maes", page)
        self.assertNotIn("refresh", page)
        self.assertEqual(self.webhooks()[0]["state"], "done")
        key = self.sim.client()["client_secret"]
        self.assertNotIn(key, json.dumps(self.webhooks()))
        with open(self.rig.host_log, encoding="utf-8") as log:
            self.assertNotIn(key, log.read())

        # The other way of writing the names; the same link once more; the same key, pasted.
        self.sim.post("/knobs", {"coupling_casing": "camel"})
        self.rig.browser().activate(link)
        self.assertEqual(self.settled(2)[0]["state"], "done")
        pasted = self.rig.call("POST", "/v1/connections/snelstart/maes/code",
                               {"pasted": key, "confirmation": {"mode": "yes"}})[1]
        self.assertEqual(pasted["outcome"]["display"], "Success")

    def test_the_page_waits_and_then_says_that_nothing_arrived(self):
        self.sim.post("/knobs", {"webhook_url": ""})
        after = self.rig.browser().activate(self.link())
        browser = self.rig.browser()
        status, headers, page = browser.exchange("GET", after, headers={"Accept-Language": "nl"})
        self.assertEqual(status, 200)
        self.assertIn("Even geduld", page)
        self.assertIn('http-equiv="refresh" content="2;url=?ref=', page)
        self.assertNotIn("<script", page)
        self.assertIn("default-src 'none'", headers["content-security-policy"])
        for language, text in (("nl", "Er is niets aangekomen"), ("fr", "Rien n'est arrivé"),
                               ("en", "Nothing arrived")):
            page = browser.exchange("GET", after + "&n=30", headers={"Accept-Language": language})[2]
            self.assertIn(text, page.replace("&#39;", "'"))
        self.assertEqual(self.auth()["status"], "waiting")
        unknown = after[:-4] + "0000"
        self.assertEqual(browser.exchange("GET", unknown)[0], 404)

    def test_a_host_that_is_killed_after_the_answer_loses_nothing(self):
        link = self.link()
        self.sim.post("/answer-delay", {"path": "/b2b/token", "ms": 60_000})
        self.rig.browser().activate(link)
        wait_until("the message is taken", lambda: [w for w in self.sim.get("/webhooks")["webhooks"] if w["taken"]], 10)
        self.rig.kill(self.rig.host)
        self.sim.post("/answer-delay", {"path": "/b2b/token", "ms": 0})
        self.rig.start_host()
        wait_until("Success", lambda: self.auth()["display"] == "Success", 20)
        self.assertEqual([w["state"] for w in self.settled(1)], ["done"])

    def test_a_forged_delete_changes_nothing_and_a_true_one_suspends(self):
        link = self.link()
        self.connected(link)
        key = self.sim.client()["client_secret"]
        self.assertEqual(self.post(self.message(link, "Delete", None))[0], 200)
        forged = self.settled(2)[0]
        self.assertEqual(forged["state"], "done")
        self.assertIn("still takes the key", forged["reason"])
        self.assertEqual(self.auth()["display"], "Success")
        # Late: about a key that is not the one in use. Nobody is asked.
        asked = self.presented()
        self.post(self.message(link, "Delete", "another" + key))
        self.assertIn("another key", self.settled(3)[0]["reason"])
        self.assertEqual(self.presented(), asked)

        self.sim.post("/keys/withdraw", {"client_id": "maes"})
        self.settled(4)
        wait_until("needs_reauth", lambda: self.auth()["status"] == "needs_reauth", 10)
        self.assertEqual(self.auth()["reason"], "customer_key_invalid")

    def test_a_key_that_is_entered_on_a_links_page_connects(self):
        link = self.rig.ask("connection", "link", "snelstart/maes")["url"]
        browser = self.rig.browser()
        page = browser.exchange("GET", link, headers={"Accept-Language": "nl"})[2]
        self.assertIn('<input type="password" name="key"', page)
        self.assertIn("Sleutel", page)
        key = self.sim.client()["client_secret"]
        form = {"Content-Type": "application/x-www-form-urlencoded"}

        def enter(text, **headers):
            return browser.exchange("POST", link, urllib.parse.urlencode({"key": text}), {**form, **headers})

        self.assertEqual(enter(key, Origin="https://evil.example")[0], 403)
        self.assertEqual(self.presented(), 0)
        self.assertIn("Failed, Status code: BadRequest", enter("bm8tc3VjaC1rZXk+/w==")[2])
        status, _, page = enter(key)
        self.assertEqual(status, 200)
        self.assertEqual(self.auth()["status"], "awaiting_confirmation", page)
        self.rig.ask("connection", "confirm", "snelstart/maes", "--account", self.auth()["account"]["id"])
        self.assertEqual(self.auth()["display"], "Success")
        self.assertEqual(self.rig.ask("connection", "links", "snelstart/maes")["links"][0]["state"], "used")
        with open(self.rig.host_log, encoding="utf-8") as log:
            self.assertNotIn(key, log.read())

    def test_a_new_key_has_to_open_the_same_administration(self):
        link = self.link()
        self.connected(link)
        self.sim.post("/clients", OTHER)
        before = self.auth()
        self.assertEqual(self.post(self.message(link, "Regenerate", OTHER["client_secret"]))[0], 200)
        refused = self.settled(2)[0]
        self.assertEqual(refused["state"], "refused")
        self.assertIn("account_mismatch", refused["reason"])
        self.assertEqual(self.auth(), before)
        # Create with another key, where no link is open: not even tried.
        self.post(self.message(link, "Create", OTHER["client_secret"]))
        self.assertEqual(self.settled(3)[0]["state"], "refused")
        self.assertEqual(self.auth(), before)
        # With a new link, and another administration's key: tried, and refused.
        self.post(self.message(self.link(), "Create", OTHER["client_secret"]))
        self.assertIn("account_mismatch", self.settled(4)[0]["reason"])
        self.assertEqual(self.auth()["account"], before["account"])

        key = self.sim.post("/keys/regenerate", {"client_id": "maes"})["key"]
        replaced = self.settled(5)[0]
        self.assertEqual((replaced["state"], replaced["reason"]), ("done", "The key was replaced."))
        self.assertEqual(self.auth()["display"], "Success")
        # It is the new one that is used: a Delete that names it is asked about.
        self.post(self.message(link, "Delete", key))
        self.assertIn("still takes the key", self.settled(6)[0]["reason"])

    def test_duplicates_disorder_and_strangers_are_harmless(self):
        link = self.link(mode="ask")
        key = self.sim.client()["client_secret"]
        self.post(self.message(link, "Delete", key))
        self.assertEqual(self.settled(1)[0]["reason"], "There is no key that could be withdrawn.")
        for _ in range(20):
            self.assertEqual(self.post(self.message(link, "Create", key))[0], 200)
        self.assertEqual({w["state"] for w in self.settled(21)}, {"done"})
        self.assertEqual(self.presented(), 1)
        self.assertEqual(self.auth()["status"], "awaiting_confirmation")
        done = self.rig.call("POST", "/v1/connections/snelstart/maes/confirmation", {"accept": True})
        self.assertEqual(done[1]["auth"]["display"], "Success")

        self.post({"koppelsleutel": "never-shown", "ACTIONTYPE": "create", "ReferenceKey": "nobody's"})
        stranger = self.settled(22)[0]
        self.assertEqual(stranger["state"], "unattributed")
        self.assertNotIn("never-shown", json.dumps(self.webhooks()))

        nobody = self.post({}, url=self.webhook[:-1] + ("A" if self.webhook[-1] != "A" else "B"))
        unknown = self.post({}, url=self.webhook.replace("/snelstart/", "/teamleader/"))
        no_provider = self.post({}, url=self.webhook.replace("/snelstart/", "/nobody/"))
        self.assertEqual(nobody[0], 404)
        self.assertEqual(nobody, unknown)
        self.assertEqual(nobody, no_provider)
        self.assertEqual(len(self.webhooks()), 22)

    def test_bad_bodies_are_refused_and_shown(self):
        reference = {"ReferenceKey": "x", "ActionType": "Create", "KoppelSleutel": "k"}
        bad = ["", "not json", "[]", "[" * 10_000, '{"ReferenceKey":"a","ReferenceKey":"b"}',
               json.dumps({**reference, "referencekey": "y"}), json.dumps({**reference, "ActionType": None}),
               json.dumps({**reference, "ActionType": "Drop"}), json.dumps({**reference, "KoppelSleutel": ""}),
               json.dumps({**reference, "KoppelSleutel": "a\r\nb"}), json.dumps({**reference, "ReferenceKey": "r" * 501}),
               json.dumps(reference).encode("utf-16"), b'{"ReferenceKey":"\xff"}']
        for body in bad:
            self.assertEqual(self.post(body)[0], 400, body[:80])
        seen = self.settled(len(bad))
        self.assertEqual({w["state"] for w in seen}, {"refused"})
        self.assertTrue(all(w["reason"] for w in seen))
        self.assertEqual(self.post("x" * 65_537)[0], 413)
        self.assertEqual(self.post(b"", headers={"Transfer-Encoding": "chunked"})[0], 400)
        self.assertEqual(self.auth()["status"], "unconfigured")
