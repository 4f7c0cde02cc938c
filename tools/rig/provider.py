# SPDX-License-Identifier: Apache-2.0
"""The simulated provider and a browser: what the world outside Koppel does in demos, benches and integration tests."""

import html.parser
import http.client
import json
import os
import socket
import ssl
import subprocess
import time
import urllib.parse


def wait_until(what, condition, seconds=30.0, every=0.02):
    """Polls until `condition()` is true-ish and returns it; raises with `what` when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(every)


class ProviderProcess:
    """A provider as a child process, which writes `ready.json` into its folder when it listens."""

    def __init__(self, command, folder, **how):
        self.folder = folder
        ready = os.path.join(folder, "ready.json")
        if os.path.exists(ready):
            os.remove(ready)
        self.log = open(os.path.join(folder, "provider.log"), "ab")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, **how)
        try:
            wait_until(f"{ready} to appear", lambda: os.path.exists(ready) or self.process.poll() is not None)
            if self.process.poll() is not None:
                with open(self.log.name, encoding="utf-8", errors="replace") as log:
                    raise RuntimeError(f"{command[0]} ended at once: {log.read()[-2000:]}")
        except BaseException:
            self.stop()
            raise
        with open(ready, encoding="utf-8") as file:
            self.ready = json.load(file)
        self.address = self.ready["address"]

    def ask_to_end(self):
        self.process.terminate()

    def stop(self):
        if self.process.poll() is None:
            self.ask_to_end()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()


class Simulator(ProviderProcess):
    """koppel-provider-sim, and its control endpoint."""

    def __init__(self, binary, folder, *options, provider="teamleader"):
        os.makedirs(folder, exist_ok=True)
        super().__init__([binary, provider, "--dir", folder, *map(str, options)], folder)
        self.ca_file = self.ready["ca_file"]
        self.auditors = set()
        self.routes = {host: (self.address, self.ca_file) for host in self.ready["hosts"]}

    def control(self, method, path, body=None):
        host = urllib.parse.urlsplit(self.ready["control"]).netloc
        connection = http.client.HTTPConnection(host, timeout=60)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None,
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status >= 300:
                raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]!r}")
            return text
        finally:
            connection.close()

    def get(self, path):
        return json.loads(self.control("GET", path))

    def post(self, path, body):
        text = self.control("POST", path, body)
        return json.loads(text) if text.strip() else None

    def client(self):
        """The client that exists from the start: a dict with client_id, client_secret, account."""
        clients = self.get("/clients")
        return (clients["clients"] if isinstance(clients, dict) else clients)[0]

    def records(self, entity):
        """Every record of an entity as the provider's detail call shows it."""
        return [json.loads(line) for line in self.control("GET", f"/records?entity={entity}").splitlines() if line]

    # ---- webhooks (tools/provider-sim/WEBHOOKS.md)

    def webhooks(self):
        """What is registered."""
        return self.get("/webhooks")["webhooks"]

    def wait_delivered(self, seconds=60):
        """Until no call waits or is under way; further attempts that are due much later count as waiting."""
        def idle():
            counts = self.get("/webhooks")["counts"]
            return counts["waiting"] == 0 and counts["under_way"] == 0

        wait_until("the webhooks to be delivered", idle, seconds)

    def attempts(self, since=0):
        """Every call after number `since` that has ended."""
        found = []
        while True:
            page = self.get(f"/webhooks/attempts?since={since}")
            if not page["attempts"]:
                return found
            found += page["attempts"]
            since = page["next"]

    def auditors_token(self, account):
        """An access token of a simulated Teamleader for a client of its own: what Koppel's clients present and spend
        stays theirs."""
        client_id = "auditor-" + account["id"]
        about = {"client_id": client_id, "client_secret": "of-" + client_id, "redirect_uris": [],
                 "scopes": ["companies", "contacts", "departments"], "account": account}
        if account["id"] not in self.auditors:
            self.post("/clients", about)
            self.auditors.add(account["id"])
        back = "https://auditor.example/"
        code = self.post("/codes", {"client_id": client_id, "redirect_uri": back})["code"]
        granted = Browser(self.routes).post("https://focus.teamleader.eu/oauth2/access_token",
                                            {"grant_type": "authorization_code", "code": code, "redirect_uri": back,
                                             "client_id": client_id, "client_secret": about["client_secret"]})
        return granted["access_token"]

    def departments(self, account):
        """Every department of an account ({id, name}) as the API lists it. The control endpoint does not show them."""
        listed = Browser(self.routes).post("https://api.focus.teamleader.eu/departments.list",
                                           {"filter": {"status": ["active", "archived"]}},
                                           {"Authorization": "Bearer " + self.auditors_token(account)})
        return listed["data"]


class Form(html.parser.HTMLParser):
    """The first form of a page: `action` is None where there is none."""

    def __init__(self, page):
        super().__init__()
        self.action, self.fields = None, {}
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag == "form" and self.action is None:
            self.action = values.get("action") or ""
        elif tag == "input" and values.get("name"):
            self.fields[values["name"]] = values.get("value") or ""


class Browser:
    """Opens a link, consents, and follows where it is sent, as a person's browser would."""

    def __init__(self, routes):
        self.routes = routes  # host name -> ("address:port", the file of its certificate authority)
        self.set_cookies = []  # of the last answer

    def exchange(self, method, url, body=None, headers=None):
        parts = urllib.parse.urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if parts.hostname in self.routes:
            at, ca_file = self.routes[parts.hostname]
            address, port = at.rsplit(":", 1)
            raw = socket.create_connection((address, int(port)), timeout=30)
            connection = http.client.HTTPConnection(parts.hostname)
            tls = ssl.create_default_context(cafile=ca_file)
            connection.sock = tls.wrap_socket(raw, server_hostname=parts.hostname)
        else:
            connection = http.client.HTTPConnection(parts.netloc, timeout=60)
        try:
            connection.request(method, target, body, {"Host": parts.netloc, **(headers or {})})
            answer = connection.getresponse()
            self.set_cookies = answer.headers.get_all("Set-Cookie") or []
            return answer.status, dict((k.lower(), v) for k, v in answer.getheaders()), answer.read().decode()
        finally:
            connection.close()

    def post(self, url, document, headers=None):
        """One JSON document there, one back."""
        status, _, text = self.exchange("POST", url, json.dumps(document),
                                        {"Content-Type": "application/json", **(headers or {})})
        if status != 200:
            raise RuntimeError(f"POST {url}: {status} {text[:300]!r}")
        return json.loads(text)

    def consent(self, link, decision="allow"):
        """Follows `link` through the consent page; returns the address that the provider sends the browser to."""
        status, headers, page = self.exchange("GET", link)
        if status in (302, 303):  # on to the data centre where the user lives
            link = headers["location"]
            status, _, page = self.exchange("GET", link)
        form = Form(page)
        if status != 200 or form.action is None:
            raise RuntimeError(f"no consent page: HTTP {status}")
        fields = {**form.fields, "decision": decision}
        status, headers, _ = self.exchange("POST", urllib.parse.urljoin(link, form.action or link),
                                           urllib.parse.urlencode(fields),
                                           {"Content-Type": "application/x-www-form-urlencoded"})
        if status not in (302, 303):
            raise RuntimeError(f"the consent page answered HTTP {status}")
        return headers["location"]

    def activate(self, link, administration=""):
        """Opens an activation link of SnelStart, chooses the administration (its id; else the first) and sets the
        coupling up; returns the address that the browser is sent to."""
        status, _, page = self.exchange("GET", link)
        form = Form(page)
        if status != 200 or form.action is None:
            raise RuntimeError(f"no activation page: HTTP {status}")
        fields = {**form.fields, "administration": administration}
        status, headers, _ = self.exchange("POST", link.split("?")[0], urllib.parse.urlencode(fields),
                                           {"Content-Type": "application/x-www-form-urlencoded"})
        if status != 303:
            raise RuntimeError(f"the activation page answered HTTP {status}")
        return headers["location"]

    def connect(self, link, decision="allow"):
        """Decides and follows the redirect to the host's own callback; returns the landing page's status and text."""
        status, _, page = self.exchange("GET", self.consent(link, decision))
        return status, page
