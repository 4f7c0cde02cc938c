# SPDX-License-Identifier: Apache-2.0
"""Plugins that are bad, and runners that die."""

import os
import shutil
import signal
import unittest

from harness import RigTest
from provider import wait_until


def alive(pid):
    """Whether the process runs; one that is dead but not yet collected does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except FileNotFoundError:
        return False


class Plugins(RigTest):
    def test_bad_plugins_are_named_and_the_good_one_runs(self):
        folder = os.path.join(self.folder, "plugins")
        os.makedirs(folder, mode=0o755)
        bad = os.path.join(self.build, "bad-plugins")
        expected = {"text": "not a shared library", "cut": "cut", "no_symbol": "koppel_plugin_v1", "other_abi": "ABI",
                    "bad_manifest": "line", "aborts": "SIGABRT"}
        for name in expected:
            shutil.copy(os.path.join(bad, name + ".so"), folder)
        shutil.copy(os.path.join(self.build, "plugins", "teamleader.so"), folder)

        rig = self.make_rig("--companies", 5, "--contacts", 5, plugins=folder)
        plugins = rig.ask("plugin", "list")["plugins"]
        by_file = {os.path.basename(p["file"]).removesuffix(".so"): p for p in plugins}
        self.assertEqual(by_file["teamleader"]["state"], "running", by_file["teamleader"]["reason"])
        for name, words in expected.items():
            self.assertEqual(by_file[name]["state"], "failed", name)
            self.assertIn(words, by_file[name]["reason"], name)
            self.assertIn(name, by_file[name]["reason"] + by_file[name]["file"])
        self.add_connection(rig, "teamleader/acme")
        rig.connect("teamleader/acme")
        self.wait_for_full_reads(rig, "teamleader/acme")

    def test_killed_runner_with_three_connections(self):
        rig = self.make_rig("--companies", 400, "--contacts", 1500)
        # Slow pages until the kill: all three have to be in their middle at once.
        rig.sim.post("/answer-delay", {"path": "contacts.list", "ms": 700})
        names = []
        for number in (1, 2, 3):
            self.add_client(rig, number)
            names.append(f"teamleader/customer-{number}")
            rig.ask("connection", "add", names[-1], "--app", f"app-{number}", "--customer", str(number))
            rig.connect(names[-1])

        def all_are_reading():
            running = {r["connection"] for r in rig.runs()["runs"]
                       if r["state"] == "running" and r["stream"] == "contacts" and r["read"] > 100}
            return len(running) == 3

        wait_until("all three to read", all_are_reading, 60)
        before = rig.runner_pids()
        os.kill(before[0], signal.SIGKILL)
        rig.sim.post("/answer-delay", {"path": "contacts.list", "ms": 0})
        for name in names:
            self.wait_for_full_reads(rig, name)
            connection = rig.connection(name)
            self.assertEqual(connection["auth"]["display"], "Success")
            self.assertEqual({s["entity"]: s["records"] for s in connection["streams"]},
                             {"company": 400, "contact": 1500})
        self.assertNotEqual(rig.runner_pids(), before)
        crashed = [p for p in rig.ask("plugin", "list")["plugins"] if p["name"] == "teamleader"][0]
        self.assertEqual(crashed["crashes"], 1)

    def test_no_runner_outlives_a_killed_host(self):
        rig = self.make_rig("--companies", 1, "--contacts", 1)
        pids = rig.runner_pids()
        self.assertTrue(pids and all(map(alive, pids)))
        rig.kill(rig.host)
        wait_until("the runners to end with the host", lambda: not any(map(alive, pids)), 5)


if __name__ == "__main__":
    unittest.main()
