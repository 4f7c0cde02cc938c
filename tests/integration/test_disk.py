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


if __name__ == "__main__":
    unittest.main()
