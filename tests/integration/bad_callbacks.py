# SPDX-License-Identifier: Apache-2.0
"""What may come back to an OAuth callback: list E3 of bad inputs, each of its 40 items as a named row. A row is handed a
flow, a connection that waits with an open link, and says what it sends, which answers will do, how many token requests
may follow, and what the connection is afterwards."""

import concurrent.futures
import dataclasses
import socket
import urllib.parse

from bad_requests import request

# What no row can show, and why.
NOT_APPLICABLE = {
    "E3.26 iss missing though promised": "no manifest can promise one; an iss that comes is checked",
}


@dataclasses.dataclass
class Row:
    name: str
    send: object  # called with the flow; returns [(status, text)]
    expected: tuple
    exchanges: int = 0
    after: str = "waiting"
    reason: object = None
    absent: tuple = ()  # words that must not be on the page
    link: dict = None  # the body of a connect link, where the flow comes from one
    unused: bool = False  # the same link connects afterwards: nothing was used up


class Flow:
    """One connection that waits, and the browser of its administrator."""

    def __init__(self, rig, name, link=None):
        self.rig, self.name = rig, name
        address = rig.ask("status")["ingress"]["address"]
        host, port = address.rsplit(":", 1)
        self.address, self.port = (host, int(port)), int(port)
        self.cookie = None
        if link is None:
            status, attempt = rig.call("POST", f"/v1/connections/{name}/attempts", {"confirmation": {"mode": "yes"}})
            assert status == 201, attempt
            self.link = attempt["link"]
        else:
            status, made = rig.call("POST", f"/v1/connections/{name}/links", link)
            assert status == 201, made
            self.page = made["url"]
            self.press()
        self.state = self.parameter(self.link, "state")

    def press(self):
        status, headers, _ = self.rig.browser().exchange("POST", self.page, "")
        assert status == 303, status
        self.link, self.cookie = headers["location"], headers["set-cookie"].split(";")[0]
        self.state = self.parameter(self.link, "state")

    @staticmethod
    def parameter(link, name):
        return urllib.parse.parse_qs(urllib.parse.urlsplit(link).query)[name][0]

    def code(self, link=None):
        return self.parameter(self.rig.browser().consent(link or self.link), "code")

    def get(self, query, path="/callback/teamleader", method="GET", headers=(), host=None, body=b""):
        target = path + ("?" + query if query else "")
        return [self.raw(request(method, target, self.port, headers=headers, host=host, body=body))]

    def raw(self, sent):
        with socket.create_connection(self.address, timeout=60) as peer:
            text = b""
            try:
                peer.sendall(sent)
                while more := peer.recv(65536):
                    text += more
            except ConnectionError:
                pass  # it was refused before all of it was there
        return int(text.split(b" ", 2)[1]) if text else 0, text.decode()

    def good(self, code=None, **more):
        return self.get(f"code={code or self.code()}&state={self.state}", **more)


def at_once(flow):
    sent = request("GET", f"/callback/teamleader?code={flow.code()}&state={flow.state}", flow.port)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return sorted(pool.map(flow.raw, (sent, sent)))


def replayed(flow):
    code = flow.code()
    return flow.good(code) + flow.good(code)


def code_of_another(flow, other):
    query = urllib.parse.urlencode({"client_id": other["client_id"], "response_type": "code", "state": "x",
                                    "redirect_uri": flow.parameter(flow.link, "redirect_uri")})
    parts = urllib.parse.urlsplit(flow.link)
    return flow.good(flow.code(f"{parts.scheme}://{parts.netloc}{parts.path}?{query}"))


def pasted_fragment(flow):
    """No browser sends a fragment; whoever pastes the whole address does."""
    page = flow.get("")
    status, answer = flow.rig.call("POST", f"/v1/connections/{flow.name}/code", {
        "pasted": f"http://127.0.0.1/callback/teamleader#access_token=t&state={flow.state}"})
    return page + [(status, str(answer))]


def removed(flow):
    code = flow.code()
    status, _ = flow.rig.call("DELETE", f"/v1/connections/{flow.name}")
    assert status == 200
    return flow.good(code)


def scanned(flow):
    code, seen = flow.code(), []
    for _ in range(3):
        seen += flow.good(code, method="HEAD")
    return seen + flow.good(code)


def rows(other_client):
    issuer = "https://focus.teamleader.eu"

    def query(text):
        return lambda f: f.get(text.replace("{state}", f.state).replace("{STATE}", f.state.swapcase()))

    def with_issuer(text):
        return lambda f: f.get(f"code={f.code()}&state={f.state}&iss={text}")

    yield Row("E3.1 no state", lambda f: f.get(f"code={f.code()}"), (400,), unused=True)
    yield Row("E3.2 an empty state", query("code=x&state="), (400,), unused=True)
    yield Row("E3.3 an unknown state", query("code=x&state=" + "a" * 43), (400,), unused=True)
    yield Row("E3.4 a used state", lambda f: f.get(f"error=access_denied&state={f.state}") + f.good(), (200, 400),
              after="needs_reauth", reason="access_denied")
    yield Row("E3.6 a state of A at B", lambda f: f.good("x", path="/callback/zoho") + f.good(), (400, 400))
    yield Row("E3.7 another browser's session", lambda f: f.good(headers=[
        "Cookie: koppel_connect=" + "a" * 43 + "." + "b" * 43]), (200,), 1, "awaiting_confirmation", link={})
    yield Row("E3.8 no session", lambda f: f.good(), (200,), 1, "awaiting_confirmation", link={})
    yield Row("E3.8 no session, and the right account", lambda f: f.good(), (200,), 1, "awaiting_confirmation",
              link={"expected_account": "{account}"})
    yield Row("E3.8 the session that began it, and the right account", lambda f: f.good(headers=[f"Cookie: {f.cookie}"]),
              (200,), 1, "authorized", link={"expected_account": "{account}"})
    yield Row("E3.9 a state of 64 KiB", query("code=x&state=" + "a" * 65536), (414,), unused=True)
    yield Row("E3.9 a state as long as an address may be", query("code=x&state=" + "a" * 6000), (400,), unused=True)
    yield Row("E3.10 a state twice", query("code=x&state={state}&state={state}"), (400,), unused=True)
    yield Row("E3.11 a state with NUL", query("code=x&state={state}%00"), (400,), unused=True)
    yield Row("E3.12 a state in the other case", query("code=x&state={STATE}"), (400,), unused=True)
    yield Row("E3.13 no code", query("state={state}"), (400,), unused=True)
    yield Row("E3.14 an empty code", query("code=&state={state}"), (400,), unused=True)
    yield Row("E3.15 a code of 64 KiB", query("code=" + "a" * 65536 + "&state={state}"), (414,), unused=True)
    yield Row("E3.15 a code as long as codes may be", query("code=" + "a" * 4096 + "&state={state}"), (200,), 1,
              "needs_reauth", "code_refused")
    yield Row("E3.15 a code of one byte more", query("code=" + "a" * 4097 + "&state={state}"), (400,), unused=True)
    yield Row("E3.16 a code twice", query("code=x&code=y&state={state}"), (400,), unused=True)
    yield Row("E3.17 a code with CRLF", query("code=x%0d%0ay&state={state}"), (400,), unused=True)
    yield Row("E3.17 a code with & and %", query("code=x%26grant_type%3dz%25&state={state}"), (200,), 1, "needs_reauth",
              "code_refused")
    yield Row("E3.18 a code of another client", lambda f: code_of_another(f, other_client), (200,), 1, "needs_reauth",
              "code_refused")
    yield Row("E3.19 a replay after success", replayed, (200, 400), 1, "authorized")
    yield Row("E3.20 two at once", at_once, (200, 400), 1, "authorized")
    yield Row("E3.21 access_denied", query("error=access_denied&state={state}"), (200,), 0, "needs_reauth",
              "access_denied")
    yield Row("E3.22 HTML in error_description",
              query("error=access_denied&error_description=%3Cscript%3Eevil%3C/script%3E&state={state}"), (200,), 0,
              "needs_reauth", "access_denied", absent=("script", "evil"))
    yield Row("E3.22 HTML in the error", query("error=%3Cscript%3Eevil%3C/script%3E&state={state}"), (200,), 0,
              "needs_reauth", "unclear", absent=("script", "evil"))
    yield Row("E3.23 an error and a code", query("error=access_denied&code=x&state={state}"), (400,), unused=True)
    yield Row("E3.24 an unknown error", query("error=teapot&state={state}"), (200,), 0, "needs_reauth", "unclear")
    yield Row("E3.25 error_uri javascript:", query("error=teapot&error_uri=javascript:alert(1)&state={state}"), (200,), 0,
              "needs_reauth", "unclear", absent=("javascript", "alert"))
    yield Row("E3.27 a wrong iss", with_issuer("https://evil.example"), (400,), unused=True)
    yield Row("E3.27 an iss that only begins right", with_issuer(issuer + ".evil.example"), (400,), unused=True)
    yield Row("E3.27 an iss that is no address", with_issuer("focus.teamleader.eu"), (400,), unused=True)
    yield Row("E3.27 an iss without TLS", with_issuer("http://focus.teamleader.eu"), (400,), unused=True)
    yield Row("E3.28 an iss with a slash at its end", with_issuer(issuer + "/"), (200,), 1, "authorized")
    yield Row("E3.28 an iss in another case", with_issuer("HTTPS://Focus.Teamleader.EU"), (200,), 1, "authorized")
    yield Row("E3.28 an iss with the port that it has anyhow", with_issuer(issuer + ":443"), (200,), 1, "authorized")
    yield Row("E3.28 an iss with another port", with_issuer(issuer + ":8443"), (400,), unused=True)
    yield Row("E3.29 an iss twice", with_issuer(issuer + "&iss=" + issuer), (400,), unused=True)
    yield Row("E3.30 an answer in the fragment", pasted_fragment, (400, 422), unused=True)
    yield Row("E3.31 access_token in the query", query("access_token=t&code=x&state={state}"), (400,), unused=True)
    yield Row("E3.32 POST instead of GET", lambda f: f.good(method="POST", body=b"a=b"), (405,), unused=True)
    yield Row("E3.33 a connection that was removed meanwhile", removed, (400,), after=None)
    yield Row("E3.36 an evil Host", lambda f: f.good(host="evil.example"), (200,), 1, "authorized", absent=("evil",))
    yield Row("E3.36 an evil X-Forwarded-Host", lambda f: f.good(headers=["X-Forwarded-Host: evil.example"]), (200,), 1,
              "authorized", absent=("evil",))
    yield Row("E3.37 HEAD of a link scanner, and then the person", scanned, (200, 200, 200, 200), 1, "authorized")
    yield Row("E3.39 1,000 parameters more",
              lambda f: f.get(f"code={f.code()}&state={f.state}" + "&a=b" * 1000), (200,), 1, "authorized")
    yield Row("E3.39 more than an address may hold", query("code=x&state={state}" + "&a=b" * 1600), (414,), unused=True)
    for path in ("/callback/teamleader/x", "/callback/teamleader/", "/callback//teamleader", "/callback/", "/callback",
                 "/callback/teamleader;x", "/callback/teamleader%20", "/Callback/teamleader", "/callback/nobody"):
        yield Row(f"E3.40 the path {path}", lambda f, path=path: f.good("x", path=path), (404,), unused=True)
    for path in ("/callback/teamleader%2f", "/callback/x%2f..%2fteamleader", "/callback/../callback/teamleader",
                 "/callback/teamleader%00", "/callback/%2e%2e/teamleader"):
        yield Row(f"E3.40 the path {path}", lambda f, path=path: f.good("x", path=path), (400,), unused=True)


def numbers(all_names):
    return {int(name.split(".")[1].split(" ")[0]) for name in all_names}
