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

from koppel import Rig
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


class Follower:
    """koppelctl event follow in a child; remembers when each auth.status event was seen."""

    def __init__(self, rig):
        self.child = subprocess.Popen([os.path.join(rig.bin, "koppelctl"), "--socket", rig.socket, "--json", "event",
                                       "follow", "--type", "auth.status", "--from", "start"],
                                      stdout=subprocess.PIPE, text=True)
        self.seen = {}
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.child.stdout:
            now = time.monotonic()
            event = json.loads(line)
            self.seen.setdefault((event["connection"], event["data"]["status"]), now)

    def stop(self):
        self.child.terminate()
        self.child.wait()


def bench_auth(rig, options, table):
    """From the code's arrival (the browser opens the callback) to the auth.status event at a consumer."""
    rig.start_simulator("--companies", 10, "--contacts", 10, "--rate-limit", 1_000_000)
    rig.schedule = False
    rig.write_config()
    rig.start_host()
    follower = Follower(rig)
    try:
        times = [one_authorisation(rig, follower, number) for number in range(1, options.connections + 1)]
    finally:
        follower.stop()
    beyond = sorted(total - provider for total, provider in times)
    table.add("code to auth.status, beyond the provider's answers, worst", beyond[-1] * 1000, "ms", "under 1,000",
              beyond[-1] < 1)
    table.add("the same, median", statistics.median(beyond) * 1000, "ms", f"{len(beyond)} connections")
    table.add("the provider's own answers, median", statistics.median(p for _, p in times) * 1000, "ms", "")


def one_authorisation(rig, follower, number):
    account = {"id": f"{number:08x}-2222-0333-b444-555555555555", "name": f"Account {number}"}
    client = {"client_id": f"{number:032x}", "client_secret": f"{number + 4096:032x}", "name": f"Client {number}",
              "scopes": ["companies", "contacts", "departments", "users"], "redirect_uris": [], "account": account}
    rig.sim.post("/clients", client)
    rig.add_app(f"teamleader/app-{number}", client=client)
    name = f"customer-{number}"
    rig.ask("connection", "add", f"teamleader/{name}", "--app", f"app-{number}")
    child = subprocess.Popen([os.path.join(rig.bin, "koppelctl"), "--socket", rig.socket, "--json", "connection",
                              "connect", f"teamleader/{name}", "--yes"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    browser = rig.browser()
    callback = browser.consent(json.loads(child.stdout.readline())["link"])
    logged = len(requests_of(rig))
    start = time.monotonic()
    browser.exchange("GET", callback)
    seen = wait_until("the auth.status event", lambda: follower.seen.get((name, "authorized")), 30, every=0.001)
    child.communicate(timeout=30)
    provider = sum(r["duration_us"] for r in requests_of(rig)[logged:]) / 1e6
    return seen - start, provider


def requests_of(rig):
    listed = rig.sim.get("/requests?since=0")
    return listed["requests"] if isinstance(listed, dict) else listed


def main():
    parser = argparse.ArgumentParser(prog="tools/bench", description="Measures Koppel against its simulator.")
    parser.add_argument("what", choices=["sync", "auth"])
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--json", metavar="FILE", help="write the table's rows there")
    parser.add_argument("--records", type=int, default=100_000, help="sync: contacts (default 100000)")
    parser.add_argument("--connections", type=int, default=20, help="auth: connections (default 20)")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="koppel-bench-")
    rig = Rig(options.build, folder, schedule=False)
    table = Table()
    try:
        {"sync": bench_sync, "auth": bench_auth}[options.what](rig, options, table)
    finally:
        rig.stop()
        shutil.rmtree(folder, ignore_errors=True)
    table.print()
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(table.rows, file, indent=2)
    return 0 if table.good() else 1


if __name__ == "__main__":
    sys.exit(main())
