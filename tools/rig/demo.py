#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The main job, for real: a simulated Teamleader, the host, a consumer that keeps a Pro+ database up to date, and a
SIGKILL of each in the middle of a sync. Started by tools/demo, which builds first."""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time

from compare import compare_all
from koppel import Rig
from provider import wait_until


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
        self.companies = arguments.records * 2 // 7
        self.contacts = arguments.records - self.companies

    def run(self):
        self.set_up()
        self.connect()
        self.first_sync_with_kills()
        self.change_at_provider()
        self.second_sync()
        return self.verdict()

    def set_up(self):
        tell, rig = self.tell, self.rig
        tell.say("A Teamleader on loopback, a host, a Pro+ consumer", "head")
        rig.start_simulator("--companies", self.companies, "--contacts", self.contacts, "--rate-limit", 100000)
        tell.say(f"provider: {self.companies:,} companies and {self.contacts:,} contacts, TLS on {rig.sim.address}")
        rig.write_config()
        rig.start_host()
        for plugin in rig.ask("plugin", "list")["plugins"]:
            tell.say(f"host: plugin {plugin['name']} {plugin['version']} is {plugin['state']}, "
                     f"runner {', '.join(map(str, plugin['runner_pids']))}")
        rig.start_consumer()
        tell.say(f"consumer: koppel-proplus, process {rig.consumer.pid}")

    def connect(self):
        tell, rig = self.tell, self.rig
        tell.say("Two accounts are connected", "head")
        rig.add_app("teamleader/main")
        rig.add_app("teamleader/manual", redirect_uri="https://app.testocloud.be/")
        rig.ask("connection", "add", "teamleader/acme", "--app", "main", "--customer", "4711")
        rig.ask("connection", "add", "teamleader/late", "--app", "manual", "--customer", "4712")
        self.show_auth(rig.connect("teamleader/acme"))

        client = rig.sim.client()
        code = rig.sim.post("/codes", {"client_id": client["client_id"], "redirect_uri": "https://app.testocloud.be/",
                                       "age_seconds": 660})["code"]
        rig.ctl("connection", "connect", "teamleader/late", "--paste", stdin=code + "\n", check=False)
        self.show_auth(rig.connection("teamleader/late"))

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
        total = self.companies + self.contacts

        self.wait_for_records("read", total * 0.15)
        pid = rig.runner_pids()[0]
        os.kill(pid, signal.SIGKILL)
        tell.say(f"SIGKILL to the runner (process {pid}): the plugin is gone, its jobs are replayed", "kill")

        self.wait_for_records("applied", total * 0.35)
        rig.kill(rig.consumer)
        tell.say(f"SIGKILL to the consumer with {self.applied():,} records applied: it starts again where it was", "kill")
        rig.start_consumer()

        self.wait_for_records("read", total * 0.55)
        rig.kill(rig.host)
        tell.say("SIGKILL to the host: the ledger knows the last committed page", "kill")
        rig.start_host()
        self.finish_syncs()

    def wait_for_records(self, kind, wanted):
        measure = self.applied if kind == "applied" else self.read_so_far
        reached = {}

        def enough():
            reached["count"] = measure()
            self.progress_line()
            return reached["count"] >= wanted

        wait_until(f"{wanted:,.0f} records {kind}", enough, seconds=120)

    def read_so_far(self):
        return sum(run["read"] for run in self.rig.runs("teamleader/acme")["runs"])

    def applied(self):
        return self.rig.proplus_count("company") + self.rig.proplus_count("contact")

    def progress_line(self):
        self.tell.progress(f"{self.read_so_far():,} read, {self.applied():,} in Pro+")

    def finish_syncs(self):
        """Waits until every run has ended and the consumer has applied everything."""

        def settled():
            self.progress_line()
            listed = self.rig.runs("teamleader/acme")
            busy = listed["queued"] or any(r["state"] in ("running", "interrupted") for r in listed["runs"])
            complete = all(s["last_full_at"] for s in self.rig.connection("teamleader/acme")["streams"])
            return not busy and complete and self.rig.consumer_lag() == 0

        wait_until("all syncs to end and the consumer to catch up", settled, seconds=240, every=0.1)
        self.tell.say(f"in step: {self.rig.proplus_count('company'):,} companies, "
                      f"{self.rig.proplus_count('contact'):,} contacts and "
                      f"{self.rig.proplus_count('department'):,} departments in Pro+", "good")

    def change_at_provider(self):
        tell, sim = self.tell, self.rig.sim
        tell.say("Changes at the provider", "head")
        for entity, changed, added, deleted in (("company", 300, 100, 20), ("contact", 900, 250, 30)):
            sim.post("/records/change", {"entity": entity, "count": changed})
            sim.post("/records/add", {"entity": entity, "count": added})
            sim.post("/records/delete", {"entity": entity, "count": deleted})
            tell.say(f"{entity}: {changed} changed, {added} added, {deleted} deleted")

    def second_sync(self):
        self.tell.say("A full read finds them, the deletions too", "head")
        for run in self.rig.ask("sync", "run", "teamleader/acme", "--full")["runs"]:
            self.tell.say(f"{run['stream']}: {run['read']:,} read, {run['upserted']:,} upserted, "
                          f"{run['deleted']:,} deleted, {run['unchanged']:,} unchanged")
        self.finish_syncs()

    def verdict(self):
        tell, rig = self.tell, self.rig
        tell.say("Pro+ against the provider, record by record", "head")
        database = rig.proplus()
        provider, proplus, totals, examples = compare_all(rig.sim, database)
        events = {}
        for line in rig.ctl("event", "list", "--all").stdout.splitlines():
            kind = json.loads(line)["type"].removeprefix("eu.koppel.").removesuffix(".v1")
            events[kind] = events.get(kind, 0) + 1
        connections = [{"name": f"{c['provider']}/{c['name']}", "auth": c["auth"]["display"]}
                       for c in rig.ask("connection", "list")["connections"]]
        shown = [row["auth_status"] for row in database.execute("select auth_status from connection order by name")]
        result = {"connections": connections, "events": dict(sorted(events.items())), "provider": provider,
                  "proplus": proplus, **totals, "duplicates": self.duplicates(database),
                  "seconds": round(time.monotonic() - self.tell.start, 1)}
        texts = {"teamleader/acme": "Success", "teamleader/late": "Failed, Status code: BadRequest"}
        good = (all(result[k] == 0 for k in ("missing", "extra", "different", "duplicates"))
                and {c["name"]: c["auth"] for c in connections} == texts and shown == list(texts.values()))
        for example in examples:
            tell.say(example, "bad")
        for name in ("missing", "extra", "different", "duplicates"):
            tell.say(f"{name:>10}: {result[name]}", "good" if result[name] == 0 else "bad")
        tell.say(f"{'in step' if good else 'NOT in step'} after {result['seconds']} s, three kills and "
                 f"{sum(events.values()):,} events", "good" if good else "bad")
        return result, good

    @staticmethod
    def duplicates(database):
        """Two rows for one record, or one event applied twice."""
        rows = sum(database.execute(f"select count(*) - count(distinct connection_id || '/' || id) from {t}").fetchone()[0]
                   for t in ("company", "contact", "department"))
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
    parser = argparse.ArgumentParser(prog="tools/demo", description="The main job from a folder of plugins to an updated "
                                     "Pro+, against a simulated Teamleader, on loopback and ipc only.")
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="print one JSON document on standard output")
    parser.add_argument("--keep", action="store_true", help="leave everything running and say how to look around")
    parser.add_argument("--records", type=int, default=35000, help="companies and contacts together (default 35000)")
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
