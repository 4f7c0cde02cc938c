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
    def order(self, listed, action, **more):
        self.sim.post("/faults", {"match": {"path": listed.path, "after": more.pop("after", 0), "count": 1},
                                  "action": action, **more})

    # ---- limits

    def refuse_once(self, headers):
        """A 429 to the first list: when, and when it is asked for again."""
        stream, listed = next(iter(self.simulated.streams.items()))
        before = len(self.lists_of(stream))
        self.order(listed, "status", status=429, body="", headers=headers)
        run = self.read("--stream", stream, "--full")[stream]
        self.assertEqual((run["state"], run["complete"]), ("completed", True))
        asked = self.lists_of(stream)[before:]
        self.assertEqual(asked[0]["status"], 429)
        return asked[0]["time_ms"], asked[1]["time_ms"]

    def test_obeys_retry_after(self):
        self.connected()
        refused, again = self.refuse_once({"Retry-After": "2"})
        self.assertGreaterEqual(again - refused, 2000)
        self.assert_in_step([next(iter(self.simulated.streams))])

    def test_obeys_the_providers_own_reset_header(self):
        limit = next((one for one in self.manifest["limit"] if "header_reset" in one), None)
        if limit is None:
            self.skipTest("no header of this provider says when a limit is over")
        self.connected()
        until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=4)
        reset = {"delta_s": "4", "epoch_s": str(int(until.timestamp())), "iso8601": until.isoformat()}
        headers = {limit["header_reset"]: reset[limit.get("reset_format", "delta_s")]}
        if "header_remaining" in limit:
            headers[limit["header_remaining"]] = "0"
        refused, again = self.refuse_once(headers)
        self.assertGreater(until.timestamp() * 1000, refused)
        self.assertGreaterEqual(again, int(until.timestamp()) * 1000)

    # ---- rubbish

    def test_rubbish_drops_nothing(self):
        sizes = {name: listed.count for name, listed in list(self.simulated.streams.items())[:1]}
        self.connected(sizes=sizes)
        stream, listed = next(iter(self.simulated.streams.items()))
        rubbish = [("status", {"status": 200, "body": HTML, "headers": {"Content-Type": "text/html"}}),
                   ("status", {"status": 200, "body": "{}"}), ("status", {"status": 200, "body": ""}),
                   ("status", {"status": 500, "body": HTML}), ("cut", {"cut_after": 300}), ("garbage", {})]
        for after, (action, more) in enumerate(rubbish):
            self.order(listed, action, after=after % 2, **more)
            run = self.read("--stream", stream, "--full", check=False)[stream]
            if run["state"] != "completed":
                self.assert_cut_short({stream: run})
            self.assertEqual(run["deleted"], 0, (action, more))
            self.sim.control("DELETE", "/faults")
            self.read_all(stream)
        self.assert_in_step([stream])
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
            if asked["host"] == self.filled(egress["host"]) and any(
                    asked["path"].startswith(p[:-1]) if p.endswith("*") else asked["path"] == p for p in egress["paths"]):
                return True
        return False

    def test_keeps_to_its_hosts_and_secrets_stay_inside(self):
        self.connected()
        self.read("--full")
        self.sim.post("/clock", {"advance_seconds": 4000})
        for listed in self.simulated.streams.values():
            self.sim.post("/records/delete", {"entity": listed.entity, "count": 1})
        self.read("--full")
        own = {urllib.parse.urlsplit(self.auth[url])[1:3] for url in ("token_url", "authorize_url") if url in self.auth}
        own = {(self.filled(host), path) for host, path in own}
        browsed = {(r["host"], r["path"]) for r in self.requests() if (r["path"]) in
                   {urllib.parse.urlsplit(self.auth.get("authorize_url", "")).path}}
        strange = {(r["host"], r["path"]) for r in self.requests() if not self.declared(r)} - own - browsed
        self.assertEqual(strange, set())
        self.sim.post("/revoke", {"client_id": self.client["client_id"]})
        self.read(check=False)

        secrets = {"sealing key": read(self.rig.key_file).decode().strip(),
                   "app's secret": self.customs.app(self.sim, self.client)[1], "client's": self.client["client_secret"]}
        for kind, values in self.sim.get("/secrets").items():
            secrets.update({f"{kind} {i}": value for i, value in enumerate(values)})
        self.assertGreater(len(secrets), 4)
        places = {path: read(path) for path in [self.rig.host_log, *glob.glob(self.folder + "/data/**", recursive=True)]}
        for command in (("event", "list", "--all"), ("connection", "list"), ("app", "list"), ("sync", "list"), ("status",)):
            places["koppelctl " + " ".join(command)] = self.rig.ctl(*command).stdout.encode()
        for pid in self.rig.runner_pids(self.provider):
            places.update({f"{of} of the runner": read(f"/proc/{pid}/{of}") for of in ("cmdline", "environ")})
        self.assertGreater(sum(map(len, places.values())), 50_000)
        self.assertEqual(find_secrets(secrets, places), [])
