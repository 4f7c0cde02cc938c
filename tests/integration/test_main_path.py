# SPDX-License-Identifier: Apache-2.0
"""The main path: connect, sync, follow; and what happens when it is cut."""

import json
import os
import signal
import subprocess
import unittest

from compare import compare_all
from harness import RigTest
from provider import wait_until


class MainPath(RigTest):
    def assert_in_step(self, rig):
        wait_until("the consumer to catch up", lambda: rig.consumer_lag() == 0, 60, every=0.1)
        _, counts, totals, examples = compare_all(rig.sim, rig.proplus())
        self.assertEqual(totals, {"missing": 0, "extra": 0, "different": 0}, examples)
        return counts

    def test_connect_sync_and_follow(self):
        rig = self.make_rig("--companies", 150, "--contacts", 250)
        rig.start_consumer()
        self.add_connection(rig, "teamleader/acme")

        connection = rig.connect("teamleader/acme")
        self.assertEqual(connection["auth"]["display"], "Success")
        self.assertEqual(connection["pinned_account"]["name"], rig.sim.client()["account"]["name"])
        self.wait_for_full_reads(rig, "teamleader/acme")
        self.assertEqual(self.assert_in_step(rig), {"company": 150, "contact": 250, "department": 3})

        # A second, unchanged full read publishes no record event.
        def record_events():
            listed = rig.ctl("event", "list", "--all").stdout.splitlines()
            return [e for e in map(json.loads, listed) if e["type"].startswith("eu.koppel.sync.co")
                    and not e["type"].startswith("eu.koppel.sync.completed")]

        before = len(record_events())
        self.assertEqual(before, 400)
        runs = rig.ask("sync", "run", "teamleader/acme", "--full")["runs"]
        self.assertEqual([r["upserted"] + r["deleted"] for r in runs], [0, 0, 0])
        self.assertTrue(all(r["complete"] for r in runs))
        self.assertEqual(len(record_events()), before)

        # Changes, additions and deletions arrive; the incremental read does not see deletions, the full one does.
        rig.sim.post("/records/change", {"entity": "contact", "count": 20})
        rig.sim.post("/records/add", {"entity": "contact", "count": 7})
        rig.sim.post("/records/delete", {"entity": "contact", "count": 5})
        rig.ask("sync", "run", "teamleader/acme")
        rig.ask("sync", "run", "teamleader/acme", "--full")
        self.assertEqual(self.assert_in_step(rig), {"company": 150, "contact": 252, "department": 3})

    def test_killed_host_resumes(self):
        rig = self.make_rig("--companies", 100, "--contacts", 3000, "--answer-delay-ms", 20)
        rig.start_consumer()
        self.add_connection(rig, "teamleader/acme")
        rig.connect("teamleader/acme")

        def read():
            return sum(r["read"] for r in rig.runs()["runs"])

        wait_until("a third to be read", lambda: read() > 1000, 60)
        rig.kill(rig.host)
        rig.start_host()
        resumed = wait_until("the resumed run", lambda: [r for r in rig.runs()["runs"] if r["resumed"]], 30)
        self.assertFalse(any(r["complete"] for r in resumed))
        self.wait_for_full_reads(rig, "teamleader/acme")
        self.assert_in_step(rig)

    def test_failed_code_says_why_and_what_next(self):
        rig = self.make_rig("--companies", 10, "--contacts", 10)
        rig.add_app("teamleader/main", redirect_uri="https://app.testocloud.be/")
        rig.ask("connection", "add", "teamleader/late", "--app", "main")
        code = rig.sim.post("/codes", {"client_id": rig.sim.client()["client_id"],
                                       "redirect_uri": "https://app.testocloud.be/", "age_seconds": 660})["code"]
        done = rig.ctl("connection", "connect", "teamleader/late", "--paste", stdin=code + "\n", check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        auth = rig.connection("teamleader/late")["auth"]
        self.assertEqual(auth["display"], "Failed, Status code: BadRequest")
        self.assertIn(auth["reason"], ("code_refused", "code_expired"))
        self.assertEqual((auth["action"], auth["action_by"]), ("reauthorise", "customer"))
        self.assertTrue(all(auth["hint"][language] for language in ("nl", "fr", "en")))

        people = subprocess.run([os.path.join(rig.bin, "koppelctl"), "--socket", rig.socket, "connection", "show",
                                 "teamleader/late"], capture_output=True, text=True, check=True).stdout
        self.assertIn("Failed, Status code: BadRequest", people)

    def test_a_box_that_was_left_unticked_is_named_and_costs_its_stream_alone(self):
        rig = self.make_rig("--companies", 10, "--contacts", 20)
        client = {"client_id": "a" * 32, "client_secret": "b" * 32, "scopes": ["companies", "contacts", "users"],
                  "redirect_uris": [], "account": {"id": "11111111-1111-0222-a333-444444444444", "name": "Acme"}}
        rig.sim.post("/clients", client)
        rig.add_app("teamleader/main", client=client)
        rig.ask("connection", "add", "teamleader/acme", "--app", "main")

        auth = rig.connect("teamleader/acme")["auth"]
        self.assertEqual((auth["display"], auth["status"]), ("Success", "authorized"))
        self.assertEqual((auth["reason"], auth["action_by"]), ("scope_missing", "customer"))
        self.assertEqual((auth["streams_affected"], auth["scopes_missing"]), (["departments"], ["departments"]))
        for language, box in (("nl", "'Departementen'"), ("fr", "« Entités »"), ("en", "'Departments'")):
            self.assertIn(box, auth["hint"][language])

        def ended():
            return {r["stream"]: r for r in rig.runs()["runs"] if r["state"] != "running"}

        runs = wait_until("a run of each stream", lambda: ended() if len(ended()) == 3 else None, 30)
        self.assertEqual((runs["companies"]["state"], runs["companies"]["read"]), ("completed", 10))
        self.assertEqual((runs["contacts"]["state"], runs["contacts"]["read"]), ("completed", 20))
        self.assertEqual(runs["departments"]["state"], "failed")
        self.assertIn("scope_missing", runs["departments"]["error"])
        self.assertEqual(rig.connection("teamleader/acme")["auth"]["display"], "Success")

    def test_sigterm_in_the_middle_of_a_sync(self):
        rig = self.make_rig("--companies", 100, "--contacts", 5000, "--answer-delay-ms", 20)
        self.add_connection(rig, "teamleader/acme")
        rig.connect("teamleader/acme")
        wait_until("some records", lambda: sum(r["read"] for r in rig.runs()["runs"]) > 500, 60)

        rig.host.send_signal(signal.SIGTERM)
        self.assertEqual(rig.host.wait(10), 0)
        rig.start_host()
        runs = wait_until("the run that goes on", lambda: [r for r in rig.runs()["runs"] if r["resumed"]], 30)
        self.assertGreaterEqual(max(r["read"] for r in runs), 500)
        self.wait_for_full_reads(rig, "teamleader/acme")

    def test_removal_in_the_middle_of_a_sync(self):
        rig = self.make_rig("--companies", 100, "--contacts", 5000, "--answer-delay-ms", 20)
        self.add_connection(rig, "teamleader/acme")
        rig.connect("teamleader/acme")
        wait_until("some records", lambda: sum(r["read"] for r in rig.runs()["runs"]) > 500, 60)

        rig.ctl("connection", "remove", "teamleader/acme", "--purge", "--yes")

        def ended():
            with open(rig.host_log, encoding="utf-8") as log:
                return "was removed" in log.read()  # the run says so, or the page that it wanted to commit

        wait_until("the run to end", ended, 30)
        told = [json.loads(line)["type"] for line in rig.ctl("event", "list", "--all").stdout.splitlines()]
        self.assertEqual(told[-2:], ["eu.koppel.auth.status.v1", "eu.koppel.connection.removed.v1"])
        self.assertEqual(told.count("eu.koppel.connection.removed.v1"), 1)
        self.assertEqual(rig.runs()["runs"], [])

    def test_key_file_is_needed(self):
        rig = self.make_rig("--companies", 1, "--contacts", 1, start=False)
        os.remove(rig.key_file)
        rig.start_host(wait=False)
        self.assertNotEqual(rig.host.wait(10), 0)
        with open(rig.host_log, encoding="utf-8") as log:
            text = log.read()
        self.assertIn(rig.key_file, text)
        self.assertIn("openssl rand -hex 32", text)


if __name__ == "__main__":
    unittest.main()
