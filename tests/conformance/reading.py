# SPDX-License-Identifier: Apache-2.0
"""Pages, interruptions, changes and deletions."""

import os
import signal

from provider import wait_until
from provider_test import ProviderTest


class Reading(ProviderTest):
    def test_pages_to_the_last_record(self):
        self.connected(small=False)
        self.read_well(full=True)
        self.assert_in_step()
        for stream in self.simulated.streams:
            self.assertGreater(len(self.lists_of(stream)), 1, f"{stream}: there was one page only")
            self.assertEqual(set(self.held(stream).values()), {1}, "published once each")

    def test_finds_changes_and_deletions(self):
        self.connected()
        self.read_well(full=True)
        after = self.last_seq()
        done = {stream: {what: set(self.sim.post(f"/records/{what}", {"entity": listed.entity, "count": count})["ids"])
                         for what, count in (("change", 6), ("add", 5), ("delete", 2))}
                for stream, listed in self.simulated.streams.items()}
        self.read_well()
        for stream, ids in done.items():
            there = (ids["change"] | ids["add"]) - ids["delete"]
            self.assertEqual({r for kind, r, _ in self.published(stream, after) if kind == "upserted"}, there, stream)
        self.read_well(full=True)
        for stream, ids in done.items():
            gone = ids["delete"] - ids["add"]
            self.assertEqual({r for kind, r, _ in self.published(stream, after) if kind == "deleted"}, gone, stream)
        self.assert_in_step()

    def test_goes_on_where_it_was_cut(self):
        """A kill after each page, of the host and of the runner by turns."""
        stream = max(self.simulated.streams, key=lambda name: self.listed(name).count)
        path = self.listed(stream).path
        self.connected(sizes={stream: self.listed(stream).count})
        self.sim.post("/answer-delay", {"path": path, "ms": 120})
        self.begin(stream, full=True)

        def ended_or_read_more():
            now = self.runs().get(stream)
            return now if now and (now["state"] == "completed" or now["read"] > seen) else None

        seen, kills = 0, 0
        while (now := wait_until("a page", ended_or_read_more, 30))["state"] != "completed":
            seen = now["read"]
            if kills % 2 == 0:
                self.rig.kill(self.rig.host)
                self.rig.start_host()
            else:
                for pid in self.rig.runner_pids(self.provider):
                    os.kill(pid, signal.SIGKILL)
            kills += 1
        self.assertGreater(kills, 1)
        # What was interrupted does not conclude from absence; another full read will.
        self.assertEqual((now["resumed"], now["complete"], now["deleted"]), (True, False, 0))
        cut = len(self.lists_of(stream))
        self.assert_in_step([stream])
        self.assertEqual(set(self.held(stream).values()), {1}, "published once each")

        self.sim.post("/answer-delay", {"path": path, "ms": 0})
        self.read_all(stream)
        whole = len(self.lists_of(stream)) - cut
        self.assertLessEqual(cut, whole + 2 * kills, "of each cut, the page that was on its way and the overlap")
