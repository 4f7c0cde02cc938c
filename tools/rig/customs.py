# SPDX-License-Identifier: Apache-2.0
"""How the customers of a provider connect: what its manifest says, and what its simulator calls things."""

import functools
import os
import tomllib

PLUGINS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../plugins")


@functools.cache
def manifest_of(provider):
    """Of a plugin of plugins/. Those that tests make for themselves go through a consent page."""
    path = os.path.join(PLUGINS, provider, "manifest.toml")
    if not os.path.exists(path):
        return {"auth": {"kind": "authorization_code"}}
    with open(path, "rb") as file:
        return tomllib.load(file)


class Customs:
    def __init__(self, provider):
        self.provider, self.manifest = provider, manifest_of(provider)
        self.by_key = self.manifest["auth"]["kind"] == "client_key"

    def app(self, sim, client):
        """Client id and secret of the operator's registration. Where customers give keys, each client of the simulator
        is a customer, and the registration's secret is what every request carries."""
        if self.by_key:
            knobs = sim.get("/knobs")
            return knobs.get("app_short_name", "koppel"), knobs["subscription_key"]
        return client["client_id"], client["client_secret"]

    def settings(self, client):
        """koppelctl's options: each required host is that of the client's account."""
        hosts = [s["name"] for s in self.manifest.get("setting", []) if s.get("type") == "host" and s.get("required")]
        return [word for name in hosts for word in ("--set", f"{name}={client['account']['host']}")]

    @staticmethod
    def key(client):
        return client["client_secret"]
