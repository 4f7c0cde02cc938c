# SPDX-License-Identifier: Apache-2.0
"""Limits, rubbish, hosts and secrets: a provider in trouble, and what must not leave the house."""

import datetime
import glob
import os
import urllib.parse

from provider_test import ProviderTest, of_streams
from test_secrets import find_secrets, read

HTML = "<html><body>Onderhoud / Maintenance</body></html>"


class Troubles(ProviderTest):
    def order(self, action, after=0, **more):
        """For one list of the first stream."""
        self.sim.post("/faults", {"match": {"path": self.listed(self.first).path, "after": after, "count": 1},
                                  "action": action, **more})

    # ---- limits

    def refuse_once(self, headers):
        """A 429 to the first list: when, and when it is asked for again."""
        before = len(self.lists_of(self.first))
        self.order("status", status=429, body="", headers=headers)
        self.read_well(self.first, full=True)
        asked = self.lists_of(self.first)[before:]
        self.assertEqual(asked[0]["status"], 429)
        return asked[0]["time_ms"], asked[1]["time_ms"]

    @of_streams
    def test_obeys_retry_after(self):
        self.connected()
        refused, again = self.refuse_once({"Retry-After": "2"})
        self.assertGreaterEqual(again - refused, 2000)
        self.assert_in_step([self.first])

    @of_streams
    def test_obeys_the_providers_own_reset_header(self):
        limit = next((one for one in self.manifest["limit"] if "header_reset" in one), None)
        if limit is None:
            self.skipTest("no header of this provider says when a limit is over")
        self.connected()
        until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2.5)
        reset = {"delta_s": "2", "epoch_s": str(int(until.timestamp())), "iso8601": until.isoformat()}
        headers = {limit["header_reset"]: reset[limit.get("reset_format", "delta_s")]}
        if "header_remaining" in limit:
            headers[limit["header_remaining"]] = "0"
        refused, again = self.refuse_once(headers)
        self.assertGreater(until.timestamp() * 1000, refused)
        self.assertGreaterEqual(again, int(until.timestamp()) * 1000)

    # ---- rubbish

    @of_streams
    def test_rubbish_drops_nothing(self):
        self.connected(sizes={self.first: self.listed(self.first).count})
        rubbish = [("status", {"status": 200, "body": HTML, "headers": {"Content-Type": "text/html"}}),
                   ("status", {"status": 200, "body": "{}"}), ("status", {"status": 200, "body": ""}),
                   ("status", {"status": 500, "body": HTML}), ("cut", {"cut_after": 300}), ("garbage", {})]
        for after, (action, more) in enumerate(rubbish):
            self.order(action, after % 2, **more)
            run = self.read(self.first, full=True)[self.first]
            self.assertEqual(run["deleted"], 0, (action, more))
            if run["state"] != "completed":
                self.assert_cut_short({self.first: run})
                self.read_all(self.first)
            self.sim.control("DELETE", "/faults")
        self.assert_in_step([self.first])
        self.assertEqual(set(self.held(self.first).values()), {1}, "published once each")
        self.assertEqual(self.auth_status()["display"], "Success")

    # ---- hosts and secrets

    def filled(self, template):
        """A host of the manifest, for our connection."""
        values = dict(self.rig.connection(self.name)["settings"])
        for row in self.auth.get("region", []):
            if self.client["account"].get("host") in row["redirect"].values():
                values.update({f"region.{name}": value for name, value in row["values"].items()})
        for name, value in values.items():
            template = template.replace("{" + name + "}", value)
        return template

    def declared(self, asked):
        for egress in self.manifest["egress"]:
            fits = any(asked["path"].startswith(p[:-1]) if p.endswith("*") else asked["path"] == p
                       for p in egress["paths"])
            if fits and asked["host"] == self.filled(egress["host"]):
                return True
        return False

    @of_streams
    def test_keeps_to_its_hosts_and_secrets_stay_inside(self):
        self.connected()
        self.read_well(full=True)
        self.sim.post("/clock", {"advance_seconds": 4000})
        self.sim.post("/records/delete", {"entity": self.listed(self.first).entity, "count": 1})
        self.read_well(self.first, full=True)
        host, path = urllib.parse.urlsplit(self.auth["token_url"])[1:3]
        own = {(self.filled(host), path)}
        consent = urllib.parse.urlsplit(self.auth.get("authorize_url", "")).path  # the browser's, at any data centre
        strange = {(r["host"], r["path"]) for r in self.requests() if r["path"] != consent and not self.declared(r)}
        self.assertEqual(strange - own, set())
        self.sim.post("/revoke", {"client_id": self.client["client_id"]})
        self.read(self.first)

        secrets = {"sealing key": read(self.rig.key_file).decode().strip(),
                   "app's secret": self.customs.app(self.sim, self.client)[1], "client's": self.client["client_secret"]}
        for kind, values in self.sim.get("/secrets").items():
            secrets.update({f"{kind} {i}": value for i, value in enumerate(values)})
        self.assertGreater(len(secrets), 4)
        files = [self.rig.host_log, *glob.glob(self.folder + "/data/**", recursive=True)]
        places = {path: read(path) for path in files}
        for command in ("event list --all", "connection list", "app list", "sync list", "status"):
            places["koppelctl " + command] = self.rig.ctl(*command.split()).stdout.encode()
        for pid in self.rig.runner_pids(self.provider):
            places.update({f"{of} of the runner": read(f"/proc/{pid}/{of}") for of in ("cmdline", "environ")})
        self.assertGreater(sum(map(len, places.values())), 50_000)
        self.assertEqual(find_secrets(secrets, places), [])
