# SPDX-License-Identifier: Apache-2.0
"""Connecting, refusals, renewals, revocation, and another company's account."""

import re
import urllib.parse

from provider import wait_until
from provider_test import DISPLAYED, ProviderTest

ELSEWHERE = "https://app.testocloud.be/"


class Connecting(ProviderTest):
    def test_connects(self):
        connection = self.connected()
        account = self.client["account"]
        self.assertEqual((connection["auth"]["status"], connection["auth"]["display"]), ("authorized", "Success"))
        shown = self.simulated.account or account["name"]
        self.assertEqual(connection["auth"]["account"]["name"], shown)
        self.assertEqual(connection["pinned_account"], connection["auth"]["account"])
        told = [e["data"] for e in self.events() if e["type"] == "eu.koppel.auth.status.v1"][-1]
        self.assertEqual((told["display"], told["account"]["name"]), ("Success", shown))

    def test_connects_whatever_characters_a_secret_has(self):
        if self.customs.by_key:
            self.skipTest("no token request bears the app's secret")
        self.make_rig()
        self.sim.post("/clients", {**self.client, "client_secret": "a+b/c=d:e%2Ff&g"})
        self.rig.add_app(f"{self.provider}/main")
        self.rig.add_connection(self.name)
        self.assertEqual(self.rig.connect(self.name)["auth"]["display"], "Success")

    def old_code(self):
        age = self.auth.get("code_lifetime_s", 600) + 60
        return self.sim.post("/codes", {"client_id": self.client["client_id"], "redirect_uri": ELSEWHERE,
                                        "age_seconds": age})["code"]

    def test_refuses_a_code_in_whatever_words(self):
        if not self.simulated.bad_codes:
            self.skipTest("no other words of this provider are known")
        self.make_rig()
        self.rig.add_app(f"{self.provider}/main", redirect_uri=ELSEWHERE)
        self.rig.add_connection(self.name)
        for knobs in self.simulated.bad_codes:
            self.sim.post("/knobs", knobs)
            self.rig.ctl("connection", "connect", self.name, "--yes", stdin=self.old_code() + "\n", check=False)
            auth = self.auth_status()
            self.assertEqual((auth["status"], auth["reason"]), ("needs_reauth", "code_refused"), knobs)
            self.assert_hints(auth)

    def test_refuses_what_the_provider_refuses(self):
        self.make_rig()
        self.rig.add_app(f"{self.provider}/main", redirect_uri=None if self.customs.by_key else ELSEWHERE)
        self.rig.add_connection(self.name)
        if self.customs.by_key:
            pasted = "".join(reversed(self.customs.key(self.client).rstrip("=")))
        else:
            pasted = self.old_code()
        given = ["--paste"] if self.customs.by_key else []
        done = self.rig.ctl("connection", "connect", self.name, "--yes", *given, stdin=pasted + "\n", check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        auth, reason = self.auth_status(), self.refused_reason("authorization_code")
        self.assertEqual((auth["status"], auth["reason"]), ("needs_reauth", reason))
        self.assertEqual(auth["display"], self.display_of(reason, "authorization_code"))
        self.assertEqual((auth["action"], auth["action_by"]), ("reauthorise", "customer"))
        self.assert_hints(auth)

    def test_a_denial_is_told_as_one(self):
        if self.customs.by_key:
            self.skipTest("a key has no consent page")
        self.make_rig()
        self.rig.add_app(f"{self.provider}/main")
        self.rig.add_connection(self.name)
        self.rig.connect(self.name, decision="deny", check=False)
        auth = self.auth_status()
        self.assertEqual((auth["status"], auth["reason"], auth["display"]),
                         ("needs_reauth", "access_denied", DISPLAYED["access_denied"]))
        self.assert_hints(auth)

    def test_renews(self):
        self.connected()
        self.use_well(full=True)
        first = sum(p["count"] for p in self.presented())
        for _ in range(2):
            # The provider forgets the access token: the next request meets a 401.
            self.sim.post("/clock", {"advance_seconds": 4000})
            self.use_well()
        presented = self.presented()
        self.assertEqual({result for p in presented for result in p["results"]}, {"ok"})
        self.assertEqual(sum(p["count"] for p in presented), first + 2)
        replaced = not self.customs.by_key and self.auth.get("rotation", "every_refresh") != "never"
        replaced = replaced and self.simulated.rotates
        self.assertEqual(len(presented), 2 if replaced else 1)
        self.assertEqual(self.auth_status()["display"], "Success")

    def test_renews_in_whatever_form_a_token_is_refused(self):
        if not self.simulated.dead_tokens:
            self.skipTest("a 401 is all that this provider is known to say")
        self.connected()
        self.use_well(full=True)
        first = sum(p["count"] for p in self.presented())
        for number, knobs in enumerate(self.simulated.dead_tokens, 1):
            self.sim.post("/knobs", knobs)
            self.sim.post("/clock", {"advance_seconds": 4000})
            self.use_well()
            self.assertEqual(sum(p["count"] for p in self.presented()), first + number, knobs)
        self.assertEqual(self.auth_status()["display"], "Success")

    def test_survives_revocation(self):
        self.connected()
        self.use_well(full=True)
        before = self.last_seq()
        self.sim.post("/revoke", {"client_id": self.client["client_id"]})
        self.assert_use_is_refused()
        auth, reason = self.auth_status(), self.refused_reason("refresh_token")
        self.assertEqual((auth["status"], auth["reason"]), ("needs_reauth", reason))
        self.assertEqual(auth["display"], self.display_of(reason, "refresh_token"))
        self.assert_hints(auth)

        # What was known is known still: the same account again, and nothing is published a second time.
        if self.customs.by_key:
            self.sim.post("/keys/regenerate", {"client_id": self.client["client_id"]})
        connection = self.rig.connect(self.name)
        self.assertEqual(connection["auth"]["display"], "Success")
        if self.first is None:
            self.use_well()
            return
        self.read_all(self.first)
        self.assertEqual(self.published(self.first, before), [])
        self.assert_in_step([self.first])

    def test_another_company_is_refused(self):
        self.connected()
        self.use_well(full=True)
        before = self.auth_status()
        account = dict(self.client["account"], name="Andere NV")
        account["id"] = ("2" if account["id"][0] == "1" else "1") + account["id"][1:]
        other = {**self.client, "account": account}
        if self.customs.by_key:
            other.update(client_id="other", client_secret="b3RoZXI6cGFzc3dvcmRvZmFub3RoZXJhZG1pbmlzdHJhdGlvbg==")
        self.sim.post("/clients", other)
        refused = self.rig.connect(self.name, client=other, check=False)
        self.assertEqual(refused["outcome"]["reason"], "account_mismatch")
        self.assertEqual(refused["outcome"]["display"], DISPLAYED["account_mismatch"])
        self.assert_hints(refused["outcome"])
        self.assertEqual(self.auth_status(), before)

        # The old tokens are there, and work.
        self.use_well()
        if self.first is None:
            return
        changed = self.sim.post("/records/change", {"entity": self.listed(self.first).entity, "count": 1})["ids"]
        self.read_well(self.first)
        self.assertEqual([record for _, record, event in self.published(self.first)
                          if event["data"]["cause"] == "change"], changed)

    def test_the_apps_own_key_is_the_operators_matter(self):
        if "app_header" not in self.auth:
            self.skipTest("no key of the app's goes with requests")
        self.connected()
        self.read_well(self.first, full=True)
        self.sim.post("/knobs", {"subscription_key": "0" * 32})
        self.assert_cut_short(self.read(self.first))
        auth = self.auth_status()
        self.assertEqual((auth["status"], auth["reason"], auth["action_by"]),
                         ("misconfigured", "partner_key_invalid", "operator"))
        self.assert_hints(auth)
        self.rig.ctl("app", "set-secret", f"{self.provider}/main", "--secret-stdin", stdin="0" * 32 + "\n")
        wait_until("the connection to work again", lambda: self.auth_status()["display"] == "Success", 30)
        self.read_well(self.first)

    # ---- a token endpoint in trouble, and redirects that lead elsewhere

    def token_requests(self):
        return [r for r in self.requests() if r["path"] == urllib.parse.urlsplit(self.customs.token_url).path]

    def refuse_renewal(self, **answer):
        """The access token is over, and the next renewal gets this answer."""
        self.connected()
        self.use_well(full=True)
        self.sim.post("/clock", {"advance_seconds": 4000})
        path = urllib.parse.urlsplit(self.customs.token_url).path
        self.sim.post("/faults", {"match": {"path": path, "count": 1}, "action": "status", **answer})

    def test_a_busy_token_endpoint_costs_no_grant(self):
        self.refuse_renewal(status=429, body="", headers={"Retry-After": "1"})
        wait_until("a read that works", self.works, 40)
        self.assertEqual(self.auth_status()["display"], "Success")
        self.assertEqual({result for p in self.presented() for result in p["results"]}, {"ok"})
        refused = next(at for at, r in enumerate(self.token_requests()) if r["status"] == 429)
        again = self.token_requests()[refused + 1]["time_ms"] - self.token_requests()[refused]["time_ms"]
        self.assertGreaterEqual(again, 1000)

    def test_what_means_too_often_is_no_refusal(self):
        if "throttled" not in self.auth:
            self.skipTest("this provider has no words of its own for it")
        self.refuse_renewal(status=200, body={"error": self.auth["throttled"][0]["title"]})
        self.assert_cut_short(self.read(self.first))
        asked = len(self.token_requests())
        self.assert_cut_short(self.read(self.first))
        self.assertEqual(self.auth_status()["display"], "Success")
        self.assertEqual(len(self.token_requests()), asked, "not before the time is over")

    def test_a_redirect_of_another_system_gets_no_code(self):
        named = list(self.auth.get("region", [{}])[0].get("redirect", {}))
        named += re.findall(r"{(\w+)}", self.auth.get("redirect_check", {}).get("prefix", ""))
        if not named:
            self.skipTest("the redirect does not say where it comes from")
        self.come_back_with({"code": "a" * 40, **dict.fromkeys(named, "elsewhere")})
        auth = self.auth_status()
        self.assertEqual((auth["status"], auth["reason"]), ("misconfigured", "wrong_data_centre"))
        self.assert_hints(auth)
        self.assertEqual(self.token_requests(), [])

    def test_an_answer_of_another_server_gets_no_code(self):
        """It names itself (RFC 9207), as a good one may: that one's link still serves afterwards."""
        if self.customs.by_key:
            self.skipTest("a key comes with no redirect")
        attempt, page = self.come_back_with({"code": "a" * 40, "iss": "https://login.elsewhere.example"})
        self.assertEqual(page[0], 400, page)
        self.assertEqual((self.auth_status()["status"], self.token_requests()), ("waiting", []))
        browser = self.rig.browser()
        address = browser.consent(attempt["link"])
        issuer = "https://" + urllib.parse.urlsplit(attempt["link"]).netloc
        browser.exchange("GET", address + "&" + urllib.parse.urlencode({"iss": issuer}))
        self.assertEqual(self.auth_status()["display"], "Success")

    def come_back_with(self, answer):
        """A browser with this answer to our link: the attempt, and the page that it is shown."""
        self.make_rig()
        self.rig.add_app(f"{self.provider}/main")
        self.rig.add_connection(self.name)
        status, attempt = self.rig.call("POST", f"/v1/connections/{self.name}/attempts",
                                        {"confirmation": {"mode": "yes"}})
        self.assertEqual(status, 201, attempt)
        state = urllib.parse.parse_qs(urllib.parse.urlsplit(attempt["link"]).query)["state"][0]
        return attempt, self.rig.browser().exchange(
            "GET", attempt["redirect_uri"] + "?" + urllib.parse.urlencode({**answer, "state": state}))
