# SPDX-License-Identifier: Apache-2.0
"""Pages, interruptions, changes and deletions."""

from provider_test import ProviderTest


class Reading(ProviderTest):
    def test_pages_to_the_last_record(self):
        self.connected(small=False)
        for stream, run in self.read("--full").items():
            self.assertEqual((run["state"], run["complete"], run["set_aside"]), ("completed", True, 0), stream)
        self.assert_in_step()
        for stream in self.simulated.streams:
            self.assertGreater(len(self.lists_of(stream)), 1, f"{stream}: there was one page only")
            self.assertEqual({count for count in self.held(stream).values()}, {1}, "published once each")
