"""The remote side of a flare: an Agent in front of ddapm-test-agent that can be planted with a fault, and the
configurations that ask a tracer for a flare."""

import base64
import hashlib
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import logs
import tracers

TEST_AGENT = "1.69.1"
TRACES = ("/v0.3/traces", "/v0.4/traces", "/v0.5/traces", "/v1.0/traces")
LEVEL = "datadog/2/AGENT_CONFIG/flare-log-level.debug/config"
ORDER = "datadog/2/AGENT_CONFIG/configuration_order/config"
TASK = "datadog/2/AGENT_TASK/task/config"
LEVELS = ["trace", "debug", "info", "warn", "error", "critical", "off"]


class TestAgent:
    """ddapm-test-agent at a free port."""

    def __init__(self, program, place):
        self.port = free_port()
        self.log = (place / "agent.log").open("wb")
        words = [program, "--port", self.port, "--otlp-http-port", free_port(), "--otlp-grpc-port", free_port()]
        environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(place), "ENABLED_CHECKS": ""}
        self.process = subprocess.Popen(
            [str(word) for word in words], cwd=place, env=environment, stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        until(30, "the test agent", lambda: self.get("/info"))

    def request(self, method, path, body=None):
        url = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(urllib.request.Request(url, body, method=method), timeout=10) as answer:
            return answer.read()

    def get(self, path):
        try:
            return json.loads(self.request("GET", path))
        except OSError:
            return None

    def offer(self, configs, version):
        """Has it answer requests for configuration with these: contents by path."""
        files = {path: json.dumps(content).encode() for path, content in configs.items()}
        targets = {
            path: {"custom": {"v": version, "c": []}, "hashes": {"sha256": hashlib.sha256(raw).hexdigest()}, "length": len(raw)}
            for path, raw in files.items()
        }
        # The library of ddtrace 4 ignores an answer without these members, and reports no error.
        common = {"spec_version": "1.0.0", "expires": "2040-01-01T00:00:00Z"}
        signed = {"_type": "targets", "version": version, "custom": {"opaque_backend_state": ""}, "targets": targets}
        root = {"_type": "root", "version": 2, "consistent_snapshot": True, "keys": {}, "roles": {}}
        text = lambda raw: base64.b64encode(raw).decode()  # noqa: E731
        of = lambda part: text(json.dumps({"signatures": [{"keyid": "", "sig": ""}], "signed": part | common}).encode())  # noqa: E731
        answer = {
            "roots": [of(root)],
            "targets": of(signed),
            "target_files": [{"path": path, "raw": text(raw)} for path, raw in files.items()],
            "client_configs": list(files),
        }
        self.request("POST", "/test/session/responses/config", json.dumps(answer).encode())

    def asked(self):
        """The requests for configuration, as objects."""
        requests = self.get("/test/session/requests") or []
        bodies = [base64.b64decode(one["body"]) for one in requests if one["url"].endswith("/v0.7/config")]
        return [json.loads(body) for body in bodies if body]

    def flares(self):
        return self.get("/test/session/tracerflares") or []

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


class Front:
    """Passes requests on to the test agent. `traces` is the status with which it answers traces itself; None passes
    them on. It can be closed and opened again at the same port."""

    def __init__(self, behind, traces=None):
        self.behind, self.traces = behind, traces
        self.port = free_port()
        self.server = None
        self.open()

    def open(self):
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def any_method(self):
                body = self.body()
                if self.path.split("?")[0] in TRACES and front.traces:
                    return self.reply(front.traces, [("Content-Type", "text/plain")], b"")
                onward = http.client.HTTPConnection("127.0.0.1", front.behind, timeout=30)
                try:
                    headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "transfer-encoding", "connection")}
                    onward.request(self.command, self.path, body, headers)
                    answer = onward.getresponse()
                    keep = [(k, v) for k, v in answer.getheaders() if k.lower() not in ("content-length", "transfer-encoding", "connection")]
                    self.reply(answer.status, keep, answer.read())
                finally:
                    onward.close()

            do_GET = do_POST = do_PUT = any_method

            def body(self):
                if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
                    parts = []
                    while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
                        parts.append(self.rfile.read(size))
                        self.rfile.readline()
                    self.rfile.readline()
                    return b"".join(parts)
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))

            def reply(self, status, headers, body):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                if front.server is None:
                    self.send_header("Connection", "close")
                    self.close_connection = True
                self.end_headers()
                self.wfile.write(body)

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False
            allow_reuse_address = True
            connections = []

            def get_request(self):
                request = super().get_request()
                self.connections.append(request[0])
                return request

            def handle_error(self, *_):
                """A connection that the fault has cut is no error of ours."""

        Server.connections = []
        self.server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        server, self.server = self.server, None
        if server is None:
            return
        server.shutdown()
        server.server_close()
        for connection in server.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def until(seconds, what, is_it):
    """What `is_it` returns, as soon as it is true."""
    end = time.monotonic() + seconds
    while not (value := is_it()):
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not come within {seconds} s")
        time.sleep(0.1)
    return value


def level():
    order = {"order": [], "internal_order": [f"flare-log-level.{name}" for name in LEVELS]}
    return {ORDER: order, LEVEL: {"name": "flare-log-level.debug", "config": {"log_level": "debug"}}}


def task():
    args = {"case_id": "12345", "hostname": "shop-7f9c", "user_handle": "user@example.com"}
    return {TASK: {"task_type": "tracer_flare", "uuid": "0b8f6f2e-52c1-4f43-9c2a-6e4f4f0a7d11", "args": args}}


def is_held(agent, path):
    """Whether a tracer has acknowledged the configuration."""
    identity = path.split("/")[3]
    for request in agent.asked()[-4:]:
        for state in request["client"]["state"].get("config_states") or []:
            if state["id"] == identity and state["apply_state"] == 2:
                return True
    return False


def program(root):
    """The test agent that `tests/run` has installed, else one of our own."""
    there = Path(__file__).resolve().parents[2] / "target/venv/bin/ddapm-test-agent"
    ours = root / "test-agent/bin/ddapm-test-agent"
    if not there.exists() and not ours.exists():
        tracers.run([sys.executable, "-m", "venv", root / "test-agent"])
        tracers.run([root / "test-agent/bin/python", "-m", "pip", "install", "--quiet", f"ddapm-test-agent=={TEST_AGENT}"])
    return there if there.exists() else ours


# ---- What is stored ----

# The members of Java's settings, and of Python's, that stay.
JAVA = ["apiKey", "site", "hostName", "serviceName", "writerType", "agentUrl", "agentHost", "agentPort"]
JAVA += ["agentUnixDomainSocket", "tags", "spanTags", "remoteConfigEnabled", "logLevel", "debugEnabled", "triageEnabled"]
PYTHON = ["_debug_mode", "_remote_config_enabled", "_trace_agent_url", "env", "service", "_inferred_base_service", "version"]
OTHERS_MAX = 12
SAME_MAX = 5


def stored(name, text, run):
    """A file as it is stored: small, and without names of this machine."""
    base = name.rsplit("/", 1)[-1]
    if base == "initial_config.txt":
        return logs.clean(java_config(text), run) + "\n"
    if base.startswith("tracer_config_"):
        configs = json.loads(text)["configs"]
        kept = {"_config": {"_tracing_enabled": configs["_config"]["_tracing_enabled"]}}
        kept |= {key: configs[key] for key in PYTHON}
        return logs.clean(json.dumps({"configs": kept}, indent=4), run)
    if base in ("tracer_info.txt", "tracer_health.txt"):
        return "\n".join(logs.clean(line, run) for line in text.splitlines()) + "\n"
    if base == "tracer_logs.txt" or base.endswith(".log"):
        return logs.shorten(text, run, SAME_MAX)
    lines = [logs.clean(line, run)[:300] for line in text.splitlines()[:OTHERS_MAX]]
    return "\n".join(lines) + "\n" if lines else ""


def java_config(text):
    def member(name):
        found = re.search(rf"[, ]({name}=('[^']*'|\{{[^}}]*\}}|\[[^]]*\]|[^,}}]*))", text)
        return found.group(1) if found else f"{name}=null"

    inner = ", ".join(member(name) for name in ("traceEnabled", "telemetryEnabled"))
    return f"Config{{instrumenterConfig=InstrumenterConfig{{{inner}}}, {', '.join(member(name) for name in JAVA)}}}"
