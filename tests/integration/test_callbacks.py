# SPDX-License-Identifier: Apache-2.0
"""OAuth callbacks and connect links against a whole host: list E3, and a link from the mail to the account."""

import glob
import os
import shutil
import sqlite3
import unittest

from bad_callbacks import NOT_APPLICABLE, Flow, numbers, rows
from harness import RigTest
from provider import wait_until

# Rows that need the host to be stopped or changed between, in the tests below.
BY_A_TEST_OF_ITS_OWN = ("E3.5 an expired state", "E3.34 a plugin that is gone", "E3.35 a restart between",
                        "E3.38 fewer scopes than asked for")


class Callbacks(RigTest):
    def make(self, *plugins):
        folder = os.path.join(self.folder, "plugins")
        os.mkdir(folder)
        for plugin in plugins:
            shutil.copy(next(iter(glob.glob(f"{self.build}/plugins/{plugin}/*.so") or
                                  glob.glob(f"{self.build}/plugins/{plugin}.so"))), folder)
        self.rig = self.make_rig(plugins=folder, schedule=False)
        self.rig.add_app()
        self.made = 0

    def add(self):
        self.made += 1
        name = f"teamleader/row-{self.made}"
        status, answer = self.rig.call("POST", "/v1/connections", {"provider": "teamleader", "name": f"row-{self.made}",
                                                                   "app": "main", "customer": "4711"})
        self.assertEqual(status, 201, answer)
        return name

    def auth(self, name):
        return self.rig.call("GET", f"/v1/connections/{name}")[1].get("auth")

    def exchanges(self):
        seen = self.rig.sim.get("/requests?since=0")["requests"]
        return len([r for r in seen if r["path"] == "/oauth2/access_token"])

    def remove(self, name):
        self.rig.call("DELETE", f"/v1/connections/{name}?purge=true")

    def test_every_bad_callback_is_answered_and_changes_nothing_else(self):
        self.make("teamleader", "zoho")
        account = self.rig.sim.client()["account"]["id"]
        other = self.add_client(self.rig, 7)
        names = [*NOT_APPLICABLE, *BY_A_TEST_OF_ITS_OWN]
        for row in rows(other):
            names.append(row.name)
            with self.subTest(row=row.name):
                self.run_row(row, account)
        self.assertEqual(numbers(names), set(range(1, 41)))

    def run_row(self, row, account):
        name = self.add()
        link = row.link and {k: v.replace("{account}", account) for k, v in row.link.items()}
        flow = Flow(self.rig, name, link if row.link is not None else None)
        before = self.exchanges()
        answers = row.send(flow)
        self.assertEqual(tuple(status for status, _ in answers), row.expected, answers[-1][1][-600:])
        for _, text in answers:
            for word in row.absent:
                self.assertNotIn(word, text.lower())
        self.assertEqual(self.exchanges() - before, row.exchanges)
        auth = self.auth(name)
        self.assertEqual(auth and auth["status"], row.after)
        if row.reason:
            self.assertEqual(auth["reason"], row.reason)
        if row.unused:
            self.assertEqual([status for status, _ in flow.good()], [200])
            self.assertEqual(self.auth(name)["status"], "authorized")
        self.remove(name)

    def test_a_state_outlives_a_restart_but_not_its_hour(self):
        self.make("teamleader")
        kept, late = self.add(), self.add()
        flows = {name: Flow(self.rig, name) for name in (kept, late)}
        codes = {name: flow.code() for name, flow in flows.items()}
        late_id = self.rig.connection(late)["id"]
        self.rig.host.terminate()
        self.assertEqual(self.rig.host.wait(20), 0)
        with sqlite3.connect(os.path.join(self.folder, "data", "ledger.db")) as database:
            database.execute("UPDATE attempts SET expires_at = created_at WHERE connection_id = ?", (late_id,))
        database.close()
        self.rig.start_host()
        port = int(self.rig.ask("status")["ingress"]["address"].rsplit(":", 1)[1])
        for flow in flows.values():
            flow.port, flow.address = port, ("127.0.0.1", port)

        self.assertEqual(flows[late].good(codes[late])[0][0], 400)  # E3.5
        self.assertEqual(self.exchanges(), 0)
        self.assertEqual(self.auth(late)["status"], "waiting")
        self.assertEqual(flows[kept].good(codes[kept])[0][0], 200)  # E3.35
        self.assertEqual(self.auth(kept)["status"], "authorized")

    def test_a_plugin_that_is_gone_uses_no_state_up(self):
        self.make("teamleader")
        name = self.add()
        flow = Flow(self.rig, name)
        code = flow.code()
        plugin = glob.glob(os.path.join(self.folder, "plugins", "*.so"))[0]
        os.rename(plugin, plugin + ".away")
        self.rig.ask("plugin", "rescan")

        self.assertEqual(flow.good(code)[0][0], 404)  # E3.34
        self.assertEqual(self.exchanges(), 0)

        os.rename(plugin + ".away", plugin)
        self.rig.ask("plugin", "rescan")
        wait_until("the plugin", lambda: self.rig.ask("plugin", "list")["plugins"][0]["state"] == "running")
        self.assertEqual(flow.good(code)[0][0], 200)
        self.assertEqual(self.auth(name)["status"], "authorized")

    def test_fewer_scopes_than_asked_for_connect_and_are_named(self):
        self.make("teamleader")
        fewer = {**self.rig.sim.client(), "client_id": "f" * 32, "client_secret": "e" * 32, "name": "Fewer",
                 "scopes": ["companies", "users"], "redirect_uris": [],
                 "account": {"id": "0badc0de-1111-0222-a333-444444444444", "name": "Fewer"}}
        self.rig.sim.post("/clients", fewer)
        self.rig.add_app("teamleader/fewer", client=fewer)
        self.rig.ask("connection", "add", "teamleader/fewer", "--app", "fewer", "--customer", "4711")

        status, page = Flow(self.rig, "teamleader/fewer").good()[0]  # E3.38

        self.assertEqual(status, 200)
        auth = self.auth("teamleader/fewer")
        self.assertEqual((auth["status"], auth["reason"]), ("authorized", "scope_missing"))
        self.assertIn("is connected", page)

    def test_a_mailed_link_connects_once_its_account_is_confirmed(self):
        self.make("teamleader")
        name = self.add()
        link = self.rig.ask("connection", "link", name, "--days", "3")
        browser = self.rig.browser()
        for method in ("HEAD", "GET", "GET"):  # scanners on the way
            self.assertEqual(browser.exchange(method, link["url"])[0], 200)
        status, headers, page = browser.exchange("GET", link["url"], headers={"Accept-Language": "nl"})
        self.assertIn("Toegang geven tot Teamleader", page)
        self.assertIn("4711", page)
        self.assertIn("form-action", headers["content-security-policy"])
        self.assertEqual(browser.exchange("POST", link["url"], "", {"Origin": "https://evil.example"})[0], 403)
        self.assertEqual(self.auth(name)["status"], "unconfigured")

        # The first try is in vain, the second is not.
        for decision, words in (("deny", "Opnieuw proberen"), ("allow", "Bijna klaar")):
            status, headers, _ = browser.exchange("POST", link["url"], "")
            self.assertEqual(status, 303)
            cookie = headers["set-cookie"].split(";")[0]
            back = browser.consent(headers["location"], decision)
            status, _, page = browser.exchange("GET", back, headers={"Cookie": cookie, "Accept-Language": "nl"})
            self.assertIn(words, page)
        self.assertEqual(self.auth(name)["status"], "awaiting_confirmation")
        self.assertEqual(self.rig.ask("connection", "links", name)["links"][0]["state"], "used")
        account = self.auth(name)["account"]["id"]
        self.assertNotEqual(self.rig.ctl("connection", "confirm", name, "--account", "other", check=False).returncode, 0)
        self.rig.ask("connection", "confirm", name, "--account", account)
        self.assertEqual(self.auth(name)["status"], "authorized")
        self.assertIn("is connected", browser.exchange("GET", link["url"])[2])
        with open(self.rig.host_log, encoding="utf-8") as log:
            self.assertNotIn(link["url"].rsplit("/", 1)[1], log.read())


if __name__ == "__main__":
    unittest.main()
