# SPDX-License-Identifier: Apache-2.0
"""A provider that is a manifest alone, against the simulated Teamleader."""

import json
import os
import signal
import unittest

from harness import RigTest
from provider import wait_until

FIXTURE = os.path.join(os.path.dirname(__file__), "..", "fixtures", "without_code", "focus.toml")


class WithoutCode(RigTest):
    def folder_with(self, change=lambda text: text):
        folder = os.path.join(self.folder, "plugins")
        os.makedirs(folder, mode=0o755)
        self.put(folder, change)
        return folder

    def put(self, folder, change=lambda text: text):
        """As a deployment does it: a new file is moved over the old one."""
        with open(FIXTURE, encoding="utf-8") as file:
            text = file.read()
        upload = os.path.join(folder, ".upload")
        with open(upload, "w", encoding="utf-8") as file:
            file.write(change(text))
        os.chmod(upload, 0o644)
        os.replace(upload, os.path.join(folder, "focus.toml"))

    def counts(self, rig):
        return {s["entity"]: s["records"] for s in rig.connection("focus/acme")["streams"]}

    def events(self, rig, kind):
        listed = map(json.loads, rig.ctl("event", "list", "--all").stdout.splitlines())
        return [e for e in listed if e["type"] == f"eu.koppel.sync.{kind}.v1"]

    def test_a_manifest_alone_is_read_followed_and_survives_its_runner(self):
        rig = self.make_rig("--companies", 120, "--contacts", 900, plugins=self.folder_with())
        plugin = rig.ask("plugin", "list")["plugins"][0]
        self.assertEqual((plugin["name"], plugin["state"], plugin["version"]), ("focus", "running", "1.0.0"),
                         plugin["reason"])
        self.assertEqual(os.path.basename(plugin["file"]), "focus.toml")

        rig.sim.post("/answer-delay", {"path": "contacts.list", "ms": 200})
        self.add_connection(rig, "focus/acme")
        self.assertEqual(rig.connect("focus/acme")["auth"]["display"], "Success")
        wait_until("contacts to be read", lambda: any(r["stream"] == "contacts" and r["read"] > 100
                                                      for r in rig.runs()["runs"]), 60, every=0.05)
        os.kill(rig.runner_pids("focus")[0], signal.SIGKILL)
        rig.sim.post("/answer-delay", {"path": "contacts.list", "ms": 0})
        self.wait_for_full_reads(rig, "focus/acme")
        self.assertEqual(self.counts(rig), {"company": 120, "contact": 900})
        # It went on where it was. What was cut proves no absence, so another full read followed.
        interrupted, = [r for r in rig.runs()["runs"] if r["resumed"]]
        self.assertEqual((interrupted["read"], interrupted["upserted"], interrupted["complete"]), (900, 900, False))

        company = self.events(rig, "company.upserted")[0]["data"]["data"]
        self.assertIn(company["status"], ("active", "inactive"))
        self.assertEqual([a["type"] for a in company["addresses"]], ["primary"])
        self.assertLessEqual({"name", "vat_number", "emails", "phones", "owner"}, set(company))
        self.assertEqual(self.events(rig, "contact.upserted")[0]["data"]["data"]["focus.kind"], "person")

        changed = rig.sim.post("/records/change", {"entity": "contact", "count": 1})["ids"][0]
        rig.ask("sync", "run", "focus/acme")
        self.assertEqual(self.events(rig, "contact.upserted")[-1]["data"]["id"], changed)
        gone = rig.sim.post("/records/delete", {"entity": "company", "count": 1})["ids"][0]
        rig.ask("sync", "run", "focus/acme", "--full")
        self.assertEqual([e["data"]["id"] for e in self.events(rig, "company.deleted")], [gone])
        self.assertEqual(self.counts(rig), {"company": 119, "contact": 900})

    def test_a_wrong_manifest_says_where_and_a_rescan_takes_the_right_one(self):
        folder = self.folder_with(lambda text: text.replace('name = "/name"', 'nom = "/name"'))
        rig = self.make_rig("--companies", 3, "--contacts", 3, plugins=folder)
        plugin = rig.ask("plugin", "list")["plugins"][0]
        self.assertEqual(plugin["state"], "failed")
        self.assertRegex(plugin["reason"], r"line \d+, column \d+: stream\[1\]\.fields\.nom: is no canonical field")

        self.put(folder)
        change = rig.ask("plugin", "rescan")["changes"][0]
        self.assertEqual((change["name"], change["change"]), ("focus", "loaded"))
        self.assertEqual(rig.ask("plugin", "rescan")["changes"][0]["change"], "unchanged")
        self.put(folder, lambda text: text.replace('"1.0.0"', '"1.0.1"'))
        change = rig.ask("plugin", "rescan")["changes"][0]
        self.assertEqual((change["version"], change["change"]), ("1.0.1", "replaced"))
        self.put(folder, lambda text: text.replace('base_url = "https', 'base_url = "http'))
        change = json.loads(rig.ctl("plugin", "rescan", check=False).stdout)["changes"][0]
        self.assertEqual(change["change"], "failed")
        self.assertIn("api.base_url: must be an https URL", change["reason"])
        self.assertEqual(rig.ask("plugin", "list")["plugins"][0]["state"], "running")
        os.remove(os.path.join(folder, "focus.toml"))
        self.assertEqual(rig.ask("plugin", "rescan")["changes"][0]["change"], "removed")


if __name__ == "__main__":
    unittest.main()
