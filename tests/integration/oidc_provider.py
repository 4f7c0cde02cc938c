# SPDX-License-Identifier: Apache-2.0
"""oidc-provider from npm as a child process, its certificate, and a browser with cookies that gives it what it asks."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import urllib.parse

from provider import Browser, Form, ProviderProcess

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "oidc")
HOST = "login.oidc.test"


def installed(build):
    """The folder where npm has put it: once for a lock file, by whichever test comes first."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise RuntimeError(f"this test needs {program}, which is not installed: run tools/setup")
    folder = os.path.join(build, "oidc-provider")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(SOURCE, "package-lock.json"), "rb") as file:
        wanted = hashlib.sha256(file.read()).hexdigest()
    stamp = os.path.join(folder, "installed")
    with open(os.path.join(folder, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(stamp):
            with open(stamp, encoding="ascii") as file:
                if file.read() == wanted:
                    return folder
        for name in ("package.json", "package-lock.json"):
            shutil.copy(os.path.join(SOURCE, name), folder)
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
                              cwd=folder, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise RuntimeError("npm could not install oidc-provider (it needs the npm registry, once): "
                               f"{(done.stdout + done.stderr)[-1500:]}")
        with open(stamp, "w", encoding="ascii") as file:
            file.write(wanted)
    return folder


def make_certificate(folder, host):
    """An authority of its own and a certificate of it for `host`: paths of both and of the key."""
    def path(name):
        return os.path.join(folder, name)

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *key, "-keyout", path("ca.key"), "-out", path("ca.pem"), "-days", "2", "-subj", "/CN=Test",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    openssl("req", *key, "-keyout", path("server.key"), "-out", path("server.csr"), "-subj", f"/CN={host}")
    with open(path("server.ext"), "w", encoding="ascii") as file:
        file.write(f"subjectAltName=DNS:{host}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n")
    openssl("x509", "-req", "-in", path("server.csr"), "-CA", path("ca.pem"), "-CAkey", path("ca.key"),
            "-CAcreateserial", "-days", "2", "-extfile", path("server.ext"), "-out", path("server.pem"))
    return path("ca.pem"), path("server.pem"), path("server.key")


class OidcProvider(ProviderProcess):
    """Looks to the rig as a simulator does: `ready` has what its configuration needs."""

    def __init__(self, build, folder, clients):
        os.makedirs(folder)
        where = installed(build)
        self.ca_file, certificate, key = make_certificate(folder, HOST)
        self.events_file = os.path.join(folder, "events.jsonl")
        with open(os.path.join(folder, "clients.json"), "w", encoding="utf-8") as file:
            json.dump(clients, file)
        super().__init__(["node", os.path.join(SOURCE, "server.mjs"), f"https://{HOST}", certificate, key, file.name,
                          os.path.join(folder, "ready.json"), self.events_file], folder, cwd=where,
                         stdin=subprocess.PIPE)
        self.ready["hosts"] = [HOST]
        self.routes = {HOST: (self.address, self.ca_file)}

    def events(self, grant=None):
        if not os.path.exists(self.events_file):
            return []
        with open(self.events_file, encoding="utf-8") as file:
            return [e for e in map(json.loads, file) if grant is None or e.get("grant") == grant]

    def ask_to_end(self):
        self.process.stdin.close()


class Person(Browser):
    """Somebody who logs in as `login` and agrees, page by page, until a redirect leaves the provider."""

    def __init__(self, provider, login):
        super().__init__(provider.routes)
        self.login, self.cookies = login, {}

    def step(self, method, url, body=None):
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())} if self.cookies else {}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        return self.exchange(method, url, body, headers)

    def exchange(self, method, url, body=None, headers=None):
        answer = super().exchange(method, url, body, headers)
        for cookie in self.set_cookies:
            name, _, value = cookie.split(";")[0].partition("=")
            if value:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        return answer

    def agree(self, link):
        """The address that the provider sends the browser to in the end."""
        status, headers, page = self.step("GET", link)
        for _ in range(12):
            if status in (302, 303):
                link = urllib.parse.urljoin(link, headers["location"])
                if urllib.parse.urlsplit(link).hostname != HOST:
                    return link
                status, headers, page = self.step("GET", link)
                continue
            form = Form(page)
            if status != 200 or not form.action:
                raise RuntimeError(f"no page to agree on: HTTP {status} {page[:600]}")
            fields = {**form.fields}
            for name, value in (("login", self.login), ("password", "any")):
                if name in fields:
                    fields[name] = value
            link = urllib.parse.urljoin(link, form.action)
            status, headers, page = self.step("POST", link, urllib.parse.urlencode(fields))
        raise RuntimeError("the provider keeps asking")
