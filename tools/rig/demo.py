#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The main job, for real: five simulated providers, the host, a consumer that keeps a Pro+ database up to date, a
SIGKILL of each in the middle of a sync, and requests that fail. Started by tools/demo, which builds first."""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time

from compare import compare_all, compare_other
from expected import EXPECTED
from koppel import Rig
from provider import wait_until

# Of each provider: what its simulator calls its records, the option for how many, and their share.
ENTITIES = {
    "teamleader": {"company": ("--companies", 2 / 7), "contact": ("--contacts", 5 / 7)},
    "snelstart": {"company": ("--companies", 1)},
    "workfront": {"company": ("--companies", 2 / 7), "project": ("--projects", 3 / 7), "user": ("--users", 2 / 7)},
    "zoho": {"account": ("--accounts", 2 / 7), "contact": ("--contacts", 5 / 7 - 0.01), "user": ("--users", 0.01)},
}
# What is read three times within a few minutes, whatever the quota. More, where --records says so, takes its time.
PATIENCE = {"snelstart": 3000, "workfront": 10000}
SIMULATOR_OPTIONS = {"teamleader": ("--rate-limit", 100000)}
# SnelStart's product "Maatwerk, Productie", of which its plugin's README tells, in place of the one for tests.
SNELSTART_CONTRACT = {"minute": 500, "hour": 5000}
RECORDS = 35000
# A connection of the plugin for any OAuth 2 provider: it reads nothing on its own.
ASKED_ONLY = "generic/crm"
USERINFO = "https://openidconnect.googleapis.com/v1/userinfo"
# Paths of lists and reads by id, where requests are made to fail; not of tokens.
API_PATHS = {"teamleader": "s.list", "snelstart": "/v2/", "workfront": "/attask/api/", "zoho": "/crm/v8/"}


class Narrator:
    """Tells on standard error what happens: in colour on a terminal, silent about everything else in --json mode."""

    def __init__(self):
        colour = sys.stderr.isatty() and "NO_COLOR" not in os.environ
        self.codes = {"dim": "2", "good": "32", "bad": "31", "head": "1;36", "kill": "1;35"} if colour else {}
        self.terminal = sys.stderr.isatty()
        self.start = time.monotonic()
        self.open_line = False

    def paint(self, text, tone):
        return f"\033[{self.codes[tone]}m{text}\033[0m" if tone in self.codes else text

    def say(self, text, tone=None):
        if self.open_line:
            sys.stderr.write("\r\033[K")
            self.open_line = False
        clock = self.paint(f"{time.monotonic() - self.start:6.1f} s  ", "dim")
        print(clock + (self.paint(text, tone) if tone else text), file=sys.stderr, flush=True)

    def progress(self, text):
        """A line that the next one replaces; only a terminal gets it."""
        if self.terminal:
            sys.stderr.write("\r\033[K" + self.paint(f"{time.monotonic() - self.start:6.1f} s  {text}", "dim"))
            sys.stderr.flush()
            self.open_line = True


class Demo:
    def __init__(self, arguments):
        self.options = arguments
        self.tell = Narrator()
        self.folder = tempfile.mkdtemp(prefix="koppel-demo-")
        os.chmod(self.folder, 0o700)
        self.rig = Rig(arguments.build, self.folder)
        self.dice = random.Random(1)
        self.sizes = {}  # provider -> {entity of its simulator: records}
        for provider, entities in ENTITIES.items():
            total = arguments.records or min(RECORDS, PATIENCE.get(provider, RECORDS))
            self.sizes[provider] = {entity: max(1, round(total * share)) for entity, (_, share) in entities.items()}
        self.total = sum(sum(of.values()) for of in self.sizes.values())
        self.connections = [f"{provider}/acme" for provider in ENTITIES]  # those that are read; one more is asked only
        self.asked_before = {}  # provider -> the number of its last request before faults were ordered

    def run(self):
        self.set_up()
        self.connect()
        self.first_sync_with_kills()
        self.change_at_provider()
        self.second_sync()
        return self.verdict()

    def set_up(self):
        tell, rig = self.tell, self.rig
        tell.say("Five providers on loopback, a host, a Pro+ consumer", "head")
        for provider, sizes in self.sizes.items():
            counts = [word for entity, (option, _) in ENTITIES[provider].items() for word in (option, sizes[entity])]
            sim = rig.start_simulator(*SIMULATOR_OPTIONS.get(provider, ()), *counts, provider=provider)
            tell.say(f"{provider}: " + ", ".join(f"{count:,} of {entity}" for entity, count in sizes.items()) +
                     f", TLS on {sim.address}")
        sim = rig.start_simulator(provider="generic")
        tell.say(f"generic: Google's OAuth, nothing to read, TLS on {sim.address}")
        rig.sims["snelstart"].post("/knobs", {f"{name}_limit": count for name, count in SNELSTART_CONTRACT.items()})
        rig.write_config("".join(f'[[limit]]\nprovider = "snelstart"\nname = "{name}"\nrequests = {count}\n'
                                 for name, count in SNELSTART_CONTRACT.items()))
        rig.start_host()
        for plugin in rig.ask("plugin", "list")["plugins"]:
            tell.say(f"host: plugin {plugin['name']} {plugin['version']} is {plugin['state']}, "
                     f"runner {', '.join(map(str, plugin['runner_pids']))}")
        rig.start_consumer()
        tell.say(f"consumer: koppel-proplus, process {rig.consumer.pid}")

    def connect(self):
        tell, rig = self.tell, self.rig
        tell.say("Five accounts are connected, each in its provider's way; a sixth comes with a code that is too old", "head")
        for number, name in enumerate([*self.connections, ASKED_ONLY], 4711):
            rig.add_app(name.split("/")[0] + "/main")
            rig.add_connection(name, customer=str(number))
            self.show_auth(rig.connect(name))

        rig.add_app("teamleader/manual", redirect_uri="https://app.testocloud.be/")
        rig.add_connection("teamleader/late", app="manual", customer="4720")
        sim = rig.sims["teamleader"]
        code = sim.post("/codes", {"client_id": sim.client()["client_id"], "redirect_uri": "https://app.testocloud.be/",
                                   "age_seconds": 660})["code"]
        rig.ctl("connection", "connect", "teamleader/late", "--paste", stdin=code + "\n", check=False)
        self.show_auth(rig.connection("teamleader/late"))

        answer = rig.ask("fetch", ASKED_ONLY, USERINFO, "--select", "email")
        tell.say(f"{ASKED_ONLY}  fetch {USERINFO}: {answer['selected']}")

    def show_auth(self, connection):
        auth = connection["auth"]
        good = auth["display"] == "Success"
        who = f"  ({auth['account']['name']})" if auth.get("account") else ""
        self.tell.say(f"{connection['provider']}/{connection['name']}  Auth Status: {auth['display']}{who}",
                      "good" if good else "bad")
        if not good:
            self.tell.say(f"    {auth['hint']['en']}")

    def first_sync_with_kills(self):
        tell, rig = self.tell, self.rig
        tell.say("The first sync, and three kills in its middle", "head")
        total = self.total

        self.wait_for_records("read", total * 0.15)
        pid = rig.runner_pids("teamleader")[0]
        os.kill(pid, signal.SIGKILL)
        tell.say(f"SIGKILL to Teamleader's runner (process {pid}): the plugin is gone, its jobs are replayed; the "
                 "other providers do not notice", "kill")

        self.wait_for_records("applied", total * 0.35)
        rig.kill(rig.consumer)
        tell.say(f"SIGKILL to the consumer with {self.applied():,} records applied: it starts again where it was",
                 "kill")
        rig.start_consumer()

        self.wait_for_records("read", total * 0.55)
        rig.kill(rig.host)
        tell.say("SIGKILL to the host: the ledger knows the last committed page", "kill")
        rig.start_host()
        self.finish_syncs()
        self.before = self.all_runs()["runs"]

    def wait_for_records(self, kind, wanted):
        measure = self.applied if kind == "applied" else self.read_so_far
        reached = {}

        def enough():
            reached["count"] = measure()
            self.progress_line()
            return reached["count"] >= wanted

        wait_until(f"{wanted:,.0f} records {kind}", enough, seconds=600)

    def all_runs(self):
        return self.rig.call("GET", "/v1/syncs?limit=1000")[1]

    def read_so_far(self):
        return sum(run["read"] for run in self.all_runs()["runs"])

    def applied(self):
        return sum(self.rig.proplus_count(table) for table in ("company", "contact", "project", "user"))

    def progress_line(self):
        self.tell.progress(f"{self.read_so_far():,} read, {self.applied():,} in Pro+")

    def finish_syncs(self):
        """Waits until every run has ended and the consumer has applied everything."""

        def settled():
            self.progress_line()
            listed = self.all_runs()
            busy = listed["queued"] or any(r["state"] in ("running", "interrupted") for r in listed["runs"])
            complete = all(stream["last_full_at"] for name in self.connections
                           for stream in self.rig.connection(name)["streams"])
            return not busy and complete and self.rig.consumer_lag() == 0

        wait_until("all syncs to end and the consumer to catch up", settled, seconds=1800, every=0.2)
        self.tell.say("in step: " + ", ".join(f"{self.rig.proplus_count(table):,} of {table}" for table in
                                              ("company", "contact", "department", "project", "user")) + " in Pro+",
                      "good")

    def change_at_provider(self):
        tell = self.tell
        tell.say("Changes at the providers", "head")
        for provider, sizes in self.sizes.items():
            done = []
            for entity, size in sizes.items():
                changed, added, deleted = max(1, size * 3 // 100), max(1, size // 100), min(20, size // 10)
                for what, count in (("change", changed), ("add", added), ("delete", deleted)):
                    self.rig.sims[provider].post(f"/records/{what}", {"entity": entity, "count": count})
                done.append(f"{entity}: {changed} changed, {added} added, {deleted} deleted")
            tell.say(f"{provider}: " + "; ".join(done))

    def order_faults(self):
        """From now on so many of a hundred requests fail, drawn once: refused, too often, or cut half way."""
        kinds = ({"action": "status", "status": 500}, {"action": "status", "status": 503},
                 {"action": "status", "status": 429, "headers": {"Retry-After": "1"}},
                 {"action": "cut", "cut_after": 200})
        for provider, sizes in self.sizes.items():
            self.asked_before[provider] = self.rig.sims[provider].get("/requests?limit=100000")["next"]
            requests = sum(sizes.values()) // 100 + 200
            for at in range(requests):
                if self.dice.random() < self.options.fault_rate:
                    match = {"path": API_PATHS[provider], "after": at, "count": 1}
                    self.rig.sims[provider].post("/faults", {"match": match, **self.dice.choice(kinds)})

    def failed_requests(self):
        """Of those since faults were ordered."""
        return sum(request["status"] in (0, 429, 500, 503) for provider, before in self.asked_before.items()
                   for request in self.rig.sims[provider].get(f"/requests?since={before}&limit=100000")["requests"])

    def second_sync(self):
        self.tell.say("A full read finds them, the deletions too", "head")
        if self.options.fault_rate:
            self.order_faults()
            self.tell.say(f"and meanwhile {self.options.fault_rate:.0%} of the requests fail", "kill")
        for name in self.connections:
            self.rig.ctl("sync", "run", name, "--full", "--no-wait")
        names = {tuple(name.split("/")) for name in self.connections}
        wanted = sum(len(self.rig.connection(name)["streams"]) for name in self.connections)
        began = {r["id"] for r in self.before}

        def found():
            """A full read that saw everything, of each stream, since we asked."""
            self.progress_line()
            return {(r["provider"], r["stream"]): r for r in self.all_runs()["runs"]
                    if r["complete"] and r["id"] not in began and (r["provider"], r["connection"]) in names}

        wait_until("complete reads", lambda: len(found()) == wanted, seconds=1800, every=0.2)
        for (provider, stream), run in sorted(found().items()):
            self.tell.say(f"{provider} {stream}: {run['read']:,} read, {run['upserted']:,} upserted, "
                          f"{run['deleted']:,} deleted, {run['unchanged']:,} unchanged")
        self.finish_syncs()
        for sim in self.rig.sims.values():
            sim.control("DELETE", "/faults")

    def verdict(self):
        tell, rig = self.tell, self.rig
        tell.say("Pro+ against the providers, record by record", "head")
        database = rig.proplus()
        table, totals, examples = self.compare(database)
        events = {}
        for line in rig.ctl("event", "list", "--all").stdout.splitlines():
            kind = json.loads(line)["type"].removeprefix("eu.koppel.").removesuffix(".v1")
            events[kind] = events.get(kind, 0) + 1
        shown = {f"{row['provider']}/{row['name']}": row["auth_status"] for row in
                 database.execute("select provider, name, auth_status from connection")}
        result = {"connections": table, "events": dict(sorted(events.items())), **totals,
                  "duplicates": self.duplicates(database), "failed_requests": self.failed_requests(),
                  "seconds": round(time.monotonic() - self.tell.start, 1)}
        texts = {**dict.fromkeys([*self.connections, ASKED_ONLY], "Success"), "teamleader/late": "Failed, Status code: BadRequest"}
        good = (all(result[k] == 0 for k in ("missing", "extra", "different", "duplicates"))
                and {c["name"]: c["auth"] for c in table} == texts and shown == texts)
        self.show_table(table)
        for example in examples:
            tell.say(example, "bad")
        for name in ("missing", "extra", "different", "duplicates"):
            tell.say(f"{name:>10}: {result[name]}", "good" if result[name] == 0 else "bad")
        tell.say(f"{'in step' if good else 'NOT in step'} after {result['seconds']} s, three kills, "
                 f"{result['failed_requests']} failed requests and {sum(events.values()):,} events",
                 "good" if good else "bad")
        return result, good

    def compare(self, database):
        """A row per connection, the sums, and examples of what is wrong."""
        table, totals, examples = [], {"missing": 0, "extra": 0, "different": 0}, []
        for c in self.rig.ask("connection", "list")["connections"]:
            row = {"name": f"{c['provider']}/{c['name']}", "auth": c["auth"]["display"],
                   "account": (c["auth"].get("account") or {}).get("name", "")}
            if row["name"] in self.connections:
                sim = self.rig.sims[c["provider"]]
                provider, proplus, found, wrong = (
                    compare_other(c["provider"], sim, database, c["name"]) if c["provider"] in EXPECTED
                    else compare_all(sim, database, c["name"]))
                row.update(provider=provider, proplus=proplus, **found)
                examples += wrong
                for kind in totals:
                    totals[kind] += found[kind]
            table.append(row)
        return table, totals, examples

    def show_table(self, table):
        cells = [("connection", "Auth Status", "account", "at the provider", "in Pro+", "missing", "extra",
                  "different")]
        for row in table:
            sums = [f"{sum(row[k].values()):,}" if k in row else "" for k in ("provider", "proplus")]
            cells.append((row["name"], row["auth"], row["account"], *sums,
                          *(str(row.get(k, "")) for k in ("missing", "extra", "different"))))
        widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
        for row in cells:
            self.tell.say("  ".join(cell.rjust(width) if at > 2 else cell.ljust(width)
                                    for at, (cell, width) in enumerate(zip(row, widths))).rstrip())

    @staticmethod
    def duplicates(database):
        """Two rows for one record, or one event applied twice."""
        rows = sum(database.execute(f"select count(*) - count(distinct connection_id || '/' || id) from {t}")
                   .fetchone()[0] for t in ("company", "contact", "department", "project", "user"))
        return rows + database.execute("select value from counter where name = 'applied_twice'").fetchone()[0]

    def look_around(self):
        rig = self.rig
        say = lambda text: print(text, file=sys.stderr)
        say(f"\nEverything still runs, in {self.folder}. Look around:\n")
        ctl = f"{rig.bin}/koppelctl --socket {rig.socket}"
        for command in ("status", "connection list", "connection show teamleader/late", "sync list", "event follow",
                        "consumer list"):
            say(f"  {ctl} {command}")
        say(f"  {rig.bin}/koppel-proplus --database {rig.database} --show")
        say(f"  curl -X POST {rig.sim.ready['control']}/records/change -d '{{\"entity\":\"contact\",\"count\":5}}'"
            f" && {ctl} sync run teamleader/acme")
        say("\nEnter or Ctrl-C ends it.")
        try:
            sys.stdin.readline()
        except KeyboardInterrupt:
            pass


def main():
    parser = argparse.ArgumentParser(prog="tools/demo", description="The main job from a folder of plugins to an "
                                     "updated Pro+, against five simulated providers, on loopback and ipc only.")
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="print one JSON document on standard output")
    parser.add_argument("--keep", action="store_true", help="leave everything running and say how to look around")
    parser.add_argument("--records", type=int, help=f"of each provider (default {RECORDS}, and of those whose quotas "
                        "are narrow fewer: " + ", ".join(f"{name} {most}" for name, most in PATIENCE.items()) + ")")
    parser.add_argument("--fault-rate", type=float, default=0.05, help="share of the requests that fail from the "
                        "changes on (default 0.05)")
    demo = Demo(parser.parse_args())
    good = False
    try:
        result, good = demo.run()
        if demo.options.json:
            print(json.dumps(result))
        if demo.options.keep:
            demo.look_around()
    except KeyboardInterrupt:
        demo.tell.say("interrupted", "bad")
    except Exception as error:  # the demo says where it stopped and keeps its folder
        demo.tell.say(f"stopped: {error}", "bad")
    finally:
        demo.rig.stop()
    if good:
        shutil.rmtree(demo.folder, ignore_errors=True)
    else:
        demo.tell.say(f"the logs are in {demo.folder}", "bad")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
