#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks which way includes point (docs/architecture.md): plugins -> sdk <- host -> bus <- tools, and where third-party
libraries may be seen. Prints each violation with its file and line; exits 1 if there is any."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')

SDK, TESTING, MESSAGES, BUS = "koppel/sdk/", "koppel/testing/", "koppel/messages.hpp", "koppel/bus/"
ASIO = ("boost/asio", "boost/beast")
SQLITE, ZEROMQ, MSGPACK = ("sqlite3.h", "SQLiteCpp/"), ("zmq.h", "zmq.hpp", "zmq_addon.hpp"), ("msgpack",)
THIRD_PARTY_IN_SDK = ("boost/", "msgpack", "openssl/", "sodium", "toml++", "CLI/", "spdlog/")

# folder -> (what it may not include, why). The longest matching folder decides.
RULES = [
    ("sdk/include", ("host/", BUS, MESSAGES, *ASIO, *SQLITE, *ZEROMQ, *THIRD_PARTY_IN_SDK),
     "the SDK's public headers need the standard library alone"),
    ("sdk/messages/include", ("host/", BUS, SDK, *THIRD_PARTY_IN_SDK, *SQLITE, *ZEROMQ),
     "messages are shared by everybody and see nobody"),
    ("sdk", ("host/", BUS, *ASIO, *SQLITE, *ZEROMQ), "the SDK does no I/O and knows no host"),
    ("plugins", ("host/", BUS, MESSAGES, *ASIO, *SQLITE, *ZEROMQ, *MSGPACK), "a plugin does no I/O and knows the SDK alone"),
    ("bus/include", ("host/", SDK, MESSAGES, *ASIO, *SQLITE, *ZEROMQ, *MSGPACK), "the bus's headers see no socket library"),
    ("bus", ("host/", SDK, MESSAGES, *ASIO, *SQLITE), "the bus knows no host"),
    ("host/core", ("host/runtime", "host/net", "host/plugins", "host/auth", "host/sync", "host/hooks", "host/ledger", "host/api",
                   "host/config", *ASIO, *SQLITE, *ZEROMQ, "spdlog/", "openssl/"), "core decides and does no I/O"),
    ("host/runner", ("host/net", "host/auth", "host/sync", "host/ledger", "host/api", "host/core", BUS, *ASIO, *SQLITE,
                     *ZEROMQ), "the runner holds a stranger's code and knows as little as possible"),
    ("host/ledger", ("host/net", "host/plugins", "host/auth", "host/sync", "host/api", "host/config", "boost/beast",
                     *ZEROMQ), "the ledger is a leaf"),
    ("host/net", ("host/plugins", "host/auth", "host/sync", "host/ledger", "host/api", "host/config", *SQLITE, *ZEROMQ),
     "HTTP is a leaf"),
    ("host/plugins", ("host/net", "host/auth", "host/sync", "host/ledger", "host/api", "host/config", *SQLITE, *ZEROMQ),
     "the plugin boundary is a leaf"),
    ("host/auth", ("host/sync", "host/hooks", "host/api", "host/config", "boost/beast", *SQLITE, *ZEROMQ), "auth knows no sync, no door"),
    ("host/sync", ("host/hooks", "host/api", "host/config", "boost/beast", *SQLITE, *ZEROMQ), "sync knows no door"),
    ("host/hooks", ("host/api", "host/config", "boost/beast", *SQLITE, *ZEROMQ), "webhooks know no door"),
    ("host", (*SQLITE, *ZEROMQ), "SQLite is the ledger's, ZeroMQ the bus's"),
    ("tools", ("host/", SDK, MESSAGES), "tools are strangers to the host: bus and control socket are their doors"),
    ("tools/fields", ("host/", MESSAGES, BUS, *ASIO, *SQLITE, *ZEROMQ, *MSGPACK),
     "it prints the tables of plugins and knows the SDK alone"),
    ("tools/provider-sim", ("host/", SDK, MESSAGES, BUS, "koppel/"), "the simulator shares no code with what it tests"),
]
# Where ZeroMQ, SQLite and Beast may appear at all.
HOMES = [(ZEROMQ, ("bus/src/", "tests/")), (SQLITE, ("host/ledger/", "tools/proplus/", "tests/")),
         (("boost/beast",), ("host/net/", "tools/", "tests/"))]
# Large libraries stay out of headers.
NOT_IN_HEADERS = (*SQLITE, *ZEROMQ, "boost/beast", "msgpack.hpp", "boost/asio/ssl")


def rule_for(path):
    return max((r for r in RULES if path.startswith(r[0] + "/")), key=lambda r: len(r[0]), default=None)


def violations(path, number, included):
    rule = rule_for(path)
    if rule:
        for banned in rule[1]:
            if included.startswith(banned):
                yield f"{path}:{number}: includes <{included}>: {rule[2]}"
    for libraries, homes in HOMES:
        if included.startswith(libraries) and not path.startswith(homes):
            yield f"{path}:{number}: includes <{included}>: only {', '.join(homes)} may"
    public = path.startswith(("sdk/include/", "bus/include/", "host/")) and path.endswith(".hpp")
    if public and included.startswith(NOT_IN_HEADERS) and "/src/" not in path:
        yield f"{path}:{number}: includes <{included}>: large libraries stay in .cpp files"


def main():
    found = []
    for folder in ("sdk", "bus", "host", "plugins", "tools"):
        for file in sorted((ROOT / folder).rglob("*.[ch]pp")) + sorted((ROOT / folder).rglob("*.[ch]")):
            path = file.relative_to(ROOT).as_posix()
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
                if match := INCLUDE.match(line):
                    found += violations(path, number, match.group(1))
    print("\n".join(found) if found else "includes: every arrow points the right way")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
