# SPDX-License-Identifier: Apache-2.0
"""No secret is ever found where it does not belong: plain, base64, URL-encoded or hex."""

import base64
import glob
import json
import os
import subprocess
import unittest
import urllib.parse

from harness import RigTest
from koppel import Rest
from provider import wait_until


def forms(secret):
    """Every form in which a secret could leak, as bytes. Base64 at each alignment, without its unstable edges."""
    raw = secret.encode()
    found = {raw, urllib.parse.quote(secret, safe="").encode(), raw.hex().encode(), raw.hex().upper().encode()}
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * shift + raw)
            found.add(text[4 if shift else 0:-4])
    return found


def find_secrets(secrets, places):
    """Names of secrets and the places they were found in. `places`: name -> bytes."""
    return sorted({f"{name} in {place}" for name, secret in secrets.items() for form in forms(secret)
                   for place, content in places.items() if form in content})


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


class Secrets(RigTest):
    def places(self, rig, outputs):
        places = dict(outputs)
        for path in glob.glob(os.path.join(rig.folder, "data", "**"), recursive=True):
            places[path] = read(path)
        for path in glob.glob(os.path.join(rig.folder, "*.log")) + glob.glob(rig.database + "*"):
            places[path] = read(path)
        processes = [rig.host.pid, rig.consumer.pid, *rig.runner_pids()]
        for pid in processes:
            places[f"cmdline of {pid}"] = read(f"/proc/{pid}/cmdline")
        for pid in rig.runner_pids():
            places[f"environ of runner {pid}"] = read(f"/proc/{pid}/environ")
        return places

    def test_no_planted_secret_is_found(self):
        rig = self.make_rig("--companies", 120, "--contacts", 300, rest=True)
        rig.start_consumer()
        client = rig.sim.client()
        token = rig.token("proplus", "read", "connect", customer="4712")
        self.add_connection(rig, "teamleader/acme")
        rig.add_app("teamleader/manual", redirect_uri="https://app.testocloud.be/")
        rig.ask("connection", "add", "teamleader/late", "--app", "manual")

        outputs = {"connect": str(rig.connect("teamleader/acme")).encode()}
        expired = rig.sim.post("/codes", {"client_id": client["client_id"],
                                          "redirect_uri": "https://app.testocloud.be/", "age_seconds": 900})["code"]
        for name, pasted in (("an expired code", expired), ("a redirect", f"https://app.testocloud.be/?code={expired}")):
            done = rig.ctl("connection", "connect", "teamleader/late", "--paste", stdin=pasted + "\n", check=False)
            outputs[f"koppelctl with {name}"] = (done.stdout + done.stderr).encode()
        # The same through REST, and a token in the wrong place.
        person, here = Rest(rig.rest_address(), token), "/v1/customers/4712/providers/teamleader"
        saved = {"client_id": client["client_id"], "client_secret": client["client_secret"], "code": expired}
        for name, body in (("a code", saved), ("a wrong member", {**saved, "secret": token}),
                           ("a body that is cut", json.dumps(saved)[:-1]), ("another version", {**saved, "version": "V1"})):
            outputs[f"REST with {name}"] = person.call("PUT", here, body)[1].encode()
        outputs["REST's answer"] = person.call("GET", here)[1].encode()
        outputs["REST with a token in the query"] = Rest(person.address).call("GET", f"{here}?token={token}")[1].encode()
        outputs["REST with a token in the path"] = person.call("GET", f"/v1/{token}")[1].encode()
        self.wait_for_full_reads(rig, "teamleader/acme")
        # A provider that answers with what it was sent must not make the host repeat it.
        rig.sim.post("/revoke", {"client_id": client["client_id"]})
        rig.ctl("sync", "run", "teamleader/acme", check=False)

        issued = rig.sim.get("/secrets")
        secrets = {"API token": token, "client secret": client["client_secret"], "expired code": expired,
                   "sealing key": read(rig.key_file).decode().strip()}
        for kind in ("codes", "access_tokens", "refresh_tokens"):
            self.assertTrue(issued[kind], f"the provider issued no {kind}: nothing was planted")
            secrets.update({f"{kind} {i}": value for i, value in enumerate(issued[kind])})

        key = bytes.fromhex(secrets["sealing key"])
        for command in (("status",), ("connection", "list"), ("app", "list"), ("event", "list", "--all"),
                        ("sync", "list"), ("plugin", "list")):
            done = subprocess.run([os.path.join(rig.bin, "koppelctl"), "--socket", rig.socket, "--json", *command],
                                  capture_output=True, check=True)
            outputs["koppelctl " + " ".join(command)] = done.stdout + done.stderr
        places = self.places(rig, outputs)
        self.assertGreater(len(places["koppelctl event list --all"]), 100_000)
        self.assertTrue(any(path.endswith("-wal") and content for path, content in places.items()), "no WAL was read")
        self.assertEqual(find_secrets(secrets, places), [])
        self.assertEqual([p for p, content in places.items() if key in content or base64.b64encode(key) in content], [])

    def test_the_search_finds_every_form(self):
        secret = "s3cret/+ value=with&signs"
        raw = secret.encode()
        for leaked in (raw, b"x" + raw + b"y", base64.b64encode(b"Basic id:" + raw), raw.hex().encode(),
                       base64.urlsafe_b64encode(raw), urllib.parse.quote(secret, safe="").encode()):
            self.assertTrue(find_secrets({"it": secret}, {"log": b"before " + leaked + b" after"}), leaked)
        self.assertFalse(find_secrets({"it": secret}, {"log": b"nothing to see"}))


if __name__ == "__main__":
    unittest.main()
