# SPDX-License-Identifier: Apache-2.0
"""Limits, rubbish, hosts and secrets: a provider in trouble, and what must not leave the house."""

import datetime
import glob
import os
import urllib.parse

from provider_test import ProviderTest
from test_secrets import find_secrets, read

HTML = "<html><body>Onderhoud / Maintenance</body></html>"


class Troubles(ProviderTest):
    def order(self, action, after=0, **more):
        """For one list of the first stream, or one fetch where there is none."""
        self.sim.post("/faults", {"match": {"path": self.path_of_use, "after": after, "count": 1},
                                  "action": action, **more})

    # ---- limits

    def refuse_once(self, headers):
        """A 429 to the first request: when, and when it is made again."""
        before = len(self.uses())
        self.order("status", status=429, body="", headers=headers)
        self.use_well(full=True)
        asked = self.uses()[before:]
        self.assertEqual(asked[0]["status"], 429)
        return asked[0]["time_ms"], asked[1]["time_ms"]

    def test_obeys_retry_after(self):
        self.connected()
        refused, again = self.refuse_once({"Retry-After": "2"})
        self.assertGreaterEqual(again - refused, 2000)
        if self.first is not None:
            self.assert_in_step([self.first])

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

    def test_rubbish_drops_nothing(self):
        self.connected(sizes={self.first: self.listed(self.first).count} if self.first is not None else None)
        rubbish = [("status", {"status": 200, "body": HTML, "headers": {"Content-Type": "text/html"}}),
                   ("status", {"status": 200, "body": "{}"}), ("status", {"status": 200, "body": ""}),
                   ("status", {"status": 500, "body": HTML}), ("cut", {"cut_after": 300}), ("garbage", {})]
        for after, (action, more) in enumerate(rubbish):
            if self.first is None:
                self.order(action, **more)
                self.fetch()  # it says what came, or asks again: nothing is kept of it
                self.use_well()
            else:
                self.order(action, after % 2, **more)
                self.read_amid((action, more))
            self.sim.control("DELETE", "/faults")
        self.assertEqual(self.auth_status()["display"], "Success")
        if self.first is not None:
            self.assert_in_step([self.first])
            self.assertEqual(set(self.held(self.first).values()), {1}, "published once each")

    def read_amid(self, trouble):
        run = self.read(self.first, full=True)[self.first]
        self.assertEqual(run["deleted"], 0, trouble)
        if run["state"] != "completed":
            self.assert_cut_short({self.first: run})
            self.read_all(self.first)

    # ---- hosts and secrets

    def hosts_of(self, template):
        """What a template of the manifest stands for, for our connection. A setting may hold several hosts, or an
        address."""
        values = dict(self.rig.connection(self.name)["settings"])
        for row in self.auth.get("region", []):
            if self.client["account"].get("host") in row["redirect"].values():
                values.update({f"region.{name}": value for name, value in row["values"].items()})
        for name, value in values.items():
            template = template.replace("{" + name + "}", value)
        return {urllib.parse.urlsplit(word).hostname or word for word in template.split()}

    def undeclared(self):
        """Host and path of each request that no [[egress]] has."""
        rules = [(self.hosts_of(egress["host"]), egress["paths"]) for egress in self.manifest["egress"]]

        def fits(asked):
            return any(asked["host"] in hosts and any(asked["path"].startswith(p[:-1]) if p.endswith("*")
                                                      else asked["path"] == p for p in paths)
                       for hosts, paths in rules)

        return {(r["host"], r["path"]) for r in self.requests() if not fits(r)}

    def test_keeps_to_its_hosts_and_secrets_stay_inside(self):
        self.connected()
        if self.first is not None:
            self.read_well(full=True)
            self.sim.post("/records/delete", {"entity": self.listed(self.first).entity, "count": 1})
        self.sim.post("/clock", {"advance_seconds": 4000})
        self.use_well(full=True)
        host, path = urllib.parse.urlsplit(self.customs.token_url)[1:3]
        own = {(one, path) for one in self.hosts_of(host)}
        consent = urllib.parse.urlsplit(self.customs.authorize_url).path  # the browser's, at any data centre
        self.assertEqual({(at, asked) for at, asked in self.undeclared() if asked != consent} - own, set())
        self.sim.post("/revoke", {"client_id": self.client["client_id"]})
        self.assert_use_is_refused()

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
