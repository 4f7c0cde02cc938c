# SPDX-License-Identifier: Apache-2.0
"""A rig per test, in a folder that goes with it."""

import os
import shutil
import tempfile
import unittest

from koppel import Rig


class RigTest(unittest.TestCase):
    build = os.environ["KOPPEL_BUILD"]

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="koppel-test-")
        os.chmod(self.folder, 0o700)
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def make_rig(self, *sim_options, start=True, **options):
        rig = Rig(self.build, self.folder, **options)
        self.addCleanup(rig.stop)
        rig.start_simulator("--rate-limit", 100000, *sim_options)
        rig.write_config()
        if start:
            rig.start_host()
        return rig

    def add_connection(self, rig, name, customer="4711", app="main"):
        provider, _ = name.split("/")
        if not rig.ask("app", "list")["apps"]:
            rig.add_app(f"{provider}/{app}")
        return rig.ask("connection", "add", name, "--app", app, "--customer", customer)

    def add_client(self, rig, number):
        """Another customer with an account of its own at the provider, and the app for it."""
        client = {"client_id": f"{number:032x}", "client_secret": f"{number + 4096:032x}", "name": f"Client {number}",
                  "scopes": ["companies", "contacts", "departments", "users"], "redirect_uris": [],
                  "account": {"id": f"{number:08x}-1111-0222-a333-444444444444", "name": f"Account {number}"}}
        rig.sim.post("/clients", client)
        rig.add_app(f"teamleader/app-{number}", client=client)
        return client

    def wait_for_full_reads(self, rig, name, seconds=100):
        from provider import wait_until

        def complete():
            return all(s["last_full_at"] for s in rig.connection(name)["streams"])

        wait_until(f"full reads of {name}", complete, seconds, every=0.1)
