# SPDX-License-Identifier: Apache-2.0
"""A few customers who work without a pause, in a system whose processes die: what the kill and life tests share."""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time

from compare import compare_all
from koppel import Rig
from provider import wait_until


class Workday(threading.Thread):
    """Changes records at the provider, in small steps, until it is told to pause; sizes stay about the same."""

    def __init__(self, sim, random):
        super().__init__(daemon=True)
        self.sim, self.random = sim, random
        self.lock = threading.Lock()  # held while a change is made, and by whoever wants none
        self.over = False

    def run(self):
        while not self.over:
            with self.lock:
                entity = self.random.choice(("company", "contact"))
                self.sim.post("/records/change", {"entity": entity, "count": self.random.randint(1, 3)})
                if self.random.random() < 0.3:
                    self.sim.post(f"/records/{self.random.choice(('add', 'delete'))}", {"entity": entity, "count": 1})
            time.sleep(self.random.uniform(0.03, 0.12))

    def end(self):
        self.over = True
        self.join()


class Town:
    """A rig with `customers` connections, each with an account of its own, and what is demanded of it."""

    def __init__(self, build, folder, random, customers=3, records=(40, 90), token_life_s=5, storing_s=0.5):
        plugins = os.path.join(folder, "plugins")
        os.makedirs(plugins, mode=0o755)
        shutil.copy(os.path.join(build, "plugins", "teamleader.so"), plugins)
        self.rig = Rig(build, folder, plugins=plugins, interval_s=1, public=True)
        self.random = random
        self.names = [f"customer-{n}" for n in range(1, customers + 1)]
        self.deaths = []  # of hosts, on the simulator's clock
        self.storing_s = storing_s  # from an answer to its commit, on a machine that is busy
        self.unwell = {}  # connections whose renewal was cut, and since when
        self.reconnected = []
        self.workday = None
        try:
            self._begin(records, token_life_s)
        except BaseException:
            self.stop()
            raise

    def _begin(self, records, token_life_s):
        rig = self.rig
        rig.start_simulator("--rate-limit", 1_000_000, "--companies", records[0], "--contacts", records[1])
        rig.sim.post("/knobs", {"access_life_seconds": token_life_s})
        rig.write_config()
        rig.start_host()
        rig.start_consumer()
        for number, name in enumerate(self.names, 1):
            self.add_customer(name, number)
            rig.connect(f"teamleader/{name}")
        self.workday = Workday(rig.sim, self.random)
        self.workday.start()

    def add_customer(self, name, number):
        client = {"client_id": f"{number:032x}", "client_secret": f"{number + 4096:032x}", "name": f"Client {number}",
                  "scopes": ["companies", "contacts", "departments", "users"], "redirect_uris": [],
                  "account": {"id": f"{number:08x}-1111-0222-a333-444444444444", "name": f"Account {number}"}}
        self.rig.sim.post("/clients", client)
        self.rig.add_app(f"teamleader/app-{number}", client=client)
        self.rig.ask("connection", "add", f"teamleader/{name}", "--app", f"app-{number}", "--customer", str(number))

    def stop(self):
        if self.workday is not None:
            self.workday.end()
        self.rig.stop()

    # ---- deaths, and what a service manager does about them

    def host_is_dead(self, since=None):
        """Notes a death and demands that nothing outlives it."""
        self.rig.host.wait()
        self.deaths.append(since or time.time())
        wait_until("everything to end with its host", lambda: not self.rig.processes(), 3)

    def kill_host(self):
        self.rig.kill(self.rig.host)
        self.host_is_dead()

    def end_host(self, within=10):
        self.rig.host.send_signal(signal.SIGTERM)
        code = self.rig.host.wait(within)
        if code != 0:
            raise AssertionError(f"koppeld ended with {code} on SIGTERM")
        wait_until("everything to end with its host", lambda: not self.rig.processes(), 3)

    def kill_runner(self):
        for pid, (name, _) in self.rig.processes().items():
            if name == "koppel-runner":
                os.kill(pid, signal.SIGKILL)

    def kill_consumer(self):
        self.rig.kill(self.rig.consumer)

    def start_what_ended(self):
        if self.rig.consumer.poll() is not None:
            self.rig.start_consumer()
        if self.rig.host.poll() is not None:
            self.rig.start_host(wait=False)

    def keep_alive(self):
        """Whatever has ended is started again. Returns once the host answers."""
        self.start_what_ended()
        wait_until("the host to answer", lambda: self.rig.ctl("status", check=False).returncode == 0, 30)

    # ---- what is demanded

    def status(self, name):
        return self.rig.connection(f"teamleader/{name}")["auth"]

    def refresh_tokens(self):
        return [t for t in self.rig.sim.get("/tokens/presented")["presented"] if t["kind"] == "refresh"]

    def check_tokens(self):
        """No code twice, no refresh token twice; but once more for each answer that died with a host. Returns how many
        were."""
        for token in self.rig.sim.get("/tokens/presented")["presented"]:
            if token["kind"] != "refresh" and token["count"] != 1:
                raise AssertionError(f"a code was presented again: {token}")
            if token["results"][0] != "ok" or any(r not in ("revoked", "used") for r in token["results"][1:]):
                raise AssertionError(f"a token was presented that had been replaced: {token}")
        before, again = {}, 0
        for asked in self.token_requests():
            if asked["status"] != 200:
                again += 1
                if not self.died_with_a_host(before[asked["client_id"]]):
                    raise AssertionError(f"a token was presented again whose answer was not lost: {asked}")
            before[asked["client_id"]] = asked
        return again

    def token_requests(self):
        listed = self.rig.sim.get("/requests?since=0&limit=100000")["requests"]
        return [r for r in listed if "access_token" in r["path"]]

    def died_with_a_host(self, asked):
        """Whether a host ended so shortly after the answer that it cannot have been stored for certain."""
        begun = asked["time_ms"] / 1000
        answered = begun + asked["duration_us"] / 1e6
        return any(begun <= death <= answered + self.storing_s for death in self.deaths)

    def look_after_the_unwell(self, all_of_them=False):
        """A connection whose renewal was cut says so within a minute, counted from the host's last death: each may cut
        another presentation. Then its customer connects again."""
        while True:
            for name in self.names:
                auth = self.status(name)
                if auth["status"] == "needs_reauth":
                    self.say_why(name, auth)
                    self.rig.connect(f"teamleader/{name}")
                    self.unwell.pop(name, None)
                elif self.is_waiting(name):
                    since = max(self.unwell.setdefault(name, time.time()), *self.deaths, 0)
                    if time.time() - since > 60:
                        raise AssertionError(f"{name} has not said for 60 s what became of its renewal: {auth}; its last "
                                             f"run: {self.rig.runs(f'teamleader/{name}')['runs'][0]}")
                else:
                    self.unwell.pop(name, None)
            if not self.unwell or not all_of_them:
                return
            time.sleep(0.2)

    def say_why(self, name, auth):
        if auth["reason"] != "refresh_outcome_unknown":
            raise AssertionError(f"{name} needs to be authorised again, and for another reason than ours: {auth}")
        self.reconnected.append(name)

    def is_waiting(self, name):
        """Whether its last runs failed for want of a token: nothing else is wrong here."""
        runs = self.rig.runs(f"teamleader/{name}")["runs"]
        return bool(runs) and runs[0]["state"] != "running" and "access token" in runs[0].get("error", "")

    def settle(self, seconds=60):
        """No more changes: everything is read, delivered and equal. What is unwell is left out, until it is well."""
        with self.workday.lock:
            # What changed is to be had without a full read, which would find what was lost on the way.
            for full in (False, True):
                deadline = time.monotonic() + seconds
                while wrong := self.differences(full):
                    if time.monotonic() > deadline:
                        raise AssertionError(f"not in step within {seconds} s: {wrong}")
        self.check_journal()
        self.check_tokens()
        if self.rig.orphans():
            raise AssertionError(f"orphans: {self.rig.orphans()}")

    def differences(self, full):
        """Reads again those that are well, and compares them. What differs, or None."""
        self.look_after_the_unwell()
        names = [name for name in self.names if name not in self.unwell]
        reads = [subprocess.Popen([os.path.join(self.rig.bin, "koppelctl"), "--socket", self.rig.socket, "--json",
                                   "sync", "run", f"teamleader/{name}", *(["--full"] if full else [])],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for name in names]
        for read in reads:
            read.wait(120)
        try:
            wait_until("the consumer to catch up", lambda: self.rig.consumer_lag() == 0, 5)
        except TimeoutError as late:
            return str(late)
        with contextlib.closing(self.rig.proplus()) as proplus:
            for name in names:
                _, _, totals, examples = compare_all(self.rig.sim, proplus, name)
                if not full:
                    totals["extra"] = 0  # what was deleted shows in a full read only
                if any(totals.values()):
                    return f"{name}: {totals} {examples[:2]}"
        return None

    def check_journal(self):
        """Every event was applied, once, in order: the consumer's own record has no second range. It begins with the
        first event, or, of a consumer that began again, behind the snapshot."""
        with contextlib.closing(self.rig.proplus()) as database:
            ranges = [tuple(row) for row in database.execute("select walk, first, last from journal order by rowid")]
            position = database.execute("select seq from position").fetchone()
            twice = database.execute("select value from counter where name = 'applied_twice'").fetchone()[0]
        whole = len(ranges) == 1 and ranges[0][2] == position[0] and (ranges[0][0] > 1 or ranges[0][1] == 1)
        if twice or (ranges and not whole):
            raise AssertionError(f"applied twice, or not at all: {ranges}, position {position[0]}, twice {twice}")
