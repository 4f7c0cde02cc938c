# SPDX-License-Identifier: Apache-2.0
"""Tokens that are renewed, and a renewal whose answer nobody gets."""

import os
import signal
import time
import unittest

from harness import RigTest
from provider import wait_until


class Renewal(RigTest):
    def connected_rig(self, life_s, **options):
        rig = self.make_rig("--companies", 20, "--contacts", 20, **options)
        rig.sim.post("/knobs", {"access_life_seconds": life_s})
        self.add_connection(rig, "teamleader/acme")
        rig.connect("teamleader/acme")
        return rig

    def refresh_tokens(self, rig):
        return [p for p in rig.sim.get("/tokens/presented")["presented"] if p["kind"] == "refresh"]

    def status(self, rig):
        return rig.connection("teamleader/acme")["auth"]

    def test_each_refresh_token_is_presented_once(self):
        rig = self.connected_rig(3, interval_s=1)
        wait_until("four renewals", lambda: len(self.refresh_tokens(rig)) >= 4, 40)
        for token in self.refresh_tokens(rig):
            self.assertEqual((token["count"], token["results"]), (1, ["ok"]))
        self.assertEqual(self.status(rig)["status"], "authorized")
        newest = rig.runs("teamleader/acme")["runs"]
        self.assertTrue(newest)
        self.assertFalse([r for r in newest if r["state"] == "failed"])

    def lost(self, rig):
        """What must be seen after the provider renewed and nobody heard of it."""
        began = time.monotonic()
        wait_until("the connection to say so", lambda: self.status(rig)["status"] == "needs_reauth", 60, every=0.2)
        self.assertLess(time.monotonic() - began, 60)
        self.assertEqual(self.status(rig)["reason"], "refresh_outcome_unknown")
        tokens = self.refresh_tokens(rig)
        self.assertEqual([(t["count"], t["results"]) for t in tokens], [(2, ["ok", "revoked"])])

    def test_a_lost_answer_is_resolved_by_one_presentation(self):
        rig = self.connected_rig(3600)
        rig.sim.post("/faults", {"match": {"path": "access_token", "after": 0, "count": 1}, "action": "cut",
                                 "cut_after": 0, "process": True})
        # The provider forgets the access token: the next read meets a 401 and asks for another.
        rig.sim.post("/clock", {"advance_seconds": 4000})
        rig.ctl("sync", "run", "teamleader/acme", check=False)
        self.lost(rig)

    def test_a_host_killed_in_the_midst_of_a_renewal_remembers_it(self):
        rig = self.connected_rig(3600)
        rig.sim.post("/faults", {"match": {"path": "access_token", "after": 0, "count": 1}, "action": "hang",
                                 "process": True})
        rig.sim.post("/clock", {"advance_seconds": 4000})
        rig.ctl("sync", "run", "teamleader/acme", check=False)
        wait_until("the request for new tokens", lambda: self.refresh_tokens(rig), 10)
        os.kill(rig.host.pid, signal.SIGKILL)
        rig.host.wait()
        rig.start_host()
        self.lost(rig)


if __name__ == "__main__":
    unittest.main()
