# SPDX-License-Identifier: Apache-2.0
"""The generic plugin against oidc-provider from npm, which nobody here wrote: access, renewals, fetch, refusals."""

import json
import os
import subprocess
import unittest

from harness import RigTest
from koppel import Rest, Rig
from oidc_provider import HOST, OidcProvider, Person
from provider import wait_until

PUBLIC = "https://koppel.oidc.test"
BY_BODY = {"client_id": "koppel-body", "client_secret": "body-canary-secret-0123456789abcdef",
           "token_endpoint_auth_method": "client_secret_post"}
BY_BASIC = {"client_id": "koppel-basic", "client_secret": "basic-canary/secret+with:signs=0123456789",
            "token_endpoint_auth_method": "client_secret_basic"}


class Presets(RigTest):
    """Against simulators of Google and Intercom."""

    def connected(self, preset, *more, **options):
        rig = Rig(self.build, self.folder, schedule=False, **options)
        self.addCleanup(rig.stop)
        rig.start_simulator(provider="generic")
        rig.write_config()
        rig.start_host()
        rig.add_app("generic/main")
        rig.ask("connection", "add", "generic/acme", "--app", "main", "--customer", "4711", "--preset", preset, *more)
        return rig, rig.connect("generic/acme")

    def test_intercoms_token_is_never_renewed_and_its_end_asks_for_the_customer(self):
        rig, outcome = self.connected("intercom")
        client = rig.sim.client()
        self.assertEqual(outcome["auth"]["account"], {"id": f"api.intercom.io/{client['account']['id']}",
                                                      "name": client["account"]["name"], "environment": ""})
        # What is told to people is the preset's: its codes live for five minutes.
        _, refused = rig.call("POST", "/v1/connections/generic/acme/code", {"pasted": "nobody-gave-this-code"})
        self.assertEqual(refused["outcome"]["reason"], "code_refused")
        self.assertIn("valid for 5 minutes only", refused["outcome"]["hint"]["en"])
        self.assertIn("Intercom", refused["outcome"]["hint"]["nl"])
        rig.sim.post("/clock", {"advance_seconds": 400 * 86400})
        asked = ["fetch", "generic/acme", "https://api.intercom.io/me", "--select", "app.id_code"]
        self.assertEqual(rig.ask(*asked)["selected"], client["account"]["id"])
        rig.sim.post("/revoke", {"client_id": client["client_id"]})
        refused = rig.ctl(*asked, check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("refuses the credentials of generic/acme", refused.stderr)
        wait_until("the customer's turn", lambda: rig.connection("generic/acme")["auth"]["status"] == "needs_reauth", 20)
        auth = rig.connection("generic/acme")["auth"]
        self.assertEqual((auth["reason"], auth["action_by"]), ("revoked", "customer"))
        self.assertEqual([p for p in rig.sim.get("/tokens/presented")["presented"] if p["kind"] == "refresh"], [])
        self.assertIn("is not authorized (needs_reauth)", rig.ctl(*asked, check=False).stderr)

    def test_googles_grant_without_a_refresh_token_is_refused(self):
        rig, outcome = self.connected("google")
        self.assertEqual(outcome["auth"]["display"], "Success")
        # Without prompt=consent the second consent gives none: it would end within the hour.
        rig.ask("connection", "add", "generic/again", "--app", "main", "--preset", "google", "--set",
                "authorize_parameters=access_type=offline")
        refused = rig.connect("generic/again", check=False)
        auth = refused["auth"]
        self.assertEqual((auth["provider_error"], auth["reason"], auth["display"]),
                         ("no refresh token", "access_denied", "Failed, access denied"))
        self.assertIn("The access that Google gave does not last", auth["hint"]["en"])
        for preset, said in (("zoho", "connection add zoho/NAME"), ("teamleader", "connection add teamleader/NAME"),
                             ("nobody", "it has google, intercom, intercom-eu, intercom-au, zoho, teamleader")):
            done = rig.ctl("connection", "add", "generic/x", "--app", "main", "--preset", preset, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(said, done.stderr)

    def test_a_code_of_four_kib_comes_back_whole(self):
        rig, before = self.connected("google")
        rig.sim.post("/knobs", {"code_bytes": 4096})
        after = rig.connect("generic/acme")
        self.assertEqual(after["auth"]["status"], "authorized")
        self.assertGreater(after["auth"]["generation"], before["auth"]["generation"])

    def test_settings_are_changed_by_name_and_a_grant_follows_nowhere(self):
        rig, _ = self.connected("google")
        done = rig.ask("connection", "set", "generic/acme", "scopes=openid", "pkce=", "code_lifetime_s=120")
        self.assertEqual(done["auth"]["status"], "authorized")
        settings = rig.connection("generic/acme")["settings"]
        self.assertEqual((settings["scopes"], settings["code_lifetime_s"]), ("openid", "120"))
        self.assertNotIn("pkce", settings)
        self.assertEqual(settings["token_url"], "https://oauth2.googleapis.com/token")
        for change, said in (("token_url=https://evil.example/token", "needs an authorization code from there"),
                             ("pkce=maybe", "must be one of: yes, no"), ("nonsense=1", 'has no setting "nonsense"')):
            refused = rig.ctl("connection", "set", "generic/acme", change, check=False)
            self.assertEqual(refused.returncode, 1)
            self.assertIn(said, refused.stderr)
        self.assertEqual(rig.connection("generic/acme")["settings"], settings)
        rig.ask("connection", "set", "generic/acme", f"api_hosts={settings['api_hosts']} oauth2.googleapis.com")
        self.assertEqual(rig.connection("generic/acme")["auth"]["display"], "Success")
        done = rig.ctl("fetch", "generic/acme", "https://oauth2.googleapis.com/tokeninfo", check=False)
        self.assertIn("The provider answered 404", done.stderr)
        self.assertIn("Settings of generic/acme: ",
                      subprocess.run([os.path.join(rig.bin, "koppelctl"), "--socket", rig.socket, "connection", "set",
                                      "generic/acme", "scopes=openid email"], capture_output=True, text=True,
                                     timeout=60).stdout)

    def test_a_grant_that_nobody_can_be_asked_about_ends_with_its_refusal(self):
        rig, _ = self.connected("intercom", "--set", "account_url=", "--set", "account=ours")
        self.assertEqual(rig.connection("generic/acme")["auth"]["account"]["id"], "api.intercom.io/ours")
        client = rig.sim.client()
        rig.sim.post("/revoke", {"client_id": client["client_id"]})
        refused = rig.ctl("fetch", "generic/acme", "https://api.intercom.io/me", check=False)
        self.assertIn("refuses the credentials of generic/acme", refused.stderr)
        wait_until("the customer's turn", lambda: rig.connection("generic/acme")["auth"]["status"] == "needs_reauth", 20)

    def test_what_an_operator_alone_may_say_is_no_customers(self):
        rig, _ = self.connected("google", rest=True)
        settings = rig.connection("generic/acme")["settings"]
        rest = Rest(rig.rest_address(), rig.token("pro", "read", "connect", customer="4711"))
        body = {"version": "V2", "client_id": "mine", "client_secret": "mine",
                "settings": {**settings, "private_hosts": "intranet.example.com"}}
        refused = rest.ask("PUT", "/v1/customers/4711/providers/generic", body, expect=403)
        self.assertEqual(refused["error"]["code"], "operators_setting")
        for setting, value in (("token_url", "https://127.0.0.1/token"), ("account_url", "https://2130706433/"),
                               ("api_hosts", "[::1]"), ("token_url", "http://oauth2.googleapis.com/token")):
            body["settings"] = {**settings, setting: value}
            refused = rest.ask("PUT", "/v1/customers/4711/providers/generic", body, expect=422)
            self.assertEqual(refused["error"]["code"], "bad_setting")
            self.assertIn(f'"{setting}"', refused["error"]["message"])
        rest.ask("POST", "/v1/connections/generic/acme/fetch", {"url": "https://openidconnect.googleapis.com/v1/userinfo"},
                 expect=403)
        self.assertEqual(rig.connection("generic/acme")["settings"], settings)


class Generic(RigTest):
    def make_rig(self):
        rig = Rig(self.build, self.folder, schedule=False)
        self.addCleanup(rig.stop)
        clients = [{**client, "redirect_uris": [f"{PUBLIC}/callback/generic"], "response_types": ["code"],
                    "grant_types": ["authorization_code", "refresh_token"]} for client in (BY_BODY, BY_BASIC)]
        self.oidc = rig.sims["generic"] = OidcProvider(self.build, os.path.join(self.folder, "oidc"), clients)
        # As with the simulators, but for the certificate's authority, which is this provider's own.
        rig.write_config()
        with open(rig.config, encoding="utf-8") as file:
            config = file.read()
        with open(rig.config, "w", encoding="utf-8") as file:
            file.write(config.replace("[ingress]\n", f'[ingress]\npublic_url = "{PUBLIC}"\n'))
        rig.start_host()
        self.rig = rig
        return rig

    def add(self, name, client, *more, scopes="openid offline_access"):
        self.rig.ask("app", "add", f"generic/{name}", "--client-id", client["client_id"], "--secret-stdin",
                     stdin=client["client_secret"] + "\n")
        settings = {"authorization_url": f"https://{HOST}/auth", "token_url": f"https://{HOST}/token", "scopes": scopes,
                    "authorize_parameters": "prompt=consent", "account_url": f"https://{HOST}/me", "account_id": "/sub",
                    "refresh_token": "required", "api_hosts": HOST}
        options = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
        return self.rig.ask("connection", "add", f"generic/{name}", "--app", name, "--customer", "4711", *options, *more)

    def connect(self, name, login):
        """Through oidc-provider's own pages and the host's own callback; koppelctl's exit code and last document."""
        child = subprocess.Popen([os.path.join(self.rig.bin, "koppelctl"), "--socket", self.rig.socket, "--json",
                                  "connection", "connect", name, "--yes"], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        try:
            person = Person(self.oidc, login)
            back = person.agree(json.loads(child.stdout.readline())["link"])
            self.assertTrue(back.startswith(f"{PUBLIC}/callback/generic?"), back)
            # What a reverse proxy would do.
            ingress = self.rig.ask("status")["ingress"]["address"]
            status, _, page = person.exchange("GET", f"http://{ingress}{back[len(PUBLIC):]}")
            self.assertLess(status, 500, page)
            out, err = child.communicate(timeout=60)
        finally:
            if child.poll() is None:
                child.kill()
                child.communicate()
            child.stdout.close()
            child.stderr.close()
        self.assertTrue(out.strip(), err)
        return child.returncode, json.loads(out.strip().splitlines()[-1]), status, page

    def fetch(self, *arguments, check=True):
        return self.rig.ctl("fetch", *arguments, check=check)

    def renewals(self, client):
        return [e for e in self.oidc.events("refresh_token") if e["client"] == client["client_id"]]

    def ask_until_renewed(self, name, client, times):
        def asked():
            status, answer = self.rig.call("POST", f"/v1/connections/{name}/fetch", {"url": f"https://{HOST}/me"})
            self.assertEqual(status, 200, answer)
            return len(self.renewals(client)) >= times

        wait_until(f"{times} renewals of {name}", asked, 30, every=0.2)

    def test_access_is_given_renewed_and_used(self):
        rig = self.make_rig()
        for name, client, login in (("body", BY_BODY, "anna"), ("basic", BY_BASIC, "bert")):
            self.add(name, client, "--set", f"client_authentication={name}")
            code, outcome, status, _ = self.connect(f"generic/{name}", login)
            self.assertEqual((code, status, outcome["auth"]["display"]), (0, 200, "Success"), outcome)
            self.assertEqual(outcome["auth"]["account"]["id"], f"{HOST}/{login}")
        exchanged = self.oidc.events("authorization_code")
        self.assertEqual([(e["client"], e["basic"], e["done"]) for e in exchanged],
                         [("koppel-body", False, True), ("koppel-basic", True, True)])

        # Its tokens live for two seconds, and are renewed when somebody asks: each time with the refresh token that
        # the renewal before has brought.
        for name, client in (("body", BY_BODY), ("basic", BY_BASIC)):
            self.ask_until_renewed(f"generic/{name}", client, 3)
        self.assertTrue(all(e["done"] for e in self.renewals(BY_BODY) + self.renewals(BY_BASIC)))
        self.assertFalse([e for e in self.oidc.events() if "revoked" in e or "trouble" in e])
        answer = json.loads(self.fetch("generic/basic", f"https://{HOST}/me?for={{{{who}}}}", "--var", "who=b & c",
                                       "--select", "sub").stdout)
        self.assertEqual((answer["status"], answer["selected"]), (200, "bert"))
        plain = subprocess.run([os.path.join(rig.bin, "koppelctl"), "--socket", rig.socket, "fetch", "generic/body",
                                f"https://{HOST}/me", "--select", "sub"], capture_output=True, text=True, timeout=60)
        self.assertEqual((plain.returncode, plain.stdout), (0, "anna\n"), plain.stderr)

        # Killed and started anew, it goes on with the pair that it stored.
        rig.kill(rig.host)
        before = len(self.renewals(BY_BODY))
        rig.start_host()
        self.ask_until_renewed("generic/body", BY_BODY, before + 1)
        self.assertEqual(json.loads(self.fetch("generic/body", f"https://{HOST}/me", "--select", "sub").stdout)["selected"],
                         "anna")
        self.assertTrue(all(e["done"] for e in self.renewals(BY_BODY)))
        with open(rig.host_log, encoding="utf-8", errors="replace") as log:
            text = log.read()
        self.assertNotIn("canary", text)
        self.assertNotIn("for=", text)
        self.assertIn(f"generic/basic: fetch GET {HOST}/me by koppelctl: 200", text)

    def test_what_is_refused_says_why(self):
        rig = self.make_rig()
        self.add("main", BY_BODY)
        # Not authorised means not offered.
        refused = self.fetch("generic/main", f"https://{HOST}/me", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("generic/main is not authorized (unconfigured)", refused.stderr)
        self.assertEqual(rig.ask("fetch", "--list")["connections"], [])

        link = rig.call("POST", "/v1/connections/generic/main/attempts", {})[1]["link"]
        self.assertIn("code_challenge_method=S256", link)
        self.assertIn("prompt=consent", link)
        status, outcome = rig.call("POST", "/v1/connections/generic/main/code",
                                   {"pasted": "a-code-that-nobody-gave", "confirmation": {"mode": "yes"}})
        self.assertEqual((status, outcome["outcome"]["reason"]), (200, "code_refused"))
        self.assertEqual(outcome["outcome"]["display"], "Failed, Status code: BadRequest")
        self.assertEqual(outcome["outcome"]["provider_error"], "invalid_grant")

        # Without offline_access there is no refresh token, and this grant would end within seconds.
        self.add("short", BY_BASIC, "--set", "client_authentication=basic", scopes="openid")
        code, outcome, _, _ = self.connect("generic/short", "carl")
        self.assertEqual(code, 1)
        self.assertEqual(outcome["auth"]["provider_error"], "no refresh token")

        code, outcome, _, _ = self.connect("generic/main", "anna")
        self.assertEqual((code, outcome["auth"]["display"]), (0, "Success"))
        self.assertEqual([c["name"] for c in rig.ask("fetch", "--list")["connections"]], ["main"])
        said = self.fetch("generic/main", "https://elsewhere.example/me", check=False)
        self.assertIn("the host elsewhere.example is not declared", said.stderr)
        self.assertIn('setting "api_hosts"', said.stderr)
        said = self.fetch("generic/main", f"https://{HOST}/no-such-page", check=False)
        self.assertEqual(said.returncode, 1)
        self.assertIn("The provider answered 404. It says: ", said.stderr)
        said = self.fetch("generic/main", f"https://{HOST}/me", "--select", "name", check=False)
        self.assertIn('The answer has no "name" at its top: it has sub.', said.stderr)
        said = self.fetch("generic/main", f"https://{HOST}/me?a={{{{b}}}}", check=False)
        self.assertIn('The variable "b" is missing: add --var b=VALUE.', said.stderr)


if __name__ == "__main__":
    unittest.main()
