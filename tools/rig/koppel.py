# SPDX-License-Identifier: Apache-2.0
"""Koppel's own processes in a folder: the host, the consumer, koppelctl, and ways to end them rudely."""

import http.client
import itertools
import json
import os
import secrets
import signal
import socket
import sqlite3
import subprocess

from customs import Customs
from provider import Browser, Simulator, wait_until


# Below the ports that the system gives to connections, and eight of each process: tests that run beside each other take
# none away between our look and its use.
_own_ports = itertools.count(20000 + os.getpid() % 1500 * 8)


def free_port():
    """A port of our own that nobody listens at now."""
    while True:
        port = next(_own_ports)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Rest:
    """Somebody with an API token, or without one."""

    def __init__(self, address, token=None):
        self.address, self.token = address, token

    def call(self, method, path, body=None, headers=None):
        """Status and text. A body that is no text yet is sent as JSON."""
        connection = http.client.HTTPConnection(*self.address, timeout=60)
        try:
            sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
            if body is not None:
                sent["Content-Type"] = "application/json"
            text = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
            connection.request(method, path, text, {**sent, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def ask(self, method, path, body=None, expect=200):
        status, text = self.call(method, path, body)
        if status != expect:
            raise AssertionError(f"{method} {path}: {status} {text[:600]}")
        return json.loads(text)


class Rig:
    """Simulators, a host and a consumer in one folder, on loopback and ipc only. `sim` is the simulator that was
    started first, for who needs no other."""

    def __init__(self, build, folder, plugins=None, schedule=True, interval_s=0, rest=False, public=False):
        self.bin = os.path.join(build, "bin")
        self.folder = folder
        self.plugins = plugins or os.path.join(build, "plugins")
        self.schedule, self.interval_s, self.rest = schedule, interval_s, rest
        self.socket = os.path.join(folder, "control.sock")
        self.bus = os.path.join(folder, "bus")
        self.database = os.path.join(folder, "proplus.sqlite")
        self.config = os.path.join(folder, "koppel.toml")
        self.key_file = os.path.join(folder, "key")
        self.host_log = os.path.join(folder, "koppeld.log")
        self.ingress_port = free_port() if public else None  # with one, webhooks are registered
        self.sims = {}  # provider -> Simulator
        self.host = self.consumer = None

    # ---- starting

    def start_simulator(self, *options, provider="teamleader"):
        self.sims[provider] = Simulator(os.path.join(self.bin, "koppel-provider-sim"),
                                        os.path.join(self.folder, f"provider-{provider}"), *options, provider=provider)
        return self.sims[provider]

    @property
    def sim(self):
        return next(iter(self.sims.values()), None)

    def sim_of(self, provider):
        """Plugins that tests make for themselves have no simulator of their own."""
        return self.sims.get(provider, self.sim)

    def write_config(self, extra=""):
        if not os.path.exists(self.key_file):
            with open(os.open(self.key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w",
                      encoding="ascii") as file:
                file.write(secrets.token_hex(32) + "\n")
        lines = [f'data_folder = "{self.folder}/data"', f'plugin_folder = "{self.plugins}"',
                 f'key_file = "{self.key_file}"', "", "[ingress]", 'address = "127.0.0.1"',
                 *self._ingress(), "",
                 "[bus]", f'folder = "{self.bus}"', "", "[control]", f'socket = "{self.socket}"', "",
                 "[sync]", f"schedule = {'true' if self.schedule else 'false'}", f"interval_s = {self.interval_s}", ""]
        if self.rest:
            lines += ["[admin]", "port = 0", ""]
        for sim in self.sims.values():
            for host in sim.ready["hosts"]:
                lines += ["[[route]]", f'host = "{host}"', f'address = "{sim.address}"',
                          f'ca_file = "{sim.ca_file}"', ""]
        with open(self.config, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + extra)

    def _ingress(self):
        if self.ingress_port is None:
            return ["port = 0"]
        return [f"port = {self.ingress_port}", f'public_url = "http://127.0.0.1:{self.ingress_port}"']

    def start_host(self, wait=True, faults=None):
        with open(self.host_log, "ab") as log:
            self.host = subprocess.Popen([os.path.join(self.bin, "koppeld"), "--config", self.config],
                                         stdout=log, stderr=log, env=self._environment(faults))
        if wait:
            wait_until("koppeld's control socket", self._host_answers)
        return self.host

    def _host_answers(self):
        if self.host.poll() is not None:
            with open(self.host_log, encoding="utf-8", errors="replace") as log:
                raise RuntimeError(f"koppeld ended with {self.host.returncode}:\n{log.read()[-2000:]}")
        status = self.ctl("status", check=False)
        # It answers before its plugins are loaded.
        return status.returncode == 0 and not any(p["state"] in ("starting", "backing_off")
                                                  for p in json.loads(status.stdout)["plugins"])

    def start_consumer(self, faults=None):
        with open(os.path.join(self.folder, "proplus.log"), "ab") as log:
            self.consumer = subprocess.Popen(
                [os.path.join(self.bin, "koppel-proplus"), "--bus", self.bus, "--database", self.database],
                stdout=log, stderr=log, env=self._environment(faults))
        return self.consumer

    @staticmethod
    def _environment(faults):
        """Ours, with the orders of docs/fault-points.md and the folder in which points note that they fired."""
        if faults is None:
            return None
        orders, folder = faults
        os.makedirs(folder, exist_ok=True)
        return dict(os.environ, KOPPEL_FAULTS=orders, KOPPEL_FAULTS_FIRED=folder)

    # ---- asking

    def ctl(self, *arguments, stdin="", check=True):
        done = subprocess.run([os.path.join(self.bin, "koppelctl"), "--socket", self.socket, "--json", *arguments],
                              input=stdin, capture_output=True, text=True, timeout=300)
        if check and done.returncode != 0:
            raise RuntimeError(f"koppelctl {' '.join(arguments)} ended with {done.returncode}: "
                               f"{done.stdout[-1500:]}{done.stderr[-1500:]}")
        return done

    def ask(self, *arguments, stdin=""):
        return json.loads(self.ctl(*arguments, stdin=stdin).stdout)

    def call(self, method, path, body=None):
        """One exchange with the control socket itself, for who cannot wait for koppelctl to start."""
        connection = http.client.HTTPConnection("koppeld", timeout=60)
        connection.sock = socket.socket(socket.AF_UNIX)
        try:
            connection.sock.connect(self.socket)
            connection.request(method, path, json.dumps(body) if body is not None else None,
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        finally:
            connection.close()

    def token(self, name, *scopes, customer=None):
        """Makes an API token and returns it."""
        bound = ["--customer", customer] if customer is not None else []
        return self.ask("token", "add", name, *bound, *(word for s in scopes for word in ("--scope", s)))["token"]

    def rest_address(self):
        address, port = self.ask("status")["admin"]["address"].rsplit(":", 1)
        return address, int(port)

    def connection(self, name):
        return self.ask("connection", "show", name)

    def runner_pids(self, plugin="teamleader"):
        found = [p for p in self.ask("plugin", "list")["plugins"] if p["name"] == plugin]
        return found[0]["runner_pids"] if found else []

    def processes(self):
        """The processes of this folder's hosts that are there, by pid: (name, parent's pid). Runners are known by
        their plugin's path: give the rig a plugin folder of its own."""
        found = {}
        for entry in os.listdir("/proc"):
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    ours = self.folder.encode() in file.read()
                with open(f"/proc/{entry}/stat", encoding="utf-8") as file:
                    head, rest = file.read().rsplit(")", 1)
            except OSError:
                continue  # no process, or one that has ended meanwhile
            name, (state, parent) = head.split("(", 1)[1], rest.split()[:2]
            if ours and state not in "ZX" and name in ("koppeld", "koppel-spawner", "koppel-runner"):
                found[int(entry)] = (name, int(parent))
        return found

    def orphans(self):
        """What is left of hosts that are dead."""
        there = self.processes()
        return {pid: name for pid, (name, parent) in there.items() if pid != self.host.pid and parent not in there}

    def runs(self, *arguments):
        return self.ask("sync", "list", *arguments)

    def browser(self):
        return Browser({host: route for sim in self.sims.values() for host, route in sim.routes.items()})

    # ---- doing

    def add_app(self, name="teamleader/main", client=None, redirect_uri=None):
        provider = name.split("/")[0]
        sim = self.sim_of(provider)
        client_id, secret = Customs(provider).app(sim, client or sim.client())
        extra = ["--redirect-uri", redirect_uri] if redirect_uri else []
        return self.ask("app", "add", name, "--client-id", client_id, "--secret-stdin", *extra, stdin=secret + "\n")

    def add_connection(self, name, app="main", customer="4711", client=None):
        """A connection with the settings that its provider asks for."""
        provider = name.split("/")[0]
        settings = Customs(provider).settings(client or self.sim_of(provider).client())
        return self.ask("connection", "add", name, "--app", app, "--customer", customer, *settings)

    def connect(self, name, *options, client=None, decision="allow", check=True):
        """Connects as the provider's customers do: through the consent page and the host's own callback, or with the
        client's key. Returns koppelctl's last document; with `check`, a refusal is an error."""
        provider = name.split("/")[0]
        customs = Customs(provider)
        link = not customs.by_key
        child = subprocess.Popen([os.path.join(self.bin, "koppelctl"), "--socket", self.socket, "--json", "connection",
                                  "connect", name, "--yes", *([] if link else ["--paste"]), *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        try:
            if link:
                self.browser().connect(json.loads(child.stdout.readline())["link"], decision)
            out, err = child.communicate(None if link else customs.key(client or self.sim_of(provider).client()) + "\n",
                                         timeout=60)
        finally:
            if child.poll() is None:
                child.kill()
                child.communicate()
            for end in (child.stdin, child.stdout, child.stderr):
                end.close()
        if check and child.returncode != 0:
            raise RuntimeError(f"connecting {name} failed: {out[-1500:]}{err[-1500:]}")
        return json.loads(out.strip().splitlines()[-1])

    # ---- Pro+

    def proplus(self):
        """A read-only look into Pro+'s database, or None while there is none."""
        if not os.path.exists(self.database):
            return None
        database = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)
        database.row_factory = sqlite3.Row
        return database

    def proplus_count(self, table):
        try:
            database = self.proplus()
            if database is None:
                return 0
            with database:
                return database.execute(f"select count(*) from {table}").fetchone()[0]
        except sqlite3.OperationalError:
            return 0  # the consumer is still making its tables

    def consumer_lag(self, name="proplus"):
        for consumer in self.ask("consumer", "list")["consumers"]:
            if consumer["name"] == name:
                return int(consumer["lag"])
        return None

    # ---- ending

    @staticmethod
    def kill(process):
        """SIGKILL to a child of ours."""
        process.send_signal(signal.SIGKILL)
        process.wait()

    def stop(self):
        for process in (self.consumer, self.host):
            if process is not None and process.poll() is None:
                process.terminate()
        for process in (self.consumer, self.host):
            if process is not None:
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        for sim in self.sims.values():
            sim.stop()
