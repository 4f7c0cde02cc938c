# SPDX-License-Identifier: Apache-2.0
"""An account that loses half of its contacts: what is held, and what an operator's word does, up to the consumer."""

import json
import unittest

from harness import RigTest
from provider import wait_until


class Deletions(RigTest):
    name = "teamleader/acme"

    def test_what_empties_an_account_waits_for_an_operator(self):
        rig = self.make_rig("--companies", 40, "--contacts", 300, schedule=False)
        self.add_connection(rig, self.name)
        rig.connect(self.name)
        rig.start_consumer()
        rig.ask("sync", "run", self.name, "--full")
        wait_until("the contacts to arrive", lambda: rig.proplus_count("contact") == 300)

        gone = set(rig.sim.post("/records/delete", {"entity": "contact", "count": 150})["ids"])
        rig.sim.post("/records/delete", {"entity": "company", "count": 3})
        runs = {r["stream"]: r for r in rig.ask("sync", "run", self.name, "--full")["runs"]}

        # The companies' few are published, of the contacts' many not one.
        self.assertEqual((runs["companies"]["deleted"], runs["companies"]["complete"]), (3, True))
        self.assertEqual((runs["contacts"]["deleted"], runs["contacts"]["held"], runs["contacts"]["complete"]),
                         (0, 150, False))
        wait_until("the companies to go", lambda: rig.proplus_count("company") == 37)
        self.assertEqual(rig.proplus_count("contact"), 300)
        self.assertIn("koppelctl held show teamleader/acme contacts", rig.ask("status")["warnings"][0])

        rig.host.terminate()
        self.assertEqual(rig.host.wait(15), 0)
        rig.start_host()
        held = rig.ask("held", "list")["held"]
        self.assertEqual([(h["stream"], h["held"], h["known"]) for h in held], [("contacts", 150, 300)])
        shown = rig.ask("held", "show", self.name, "contacts", "--limit", "1000")
        self.assertEqual({r["id"] for r in shown["records"]}, gone)
        self.assertTrue(all(r["name"] for r in shown["records"]))

        # Everything else goes on meanwhile.
        rig.sim.post("/records/add", {"entity": "contact", "count": 2})
        rig.ask("sync", "run", self.name, "--stream", "contacts")
        wait_until("the new contacts to arrive", lambda: rig.proplus_count("contact") == 302)

        decided = rig.ask("held", "confirm", self.name, "contacts", "--mark", str(shown["mark"]))
        self.assertEqual(decided, {"decided": 150, "accepted": True})
        wait_until("the contacts to go", lambda: rig.proplus_count("contact") == 152)
        self.assertEqual(rig.ask("held", "list")["held"], [])
        self.assertEqual(rig.ask("status")["warnings"], [])
        types = [e["type"] for e in self.events(rig)]
        self.assertEqual(types.count("eu.koppel.sync.held.v1"), 1)
        self.assertEqual({e["data"]["id"] for e in self.events(rig) if e["type"] == "eu.koppel.sync.contact.deleted.v1"},
                         gone)
        self.assertTrue({r["stream"]: r for r in rig.ask("sync", "run", self.name, "--full")["runs"]}["contacts"]
                        ["complete"])

    def events(self, rig):
        return [json.loads(line) for line in rig.ctl("event", "list", "--all").stdout.splitlines() if line]


if __name__ == "__main__":
    unittest.main()
