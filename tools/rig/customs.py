# SPDX-License-Identifier: Apache-2.0
"""How the customers of a provider connect: what its manifest says, and what its simulator calls things."""

import functools
import os
import tomllib

PLUGINS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../plugins")


@functools.cache
def manifest_of(provider):
    """Of a plugin of plugins/. Those that tests make for themselves go through a consent page."""
    return next((m for m in manifests().values() if m["plugin"]["name"] == provider),
                {"auth": {"kind": "authorization_code"}})


@functools.cache
def manifests():
    """Of each folder of plugins/ that has one."""
    found = {}
    for folder in sorted(os.listdir(PLUGINS)):
        path = os.path.join(PLUGINS, folder, "manifest.toml")
        if os.path.exists(path):
            with open(path, "rb") as file:
                found[folder] = tomllib.load(file)
    return found


class Customs:
    def __init__(self, provider):
        self.provider, self.manifest = provider, manifest_of(provider)
        self.by_key = self.manifest["auth"]["kind"] == "client_key"
        # Where settings say what the provider is, the first preset is the one that is simulated.
        self.preset = next((p for p in self.manifest.get("preset", []) if "settings" in p), None)

    def app(self, sim, client):
        """Client id and secret of the operator's registration. Where customers give keys, each client of the simulator
        is a customer, and the registration's secret is what every request carries."""
        if self.by_key:
            knobs = sim.get("/knobs")
            return knobs.get("app_short_name", "koppel"), knobs["subscription_key"]
        return client["client_id"], client["client_secret"]

    def settings(self, client):
        """koppelctl's options: the preset, or each required host, which is that of the client's account."""
        if self.preset:
            return ["--preset", self.preset["name"]]
        hosts = [s["name"] for s in self.manifest.get("setting", []) if s.get("type") == "host" and s.get("required")]
        return [word for name in hosts for word in ("--set", f"{name}={client['account']['host']}")]

    @property
    def token_url(self):
        return self.preset["settings"]["token_url"] if self.preset else self.manifest["auth"]["token_url"]

    @staticmethod
    def key(client):
        return client["client_secret"]
