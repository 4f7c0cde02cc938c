# SPDX-License-Identifier: Apache-2.0
"""What only Zoho does: an API host that the token answer names, and a throttle that meets codes too."""

from harness import RigTest
from koppel import Rig

NAME = "zoho/acme"


class Zoho(RigTest):
    def start(self, **account):
        self.rig = Rig(self.build, self.folder, schedule=False)
        self.addCleanup(self.rig.stop)
        self.sim = self.rig.start_simulator("--accounts", 20, "--contacts", 20, "--users", 5, provider="zoho")
        self.rig.write_config()
        self.rig.start_host()
        client = self.sim.client()
        client = {**client, "client_id": "1000.OF-THE-TEST", "redirect_uris": [],
                  "account": {**client["account"], **account}}
        self.sim.post("/clients", client)
        self.rig.add_app("zoho/main", client=client)
        self.rig.add_connection(NAME, client=client)

    def api_hosts(self):
        seen = self.sim.get("/requests?since=0")["requests"]
        return {r["host"] for r in seen if r["path"].startswith("/crm/")}

    def test_a_sandbox_is_asked_at_its_own_host(self):
        self.start(host="eu/sandbox")
        outcome = self.rig.connect(NAME)
        self.assertEqual(outcome["auth"]["display"], "Success")
        self.assertEqual(outcome["auth"]["account"]["environment"], "sandbox")
        self.rig.ask("sync", "run", NAME, "--stream", "accounts")
        self.assertEqual(self.api_hosts(), {"sandbox.zohoapis.eu"})
        # What nobody knows is told, and shown no token; the grant that works stays.
        self.sim.post("/knobs", {"api_domain": "https://preview.zohoapis.eu"})
        refused = self.rig.connect(NAME, check=False)
        self.assertEqual(refused["outcome"]["reason"], "wrong_data_centre")
        self.assertEqual(self.rig.connection(NAME)["auth"]["status"], "authorized")
        with open(self.rig.host_log, encoding="utf-8") as log:
            self.assertIn("access was given at preview.zohoapis.eu", log.read())
        self.assertEqual(self.api_hosts(), {"sandbox.zohoapis.eu"})

    def test_a_code_that_meets_the_throttle_asks_for_patience(self):
        self.start()
        for _ in range(10):
            self.rig.connect(NAME)
        refused = self.rig.connect(NAME, check=False)["outcome"]
        self.assertEqual((refused["status"], refused["reason"], refused["display"]),
                         ("needs_reauth", "throttled", "Failed, too many requests"))
        self.assertEqual((refused["action"], refused["action_by"]), ("wait", "customer"))
        self.assertIn("Wait 10 minutes. Only then open the link again", refused["hint"]["en"])
        self.assertEqual(self.rig.connection(NAME)["auth"]["status"], "authorized")
