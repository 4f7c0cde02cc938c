# SPDX-License-Identifier: Apache-2.0
"""One suite for every plugin, by its manifest: python3 -m unittest conformance.<folder of the plugin>.<case>, and for a
provider that is a manifest alone: conformance.<its name>.<case>. A case that does not apply to a provider is skipped by what
the manifest says, never by a name."""

import connecting
import reading
import troubles
import webhooks
from customs import manifests

for _folder, _manifest in manifests().items():
    globals()[_folder] = type(_folder, (connecting.Connecting, reading.Reading, troubles.Troubles, webhooks.Webhooks),
                              {"provider": _manifest["plugin"]["name"], "__module__": __name__})
