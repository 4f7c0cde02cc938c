# SPDX-License-Identifier: Apache-2.0
"""The data folder: a disk that fails, another host that has it, and what a kill leaves behind."""

import os
import subprocess
import time
import unittest

from harness import RigTest
from koppel import Rig
from provider import wait_until


class Disk(RigTest):
    def log_of(self, rig):
        with open(rig.host_log, encoding="utf-8") as log:
            return log.read()

    def start_preloaded(self, rig, library, **environment):
        environment = dict(os.environ, ASAN_OPTIONS="verify_asan_link_order=0", **environment,
                           LD_PRELOAD=os.path.join(self.build, "test-libraries", library))
        with open(rig.host_log, "ab") as log:
            rig.host = subprocess.Popen([os.path.join(rig.bin, "koppeld"), "--config", rig.config], stderr=log,
                                        env=environment)
        wait_until("the host to answer", lambda: rig.ctl("status", check=False).returncode == 0, 20)

    def test_a_failed_sync_ends_the_host_at_once(self):
        # Requests are under way when it happens, and their answers are slow: nobody waits for them.
        rig = self.make_rig("--companies", 100, "--contacts", 100, "--answer-delay-ms", 1500, start=False)
        fail = os.path.join(self.folder, "fail")
        self.start_preloaded(rig, "failing_sync.so", KOPPEL_TEST_SYNCS_FAIL=fail)
        self.add_connection(rig, "teamleader/acme")
        rig.connect("teamleader/acme")
        wait_until("a run", lambda: rig.runs()["runs"], 60)

        with open(fail, "w", encoding="ascii"):
            before = time.monotonic()
        rig.ctl("connection", "add", "teamleader/another", "--app", "main", check=False)
        code = rig.host.wait(timeout=20)
        took = time.monotonic() - before

        self.assertEqual(code, 1)
        self.assertLess(took, 1)
        self.assertIn("the ledger cannot go on: The ledger cannot be written", self.log_of(rig))
        rig.start_host()
        self.assertEqual(rig.connection("teamleader/acme")["auth"]["status"], "authorized")

    def test_a_second_host_on_one_folder_is_told_who_has_it(self):
        rig = Rig(self.build, self.folder)
        self.addCleanup(rig.stop)
        rig.write_config()
        rig.start_host()
        config = os.path.join(self.folder, "second.toml")
        with open(rig.config, encoding="utf-8") as first, open(config, "w", encoding="utf-8") as second:
            os.makedirs(os.path.join(self.folder, "second"), mode=0o700)
            # Sockets of its own: only the data folder is the same.
            second.write(first.read().replace(rig.bus, os.path.join(self.folder, "second", "bus"))
                         .replace(rig.socket, os.path.join(self.folder, "second", "control.sock")))

        before = time.monotonic()
        done = subprocess.run([os.path.join(rig.bin, "koppeld"), "--config", config], capture_output=True, text=True,
                              timeout=20)

        self.assertEqual(done.returncode, 1)
        self.assertLess(time.monotonic() - before, 1)
        self.assertIn(f"The data folder {self.folder}/data is held by process {rig.host.pid}; stop that host first",
                      done.stderr)
        self.assertEqual(rig.ctl("status").returncode, 0)

    def restart_with(self, rig, keep_free_mib):
        if rig.host:
            rig.host.terminate()
            self.assertEqual(rig.host.wait(10), 0)
        rig.write_config()
        with open(rig.config, encoding="utf-8") as file:
            text = file.read()
        with open(rig.config, "w", encoding="utf-8") as file:
            file.write(f"keep_free_mib = {keep_free_mib}\n" + text)
        rig.start_host()

    def test_a_full_disk_is_shown_and_ends_nothing(self):
        rig = self.make_rig("--companies", 20, "--contacts", 20)
        self.add_connection(rig, "teamleader/acme")
        rig.connect("teamleader/acme")
        self.wait_for_full_reads(rig, "teamleader/acme")
        self.assertFalse(rig.ask("status")["disk"]["full"])

        self.restart_with(rig, 1 << 20)  # as if a disk of less than a tebibyte were full
        disk = rig.ask("status")["disk"]
        self.assertTrue(disk["full"] and disk["since"] and disk["free_bytes"] < disk["kept_bytes"])
        refused = rig.ctl("connection", "add", "teamleader/another", "--app", "main", check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("There is no room on the disk of the data folder", refused.stdout + refused.stderr)
        refused = rig.ctl("sync", "run", "teamleader/acme", "--full", check=False)
        self.assertIn("Make room", refused.stdout + refused.stderr)
        people = subprocess.run([os.path.join(rig.bin, "koppelctl"), "--socket", rig.socket, "status"],
                                capture_output=True, text=True, check=True).stdout
        self.assertIn("Disk         full since ", people)
        self.assertEqual(self.log_of(rig).count("the disk of the data folder is full"), 1)

        self.restart_with(rig, 64)
        rig.ask("sync", "run", "teamleader/acme", "--full")
        self.add_connection(rig, "teamleader/another")

    def test_the_start_after_a_kill_says_what_it_found(self):
        rig = Rig(self.build, self.folder)
        self.addCleanup(rig.stop)
        rig.write_config()
        for end, found in ((rig.kill, 0), (lambda host: (host.terminate(), host.wait(10)), 1), (rig.kill, 1)):
            rig.start_host()
            self.assertEqual(self.log_of(rig).count("did not end in good order"), found)
            rig.ask("app", "add", f"teamleader/app-{time.monotonic_ns()}", "--client-id", "a", "--secret-stdin",
                    stdin="secret\n")
            end(rig.host)


if __name__ == "__main__":
    unittest.main()
