# SPDX-License-Identifier: Apache-2.0
"""Connecting, refusals, renewals, revocation, and another company's account."""

from provider_test import ProviderTest

ELSEWHERE = "https://app.testocloud.be/"


class Connecting(ProviderTest):
    def test_connects(self):
        connection = self.connected()
        account = self.client["account"]
        self.assertEqual((connection["auth"]["status"], connection["auth"]["display"]), ("authorized", "Success"))
        self.assertEqual(connection["auth"]["account"]["name"], account["name"])
        self.assertEqual(connection["pinned_account"], connection["auth"]["account"])
        told = [e["data"] for e in self.events() if e["type"] == "eu.koppel.auth.status.v1"][-1]
        self.assertEqual((told["display"], told["account"]["name"]), ("Success", account["name"]))
