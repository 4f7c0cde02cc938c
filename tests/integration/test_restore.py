# SPDX-License-Identifier: Apache-2.0
"""The drill of docs/state.md: a backup of the ledger is put back, and everybody finds their way."""

import contextlib
import os
import sqlite3
import unittest

from compare import compare_all
from harness import RigTest
from provider import wait_until


class Restore(RigTest):
    def back_up(self, rig):
        copy = os.path.join(self.folder, "backup.db")
        source, target = sqlite3.connect(f"file:{self.ledger}?mode=ro", uri=True), sqlite3.connect(copy)
        with source, target:
            source.backup(target)
        source.close()
        target.close()
        return copy

    def put_back(self, copy):
        for left in ("-wal", "-shm"):
            if os.path.exists(self.ledger + left):
                os.remove(self.ledger + left)
        os.replace(copy, self.ledger)
        os.chmod(self.ledger, 0o600)

    def stop_host(self, rig):
        rig.host.terminate()
        self.assertEqual(rig.host.wait(10), 0)

    def events(self, rig):
        return rig.ask("status")["bus"]["head"]

    def read_all(self, rig):
        rig.ask("sync", "run", "teamleader/acme")
        rig.ask("sync", "run", "teamleader/acme", "--full")
        wait_until("the consumer to catch up", lambda: rig.consumer_lag() == 0, 60, every=0.1)

    def drill(self, rotated):
        """Returns the rig after the copy was put back."""
        rig = self.make_rig("--companies", 40, "--contacts", 60)
        self.ledger = os.path.join(self.folder, "data", "ledger.db")
        rig.start_consumer()
        self.add_connection(rig, "teamleader/acme")
        rig.connect("teamleader/acme")
        self.wait_for_full_reads(rig, "teamleader/acme")
        copy = self.back_up(rig)

        # What the copy does not know: changes at the provider, and perhaps a newer pair of tokens.
        rig.sim.post("/records/change", {"entity": "contact", "count": 20})
        rig.sim.post("/records/add", {"entity": "company", "count": 7})
        rig.sim.post("/records/delete", {"entity": "contact", "count": 5})
        if rotated:
            rig.sim.post("/clock", {"advance_seconds": 4000})
        self.read_all(rig)
        self.stop_host(rig)
        self.put_back(copy)
        rig.schedule = rotated  # else nothing is read before the test asks for it
        rig.write_config()
        rig.start_host()
        with open(rig.host_log, encoding="utf-8") as log:
            self.assertIn("the database is an older copy", log.read())
        return rig

    def has_begun_again(self, rig):
        """Whether the snapshot and what came meanwhile were applied: whatever is concluded from them is, by then."""
        with contextlib.closing(rig.proplus()) as database:
            return database.execute("select 1 from walk, position where number = 2 and seq >= catch_up_seq"
                                    " and not exists (select 1 from snapshot)").fetchone() is not None

    def presented(self, rig):
        return [p["count"] for p in rig.sim.get("/tokens/presented")["presented"] if p["kind"] == "refresh"]

    def test_a_restored_ledger_goes_on_and_its_consumer_begins_again(self):
        rig = self.drill(rotated=False)
        # The snapshot ends with the backup, which lacks seven companies; the provider has them, and so has Pro+.
        wait_until("the consumer to begin again", lambda: self.has_begun_again(rig), 60, every=0.1)
        self.assertEqual(rig.proplus_count("company"), 47)
        self.assertEqual(rig.connection("teamleader/acme")["auth"]["status"], "authorized")
        rig.sim.post("/records/change", {"entity": "company", "count": 5})
        self.read_all(rig)
        provider, counts, totals, examples = compare_all(rig.sim, rig.proplus())
        self.assertEqual(totals, {"missing": 0, "extra": 0, "different": 0}, examples)
        self.assertEqual(counts, {"company": 47, "contact": 55, "department": 3})
        with rig.proplus() as database:
            self.assertEqual(database.execute("select number from walk").fetchone()[0], 2)
        self.assertEqual(self.presented(rig), [])

    def test_a_pair_that_was_renewed_since_the_backup_is_presented_once_and_said_to_be_lost(self):
        rig = self.drill(rotated=True)
        wait_until("the connection to say so",
                   lambda: rig.connection("teamleader/acme")["auth"]["status"] == "needs_reauth", 60, every=0.2)
        self.assertEqual(rig.connection("teamleader/acme")["auth"]["reason"], "refresh_outcome_unknown")
        self.assertEqual(self.presented(rig), [2])


if __name__ == "__main__":
    unittest.main()
