# SPDX-License-Identifier: Apache-2.0
"""The simulators' webhook calls over real sockets: what a test of Koppel relies on when it orders them."""

import http.server
import json
import os
import shutil
import ssl
import tempfile
import threading
import time
import unittest

from provider import Browser, Simulator, wait_until

BACK = "https://app.testocloud.be/"


class Receiver(http.server.ThreadingHTTPServer):
    """Takes calls on the loopback and keeps them; while `busy`, it does not answer."""

    daemon_threads = True

    def __init__(self, certificate=None):
        super().__init__(("127.0.0.1", 0), Reception)
        self.calls, self.busy = [], threading.Event()
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """A caller that hangs up is no error of ours."""

    def url(self, path, scheme="http", host="127.0.0.1"):
        return f"{scheme}://{host}:{self.server_port}{path}"


class Reception(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.calls.append((self.path, dict(self.headers), body))
        while self.server.busy.is_set():
            time.sleep(0.02)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class SimulatedWebhooks(unittest.TestCase):
    build = os.environ["KOPPEL_BUILD"]

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="koppel-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.sim = Simulator(os.path.join(self.build, "bin", "koppel-provider-sim"), self.folder)
        self.addCleanup(self.sim.stop)
        client = self.sim.client()
        code = self.sim.post("/codes", {"client_id": client["client_id"], "redirect_uri": BACK})["code"]
        self.api = Browser(self.sim.routes)
        self.token = self.api.post("https://focus.teamleader.eu/oauth2/access_token",
                                   {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK,
                                    "client_id": client["client_id"],
                                    "client_secret": client["client_secret"]})["access_token"]

    def call(self, action, body):
        return self.api.exchange("POST", f"https://api.focus.teamleader.eu/{action}", json.dumps(body),
                                 {"Authorization": "Bearer " + self.token, "Content-Type": "application/json"})[0]

    def register(self, url):
        self.assertEqual(self.call("webhooks.register", {"url": url, "types": ["company.updated"]}), 204)

    def receiver(self, certificate=None):
        made = Receiver(certificate)
        self.addCleanup(made.server_close)
        self.addCleanup(made.shutdown)
        self.addCleanup(made.busy.clear)
        return made

    def change(self, count=1):
        return self.sim.post("/records/change", {"entity": "company", "count": count})["ids"]

    def test_calls_arrive_as_documented_and_are_timed(self):
        there = self.receiver()
        self.register(there.url("/hooks/secret?a=b"))
        before = time.time_ns() // 1000
        ids = self.change(40)
        self.sim.wait_delivered()
        self.assertEqual(len(there.calls), 40)
        path, headers, body = next(c for c in there.calls if ids[0].encode() in c[2])
        self.assertEqual(path, "/hooks/secret?a=b")
        self.assertEqual(body, b'{"type":"company.updated","subject":{"type":"company","id":"%s"}}' % ids[0].encode())
        self.assertEqual((headers["Content-Type"], headers["Content-Length"]), ("application/json", str(len(body))))
        self.assertNotIn("Authorization", headers)
        attempts = self.sim.attempts()
        self.assertEqual(sorted(i for a in attempts for i in a["ids"]), sorted(ids))
        now = time.time_ns() // 1000
        for one in attempts:
            self.assertTrue(before <= one["sent_us"] <= one["answered_us"] <= now, one)

    def test_https_is_called_where_it_is_trusted_and_strangers_never(self):
        certificate = [os.path.join(self.folder, name) for name in ("leaf.pem", "leaf.key")]
        there = self.receiver(certificate)
        trusted, unnamed = "https://focus.teamleader.eu/in", there.url("/other-name", "https")
        route = {"host": "focus.teamleader.eu", "address": f"127.0.0.1:{there.server_port}"}
        self.sim.post("/webhooks/routes", {**route, "ca_file": self.sim.ca_file})
        distrusted = "https://api.focus.teamleader.eu/no-ca"
        self.sim.post("/webhooks/routes", {**route, "host": "api.focus.teamleader.eu"})
        stranger = "https://koppel.example/in"
        for url in (trusted, unnamed, distrusted, stranger):
            self.register(url)
        self.change()
        self.sim.wait_delivered()
        self.assertEqual([path for path, _, _ in there.calls], ["/in"])
        self.assertEqual(there.calls[0][1]["Host"], "focus.teamleader.eu")
        results = {a["url"]: (a["status"], a["problem"]) for a in self.sim.attempts()}
        self.assertEqual(results[trusted], (204, ""))
        for url in (unnamed, distrusted):
            self.assertIn("certificate verify failed", results[url][1])
        self.assertEqual(results[stranger], (0, "not on this machine, and no route to it"))
        with self.assertRaisesRegex(RuntimeError, "400"):
            self.sim.post("/webhooks/routes", {"host": "x", "address": "192.0.2.1:443"})

    def test_a_receiver_that_hangs_holds_up_nobody(self):
        slow, quick = self.receiver(), self.receiver()
        self.register(slow.url("/slow"))
        self.register(quick.url("/quick"))
        slow.busy.set()
        self.change(5)
        wait_until("the calls that hang", lambda: len(slow.calls) == 5)
        wait_until("the others' calls", lambda: len(quick.calls) == 5, 3)
        for _ in range(20):
            self.assertEqual(self.call("companies.list", {}), 200)
        times = self.sim.get("/requests/times?path=companies.list")
        self.assertEqual(times["count"], 20)
        self.assertLess(times["duration_us"]["p95"], 1_000_000)
        self.assertGreaterEqual(times["duration_us"]["p95"], times["work_us"]["p50"])
        slow.busy.clear()
        self.sim.wait_delivered()
        self.assertEqual(self.sim.get("/webhooks")["counts"]["taken"], 10)

    def test_a_receiver_that_comes_back_is_called_again_by_the_simulators_clock(self):
        there = self.receiver()
        self.register(there.url("/in"))
        self.sim.post("/knobs", {"webhook_retries": 3, "webhook_retry_pause_ms": 3_600_000, "webhook_patience_ms": 100})
        there.busy.set()
        self.change()
        wait_until("the first attempt", lambda: self.sim.attempts())
        self.assertEqual(self.sim.attempts()[0]["status"], 0)
        there.busy.clear()
        self.sim.post("/clock", {"advance_seconds": 3600})
        self.sim.wait_delivered(5)
        self.assertEqual([(a["attempt"], a["status"]) for a in self.sim.attempts()], [(1, 0), (2, 204)])

    def test_a_flood_comes_at_its_pace_and_is_counted(self):
        there = self.receiver()
        self.register(there.url("/in"))
        begun = time.monotonic()
        self.assertEqual(self.sim.post("/webhooks/flood", {"entity": "company", "count": 300,
                                                            "per_second": 300})["sent"], 300)
        self.sim.wait_delivered()
        self.assertGreater(time.monotonic() - begun, 0.9)
        self.assertEqual(len(there.calls), 300)
        counts = self.sim.get("/webhooks")["counts"]
        self.assertEqual((counts["made"], counts["attempts"], counts["taken"]), (0, 300, 300))
