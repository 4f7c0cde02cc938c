#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures whole processes against the simulator. Started by tools/bench, which builds first."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import bench_auth as bench_auth_cases
from koppel import Rig, free_port
from provider import wait_until


def cpu_seconds(pid):
    """User and system seconds of a process so far."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mib(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


class Table:
    """Rows of name, value, unit, and what the value is compared with."""

    def __init__(self):
        self.rows = []
        self.details = []  # what a bench has besides, for its JSON

    def add(self, name, value, unit, compared_with, holds=None):
        self.rows.append({"name": name, "value": round(value, 3), "unit": unit, "compared_with": compared_with,
                          "holds": holds})

    def print(self):
        cells = [("what", "value", "unit", "compared with", "")]
        for row in self.rows:
            mark = {True: "holds", False: "MISSED", None: ""}[row["holds"]]
            cells.append((row["name"], f"{row['value']:,.3f}".rstrip("0").rstrip("."), row["unit"],
                          row["compared_with"], mark))
        widths = [max(len(row[i]) for row in cells) for i in range(5)]
        for row in cells:
            print("  ".join(cell.rjust(w) if i == 1 else cell.ljust(w)
                            for i, (cell, w) in enumerate(zip(row, widths))).rstrip())

    def good(self):
        return all(row["holds"] is not False for row in self.rows)


def record_events(rig):
    listed = rig.ctl("event", "list", "--all", "--type", "sync.contact").stdout.splitlines()
    return len(listed)


def bench_sync(rig, options, table):
    """A full sync of contacts end to end: provider, host, runner, bus, consumer, all on this machine."""
    rig.start_simulator("--companies", 0, "--contacts", options.records, "--rate-limit", 1_000_000)
    rig.write_config()
    rig.start_host()
    rig.start_consumer()
    rig.add_app()
    rig.ask("connection", "add", "teamleader/acme", "--app", "main")
    rig.connect("teamleader/acme")

    processes = {"provider-sim": rig.sim.process.pid, "koppeld": rig.host.pid, "koppel-proplus": rig.consumer.pid,
                 "koppel-runner": rig.runner_pids()[0]}
    before = {name: cpu_seconds(pid) for name, pid in processes.items()}
    start = time.monotonic()
    rig.ask("sync", "run", "teamleader/acme", "--stream", "contacts", "--full", "--no-wait")
    wait_until("all contacts in Pro+", lambda: rig.proplus_count("contact") >= options.records, 600, every=0.05)
    seconds = time.monotonic() - start
    rate = options.records / seconds
    table.add("full sync, end to end", rate, "records/s", "at least 5,000", rate >= 5000)
    table.add("full sync, end to end", seconds, "s", f"{options.records:,} contacts, provider to Pro+")
    for name, pid in processes.items():
        used = cpu_seconds(pid) - before[name]
        table.add(f"processor time of {name}", used * 1e6 / options.records, "us/record", f"{used:.1f} s in all")
        table.add(f"peak memory of {name}", peak_mib(pid), "MiB", "")

    wait_until("the run to end", lambda: not any(r["state"] == "running" for r in rig.runs()["runs"]), 60)
    events = record_events(rig)
    start = time.monotonic()
    runs = rig.ask("sync", "run", "teamleader/acme", "--stream", "contacts", "--full")["runs"]
    seconds = time.monotonic() - start
    published = record_events(rig) - events
    read = runs[0]["read"]
    table.add("second, unchanged read", published, "record events", "0", published == 0 and read >= options.records)
    table.add("second, unchanged read", options.records / seconds, "records/s", f"{read:,} rows read")


def bench_auth(_, options, table):
    """Each provider's answers, what the customer reads, and the time to the event (bench_auth.py)."""
    rows = bench_auth_cases.run(options, options.kinds.split(",") if options.kinds else None)
    bench_auth_cases.show(rows)
    print()
    for provider in dict.fromkeys(row["provider"] for row in rows):
        own = [row["milliseconds"] for row in rows if row["provider"] == provider]
        table.add(f"{provider}: click or paste to auth.status, beyond the provider's answers, worst", max(own), "ms",
                  f"under 1,000; median {statistics.median(own):.0f}, {len(own)} cases", max(own) < 1000)
        table.add(f"{provider}: cases that read as they should", sum(r["holds"] for r in rows
                                                                     if r["provider"] == provider), "",
                  f"of {len(own)}", all(r["holds"] for r in rows if r["provider"] == provider))
    table.details = rows


def new_client(rig, number):
    account = {"id": f"{number:08x}-2222-0333-b444-555555555555", "name": f"Account {number}"}
    client = {"client_id": f"{number:032x}", "client_secret": f"{number + 4096:032x}", "name": f"Client {number}",
              "scopes": ["companies", "contacts", "departments", "users"], "redirect_uris": [], "account": account}
    rig.sim.post("/clients", client)
    return client


# Each is a stream of the fixture vandal (tests/fixtures/bad_plugins/puppet.cpp).
MISBEHAVIOUR = {"crash": "SIGSEGV in each job", "garbage": "bytes that are no message", "stops": "SIGSTOP to itself",
                "hungry": "more memory than its limit", "chatters": "messages without end in one call",
                "loop": "an endless loop", "sleeps": "a sleep without end", "naps": "sleeps of nothing, for ever",
                "asks": "64 requests at once that are refused, for ever", "logs": "log lines for ever",
                "learns": "values of 4 KiB for ever", "spews": "prints for ever", "greedy": "65 effects at once",
                "page-flood": "20 pages at once", "reads": "pages of new records, for ever"}


def rss_mib(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))


class Repeater:
    """Does something again and again, in a thread, until it is stopped."""

    def __init__(self, what, every):
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._repeat, args=(what, every), daemon=True)
        self.thread.start()

    def _repeat(self, what, every):
        while not self.ended.wait(every):
            what()

    def stop(self):
        self.ended.set()
        self.thread.join()


class Neighbours:
    """A good connection that reads all companies over and over, and a plugin beside it that can be let loose."""

    def __init__(self, options, folder):
        self.plugins = os.path.join(folder, "plugins")
        os.makedirs(self.plugins, mode=0o755)
        shutil.copy(os.path.join(options.build, "plugins", "teamleader.so"), self.plugins)
        self.vandal = os.path.join(options.build, "bad-plugins", "vandal.so")
        self.rig = Rig(options.build, folder, plugins=self.plugins, schedule=False)
        self.companies = options.records

    def start(self):
        rig = self.rig
        rig.start_simulator("--companies", self.companies, "--contacts", 0, "--rate-limit", 1_000_000)
        rig.write_config()
        self.put_vandal()
        rig.start_host()
        for provider, number in (("teamleader", 1), ("vandal", 2)):
            client = new_client(rig, number)
            rig.add_app(f"{provider}/main", client=client)
            rig.ask("connection", "add", f"{provider}/acme", "--app", "main")
            rig.connect(f"{provider}/acme")
        rig.ask("sync", "run", "teamleader/acme", "--stream", "companies", "--full")

    def read(self, provider, stream, full=True):
        return self.rig.call("POST", "/v1/syncs", {"provider": provider, "connection": "acme", "stream": stream,
                                                   "full": full})

    def put_vandal(self):
        shutil.copy(self.vandal, os.path.join(self.plugins, ".upload"))
        os.replace(os.path.join(self.plugins, ".upload"), os.path.join(self.plugins, "vandal.so"))

    def let_loose(self, stream):
        self.put_vandal()
        self.rig.call("POST", "/v1/plugins/rescan")
        return Repeater(lambda: self.read("vandal", stream), 0.1)

    def lock_up(self):
        os.remove(os.path.join(self.plugins, "vandal.so"))
        self.rig.call("POST", "/v1/plugins/rescan")

    def round_trips(self, seconds):
        """Milliseconds from page to page of the good connection: provider, host, runner, ledger and back."""
        start = time.time() * 1000
        time.sleep(seconds)
        times = []
        since = self.seen
        while True:
            log = self.rig.sim.get(f"/requests?since={since}")
            if not log["requests"]:
                break
            since = log["next"]
            times += [r["time_ms"] for r in log["requests"] if r["path"].endswith("companies.list")]
        self.seen = since
        times = [t for t in times if t >= start]
        return [after - before for before, after in zip(times, times[1:])]

    seen = 0


def p99(values):
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.99))]


def bench_runners(_, options, table):
    """What a misbehaving plugin costs the connections of another, slot by slot, with and without it."""
    for kind in options.kinds.split(",") if options.kinds else MISBEHAVIOUR:
        folder = tempfile.mkdtemp(prefix="koppel-bench-")
        neighbours = Neighbours(options, folder)
        try:
            bench_neighbours(neighbours, kind, options, table)
        finally:
            neighbours.rig.stop()
            shutil.rmtree(folder, ignore_errors=True)


def bench_neighbours(neighbours, kind, options, table):
    neighbours.start()
    neighbours.lock_up()
    host = neighbours.rig.host.pid
    good = Repeater(lambda: neighbours.read("teamleader", "companies"), 0.2)
    quiet, beside, memory = [], [], []
    try:
        neighbours.round_trips(2)
        for _ in range(options.slots):
            quiet.append(neighbours.round_trips(options.seconds))
            memory.append(rss_mib(host))
            bad = neighbours.let_loose(kind)
            beside.append(neighbours.round_trips(options.seconds))
            bad.stop()
            neighbours.lock_up()
        memory.append(rss_mib(host))
    finally:
        good.stop()
    alone, crowded = (statistics.median(p99(slot) for slot in slots if slot) for slots in (quiet, beside))
    typical = statistics.median(v for slot in beside for v in slot)
    before = statistics.median(v for slot in quiet for v in slot)
    table.add(f"{kind}: page to page of others, p99", crowded, "ms",
              f"{alone:.0f} when quiet: x {crowded / alone:.2f}; median {typical:.1f}, quiet {before:.1f}",
              crowded <= 2 * alone)
    table.add(f"{kind}: host memory after", memory[-1], "MiB", f"{memory[0]:.1f} before", memory[-1] < memory[0] + 16)
    print(f"{kind}: {MISBEHAVIOUR[kind]}: p99 {alone:.0f} -> {crowded:.0f} ms, "
          f"{memory[0]:.0f} -> {memory[-1]:.0f} MiB", file=sys.stderr, flush=True)


def requests_of(rig):
    listed = rig.sim.get("/requests?since=0")
    return listed["requests"] if isinstance(listed, dict) else listed


class Hinted(threading.Thread):
    """Follows record events, as a consumer does: when each (connection, record) was first seen because of a webhook."""

    def __init__(self, rig):
        super().__init__(daemon=True)
        self.seen = {}
        self.child = subprocess.Popen([os.path.join(rig.bin, "koppelctl"), "--socket", rig.socket, "--json", "event",
                                       "follow", "--type", "sync.company"], stdout=subprocess.PIPE, text=True)
        self.start()

    def run(self):
        for line in self.child.stdout:
            now, event = time.time(), json.loads(line)
            if event["data"].get("cause") == "webhook":
                self.seen.setdefault((event["connection"], event["data"]["id"]), now)

    def stop(self):
        self.child.terminate()
        self.child.wait()


def percentile(ordered, share):
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def bench_webhooks(rig, options, table):
    """From the 2xx for a webhook to the record's event at a consumer: all connections are told of each change."""
    rate = options.rate
    changes = max(1, int(rate / options.connections * options.seconds))
    rig.ingress_port = free_port()
    rig.start_simulator("--companies", changes, "--contacts", 0)
    rig.write_config()
    rig.start_host()
    names = {}
    for number in range(1, options.connections + 1):
        name = f"customer-{number}"
        rig.add_app(f"teamleader/app-{number}", client=new_client(rig, number))
        rig.ask("connection", "add", f"teamleader/{name}", "--app", f"app-{number}")
        rig.connect(f"teamleader/{name}")
    for number in range(1, options.connections + 1):
        name = f"customer-{number}"
        wait_until(f"{name}'s registration",
                   lambda n=name: rig.connection(f"teamleader/{n}")["webhooks"]["state"] == "registered", 60)
        names[rig.ask("webhook", "address", f"teamleader/{name}")["url"]] = name
    follower = Hinted(rig)
    ids = [c["id"] for c in rig.sim.records("company")]
    before, cpu, began = len(requests_of(rig)), cpu_seconds(rig.host.pid), time.monotonic()
    # Each change is told to every connection: spread over the time until the next.
    rig.sim.post("/webhooks/rules", {"jitter_ms": int(900 * options.connections / rate)})
    for number, record in enumerate(ids[:changes]):
        pause = began + number * options.connections / rate - time.monotonic()
        if pause > 0:
            time.sleep(pause)
        rig.sim.post("/records/change", {"entity": "company", "count": 1, "ids": [record]})
    sent_in = time.monotonic() - began
    hints = changes * options.connections
    try:
        wait_until("every event", lambda: len(follower.seen) >= hints, 120, every=0.05)
    except TimeoutError:
        pass
    took = time.monotonic() - began
    follower.stop()
    attempts = rig.sim.get("/webhooks/attempts?since=0&limit=100000")["attempts"]
    reads = rig.sim.get(f"/requests/times?path=/companies.info&since={before}")
    answer = reads["duration_us"]["p50"] / 1e6
    waits = sorted(follower.seen[key] - a["answered_us"] / 1e6 - answer for a in attempts if a["status"] == 200
                   for key in [(names.get(a["url"]), a["ids"][0])] if key in follower.seen)
    taken = len({(a["url"], a["ids"][0]) for a in attempts if a["status"] == 200})
    table.add("webhooks answered with 2xx", taken, "", f"{hints} sent, at {hints / sent_in:.0f}/s", taken == hints)
    table.add("2xx to event, beyond the provider's answer, p99", percentile(waits, 0.99) * 1000, "ms", "under 300",
              percentile(waits, 0.99) < 0.3)
    table.add("the same, median", percentile(waits, 0.5) * 1000, "ms", "")
    table.add("the same, worst", waits[-1] * 1000, "ms", "")
    table.add("events of those webhooks", len(follower.seen), "", f"every one of {taken}", len(follower.seen) >= taken)
    table.add("reads of a record for each webhook", reads["count"] / hints, "", "1 at most",
              reads["count"] <= hints)
    table.add("requests of one connection in a minute", reads["count"] / options.connections / took * 60, "",
              "200 at most", reads["count"] / options.connections / took * 60 <= 200)
    table.add("the provider's answer, median", answer * 1000, "ms", "")
    table.add("koppeld's processor time for a webhook", (cpu_seconds(rig.host.pid) - cpu) / hints * 1e6, "us", "")


def main():
    parser = argparse.ArgumentParser(prog="tools/bench", description="Measures Koppel against its simulator.")
    parser.add_argument("what", choices=["sync", "auth", "runners", "webhooks"])
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--json", metavar="FILE", help="write the table's rows there")
    parser.add_argument("--records", type=int, default=100_000,
                        help="sync: contacts; runners: companies of the good connection (default 100000)")
    parser.add_argument("--connections", type=int, default=100, help="webhooks: connections (default 100)")
    parser.add_argument("--kinds", help="auth: providers; runners: misbehaviour; by commas (default all)")
    parser.add_argument("--slots", type=int, default=5, help="runners: with and without, each (default 5)")
    parser.add_argument("--seconds", type=float, default=4, help="runners: of a slot (default 4); webhooks: how long they come")
    parser.add_argument("--rate", type=float, default=200, help="webhooks: a second, over all (default 200)")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="koppel-bench-")
    rig = Rig(options.build, folder, schedule=False)
    table = Table()
    try:
        {"sync": bench_sync, "auth": bench_auth, "runners": bench_runners,
         "webhooks": bench_webhooks}[options.what](rig, options, table)
    finally:
        rig.stop()
        shutil.rmtree(folder, ignore_errors=True)
    table.print()
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"rows": table.rows, "cases": table.details} if table.details else table.rows, file, indent=2,
                      ensure_ascii=False)
    return 0 if table.good() else 1


if __name__ == "__main__":
    sys.exit(main())
