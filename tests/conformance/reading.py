# SPDX-License-Identifier: Apache-2.0
"""Pages, interruptions, changes and deletions."""

import os
import signal

from provider import wait_until
from provider_test import ProviderTest, of_streams


def paths_in(said):
    """Each path that stands anywhere in it, as a key or as a value."""
    if isinstance(said, str):
        return {said} if said.startswith("/") else set()
    parts = [*said, *said.values()] if isinstance(said, dict) else said if isinstance(said, list) else ()
    return set().union(*map(paths_in, parts))


class Reading(ProviderTest):
    @of_streams
    def test_pages_to_the_last_record(self):
        self.connected(small=False)
        self.read_well(full=True)
        self.assert_in_step()
        for stream in self.simulated.streams:
            self.assertGreater(len(self.lists_of(stream)), 1, f"{stream}: there was one page only")
            self.assertEqual(set(self.held(stream).values()), {1}, "published once each")

    @of_streams
    def test_finds_changes_and_deletions(self):
        self.connected()
        self.read_well(full=True)
        begun = self.last_seq()
        deleted = {stream: set() for stream in self.simulated.streams}
        # The second time it has to be found in a window that begins at the first.
        for amounts in ((("change", 6), ("add", 5), ("delete", 2)), (("change", 3),)):
            after = self.last_seq()
            done = {stream: {what: set(self.at_work(stream, what, count)) for what, count in amounts}
                    for stream in self.simulated.streams}
            self.read_well()
            for stream, ids in done.items():
                there = (ids["change"] | ids.get("add", set())) - ids.get("delete", set())
                self.assertEqual({r for kind, r, _ in self.published(stream, after) if kind == "upserted"}, there,
                                 stream)
                deleted[stream] |= ids.get("delete", set()) - ids.get("add", set())
        self.read_well(full=True)
        for stream, gone in deleted.items():
            self.assertEqual({r for kind, r, _ in self.published(stream, begun) if kind == "deleted"}, gone, stream)
        self.assert_in_step()

    @of_streams
    def test_maps_every_field(self):
        """What lists say arrives in each field of the table, which names whatever the provider has, if only to say why
        it is dropped."""
        self.connected()
        for stream, fields in self.simulated.seldom.items():
            self.sim.post("/records/touch-id", {"entity": self.listed(stream).entity, "fields": fields,
                                                "id": min(self.at_provider(stream))})
        self.read_well(full=True)
        for stream in self.simulated.streams:
            declared = next(s for s in self.manifest["stream"] if s["name"] == stream)
            self.assert_arrived(self.mapped(stream, of_lists=True), stream)
            known = {"id", "ID", *(path.split("/")[1] for path in paths_in([declared["fields"], declared.get("read")]))}
            there = {name for raw in self.sim.records(self.listed(stream).entity) for name in raw}
            self.assertEqual(there - known, set(), f"{stream}: passed over in silence")

    def at_work(self, stream, what, count):
        return self.sim.post(f"/records/{what}", {"entity": self.listed(stream).entity, "count": count})["ids"]

    @of_streams
    def test_goes_on_where_it_was_cut(self):
        """A kill after each page, of the host and of the runner by turns."""
        stream = max(self.simulated.streams, key=lambda name: self.listed(name).count)
        path = self.listed(stream).path
        self.connected(sizes={stream: self.listed(stream).count})
        self.sim.post("/answer-delay", {"path": path, "ms": 4000})  # longer than a start of the host takes
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
            if kills == 2:  # one of each; from here on nothing has to wait for us
                self.sim.post("/answer-delay", {"path": path, "ms": 0})
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
