# SPDX-License-Identifier: Apache-2.0
"""The host's own life: its log, its start, and the ends that it has to notice."""

import fcntl
import http.client
import json
import os
import shutil
import signal
import subprocess
import time
import unittest
from urllib.parse import parse_qs, urlencode, urlsplit

from harness import RigTest
from koppel import Rig
from provider import wait_until


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


class Host(RigTest):
    def plugin_folder(self, *files):
        folder = os.path.join(self.folder, "plugins")
        os.makedirs(folder, mode=0o755)
        for file in files:
            shutil.copy(os.path.join(self.build, file), folder)
        return folder

    def start_with_log_pipe(self, rig, full):
        """A host that writes its log into a pipe: closed at the other end, or full and read by nobody."""
        read, write = os.pipe()
        if full:
            flags = fcntl.fcntl(write, fcntl.F_GETFL)
            fcntl.fcntl(write, fcntl.F_SETFL, flags | os.O_NONBLOCK)
            try:
                while True:
                    os.write(write, b"x" * 4096)
            except BlockingIOError:
                fcntl.fcntl(write, fcntl.F_SETFL, flags)
            self.addCleanup(os.close, read)
        else:
            os.close(read)
        rig.host = subprocess.Popen([os.path.join(rig.bin, "koppeld"), "--config", rig.config], stderr=write)
        os.close(write)
        wait_until("the host to answer", lambda: rig.ctl("status", check=False).returncode == 0, 20)

    def end_with_sigterm(self, rig, within):
        before = time.monotonic()
        rig.host.send_signal(signal.SIGTERM)
        code = rig.host.wait(timeout=within)
        return code, time.monotonic() - before

    def test_a_log_that_nobody_reads_harms_nothing(self):
        for full in (False, True):
            with self.subTest(full=full):
                rig = self.make_rig(start=False, plugins=os.path.join(self.build, "plugins"))
                self.start_with_log_pipe(rig, full)
                for _ in range(3):
                    rig.ask("plugin", "list")
                code, _ = self.end_with_sigterm(rig, 10)
                self.assertEqual(code, 0)
                rig.stop()

    def test_a_plugin_that_hangs_while_it_loads_holds_up_nobody(self):
        rig = self.make_rig(start=False, plugins=self.plugin_folder("test-plugins/never_ready.so",
                                                                    "test-plugins/echo.so"))
        rig.start_host(wait=False)
        wait_until("the host to answer", lambda: rig.ctl("status", check=False).returncode == 0, 5)
        states = {p["name"]: p["state"] for p in rig.ask("plugin", "list")["plugins"]}
        self.assertEqual(states["never-ready"], "starting")
        code, took = self.end_with_sigterm(rig, 9)
        self.assertEqual(code, 0)
        self.assertLess(took, 5)

    def test_a_host_whose_spawner_died_ends_with_a_reason(self):
        rig = self.make_rig(plugins=self.plugin_folder("test-plugins/echo.so"))
        os.kill(children_of(rig.host.pid)[0], signal.SIGKILL)
        self.assertEqual(rig.host.wait(timeout=9), 1)
        with open(rig.host_log, encoding="utf-8") as log:
            self.assertIn("the process that starts plugins has ended", log.read())

    def test_a_host_whose_spawner_dies_while_it_starts_ends_too(self):
        rig = self.make_rig(start=False, plugins=self.plugin_folder("test-plugins/echo.so"))
        for _ in range(5):
            rig.start_host(wait=False)
            while not children_of(rig.host.pid) and rig.host.poll() is None:
                pass
            os.kill(children_of(rig.host.pid)[0], signal.SIGKILL)
            self.assertEqual(rig.host.wait(timeout=9), 1)

    def test_the_end_does_not_wait_for_a_look_up(self):
        rig = Rig(self.build, self.folder)
        self.addCleanup(rig.stop)
        rig.write_config()  # without routes: names are looked up
        seen = os.path.join(self.folder, "seen")
        environment = dict(os.environ, KOPPEL_TEST_LOOK_UP_SEEN=seen, ASAN_OPTIONS="verify_asan_link_order=0",
                           LD_PRELOAD=os.path.join(self.build, "test-libraries", "hanging_resolver.so"))
        with open(rig.host_log, "ab") as log:
            rig.host = subprocess.Popen([os.path.join(rig.bin, "koppeld"), "--config", rig.config], stderr=log,
                                        env=environment)
        wait_until("the host to answer", lambda: rig.ctl("status", check=False).returncode == 0, 20)
        rig.add_app(client={"client_id": "a", "client_secret": "b"})
        self.add_connection(rig, "teamleader/acme")
        connecting = subprocess.Popen([os.path.join(rig.bin, "koppelctl"), "--socket", rig.socket, "--json",
                                       "connection", "connect", "teamleader/acme", "--yes"],
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(connecting.wait)
        self.addCleanup(connecting.kill)
        self.addCleanup(connecting.stdout.close)
        query = parse_qs(urlsplit(json.loads(connecting.stdout.readline())["link"]).query)
        address = urlsplit(query["redirect_uri"][0])
        browser = http.client.HTTPConnection(address.hostname, address.port)
        self.addCleanup(browser.close)
        browser.request("GET", address.path + "?" + urlencode({"code": "abc", "state": query["state"][0]}))
        wait_until("the look-up", lambda: os.path.exists(seen), 20)

        code, took = self.end_with_sigterm(rig, 30)

        self.assertEqual(code, 0)
        self.assertLess(took, 10)

    def test_a_plugin_that_keeps_dying_is_published_as_quarantined(self):
        rig = self.make_rig(plugins=self.plugin_folder("test-plugins/echo.so"))
        rig.start_consumer()

        def state():
            return rig.ask("plugin", "list")["plugins"][0]

        while state()["state"] != "quarantined":
            wait_until("a runner", lambda: rig.runner_pids("echo") or state()["state"] == "quarantined", 20)
            for pid in rig.runner_pids("echo"):
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)

        def applied():
            database = rig.proplus()
            if database is None:
                return []
            with database:
                return [row[0] for row in database.execute("select type from applied")]

        wait_until("the event", lambda: "plugin.quarantined" in applied(), 10)

    def test_wrong_arguments_have_an_exit_code_of_their_own(self):
        host = os.path.join(self.build, "bin", "koppeld")
        self.assertEqual(subprocess.run([host, "--no-such-flag"], capture_output=True).returncode, 2)
        self.assertEqual(subprocess.run([host, "--version"], capture_output=True).returncode, 0)
        self.assertEqual(subprocess.run([host, "--config", "/nowhere"], capture_output=True).returncode, 3)


if __name__ == "__main__":
    unittest.main()
