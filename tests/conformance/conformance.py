# SPDX-License-Identifier: Apache-2.0
"""One suite for every plugin, by its manifest: python3 -m unittest conformance.<provider>.<case>. A case that does not
apply to a provider is skipped by what the manifest says, never by a name."""

import os

import connecting
import reading
import troubles
import webhooks
from customs import PLUGINS

for _name in sorted(os.listdir(PLUGINS)):
    if os.path.exists(os.path.join(PLUGINS, _name, "manifest.toml")):
        globals()[_name] = type(_name, (connecting.Connecting, reading.Reading, troubles.Troubles,
                                         webhooks.Webhooks), {"provider": _name, "__module__": __name__})
