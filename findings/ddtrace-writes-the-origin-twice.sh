#!/usr/bin/env bash
# One expects: a key occurs once in the tags of a span.
# What happens: ddtrace 4.16.0 (Python), with DD_TRACE_API_VERSION=v0.4, writes `_dd.origin` twice into `meta` of the
# first span of a chunk, if the trace came in with `x-datadog-origin`. A decoder that refuses a repeated key refuses the
# payload.
# Seen: 2026-11-29. Needs Python 3 with venv, and PyPI.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check ddtrace==4.16.0
cat > program.py <<'PYTHON'
import http.server
import os
import threading

bodies = []


class Agent(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_PUT(self):
        bodies.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_POST = do_PUT


agent = http.server.HTTPServer(("127.0.0.1", 0), Agent)
threading.Thread(target=agent.serve_forever, daemon=True).start()
os.environ["DD_TRACE_AGENT_URL"] = f"http://127.0.0.1:{agent.server_port}"

from ddtrace.propagation.http import HTTPPropagator  # noqa: E402: reads the environment
from ddtrace.trace import tracer  # noqa: E402

headers = {"x-datadog-trace-id": "1", "x-datadog-parent-id": "2", "x-datadog-origin": "synthetics"}
tracer.start_span("one", child_of=HTTPPropagator.extract(headers)).finish()
tracer.flush()
for path, body in bodies:
    if path == "/v0.4/traces":
        print(f"{path}: one span, `_dd.origin` {body.count(b'_dd.origin')} times")
PYTHON
DD_TRACE_API_VERSION=v0.4 DD_INSTRUMENTATION_TELEMETRY_ENABLED=false DD_REMOTE_CONFIGURATION_ENABLED=false \
    DD_TRACE_STATS_COMPUTATION_ENABLED=false timeout -s KILL 60 venv/bin/python program.py | tee seen.txt
# Seen:
grep -qx '/v0.4/traces: one span, `_dd.origin` 2 times' seen.txt
echo "As described: one span has the key twice."
