#!/usr/bin/env bash
# One expects: a span with two links sends both; a link is a trace id and a span id, and OpenTelemetry lets one span be
# linked twice with different attributes.
# What happens: ddtrace 4.16.0 (Python) keeps links by span id alone: a second link with the span id of a first one replaces
# it without a word, also if its trace is another one.
# Seen: 2026-11-29. Needs Python 3 with venv, and PyPI.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check ddtrace==4.16.0 msgpack==1.1.2
cat > program.py <<'PYTHON'
import http.server
import os
import threading

import msgpack

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

from ddtrace.trace import tracer  # noqa: E402: reads the environment

span = tracer.start_span("one")
span.set_link(trace_id=1, span_id=9, attributes={"reason": "first"})
span.set_link(trace_id=2, span_id=9, attributes={"reason": "second"})
span.set_link(trace_id=2, span_id=10, attributes={"reason": "third"})
span.finish()
tracer.flush()
for path, body in bodies:
    if path == "/v0.4/traces":
        links = msgpack.unpackb(body)[0][0]["span_links"]
        print("links sent:", [(link["trace_id"], link["span_id"], link["attributes"]["reason"]) for link in links])
PYTHON
DD_TRACE_API_VERSION=v0.4 DD_INSTRUMENTATION_TELEMETRY_ENABLED=false DD_REMOTE_CONFIGURATION_ENABLED=false \
    DD_TRACE_STATS_COMPUTATION_ENABLED=false timeout -s KILL 60 venv/bin/python program.py | tee seen.txt
# Seen:
grep -qx "links sent: \[(2, 9, 'second'), (2, 10, 'third')\]" seen.txt
echo "As described: of three links two are sent."
