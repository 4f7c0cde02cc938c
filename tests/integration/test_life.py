# SPDX-License-Identifier: Apache-2.0
"""The host's beginning and end: SIGTERM at any moment, a freeze, and nothing that outlives it."""

import os
import random
import signal
import subprocess
import threading
import time
import unittest

from harness import RigTest
from provider import wait_until
from town import Town

SEED = int(os.environ.get("KOPPEL_SEED", "1"))
FREEZE_S = int(os.environ.get("KOPPEL_FREEZE_S", "20"))
TERM, INT, KILL = signal.SIGTERM, signal.SIGINT, signal.SIGKILL


def heeds_sigterm(pid):
    """Whether the process has got as far as to have a will of its own about SIGTERM."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        masks = dict(line.split(":\t") for line in file.read().splitlines() if line.startswith("Sig"))
    return any(int(masks[name], 16) >> (TERM - 1) & 1 for name in ("SigBlk", "SigCgt"))


class Life(RigTest):
    def make_town(self, **options):
        print(f"KOPPEL_SEED={SEED}", flush=True)
        town = Town(self.build, self.folder, random.Random(SEED), **options)
        self.addCleanup(town.stop)
        return town

    def ends(self, town, within, more=()):
        """SIGTERM, and other signals after so many seconds: the end is in time, clean, and whole."""
        before = time.monotonic()
        host = town.rig.host
        host.send_signal(TERM)
        for pause, which in more:
            time.sleep(pause)
            host.send_signal(which)
        self.assertEqual(host.wait(20), 0)
        took = time.monotonic() - before
        self.assertLess(took, within)
        wait_until("everything to end with its host", lambda: not town.rig.processes(), 1)
        return took

    # ---- SIGTERM

    def test_sigterm_at_any_moment(self):
        town = self.make_town(customers=2)
        moments = ["starting"] * 6 + ["connecting"] * 4 + ["reading"] * 4 + ["renewing"] * 3 + ["ending"] * 3
        town.random.shuffle(moments)
        for moment in moments:
            if moment != "starting":
                town.keep_alive()
            took = getattr(self, moment)(town)
            print(f"{moment:10} ended within {took:.2f} s", flush=True)
        town.keep_alive()
        town.settle()
        # No answer of the provider was lost: nothing was asked twice, nobody has to authorise again.
        self.assertEqual(town.check_tokens(), 0)
        for name in town.names:
            self.assertEqual(town.status(name)["display"], "Success")

    def starting(self, town):
        rig = town.rig
        if rig.host.poll() is None:
            town.keep_alive()
            town.end_host()
        rig.start_host(wait=False)
        while not heeds_sigterm(rig.host.pid):
            pass
        time.sleep(town.random.uniform(0, 0.4))
        return self.ends(town, 10)

    def connecting(self, town):
        """A code that the provider took becomes a connection, with nobody doing anything more."""
        rig, name = town.rig, f"late-{len(town.names)}"
        town.add_customer(name, 100 + len(town.names))
        town.names.append(name)
        rig.sim.post("/answer-delay", {"path": "access_token", "ms": 600})
        connecting = threading.Thread(target=self.try_to_connect, args=(rig, name))
        connecting.start()
        time.sleep(town.random.uniform(0, 1))
        took = self.ends(town, 10)
        connecting.join()
        rig.sim.post("/answer-delay", {"path": "access_token", "ms": 0})
        town.keep_alive()
        codes = [t for t in rig.sim.get("/tokens/presented")["presented"] if t["kind"] != "refresh"]
        self.assertTrue(all(t["count"] == 1 and t["results"] == ["ok"] for t in codes))
        if len(codes) < len(town.names):  # the end came before the code
            rig.connect(f"teamleader/{name}")
        # Where the pair was stored just before the end, its probe is made after the next start.
        wait_until("the code's connection", lambda: town.status(name)["status"] == "authorized", 20)
        return took

    @staticmethod
    def try_to_connect(rig, name):
        try:
            rig.connect(f"teamleader/{name}")
        except (RuntimeError, OSError, ValueError):
            pass  # the host ended meanwhile

    def reading(self, town):
        town.rig.sim.post("/records/change", {"entity": "contact", "count": 80})
        time.sleep(town.random.uniform(0, 1.2))
        return self.ends(town, 10)

    def renewing(self, town):
        """The answer takes longer than the hard stage alone would wait."""
        rig = town.rig
        rig.sim.post("/answer-delay", {"path": "access_token", "ms": 3000})
        before = sum(t["count"] for t in town.refresh_tokens())
        wait_until("a renewal", lambda: sum(t["count"] for t in town.refresh_tokens()) > before, 15)
        time.sleep(town.random.uniform(0, 0.3))
        took = self.ends(town, 10)
        rig.sim.post("/answer-delay", {"path": "access_token", "ms": 0})
        return took

    def ending(self, town):
        """A run that waits for the provider holds up the end; who asks a second time does not want to wait for it."""
        rig = town.rig
        rig.sim.post("/answer-delay", {"path": "contacts.list", "ms": 8000})
        for name in town.names:
            rig.ctl("sync", "run", f"teamleader/{name}", "--no-wait", check=False)
        time.sleep(town.random.uniform(0.5, 1))
        pause = town.random.uniform(0, 1)
        took = self.ends(town, pause + 3.5, [(pause, town.random.choice((TERM, INT)))])
        rig.sim.post("/answer-delay", {"path": "contacts.list", "ms": 0})
        return took

    # ---- SIGSTOP

    def test_a_frozen_host_goes_on(self):
        town = self.make_town(customers=3, token_life_s=10)
        rig = town.rig
        town.settle()
        # One freezes while its renewal is on the way: the answer comes while nobody can read it.
        rig.sim.post("/answer-delay", {"path": "access_token", "ms": 1000})
        before = sum(t["count"] for t in town.refresh_tokens())
        wait_until("a renewal", lambda: sum(t["count"] for t in town.refresh_tokens()) > before, 30)
        rig.host.send_signal(signal.SIGSTOP)
        time.sleep(FREEZE_S)
        seen = rig.proplus().execute("select seq from position").fetchone()[0]
        rig.host.send_signal(signal.SIGCONT)
        thawed = time.monotonic()
        rig.sim.post("/answer-delay", {"path": "access_token", "ms": 0})
        wait_until("the consumer to go on",
                   lambda: rig.proplus().execute("select seq from position").fetchone()[0] > seen, 10)
        print(f"frozen for {FREEZE_S} s, went on after {time.monotonic() - thawed:.1f} s")
        town.settle(10)
        self.assertEqual(town.check_tokens(), 0)
        self.assertIsNone(rig.consumer.poll())
        for name in town.names:
            self.assertEqual(town.status(name)["display"], "Success")

    # ---- nothing outlives its host

    def test_nothing_outlives_the_host_or_its_spawner(self):
        town = self.make_town(customers=1)
        rig = town.rig
        for number in range(12):
            there = wait_until("a runner", lambda: self.family(rig), 10)
            time.sleep(town.random.uniform(0, 0.3))
            victims = (["koppeld"], ["koppel-spawner"], ["koppeld", "koppel-spawner"],
                       ["koppel-spawner", "koppeld"])[number % 4]
            # One that hangs, and so cannot notice that it is alone.
            if number % 3:
                os.kill(there["koppel-runner"], signal.SIGSTOP)
            if number % 3 == 2:
                os.kill(there["koppel-spawner"], signal.SIGSTOP)
            for victim in victims:
                os.kill(there[victim], KILL)
            code = rig.host.wait(9)
            self.assertEqual(code, -KILL if "koppeld" in victims else 1)
            wait_until(f"everything to end with {victims}", lambda: not rig.processes(), 3)
            rig.start_host(wait=False)
        town.keep_alive()
        town.settle()

    @staticmethod
    def family(rig):
        names = {name: pid for pid, (name, _) in rig.processes().items()}
        return names if len(names) == 3 else None


if __name__ == "__main__":
    unittest.main()
