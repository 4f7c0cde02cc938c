# SPDX-License-Identifier: Apache-2.0
"""How the customers of a provider connect: what its manifest says, and what its simulator calls things."""

import functools
import os
import shutil
import tomllib

_SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
PLUGINS = os.path.join(_SOURCES, "plugins")
# Providers that are a manifest alone, tests/fixtures/without_code/<name>.toml: which simulator plays the provider.
WITHOUT_CODE = {"cardfile": "cardfile", "focus": "teamleader"}


def _alone(name):
    return os.path.join(_SOURCES, "tests/fixtures/without_code", name + ".toml")


@functools.cache
def manifest_of(provider):
    """Of what the suite and the benches know. What other tests make for themselves goes through a consent page."""
    return next((m for m in manifests().values() if m["plugin"]["name"] == provider),
                {"auth": {"kind": "authorization_code"}})


@functools.cache
def manifests():
    """Of each folder of plugins/ that has one, and of the providers without code."""
    paths = {folder: os.path.join(PLUGINS, folder, "manifest.toml") for folder in sorted(os.listdir(PLUGINS))}
    paths.update({name: _alone(name) for name in WITHOUT_CODE})
    found = {}
    for name, path in paths.items():
        if os.path.exists(path):
            with open(path, "rb") as file:
                found[name] = tomllib.load(file)
    return found


class Customs:
    def __init__(self, provider):
        self.provider, self.manifest = provider, manifest_of(provider)
        self.by_key = self.manifest["auth"]["kind"] == "client_key"
        # Where settings say what the provider is, the first preset is the one that is simulated.
        self.preset = next((p for p in self.manifest.get("preset", []) if "settings" in p), None)
        self.simulator = WITHOUT_CODE.get(provider, provider)

    def install(self, build, folder):
        """The provider into a plugin folder: its library, or its manifest, which others must not be able to write."""
        os.makedirs(folder, mode=0o755)
        if self.provider in WITHOUT_CODE:
            os.chmod(shutil.copy(_alone(self.provider), folder), 0o644)
        else:
            shutil.copy(os.path.join(build, "plugins", f"{self.provider}.so"), folder)

    def app(self, sim, client):
        """Client id and secret of the operator's registration. Where customers give keys, each client of the simulator
        is a customer, and the registration's secret is what every request carries."""
        if self.by_key:
            knobs = sim.get("/knobs")
            return knobs.get("app_short_name", "koppel"), knobs["subscription_key"]
        return client["client_id"], client["client_secret"]

    def entered(self, client):
        """What is filled in for a connection, in the control socket's words: the preset, or each required host, which is
        that of the client's account."""
        if self.preset:
            return {"preset": self.preset["name"]}
        hosts = [s["name"] for s in self.manifest.get("setting", []) if s.get("type") == "host" and s.get("required")]
        return {"settings": {name: client["account"]["host"] for name in hosts}}

    def settings(self, client):
        """The same as koppelctl's options."""
        entered = self.entered(client)
        if "preset" in entered:
            return ["--preset", entered["preset"]]
        return [word for name, value in entered["settings"].items() for word in ("--set", f"{name}={value}")]

    @property
    def token_url(self):
        return self.preset["settings"]["token_url"] if self.preset else self.manifest["auth"]["token_url"]

    @property
    def authorize_url(self):
        """Nothing where a key is given."""
        return (self.preset["settings"]["authorization_url"] if self.preset
                else self.manifest["auth"].get("authorize_url", ""))

    @staticmethod
    def key(client):
        return client["client_secret"]
