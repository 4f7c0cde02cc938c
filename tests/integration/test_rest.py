# SPDX-License-Identifier: Apache-2.0
"""The door for Pro+: a customer's token does what the manual describes, and nothing of another customer is there."""

import contextlib
import json
import re
import socket
import unittest

from harness import RigTest
from koppel import Rest

REDIRECT = "https://app.testocloud.be/"


class RestDoor(RigTest):
    def make_rest_rig(self):
        rig = self.make_rig("--companies", 12, "--contacts", 20, rest=True)
        self.address = rig.rest_address()
        return rig

    def new_client(self, rig, number, account=None):
        """Another integration at the provider, known to nobody else yet; of another customer unless it has an account."""
        client = {"client_id": f"{number:032x}", "client_secret": f"{number + 4096:032x}", "name": f"Client {number}",
                  "scopes": ["companies", "contacts", "departments", "users"], "redirect_uris": [],
                  "account": account or {"id": f"{number:08x}-1111-0222-a333-444444444444",
                                         "name": f"Account {number}"}}
        rig.sim.post("/clients", client)
        return client

    def code_of(self, rig, client, **more):
        return rig.sim.post("/codes", {"client_id": client["client_id"], "redirect_uri": REDIRECT, **more})["code"]

    def settings(self, client, **more):
        return {"version": "V2", "client_id": client["client_id"], "client_secret": client["client_secret"], **more}

    def test_a_customers_token_does_what_the_manual_says_and_sees_nobody_else(self):
        rig = self.make_rest_rig()
        mine, theirs = rig.sim.client(), self.new_client(rig, 7)
        person = Rest(self.address, rig.token("proplus-x", "read", "connect", "sync", customer="4711"))
        operator = Rest(self.address, rig.token("everything", "admin"))
        here = "/v1/customers/4711/providers/teamleader"

        # Somebody else is there, with everything that could be seen.
        other = operator.ask("PUT", "/v1/customers/Globex%20BV/providers/teamleader",
                             self.settings(theirs, code=self.code_of(rig, theirs)), expect=201)
        self.assertEqual(other["auth"]["display"], "Success")
        their_name = other["connection"]["name"]
        self.wait_for_full_reads(rig, f"teamleader/{their_name}")

        # V1 is over; a late code is refused with what to do; then a good one, as its whole address.
        status, text = person.call("PUT", here, self.settings(mine, version="V1"))
        self.assertEqual((status, json.loads(text)["error"]["code"]), (422, "version_not_supported"))
        self.assertTrue(all("V2" in json.loads(text)["error"]["hint"][l] for l in ("nl", "fr", "en")))
        self.assertEqual(person.call("GET", here)[0], 404)
        late = person.ask("PUT", here, self.settings(mine, code=self.code_of(rig, mine, age_seconds=660)), expect=201)
        self.assertEqual(late["auth"]["display"], "Failed, Status code: BadRequest")
        self.assertIn(late["auth"]["reason"], ("code_refused", "code_expired"))
        self.assertTrue(all(late["auth"]["hint"][language] for language in ("nl", "fr", "en")))
        code = self.code_of(rig, mine)
        saved = person.ask("PUT", here, self.settings(mine, code=f"{REDIRECT}?code={code}"))
        self.assertEqual((saved["auth"]["display"], saved["auth"]["account"]["name"]),
                         ("Success", mine["account"]["name"]))
        self.assertEqual(saved["connection"]["name"], "customer-4711")

        # Status, list, link, reading.
        self.assertEqual(person.ask("GET", here)["auth"]["display"], "Success")
        listed = person.ask("GET", "/v1/connections")["connections"]
        self.assertEqual([c["name"] for c in listed], ["customer-4711"])
        link = person.ask("POST", "/v1/connections/teamleader/customer-4711/attempts", {}, expect=201)
        self.assertIn(mine["client_id"], link["link"])
        guide = person.ask("GET", "/v1/providers")["providers"][0]["guide"]
        self.assertTrue(guide[0]["nl"] and guide[0]["fr"] and guide[0]["en"])
        started = person.ask("POST", "/v1/syncs", {"provider": "teamleader", "connection": "customer-4711",
                                                   "full": True}, expect=202)
        self.assertLessEqual({"companies", "contacts"}, set(started["streams"]))
        self.wait_for_full_reads(rig, "teamleader/customer-4711")
        runs = person.ask("GET", "/v1/syncs?limit=1000")
        self.assertEqual({r["connection"] for r in runs["runs"]}, {"customer-4711"})

        self.see_nothing_of(person, theirs, other["connection"])

        # Nothing of theirs was changed by all that.
        after = operator.ask("GET", "/v1/customers/Globex%20BV/providers/teamleader")
        self.assertEqual(after["connection"]["auth"], other["connection"]["auth"])
        self.assertEqual(len(operator.ask("GET", "/v1/connections")["connections"]), 2)

    def see_nothing_of(self, person, client, connection):
        """Every route with their names is answered as for names that nobody has."""
        routes = json.loads(person.call("GET", "/v1/openapi.json")[1])["paths"]
        bodies = {"PUT /v1/customers/{customer}/providers/{provider}": self.settings(client, code="some-code"),
                  "POST /v1/connections/{provider}/{name}/attempts": {},
                  "POST /v1/connections/{provider}/{name}/code": {"pasted": "some-code"},
                  "POST /v1/connections/{provider}/{name}/confirmation": {"accept": True},
                  "POST /v1/syncs": {"provider": "teamleader", "connection": connection["name"]}}
        tried, not_for_customers = 0, set()
        for path, methods in routes.items():
            for method in (m.upper() for m in methods):
                answers = []
                for customer, name in (("Globex%20BV", connection["name"]), ("nobody", "nobody")):
                    target = path.replace("{customer}", customer).replace("{provider}", "teamleader")
                    target = target.replace("{stream}", "companies")
                    body = bodies.get(f"{method} {path}")
                    if path == "/v1/syncs" and method == "POST":
                        body = {**body, "connection": name}
                    elif method != "GET" and body is None:
                        body = {}
                    query = f"?provider=teamleader&connection={name}" if path == "/v1/syncs" and method == "GET" else ""
                    answers.append(person.call(method, target.replace("{name}", name).replace("{id}", "lnk-1") + query, body))
                with self.subTest(method=method, path=path):
                    if "{" in path or path == "/v1/syncs":  # the person's own list may have moved on meanwhile
                        self.assertEqual(answers[0], answers[1])
                    status, text = answers[0]
                    for word in (connection["name"], connection["id"], "Globex", client["client_id"],
                                 client["account"]["name"], client["account"]["id"]):
                        self.assertNotIn(word, text)
                    if "not_for_customers" in text:
                        self.assertEqual(status, 403)
                        not_for_customers.add(f"{method} {path}")
                    elif "{" in path or (method, path) == ("POST", "/v1/syncs"):
                        self.assertEqual(status, 404)
                        tried += 1
                    else:
                        self.assertEqual(status, 200)
        self.assertEqual(tried, 10)
        self.assertIn("DELETE /v1/connections/{provider}/{name}", not_for_customers)
        self.assertIn("GET /v1/apps", not_for_customers)

    def test_saving_twice_changes_nothing_and_a_refused_change_harms_nothing(self):
        rig = self.make_rest_rig()
        client, another = rig.sim.client(), self.new_client(rig, 9)
        person = Rest(self.address, rig.token("x", "read", "connect", customer="4711"))
        here = "/v1/customers/4711/providers/teamleader"
        code = self.code_of(rig, client)
        first = person.ask("PUT", here, self.settings(client, code=code), expect=201)
        self.wait_for_full_reads(rig, "teamleader/customer-4711")

        def events():
            return rig.ctl("event", "list", "--all", "--type", "auth.status", "--type", "connection").stdout

        told = events()
        again = person.ask("PUT", here, self.settings(client))
        self.assertEqual(again["auth"], first["auth"])
        self.assertEqual(person.ask("PUT", here, {})["auth"], first["auth"])
        status, text = person.call("PUT", here, self.settings(client, code=code))
        self.assertEqual((status, json.loads(text)["error"]["code"]), (422, "refused"))
        self.assertIn("a code serves once", text)
        # Another integration without a code, then with a code that is refused: what works goes on working.
        status, text = person.call("PUT", here, self.settings(another))
        self.assertEqual((status, "save both together" in text), (422, True))
        refused = person.ask("PUT", here, self.settings(another, code="0" * 40))
        self.assertEqual(refused["auth"]["display"], "Failed, Status code: BadRequest")
        self.assertEqual(refused["connection"]["auth"]["display"], "Success")
        self.assertEqual(events(), told)
        self.assertEqual([a["client_id"] for a in rig.ask("app", "list")["apps"]], [client["client_id"]])
        # The account that it is bound to is another one's: refused, and still as it was.
        other = person.ask("PUT", here, self.settings(another, code=self.code_of(rig, another)))
        self.assertEqual((other["auth"]["reason"], other["connection"]["auth"]["display"]),
                         ("account_mismatch", "Success"))
        self.assertEqual([a["client_id"] for a in rig.ask("app", "list")["apps"]], [client["client_id"]])
        # The customer builds the integration anew: the same account through another client takes its place.
        anew = self.new_client(rig, 11, account=client["account"])
        done = person.ask("PUT", here, self.settings(anew, code=self.code_of(rig, anew)))
        self.assertEqual((done["auth"]["display"], done["connection"]["id"]), ("Success", first["connection"]["id"]))
        self.assertEqual([a["client_id"] for a in rig.ask("app", "list")["apps"]], [anew["client_id"]])
        runs = rig.ask("sync", "run", "teamleader/customer-4711", "--full")["runs"]
        self.assertTrue(runs and all(r["complete"] for r in runs), runs)

    def test_a_token_opens_what_its_scopes_say_until_it_is_revoked(self):
        rig = self.make_rest_rig()
        token = rig.token("reader", "read")
        reader, nobody = Rest(self.address, token), Rest(self.address)
        self.assertEqual(reader.ask("GET", "/v1/connections"), {"connections": []})
        self.assertEqual(reader.ask("GET", "/v1/status")["connections"]["total"], 0)
        status, text = reader.call("PUT", "/v1/customers/1/providers/teamleader", {"client_id": "a"})
        self.assertEqual((status, json.loads(text)["error"]["code"]), (403, "missing_scope"))
        self.assertEqual(nobody.call("GET", "/v1/openapi.json")[0], 200)
        # Behind a proxy all have one address: many wait at once, and others are served.
        with contextlib.ExitStack() as waiting:
            for _ in range(100):
                waiting.enter_context(socket.create_connection(self.address))
            self.assertEqual(reader.call("GET", "/v1/providers")[0], 200)
        # It is stored as a digest, survives a restart, and is gone for good when it is revoked.
        found = rig.ctl("token", "list").stdout
        self.assertIn('"name":"reader"', found)
        self.assertNotIn(token[-20:], found)
        with open(rig.host_log, encoding="utf-8") as log:
            self.assertNotIn(token[-20:], log.read())
        for end in ("", "-wal"):
            with open(f"{rig.folder}/data/ledger.db{end}", "rb") as file:
                self.assertNotIn(token[-20:].encode(), file.read())
        rig.host.terminate()
        rig.host.wait(15)
        rig.start_host()
        reader.address = nobody.address = rig.rest_address()
        self.assertEqual(reader.call("GET", "/v1/connections")[0], 200)
        refused = rig.ctl("token", "add", "reader", check=False)
        self.assertEqual(refused.returncode, 1)
        rig.ask("token", "revoke", "reader")
        self.assertEqual(reader.call("GET", "/v1/connections"), nobody.call("GET", "/v1/connections"))
        self.assertEqual(nobody.call("GET", "/v1/connections")[0], 401)
        self.assertEqual(rig.ctl("token", "revoke", "reader", check=False).returncode, 1)

    def test_bad_requests_are_refused_and_change_nothing(self):
        from bad_requests import NOT_FOR_REST, rows, send_all
        rig = self.make_rest_rig()
        token = rig.token("everything", "admin")
        revoked = rig.token("revoked", "admin")
        rig.ask("token", "revoke", "revoked")
        operator = Rest(self.address, token)
        before = (operator.ask("GET", "/v1/connections"), operator.ask("GET", "/v1/apps"), rig.ask("status")["head"])
        all_rows = rows(self.address[1], token, revoked)
        named = " ".join([*NOT_FOR_REST, *(row.name for row in all_rows)])
        listed = {int(n) for names in re.findall(r"E2\.((?:\d+, )*\d+)", named) for n in names.split(", ")}
        self.assertEqual(listed, set(range(1, 45)))
        for row, status, text in send_all(self.address, all_rows):
            with self.subTest(row=row.name):
                self.assertIn(status, row.expected, text[:300])
                if status and status not in (200, 408):
                    self.assertIn("error", json.loads(text.rsplit("\r\n\r\n", 1)[1]))
                self.assertNotIn("access-control", text.lower())
                for word in row.absent:
                    self.assertNotIn(word, text)
        after = (operator.ask("GET", "/v1/connections"), operator.ask("GET", "/v1/apps"), rig.ask("status")["head"])
        self.assertEqual(before, after)


if __name__ == "__main__":
    unittest.main()
