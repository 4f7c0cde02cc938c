# SPDX-License-Identifier: Apache-2.0
"""What a listener must refuse: bytes as they are sent, and the answers that will do. The numbers are those of the lists of
bad inputs: framings and bodies (E1), and what browsers and strangers try with an API of administrators (E2)."""

import concurrent.futures
import dataclasses
import itertools
import json
import os
import socket
import time


# Items of E2 that no row can show here, and why.
NOT_FOR_REST = {
    "E2.16, 17 a CSRF header, of another session": "no sessions: a token in a header is no cookie that a browser adds",
    "E2.19, 20 cookies": "no cookie counts for anything (the row of E2.16)",
    "E2.34 a name that rebinds": "REST fetches no address; what the host fetches is checked by host/net/address",
    "E2.36 a tampered cursor": "no answer is paged by a cursor",
    "E2.37 a stale If-Match": "no answer has a tag to match",
    "E2.38 one idempotency key, another body": "there are none: the same Save once more changes nothing",
    "E2.39 10,000 logins": "nobody logs in; wrong tokens cost the ledger nothing (host/api/tokens)",
    "E2.40 1,000 event streams": "there are none; long polls are bounded (tests/unit/api/rest_test)",
    "E2.42 a formula in an export": "nothing is exported",
    "E2.43 a removal during a renewal": "tests/unit/auth/token_renewal_test",
}


@dataclasses.dataclass
class Row:
    name: str
    sent: bytes
    expected: tuple  # statuses; 0: closed without an answer
    drip: bytes = b""  # sent after it, a byte a second
    close: bool = False  # the sender ends its side at once
    absent: tuple = ()  # words that must not be in the answer


def request(method, target, port, token=None, body=b"", host=None, headers=(), length=None, kind="application/json"):
    lines = [f"{method} {target} HTTP/1.1".encode()]
    if host != "":
        lines.append(b"Host: " + (host or f"127.0.0.1:{port}").encode())
    if token:
        lines.append(f"Authorization: Bearer {token}".encode())
    if body or method in ("POST", "PUT"):
        lines.append(f"Content-Length: {len(body) if length is None else length}".encode())
        if kind:
            lines.append(f"Content-Type: {kind}".encode())
    lines += [h if isinstance(h, bytes) else h.encode() for h in headers]
    lines.append(b"Connection: close")
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def framings(port, token):
    """E1, without the rows that concern a webhook's content."""
    get = request("GET", "/v1/connections", port, token)
    head = get[:-4]
    good = b'{"provider":"teamleader","connection":"x"}'

    def post(headers, body=good):
        lines = [b"POST /v1/syncs HTTP/1.1", b"Host: 127.0.0.1:%d" % port, b"Authorization: Bearer " + token.encode(),
                 b"Content-Type: application/json", *headers]
        return b"\r\n".join(lines) + b"\r\n\r\n" + body

    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(good), good)
    length = b"Content-Length: %d" % len(good)
    yield Row("E1.1 connect, then the end", b"", (0,), close=True)
    yield Row("E1.2 random bytes", os.urandom(4096) + b"\r\n\r\n", (0, 400, 414))
    yield Row("E1.3 a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32), (400,))
    yield Row("E1.4 HTTP/0.9", b"GET /v1/connections\r\n\r\n", (400,))
    yield Row("E1.5 the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505))
    for method in ("TRACE", "CONNECT"):
        yield Row(f"E1.6 {method}", request(method, "/v1/connections", port, token), (400, 405))
    yield Row("E1.6 a method with NUL", get.replace(b"GET", b"G\0T"), (400,))
    yield Row("E1.7 a target of 64 KiB", request("GET", "/v1/" + "a" * 65536, port, token), (414,))
    yield Row("E1.8 a header of 9 KiB", head + b"\r\nX-Long: " + b"a" * 9216 + b"\r\n\r\n", (431,))
    yield Row("E1.9 500 headers", head + b"".join(b"\r\nA%d: b" % i for i in range(500)) + b"\r\n\r\n", (431,))
    yield Row("E1.10 a header without colon", head + b"\r\nnothing\r\n\r\n", (400,))
    yield Row("E1.11 a folded header", head + b"\r\nX-A: b\r\n c\r\n\r\n", (400,))
    yield Row("E1.12 NUL in a value", head + b"\r\nX-A: b\0c\r\n\r\n", (400,))
    yield Row("E1.13 bare LF", get.replace(b"\r\n", b"\n"), (400,))
    yield Row("E1.14 two Hosts", head + b"\r\nHost: localhost\r\n\r\n", (400,))
    yield Row("E1.15 length and chunks", post([length, b"Transfer-Encoding: chunked"], chunked), (400,))
    yield Row("E1.16 two lengths", post([length, b"Content-Length: 1"]), (400,))
    for text in (b"-1", b"+5", b"0x10", b"5,5"):
        yield Row(f"E1.17 a length of {text}", post([b"Content-Length: " + text]), (400,))
    yield Row("E1.18 a length of 2^63", post([b"Content-Length: 9223372036854775808"]), (413,))
    yield Row("E1.19 a length beyond the body", post([b"Content-Length: 4096"]), (408,))
    yield Row("E1.20 a second request in the rest", post([length]) + get, (404,), absent=("connections",))
    yield Row("E1.21 chunked, identity", post([b"Transfer-Encoding: chunked, identity"], chunked), (400,))
    yield Row("E1.22 chunks in HTTP/1.0",
              post([b"Transfer-Encoding: chunked"], chunked).replace(b"HTTP/1.1", b"HTTP/1.0"), (400,))
    yield Row("E1.23 a chunk of 16 F's", post([b"Transfer-Encoding: chunked"], b"F" * 16 + b"\r\n"), (400,))
    yield Row("E1.24 a chunk extension of 1 MiB",
              post([b"Transfer-Encoding: chunked"], b"1;" + b"a" * (1 << 20) + b"\r\n"), (400,))
    yield Row("E1.25 a trailer with a length",
              post([b"Transfer-Encoding: chunked", b"Trailer: Content-Length"], chunked), (400,))
    yield Row("E1.26 a header byte by byte", head + b"\r\nX-Slow: ", (408,), drip=b"a" * 15)
    yield Row("E1.27 a body byte by byte", post([b"Content-Length: 100"], b"{"), (408,), drip=b" " * 20)
    yield Row("E1.28 Expect, then silence", post([b"Content-Length: 10", b"Expect: 100-continue"], b""), (408,))
    yield Row("E1.29 a body over the limit", request("POST", "/v1/syncs", port, token, b" " * ((256 << 10) + 1)), (413,))
    yield Row("E1.30 a body in gzip", request("POST", "/v1/syncs", port, token, b"\x1f\x8b" + bytes(64),
                                              headers=["Content-Encoding: gzip"]), (415,))
    for kind in ("text/plain", "multipart/form-data; boundary=a", "application/x-www-form-urlencoded", ""):
        yield Row(f"E1.31 a body of type {kind!r}", request("POST", "/v1/syncs", port, token, good, kind=kind), (415,))
    texts = {"E1.32 UTF-16": good.decode().encode("utf-16"), "E1.33 10,000 levels": b"[" * 10000 + b"]" * 10000,
             "E1.33 33 levels": b'{"a":' * 33 + b"1" + b"}" * 33, "E1.34 a name twice": b'{"provider":"a","provider":"b"}',
             "E1.34 a name twice, once escaped": b'{"provider":"a","pr\\u006fvider":"b"}',
             "E1.34 a name twice, within": b'{"confirmation":{"mode":"ask","mode":"yes"}}',
             "E1.35 NaN": b'{"full":NaN}', "E1.35 1e999": b'{"full":1e999}',
             "E1.35 a number of 100 KB": b'{"full":' + b"1" * 100000 + b"}",
             "E1.36 a lone surrogate": b'{"provider":"\\ud800"}', "E1.36 bad UTF-8": b'{"provider":"\xc3\x28"}',
             "E1.36 a byte order mark": b"\xef\xbb\xbf" + good, "E1.37 null": b"null", "E1.37 an array": b"[]"}
    for name, text in texts.items():
        yield Row(name, request("POST", "/v1/syncs", port, token, text), (400,))
    yield Row("E1.44 1,000 at once", get.replace(b"Connection: close\r\n", b"") * 1000, (200,))


def strangers(port, token, revoked):
    """E2: whom the door lets in."""
    def get(**more):
        return request("GET", "/v1/connections", port, **more)

    yield Row("E2.1 no token", get(), (401,))
    yield Row("E2.2 a revoked token", get(token=revoked), (401,))
    yield Row("E2.3 a token in the query", request("GET", f"/v1/connections?token={token}&access_token={token}", port),
              (401,))
    yield Row("E2.4 a space behind the token, which HTTP takes off", get(token=token + " "), (200,))
    yield Row("E2.4 a space within", get(token=token[:9] + " " + token[9:]), (401,))
    yield Row("E2.4 two spaces before it", get(token=" " + token), (401,))
    yield Row("E2.5 a token of 1 MiB", get(token="a" * (1 << 20)), (431,))
    for wrong in (token[:-1], token + "a", token[:7], token.swapcase(), "koppel_" + "A" * 43, "%00"):
        yield Row(f"E2.6 a guess of {len(wrong)} characters", get(token=wrong), (401,))
    yield Row("E2.6 another scheme", get(headers=[f"Authorization: Basic {token}"]), (401,))
    yield Row("E2.6 two tokens", get(token=token, headers=[f"Authorization: Bearer {token}"]), (401,))
    for number, host in ((7, "evil.example"), (7, f"evil.example:{port}"), (8, f"127.0.0.1.evil.example:{port}"),
                         (11, f"0.0.0.0:{port}"), (11, f"2130706433:{port}"), (7, f"localhost.:{port}"),
                         (11, f"127.1:{port}"), (7, "127.0.0.1:1"), (11, f"[::ffff:127.0.0.1]:{port}"),
                         (11, f"0x7f000001:{port}")):
        yield Row(f"E2.{number} the host {host}", get(token=token, host=host), (421,))
    for host in ("localhost", f"LOCALHOST:{port}", f"[::1]:{port}"):
        yield Row(f"E2.7 our own name {host}", get(token=token, host=host), (200,))
    yield Row("E2.9 no Host", get(token=token, host=""), (400,))
    yield Row("E2.9 no Host in HTTP/1.0", get(token=token, host="").replace(b"HTTP/1.1", b"HTTP/1.0"), (400, 421))
    yield Row("E2.10 a target that differs from Host",
              request("GET", "http://evil.example/v1/connections", port, token), (400,))
    for origin in ("null", f"http://127.0.0.1:{port + 1}", "http://evil.example", f"https://127.0.0.1:{port}", "",
                   f"http://localhost:{port}", f"http://127.0.0.1:{port}.evil.example"):
        yield Row(f"E2.{12 if origin == 'null' else 13} the origin {origin!r}",
                  get(token=token, headers=[f"Origin: {origin}"]), (403,))
    yield Row("E2.12 our own origin", get(token=token, headers=[f"Origin: http://127.0.0.1:{port}"]), (200,))
    for site in ("cross-site", "same-site", "x"):
        yield Row(f"E2.14 sent by a page: {site}", get(token=token, headers=[f"Sec-Fetch-Site: {site}"]), (403,))
    yield Row("E2.15 a form that carries JSON",
              request("POST", "/v1/syncs", port, token, b'{"provider":"a","connection":"="}', kind="text/plain"), (415,))
    yield Row("E2.16 a cookie instead of a token", get(headers=[f"Cookie: token={token}", f"Cookie: token={token}"]),
              (401,))
    yield Row("E2.18 a preflight", request("OPTIONS", "/v1/connections", port, headers=[
        "Origin: http://evil.example", "Access-Control-Request-Method: GET"]), (403,))
    yield Row("E2.18 OPTIONS", request("OPTIONS", "/v1/connections", port, token), (405,))
    yield Row("E2.21 a cookie of 8 KiB", get(token=token, headers=["Cookie: a=" + "b" * 8192]), (431,))
    yield Row("E2.22 another method in a header", get(token=token, headers=["X-HTTP-Method-Override: DELETE"]), (200,))
    yield Row("E2.23 forged forwarding", get(token=token, host="evil.example", headers=[
        f"X-Forwarded-Host: 127.0.0.1:{port}", "X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1"]), (421,))


def inputs(port, token):
    """E2: what somebody with a token may get wrong."""
    customers = itertools.count()  # rows are sent at once, and two Saves of one customer would meet

    def here(provider="teamleader"):
        return f"/v1/customers/{next(customers)}/providers/{provider}"

    for target, status in (("/v1/%2e%2e/v1/apps", 400), ("/v1/../v1/apps", 400), ("//v1/apps", 404), ("/v1//apps", 404),
                           ("/v1/apps;x", 404), ("/v1/apps%00", 400), ("/v1/%c0%afapps", 400), ("/v1/apps%2f", 400),
                           ("/v1/customers//providers/teamleader", 404), ("/v1/connections/teamleader/-1", 404),
                           ("/v1/connections/teamleader/9223372036854775808", 404),
                           ("/v1/connections/teamleader/1%20OR%201=1", 404), ("/v1/tokens", 404)):
        yield Row(f"E2.24 the path {target}", request("GET", target, port, token), (status,))
    for made_up in ("-1", str(2**63), "1%20OR%201=1"):
        yield Row(f"E2.25 the id {made_up}", request("DELETE", f"/v1/connections/teamleader/x/links/{made_up}", port, token),
                  (404,))
        yield Row(f"E2.25 the page after {made_up}",
                  request("GET", f"/v1/connections/teamleader/x?after_generation={made_up}", port, token), (404,))
    for value in ("0", "-1", "1000000000", "x", "1x", "99999999999999999999"):
        yield Row(f"E2.35 a page of {value}", request("GET", f"/v1/syncs?limit={value}", port, token), (400,))
    good = {"client_id": "a", "client_secret": "b"}
    bodies = {"E2.26 an unknown member": {**good, "clientid": "x"}, "E2.27 a number for a text": {**good, "client_id": 1},
              "E2.27 a list for a text": {**good, "code": ["x"]}, "E2.27 an object of numbers": {**good, "settings": {"a": 1}},
              "E2.27 a text for an object": {**good, "settings": "x"}, "E2.28 an empty text": {**good, "client_id": ""},
              "E2.28 another version": {**good, "version": "V3"},
              "E2.30 a NUL": {**good, "client_id": "a\0b"}, "E2.30 a line end": {**good, "client_secret": "a\r\nb"},
              "E2.30 a long one": {**good, "client_id": "a" * 513},
              **{f"E2.31 the address {uri}": {**good, "redirect_uri": uri} for uri in
                 ("javascript:alert(1)", "file:///etc/passwd", "http://evil.example/", "/relative", "https://a#b")},
              "E2.33 an address with a user": {**good, "redirect_uri": "https://user@evil.example/"}}
    # It is sent to browsers and never fetched; in the clear it may lead to this machine alone.
    for uri in ("http://169.254.169.254/", "http://[::ffff:127.0.0.1]/", "http://0x7f.1/", "http://2130706433/"):
        bodies[f"E2.32 the address {uri}"] = {**good, "redirect_uri": uri}
    bodies["E2.41 ANSI codes"] = {**good, "client_id": "\x1b[31mred"}
    for name, body in bodies.items():
        yield Row(name, request("PUT", here(), port, token, json.dumps(body).encode()), (400,))
    yield Row("E2.29 a key twice", request("PUT", here(), port, token, b'{"client_id":"a","client_id":"b"}'), (400,))
    yield Row("E2.28 no secret", request("PUT", here(), port, token, b'{"client_id":"a"}'), (422,))
    yield Row("E2.28 an unknown setting",
              request("PUT", here(), port, token, json.dumps({**good, "settings": {"x": "y"}}).encode()), (422,))
    yield Row("E2.28 an unknown provider",
              request("PUT", here("nobody"), port, token, json.dumps(good).encode()), (422,))
    yield Row("E2.30 an id of 1,000 characters", request("PUT", f"/v1/customers/{'a' * 1000}/providers/teamleader", port,
                                                        token, json.dumps(good).encode()), (400,))
    for name in ("a" * (1 << 20), "\u202egnp.exe", "<script>", "a\0b", "-a", "A"):
        body = json.dumps({"provider": "teamleader", "name": name, **good}).encode()
        yield Row(f"E2.30 a name of {len(name)}", request("POST", "/v1/apps", port, token, body), (400, 413))
    yield Row("E2.44 half a body", request("PUT", here(), port, token, json.dumps(good).encode(), length=400), (0, 400),
              close=True)


def rows(port, token, revoked):
    return [*framings(port, token), *strangers(port, token, revoked), *inputs(port, token)]


def send(address, row):
    with socket.create_connection(address, timeout=30) as peer:
        text = b""
        try:
            peer.sendall(row.sent)
            for byte in row.drip:
                time.sleep(1)
                peer.sendall(bytes([byte]))
            if row.close:
                peer.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it was refused before all of it was there
        try:
            while more := peer.recv(65536):
                text += more
        except ConnectionResetError:
            pass
    if text.startswith(b"HTTP/1.1 100"):
        text = text.split(b"\r\n\r\n", 1)[1]
    return row, int(text.split(b" ", 2)[1]) if text else 0, text.decode()


def send_all(address, all_rows):
    """Several at once, fewer than a listener takes from one address; the slow ones first."""
    ordered = sorted(all_rows, key=lambda row: -len(row.drip))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda row: send(address, row), ordered))
