# SPDX-License-Identifier: Apache-2.0
"""Death at every named place and at many others: host, runner and consumer are killed in a system that works on, and
each time nothing may be lost, applied twice, or left behind. docs/fault-points.md lists the places."""

import os
import random
import re
import signal
import subprocess
import time
import unittest

from harness import RigTest
from provider import wait_until
from town import Town

PROGRAMS = ("koppeld", "koppel-runner", "koppel-proplus")
SEED = int(os.environ.get("KOPPEL_SEED", "1"))
# A sanitized build is several times slower: it takes a seeded part of the places and moments.
SHARE = int(os.environ.get("KOPPEL_KILL_SHARE", "1"))

# At which pass a point fires, at most; where it is passed often, any of the first may be the one.
LATEST_PASS = {"ledger": 12, "net": 12, "provider": 12, "plugins": 12, "sync": 4, "webhook": 8, "bus": 4, "runner": 12,
               "consumer": 4}
FIRST_PASS = re.compile(r"spawner\.|auth\.|checkpoint|follow_received")
# What the provider did is known to nobody: the one place where a token is presented once more.
LOST_ANSWER = "auth.renewal.answered"


def points_of(build, program):
    listed = subprocess.run([os.path.join(build, "bin", program), "--fault-points"], capture_output=True, text=True,
                            check=True)
    return listed.stdout.split()


class Kills(RigTest):
    def test_the_page_lists_the_points_of_the_programs(self):
        with open(os.path.join(os.path.dirname(__file__), "../../docs/fault-points.md"), encoding="utf-8") as page:
            rows = re.findall(r"^\| `([a-z_.]+)` \| (koppel[a-z-]+)", page.read(), re.MULTILINE)
        for program in PROGRAMS:
            self.assertEqual(sorted(point for point, owner in rows if owner == program), points_of(self.build, program))

    def make_town(self):
        print(f"KOPPEL_SEED={SEED}", flush=True)
        town = Town(self.build, self.folder, random.Random(SEED), storing_s=0.5 * SHARE)
        self.addCleanup(town.stop)
        return town

    def test_death_at_every_point(self):
        town = self.make_town()
        orders = [(program, point, "kill") for program in PROGRAMS for point in points_of(self.build, program)]
        orders += [("koppeld", "ledger.before_commit", "fail"), ("koppeld", "spawner.before_fork", "fail")]
        town.random.shuffle(orders)
        # The lost answer first: while its outcome is unknown, no other host dies.
        orders = [o for o in orders if o[1] != LOST_ANSWER][::SHARE]
        orders.sort(key=lambda order: order[0] == "koppeld")
        print(f"{'point':28} {'action':6} {'pass':>4} {'s':>5}")
        self.fire(town, 0, ("koppeld", LOST_ANSWER, "kill"))
        lost_at = time.monotonic()
        for number, order in enumerate(orders, 1):
            if order[0] == "koppeld" and lost_at is not None:
                self.see_the_lost_answer(town, lost_at)
                lost_at = None
            self.fire(town, number, order)
        self.end_well(town)
        print(f"all {len(orders) + 1} fired", flush=True)

    def fire(self, town, number, order):
        """One point, from its order to a system that is whole again."""
        program, point, action = order
        latest = 1 if FIRST_PASS.search(point) or action == "fail" else LATEST_PASS[point.split(".")[0]]
        at = town.random.randint(1, latest)
        began = time.monotonic()
        print(f"{point:28} {action:6} {at:4} ", end="", flush=True)
        self.die_at(town, program, point, (f"{point}:{action}:{at}", f"{self.folder}/fired-{number}"))
        town.settle()
        print(f"{time.monotonic() - began:5.1f}", flush=True)

    def see_the_lost_answer(self, town, lost_at):
        """One token, once more; and its connection says within a minute that it has to be authorised again."""
        while not town.reconnected:
            self.assertLess(time.monotonic() - lost_at, 60)
            town.look_after_the_unwell()
            time.sleep(0.1)
        self.assertEqual(len(town.reconnected), 1)
        again = [t for t in town.refresh_tokens() if t["count"] != 1]
        self.assertEqual([(t["count"], t["results"]) for t in again], [(2, ["ok", "revoked"])])
        print(f"the lost answer: said after {time.monotonic() - lost_at:.1f} s, presented again once", flush=True)

    def die_at(self, town, program, point, faults):
        """Arms one point, works until it fired, and starts again what it ended."""
        fired = os.path.join(faults[1], point)
        rig = town.rig
        if program == "koppel-proplus":
            rig.consumer.terminate()
            self.assertEqual(rig.consumer.wait(10), 0)
            rig.start_consumer(faults)
            self.work_until(town, lambda: os.path.exists(fired), point)
            self.assertEqual(rig.consumer.wait(10), -signal.SIGKILL)
            rig.start_consumer()
            return
        town.end_host()
        rig.start_host(wait=False, faults=faults)
        self.work_until(town, lambda: os.path.exists(fired), point)
        if program == "koppeld" and not faults[0].startswith("spawner.before_fork:fail"):
            code = rig.host.wait(10)
            self.assertEqual(code, 1 if point.startswith("spawner.") or ":fail" in faults[0] else -signal.SIGKILL)
            town.host_is_dead(os.stat(fired).st_mtime)
        town.keep_alive()

    def work_until(self, town, fired, point):
        """The town works by itself; some points need more than that."""
        def push():
            rig = town.rig
            if point.endswith("checkpoint"):
                rig.sim.post("/records/change", {"entity": "contact", "count": 80})
            elif point == "spawner.before_end_told":
                town.kill_runner()
            elif point.startswith("auth.code"):
                name = town.random.choice(town.names)
                try:
                    rig.connect(f"teamleader/{name}")
                except (RuntimeError, OSError, ValueError):
                    pass  # the host died in the midst of it, or does not answer yet
            return fired()

        wait_until(f"{point} to be passed", push, 60, every=0.1)

    def test_death_at_many_moments(self):
        town = self.make_town()
        began = time.monotonic()
        for number in range(50 // SHARE):
            time.sleep(town.random.uniform(0, 1))
            (town.kill_host, town.kill_runner, town.kill_consumer)[number % 3]()
            town.start_what_ended()
            town.check_journal()
            town.check_tokens()
            if number % 10 == 9:
                town.keep_alive()
                town.settle()
        self.end_well(town)
        print(f"{50 // SHARE} moments in {time.monotonic() - began:.0f} s")

    def end_well(self, town):
        town.keep_alive()
        town.look_after_the_unwell(all_of_them=True)
        town.settle()
        for name in town.names:
            self.assertEqual(town.status(name)["display"], "Success")
        town.end_host()
        again = town.check_tokens()
        print(f"{len(town.deaths)} hosts died; {again} tokens presented again; authorised again: {town.reconnected}")


if __name__ == "__main__":
    unittest.main()
