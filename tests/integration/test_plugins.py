# SPDX-License-Identifier: Apache-2.0
"""Plugins that are bad, and runners that die."""

import json
import os
import re
import shutil
import signal
import unittest
from threading import Thread

from bench import rss_mib
from harness import RigTest
from provider import wait_until


def is_sanitized(pid):
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        return "san.so" in maps.read()


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
                             {"company": 400, "contact": 1500, "department": 3})
        self.assertNotEqual(rig.runner_pids(), before)
        crashed = [p for p in rig.ask("plugin", "list")["plugins"] if p["name"] == "teamleader"][0]
        self.assertEqual(crashed["crashes"], 1)

    def upgrade(self, folder, version):
        """Another version of the plugin, moved over the old file as a deployment does it."""
        with open(os.path.join(self.build, "plugins", "teamleader.so"), "rb") as file:
            library = file.read()
        known = re.search(rb'\nversion = "([^"]+)"', library).group(0)
        with open(os.path.join(folder, ".upload"), "wb") as file:
            file.write(library.replace(known, known[:12] + version.encode().ljust(len(known) - 13) + b'"'))
        os.replace(os.path.join(folder, ".upload"), os.path.join(folder, "teamleader.so"))

    def test_a_plugin_is_replaced_while_its_connection_reads(self):
        folder = os.path.join(self.folder, "plugins")
        os.makedirs(folder, mode=0o755)
        rig = self.make_rig("--companies", 300, "--contacts", 900, plugins=folder)
        self.assertEqual(rig.ask("plugin", "list")["plugins"], [])
        shutil.copy(os.path.join(self.build, "plugins", "teamleader.so"), folder)
        changes = rig.ask("plugin", "rescan")["changes"]
        self.assertEqual([(c["name"], c["change"]) for c in changes], [("teamleader", "loaded")])

        rig.sim.post("/answer-delay", {"path": "contacts.list", "ms": 500})
        self.add_connection(rig, "teamleader/acme")
        rig.connect("teamleader/acme")
        wait_until("contacts to be read", lambda: any(r["stream"] == "contacts" and r["read"] > 100
                                                      for r in rig.runs()["runs"]), 60, every=0.05)
        before = rig.runner_pids()
        self.upgrade(folder, "9.9.9")
        changes = rig.ask("plugin", "rescan")["changes"]
        self.assertEqual([(c["version"], c["change"]) for c in changes], [("9.9.9", "replaced")])
        self.assertFalse(any(map(alive, before)))
        rig.sim.post("/answer-delay", {"path": "contacts.list", "ms": 0})

        self.wait_for_full_reads(rig, "teamleader/acme", 20)  # at once: nobody failed
        connection = rig.connection("teamleader/acme")
        self.assertEqual({s["entity"]: s["records"] for s in connection["streams"]},
                         {"company": 300, "contact": 900, "department": 3})
        self.assertEqual(connection["auth"]["display"], "Success")

        with open(os.path.join(folder, ".upload"), "w", encoding="ascii") as file:
            file.write("a note")
        os.replace(os.path.join(folder, ".upload"), os.path.join(folder, "teamleader.so"))
        failed = json.loads(rig.ctl("plugin", "rescan", check=False).stdout)["changes"][0]
        self.assertEqual(failed["change"], "failed")
        self.assertIn("not a shared library", failed["reason"])
        self.assertEqual(rig.ask("plugin", "list")["plugins"][0]["state"], "running")

        os.remove(os.path.join(folder, "teamleader.so"))
        self.assertEqual(rig.ask("plugin", "rescan")["changes"][0]["change"], "removed")
        self.assertEqual(rig.ask("plugin", "list")["plugins"], [])
        self.assertEqual(rig.connection("teamleader/acme")["auth"]["status"], "authorized")

    def test_misbehaving_jobs_end_and_the_other_provider_goes_on(self):
        folder = os.path.join(self.folder, "plugins")
        os.makedirs(folder, mode=0o755)
        shutil.copy(os.path.join(self.build, "plugins", "teamleader.so"), folder)
        vandal = os.path.join(folder, "vandal.so")
        shutil.copy(os.path.join(self.build, "bad-plugins", "vandal.so"), vandal)
        rig = self.make_rig("--companies", 300, "--contacts", 10, plugins=folder, schedule=False)
        self.add_client(rig, 1)
        rig.ask("connection", "add", "teamleader/acme", "--app", "app-1")
        rig.connect("teamleader/acme")
        rig.add_app("vandal/main", client=self.add_client(rig, 2))
        rig.ask("connection", "add", "vandal/acme", "--app", "main")
        rig.connect("vandal/acme")
        before = rss_mib(rig.host.pid)

        def good_read():
            run = rig.ask("sync", "run", "teamleader/acme", "--stream", "companies", "--full")["runs"][0]
            self.assertEqual(run["state"], "completed", run["error"])
            self.assertGreaterEqual(run["read"], 300)

        good_read()
        # A job that a crash is charged to is tried four times; what breaks the rules fails at once.
        ends = {"crash": "crashed: ", "stops": "stopped by SIGSTOP", "garbage": "no message",
                "longest-cursor": "sent a frame of", "greedy": "more than 64 things", "page-flood": "4 were uncommitted"}
        for stream, words in ends.items():
            with self.subTest(stream=stream):
                os.utime(vandal)  # another file, as far as the host can tell: its pauses begin anew
                rig.ctl("plugin", "rescan")
                bad = Thread(target=rig.ctl, args=("sync", "run", "vandal/acme", "--stream", stream),
                             kwargs={"check": False})
                bad.start()
                good_read()
                bad.join()
                run = rig.runs("vandal/acme", "--limit", "1")["runs"][0]
                self.assertEqual((run["stream"], run["state"]), (stream, "failed"))
                self.assertIn(words, run["error"])

        rig.ctl("sync", "run", "vandal/acme", "--stream", "keyless", check=False)
        run = rig.runs("vandal/acme", "--limit", "1")["runs"][0]
        self.assertEqual((run["state"], run["upserted"], run["set_aside"]), ("completed", 0, 3), run["error"])

        endless = ["asks", "learns", "logs", "naps", "reads", "sleeps"]
        for stream in endless:
            rig.ctl("sync", "run", "vandal/acme", "--stream", stream, "--no-wait")
        wait_until("all of it to run", lambda: len([r for r in rig.runs("vandal/acme")["runs"]
                                                    if r["state"] == "running"]) == len(endless))
        good_read()
        os.remove(vandal)
        self.assertEqual({c["name"]: c["change"] for c in rig.ask("plugin", "rescan")["changes"]},
                         {"teamleader": "unchanged", "vandal": "removed"})
        self.assertFalse([r for r in rig.runs("vandal/acme")["runs"] if r["state"] == "running"])
        good_read()
        self.assertEqual(rig.connection("vandal/acme")["auth"]["status"], "authorized")
        # A sanitizer keeps what was freed.
        if not is_sanitized(rig.host.pid):
            self.assertLess(rss_mib(rig.host.pid), before + 64)

    def test_no_runner_outlives_a_killed_host(self):
        rig = self.make_rig("--companies", 1, "--contacts", 1)
        pids = rig.runner_pids()
        self.assertTrue(pids and all(map(alive, pids)))
        rig.kill(rig.host)
        wait_until("the runners to end with the host", lambda: not any(map(alive, pids)), 5)


if __name__ == "__main__":
    unittest.main()
